"""How settings are declared and read from flags, environment and file; which: `settings.py`.

Flags of A1111 that have nothing to switch here are known by name, so that people's habitual command
lines keep working and say what became of each.
"""

from __future__ import annotations

import argparse
import difflib
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, NoReturn, get_origin

from pydantic import BaseModel, Field, JsonValue

ENV_PREFIX: Final = "OVERPAINT_"
CONFIG_NAME: Final = "overpaint.toml"

Kind = Literal["switch", "value", "list"]


class SettingsError(ValueError):
    """A setting that cannot be used; the message is a sentence for the person who typed it."""


@dataclass(frozen=True)
class Flag:
    """One setting as people write it: `--max-upload-mb`, `OVERPAINT_MAX_UPLOAD_MB`."""

    name: str
    group: str
    help: str
    default: Any
    kind: Kind
    secret: bool
    bare: str | None

    @property
    def option(self) -> str:
        """The flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def env(self) -> str:
        """The environment variable."""
        return ENV_PREFIX + self.name.upper()


class Note(NamedTuple):
    """A sentence for the console at start."""

    level: Literal["info", "warning"]
    text: str


class Parsed(NamedTuple):
    """What a command line said: raw values by setting name, and the flags that do nothing here."""

    values: dict[str, Any]
    ignored: tuple[str, ...]


class Layer(NamedTuple):
    """Raw values of one source by setting name; `label` tells a value's place in messages."""

    values: dict[str, Any]
    label: Callable[[Flag], str]


def declare(
    default: Any,
    group: str,
    text: str,
    *,
    secret: bool = False,
    bare: str | None = None,
    **limits: Any,
) -> Any:
    """Declare a setting as a pydantic field: default, group and one sentence of help.

    `secret` keeps the value out of messages, `repr` and the API; `bare` is the value of a list flag
    that is given without one; `limits` are pydantic's (`ge`, `le`).
    """
    extra: dict[str, JsonValue] = {"group": group, "secret": secret, "bare": bare}
    return Field(default, description=text, repr=not secret, json_schema_extra=extra, **limits)


def flags_of(model: type[BaseModel]) -> tuple[Flag, ...]:
    """The flags that a model's fields declare, in the order of declaration."""
    return tuple(_flag(name, model) for name in model.model_fields)


def _flag(name: str, model: type[BaseModel]) -> Flag:
    field = model.model_fields[name]
    extra = field.json_schema_extra
    if not isinstance(extra, dict) or field.description is None:
        raise TypeError(f"Setting {name!r} must be declared with flags.declare().")
    bare = extra["bare"]
    kind: Kind = "value"
    if field.annotation is bool:
        kind = "switch"
    elif get_origin(field.annotation) is tuple:
        kind = "list"
    return Flag(
        name=name,
        group=str(extra["group"]),
        help=field.description,
        default=field.default,
        kind=kind,
        secret=bool(extra["secret"]),
        bare=None if bare is None else str(bare),
    )


class _Parser(argparse.ArgumentParser):
    """argparse that raises `SettingsError` where the original prints usage and exits."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message.removeprefix('argument ')}. --help lists all flags.")


def build_parser(flags: Iterable[Flag]) -> argparse.ArgumentParser:
    """The parser for a table of flags; absent flags leave no trace in its result."""
    parser = _Parser(prog="overpaint", allow_abbrev=False, argument_default=argparse.SUPPRESS)
    groups: dict[str, argparse._ArgumentGroup] = {}
    for flag in flags:
        if flag.group not in groups:
            groups[flag.group] = parser.add_argument_group(flag.group)
        groups[flag.group].add_argument(flag.option, dest=flag.name, help=flag.help, **_form(flag))
    for option in ACCEPTED_WITHOUT_EFFECT:
        parser.add_argument(option, dest=option, nargs="*", help=argparse.SUPPRESS)
    return parser


def _form(flag: Flag) -> dict[str, Any]:
    if flag.kind == "switch":
        return {"nargs": "?", "const": "true", "metavar": "yes|no"}
    if flag.kind == "list":
        return {"action": "extend", "nargs": 1 if flag.bare is None else "*"}
    return {}


def parse_flags(flags: Sequence[Flag], argv: Sequence[str]) -> Parsed:
    """Read a command line.

    Raises SettingsError for an unknown flag (naming the nearest known one), a missing value, or a
    flag whose promise cannot be kept here.
    """
    for word in argv:
        reason = REFUSED.get(word.split("=", 1)[0])
        if reason is not None:
            raise SettingsError(f"{word.split('=', 1)[0]} is not supported: {reason}")
    found, unknown = build_parser(flags).parse_known_args(list(argv))
    if unknown:
        raise SettingsError(unknown_flag(unknown[0], [flag.option for flag in flags]))
    values = vars(found)
    ignored = tuple(name for name in values if name in ACCEPTED_WITHOUT_EFFECT)
    for flag in flags:
        if flag.bare is not None and values.get(flag.name) == []:
            values[flag.name] = [flag.bare]
    return Parsed({k: v for k, v in values.items() if k not in ignored}, ignored)


def unknown_flag(word: str, known: Iterable[str]) -> str:
    """The sentence for a word that is no flag; values behind `=` are not repeated."""
    name = word.split("=", 1)[0]
    if not name.startswith("-"):
        return f"{name!r} stands alone on the command line: flags begin with --."
    return f"{name} is not a flag of Overpaint{nearest(name, known)} --help lists all flags."


def nearest(name: str, known: Iterable[str]) -> str:
    """`; did you mean X?` with the most similar known name, or a full stop."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else "."


def read_environment(
    flags: Sequence[Flag], environ: Mapping[str, str]
) -> tuple[Layer, tuple[Note, ...]]:
    """Values of OVERPAINT_*; an empty variable counts as absent, an unknown one is remarked on."""
    known = {flag.env: flag.name for flag in flags}
    ours = {name: value for name, value in environ.items() if name.startswith(ENV_PREFIX) and value}
    notes = tuple(
        Note("warning", f"The environment variable {name} is no setting{nearest(name, known)}")
        for name in ours
        if name not in known
    )
    values = {known[name]: value for name, value in ours.items() if name in known}
    return Layer(values, lambda flag: flag.env), notes


def read_config(flags: Sequence[Flag], data_dir: Path, named: str | None) -> Layer:
    """The config file that was named, else overpaint.toml in the data folder if it is there.

    Keys are setting names, written with - or _. Raises SettingsError if a named file is missing, if
    the file is not TOML or sets something unknown.
    """
    path = Path(named or data_dir / CONFIG_NAME).expanduser()
    if not named and not path.is_file():
        return Layer({}, lambda flag: flag.name)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"The config file {path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"The config file {path} is not valid TOML: {error}.") from error
    known = {flag.name for flag in flags} - {"config"}
    values = {key.replace("-", "_"): value for key, value in raw.items()}
    for key in values:
        if key not in known:
            hint = nearest(key, sorted(known))
            raise SettingsError(f"The config file {path} sets {key!r}, which is no setting{hint}")
    return Layer(values, lambda flag: f"{flag.name} in {path}")


_ATTENTION = "attention always uses PyTorch's scaled dot product, which needs no flag."
_MEMORY = "device memory is managed without a flag."
_INSTALL = "dependencies are installed by webui.sh and never changed by the server."
_EXTENSIONS = "there are no extensions that install or run foreign code."
_TUNNEL = "Overpaint opens no tunnel to the internet; docs/security.md shows a reverse proxy."
_NANS = "the check for NaNs cannot be turned off."
_CONSOLE = "what the console shows is not configurable."
_QUEUE = "jobs run in Overpaint's own queue, never in Gradio's."
_FOLDERS = "these files are read from the A1111 sub-folder of --models-dir; link the folder there."
_FILES = "settings, styles and page state live below --data-dir."
_DOWNLOAD = "nothing is downloaded unless you ask for it on the page."
_PAGE = "the page needs no such switch."

ACCEPTED_WITHOUT_EFFECT: Final[dict[str, str]] = {
    "--xformers": _ATTENTION,
    "--force-enable-xformers": _ATTENTION,
    "--xformers-flash-attention": _ATTENTION,
    "--opt-sdp-attention": _ATTENTION,
    "--opt-sdp-no-mem-attention": _ATTENTION,
    "--opt-split-attention": _ATTENTION,
    "--opt-split-attention-v1": _ATTENTION,
    "--opt-split-attention-invokeai": _ATTENTION,
    "--opt-sub-quad-attention": _ATTENTION,
    "--sub-quad-q-chunk-size": _ATTENTION,
    "--sub-quad-kv-chunk-size": _ATTENTION,
    "--sub-quad-chunk-threshold": _ATTENTION,
    "--disable-opt-split-attention": _ATTENTION,
    "--opt-channelslast": _ATTENTION,
    "--medvram": _MEMORY,
    "--medvram-sdxl": _MEMORY,
    "--lowvram": _MEMORY,
    "--lowram": _MEMORY,
    "--always-batch-cond-uncond": _MEMORY,
    "--disable-model-loading-ram-optimization": _MEMORY,
    "--always-gpu": _MEMORY,
    "--cuda-malloc": _MEMORY,
    "--cuda-stream": _MEMORY,
    "--pin-shared-memory": _MEMORY,
    "--upcast-sampling": "the precision is chosen for each device.",
    "--use-ipex": "the device is found by PyTorch.",
    "--disable-nan-check": _NANS,
    "--skip-torch-cuda-test": "there is no such test: without a GPU the CPU is used.",
    "--skip-python-version-check": _INSTALL,
    "--skip-version-check": _INSTALL,
    "--skip-install": _INSTALL,
    "--skip-prepare-environment": _INSTALL,
    "--reinstall-torch": _INSTALL,
    "--reinstall-xformers": _INSTALL,
    "--update-check": _INSTALL,
    "--update-all-extensions": _EXTENSIONS,
    "--enable-insecure-extension-access": _EXTENSIONS,
    "--disable-extra-extensions": _EXTENSIONS,
    "--disable-all-extensions": _EXTENSIONS,
    "--allow-code": _EXTENSIONS,
    "--share": _TUNNEL,
    "--ngrok": _TUNNEL,
    "--ngrok-region": _TUNNEL,
    "--ngrok-options": _TUNNEL,
    "--disable-tls-verify": "the server never calls its own address.",
    "--no-gradio-queue": _QUEUE,
    "--gradio-debug": _CONSOLE,
    "--gradio-allowed-path": "pictures are served by Overpaint's own route, with an owner check.",
    "--gradio-inpaint-tool": _PAGE,
    "--gradio-img2img-tool": _PAGE,
    "--use-textbox-seed": _PAGE,
    "--no-progressbar-hiding": _PAGE,
    "--no-prompt-history": _PAGE,
    "--enable-console-prompts": _CONSOLE,
    "--disable-console-progressbars": _CONSOLE,
    "--log-startup": _CONSOLE,
    "--loglevel": _CONSOLE,
    "--embeddings-dir": _FOLDERS,
    "--embeddings-path": _FOLDERS,
    "--hypernetwork-dir": _FOLDERS,
    "--lora-dir": _FOLDERS,
    "--esrgan-models-path": _FOLDERS,
    "--clip-models-path": _FOLDERS,
    "--ui-settings-file": _FILES,
    "--ui-config-file": _FILES,
    "--styles-file": _FILES,
    "--no-download-sd-model": _DOWNLOAD,
    "--do-not-download-clip": _DOWNLOAD,
    "--deepdanbooru": "the DeepBooru interrogator is always there.",
    "--api-server-stop": "the server is stopped with Ctrl+C or by its supervisor.",
}
"""A1111 (and Forge) flags that are accepted and do nothing, with the reason that is printed."""

_LOCKDOWN = "it promises a lock that Overpaint does not have; only administrators change settings."

REFUSED: Final[dict[str, str]] = {
    "--freeze-settings": _LOCKDOWN,
    "--freeze-settings-in-sections": _LOCKDOWN,
    "--freeze-specific-settings": _LOCKDOWN,
    "--hide-ui-dir-config": _LOCKDOWN,
}
"""A1111 flags that would leave people less protected than they believe if they were ignored."""
