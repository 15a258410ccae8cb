"""The settings that A1111 keeps in config.json: the whole table, and where their values are kept.

Which fields of a request they become is here, too; what a single setting is: `jobs/option.py`.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from jobs import compute_options, page_options, picture_options
from jobs.option import Guard, Option, OptionError, OptionValue
from pipelines.request import StepSemantics

__all__ = [
    "OPTIONS",
    "Guard",
    "Option",
    "OptionChange",
    "OptionError",
    "OptionStore",
    "coerce_all",
    "find_option",
    "remarks",
    "request_defaults",
]

_log = logging.getLogger("overpaint.options")

FILE_NAME: Final = "config.json"

_SECTIONS: Final = (
    ("Saving images", page_options.SAVING),
    ("Folders", page_options.FOLDERS),
    ("Stable Diffusion", picture_options.STABLE_DIFFUSION),
    ("img2img", picture_options.IMG2IMG),
    ("Sampler parameters", picture_options.SAMPLER_PARAMETERS),
    ("Optimisation", compute_options.OPTIMISATION),
    ("Compatibility", compute_options.COMPATIBILITY),
    ("Faces and upscaling", compute_options.FACES),
    ("Page", page_options.PAGE),
    ("Infotext", page_options.INFOTEXT),
    ("Live previews", page_options.PREVIEWS),
    ("Interrogate", page_options.INTERROGATION),
    ("API", page_options.API),
)

OPTIONS: Final[tuple[Option, ...]] = tuple(
    replace(option, section=title) for title, section in _SECTIONS for option in section
)
"""Every setting, in the order of the settings page."""

_BY_KEY: Final[Mapping[str, Option]] = {option.key: option for option in OPTIONS}


class OptionChange(NamedTuple):
    """What became of a wish to change settings."""

    changed: dict[str, Any]
    """New values by key."""
    ignored: dict[str, str]
    """Why a key was left alone, by key."""


def find_option(key: str) -> Option | None:
    """The setting of this name, or None."""
    return _BY_KEY.get(key)


def coerce_all(changes: Mapping[str, Any]) -> OptionChange:
    """Read values as `Option.coerce` does and sort out unknown keys; nothing is kept.

    Raises OptionError for the first value that its setting cannot have.
    """
    read: dict[str, Any] = {}
    unknown: dict[str, str] = {}
    for key, value in changes.items():
        option = find_option(key)
        if option is None:
            unknown[key] = f"{key!r:.60} is not a known setting"
        else:
            read[key] = option.coerce(value)
    return OptionChange(read, unknown)


def remarks(values: Mapping[str, Any]) -> list[str]:
    """A sentence for each of these values (already coerced) that changes nothing yet."""
    said = (_BY_KEY[key].remark(value) for key, value in values.items() if key in _BY_KEY)
    return [sentence for sentence in said if sentence]


def request_defaults(options: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as fields of Img2ImgRequest, nested as there (`{"tuning": {"rho": ...}}`).

    `options` is what `OptionStore.all()` returns, with or without overrides; keys that are absent
    stand at their default.
    """
    fields: dict[str, Any] = {}
    for option in OPTIONS:
        if option.target is None:
            continue
        value: Any = options.get(option.key, option.default)
        if option.key == "img2img_fix_steps":
            value = StepSemantics.EXACT if value else StepSemantics.A1111
        *parents, name = option.target.split(".")
        place = fields
        for parent in parents:
            place = place.setdefault(parent, {})
        place[name] = value
    return fields


class OptionStore:
    """The values of all settings, in `<data_dir>/config.json`. Safe from any thread.

    Keys of that file that are unknown here stay in it, so that a file that came from A1111 can go
    back there.
    """

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._lock = threading.Lock()
        self._foreign: dict[str, Any] = {}
        self._kept: dict[str, OptionValue] = {}
        self._passing: dict[str, OptionValue] = {}
        self._load()

    def get(self, key: str) -> Any:
        """The value of one setting, in the type of its default. Raises KeyError if unknown."""
        option = _BY_KEY[key]
        with self._lock:
            return self._passing.get(key, self._kept.get(key, option.default))

    def all(self) -> dict[str, Any]:
        """All settings by key, as JSON values."""
        with self._lock:
            return {option.key: _json(self._value(option)) for option in OPTIONS}

    def set_many(
        self,
        changes: Mapping[str, Any],
        *,
        keep: bool = True,
        may: Iterable[Guard] = (Guard.OPEN,),
    ) -> OptionChange:
        """Change settings, all or none; `keep=False` changes them until the next start only.

        Settings whose guard is not in `may` are left alone. A wish for the present value is neither
        a change nor ignored. Raises OptionError when a value cannot be, OSError when the file
        cannot be written.
        """
        read, ignored = coerce_all(changes)
        allowed = frozenset(may)
        with self._lock:
            changed: dict[str, Any] = {}
            for key, value in read.items():
                option = _BY_KEY[key]
                if value == self._value(option):
                    continue
                if option.guard in allowed:
                    changed[key] = value
                else:
                    ignored[key] = f"the setting {key} can only be changed in {FILE_NAME}"
            if changed:
                self._apply(changed, keep)
        for sentence in (*ignored.values(), *remarks(changed)):
            _log.warning("%s", sentence)
        return OptionChange(changed, ignored)

    def _value(self, option: Option) -> OptionValue:
        return self._passing.get(option.key, self._kept.get(option.key, option.default))

    def _apply(self, changed: Mapping[str, OptionValue], keep: bool) -> None:
        if not keep:
            self._passing.update(changed)
            return
        kept = self._kept | dict(changed)
        self._write(self._foreign | {key: _json(value) for key, value in kept.items()})
        self._kept = kept
        for key in changed:
            self._passing.pop(key, None)
            self._foreign.pop(key, None)

    def _load(self) -> None:
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(stored, dict):
                raise ValueError("it holds no JSON object")
        except FileNotFoundError:
            return
        except ValueError as error:
            damaged = self._path.with_suffix(".json.damaged")
            self._path.replace(damaged)
            _log.error("%s is damaged (%s); it is now %s", FILE_NAME, error, damaged.name)
            return
        for key, value in stored.items():
            self._take(key, value)

    def _take(self, key: str, value: Any) -> None:
        option = find_option(key)
        try:
            if option is not None and option.guard is not Guard.DERIVED:
                self._kept[key] = option.coerce(value)
                return
        except OptionError as error:
            _log.warning("%s: %s; its default is used", FILE_NAME, error)
        self._foreign[key] = value

    def _write(self, values: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(values, indent=4, ensure_ascii=False)
        handle, temporary = tempfile.mkstemp(dir=self._path.parent, suffix=".json")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self._path)
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise


def _json(value: OptionValue) -> Any:
    return list(value) if isinstance(value, tuple) else value
