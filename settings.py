"""Every setting of the server, declared once, and how they are read at start.

Order of precedence: defaults < config file < environment < flags. The result is one frozen
`Settings`; how flags are spelled and parsed is in `flags.py`, what they mean for requests is in
`server/`. docs/flags.md lists them for people.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from flags import (
    ACCEPTED_WITHOUT_EFFECT,
    Flag,
    Layer,
    Note,
    SettingsError,
    declare,
    flags_of,
    parse_flags,
    read_config,
    read_environment,
)

API_ONLY_PORT = 7861
"""Default port with --nowebui, as in A1111 (api 6)."""

_NETWORK, _ACCESS, _API = "Network", "Access", "API and page"
_FILES, _MODELS, _DEVICE, _LIMITS = "Files", "Models", "Device", "Limits"

_ORIGIN = re.compile(r"https?://[^\s/?#@,*]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
_SUBPATH = re.compile(r"[A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*")


class Settings(BaseModel):
    """All settings of one server. Immutable; built by `load_settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    listen: bool = declare(
        False, _NETWORK, "Accept connections from other machines (bind 0.0.0.0)."
    )
    server_name: str | None = declare(
        None, _NETWORK, "Bind to this host name or address; it wins over --listen."
    )
    port: int = declare(
        7860,
        _NETWORK,
        "Port; the next free one if it is busy. 7861 with --nowebui.",
        ge=1,
        le=65535,
    )
    allowed_hosts: tuple[str, ...] = declare(
        (), _NETWORK, "Further host names, comma-separated, under which browsers may call us."
    )
    subpath: str = declare("", _NETWORK, "Path prefix under which a reverse proxy publishes us.")
    tls_keyfile: Path | None = declare(None, _NETWORK, "TLS private key; needs --tls-certfile.")
    tls_certfile: Path | None = declare(None, _NETWORK, "TLS certificate; needs --tls-keyfile.")
    timeout_keep_alive: int = declare(
        30, _NETWORK, "Seconds that an idle connection is kept open.", ge=1, le=3600
    )
    autolaunch: bool = declare(False, _NETWORK, "Open the page in the default browser at start.")

    no_auth: bool = declare(False, _ACCESS, "Ask nobody for a login or token, even on a network.")
    gradio_auth: tuple[str, ...] = declare(
        (), _ACCESS, "Users as name:password, comma-separated, repeatable.", secret=True
    )
    gradio_auth_path: Path | None = declare(
        None, _ACCESS, "File with name:password entries, one or more a line."
    )
    api_auth: tuple[str, ...] = declare(
        (), _ACCESS, "Further users; the same login serves page and API.", secret=True
    )
    admins: tuple[str, ...] = declare(
        (), _ACCESS, "Users who may change server settings; by default the first user named."
    )
    token: str = declare(
        "", _ACCESS, "Fixed access token; by default a new one is made at each start.", secret=True
    )
    cors_allow_origins: tuple[str, ...] = declare(
        (), _ACCESS, "Origins, comma-separated, whose pages may call the API; * allows all."
    )
    cors_allow_origins_regex: str | None = declare(
        None, _ACCESS, "Regular expression that must match a whole allowed origin."
    )

    api: bool = declare(False, _API, "Accepted for A1111 command lines: the API is always there.")
    no_api: bool = declare(False, _API, "Do not serve /sdapi.")
    nowebui: bool = declare(False, _API, "Serve the API only, without the page.")
    api_log: bool = declare(False, _API, "Print one line for each API request.")
    theme: Literal["light", "dark"] | None = declare(
        None, _API, "Colour theme, light or dark; by default the browser's."
    )

    config: Path | None = declare(
        None, _FILES, "Config file in TOML; by default overpaint.toml in the data folder, if any."
    )
    data_dir: Path = declare(Path("data"), _FILES, "Folder of the job store, settings, uploads.")
    output_dir: Path = declare(Path("outputs"), _FILES, "Folder of the finished pictures.")
    models_dir: Path = declare(
        Path("weights"), _FILES, "Folder of all weights, with A1111's sub-folders."
    )
    ckpt_dir: Path | None = declare(None, _FILES, "A second folder with checkpoints.")
    vae_dir: Path | None = declare(None, _FILES, "A second folder with VAEs.")
    folder_roots: tuple[Path, ...] = declare(
        (), _FILES, "Folders, comma-separated, below which the page may read and write files."
    )

    ckpt: str | None = declare(None, _MODELS, "Name or path of the checkpoint to start with.")
    skip_load_model_at_start: bool = declare(
        False, _MODELS, "Load the checkpoint with the first job instead of at start."
    )
    no_hashing: bool = declare(False, _MODELS, "Do not compute SHA-256 hashes of checkpoints.")
    disable_safe_unpickle: bool = declare(
        False, _MODELS, "DANGEROUS: a .ckpt or .pt file may then run any code on this machine."
    )

    device_id: tuple[int, ...] = declare(
        (), _DEVICE, "Numbers of the GPUs to use, comma-separated; by default all."
    )
    use_cpu: tuple[str, ...] = declare(
        (), _DEVICE, "Parts that run on the CPU, as in A1111: all, sd, interrogate.", bare="all"
    )
    no_half: bool = declare(False, _DEVICE, "Keep the denoiser in 32-bit floats.")
    no_half_vae: bool = declare(False, _DEVICE, "Keep the VAE in 32-bit floats.")
    precision: Literal["full", "autocast"] = declare(
        "autocast", _DEVICE, "full computes everything in 32-bit floats; autocast mixes."
    )

    max_upload_mb: int = declare(
        256, _LIMITS, "Largest request body in MiB; larger ones are refused unread.", ge=1
    )
    max_picture_mp: float = declare(
        64.0, _LIMITS, "Largest picture that is decoded, in megapixels.", gt=0, le=89
    )

    @field_validator(
        "allowed_hosts",
        "gradio_auth",
        "api_auth",
        "admins",
        "cors_allow_origins",
        "device_id",
        "use_cpu",
        "folder_roots",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        """Read `a,b`, `["a", "b"]` and `["a,b", "c"]` alike."""
        if isinstance(value, str | int):
            value = (value,)
        if not isinstance(value, list | tuple):
            return value
        parts = (part.strip().strip("\"'") for item in value for part in str(item).split(","))
        return tuple(part for part in parts if part)

    @field_validator("gradio_auth", "api_auth")
    @classmethod
    def _check_users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place, entry in enumerate(value, 1):
            name, colon, password = entry.partition(":")
            if not (name and colon and password):
                raise ValueError(
                    f"entry {place} is not of the form name:password "
                    "(neither part may be empty or hold a comma)"
                )
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not _HOST.fullmatch(host):
                raise ValueError(f"{host!r} must be a bare host name, without scheme or port")
        return tuple(host.lower() for host in value)

    @field_validator("cors_allow_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is no origin; write it as https://name[:port] or *")
        return tuple(origin.lower() for origin in value)

    @field_validator("cors_allow_origins_regex")
    @classmethod
    def _check_regex(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return value

    @field_validator("subpath")
    @classmethod
    def _check_subpath(cls, value: str) -> str:
        bare = value.strip("/")
        if bare and not _SUBPATH.fullmatch(bare):
            raise ValueError("only letters, digits and . _ ~ - between slashes")
        return f"/{bare}" if bare else ""

    @field_validator("*")
    @classmethod
    def _expand_home(cls, value: object) -> object:
        return value.expanduser() if isinstance(value, Path) else value

    @field_validator("folder_roots")
    @classmethod
    def _check_roots(cls, value: tuple[Path, ...]) -> tuple[Path, ...]:
        roots = tuple(root.expanduser() for root in value)
        for root in roots:
            if not root.is_dir():
                raise ValueError(f"{root} is no folder; make it first, or leave it out")
        return roots

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if (self.tls_keyfile is None) != (self.tls_certfile is None):
            raise ValueError("--tls-keyfile and --tls-certfile go together: give both or neither")
        if self.no_auth and (self.has_users or self.token):
            raise ValueError("--no-auth contradicts the users or the token that are also set")
        if self.no_api and self.nowebui:
            raise ValueError("--no-api together with --nowebui leaves nothing to serve")
        return self

    @property
    def bind_host(self) -> str:
        """The address to bind: --server-name, else every interface or only loopback."""
        return (self.server_name or ("0.0.0.0" if self.listen else "127.0.0.1")).strip("[]")

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach the server: directly, or through a proxy that is told.

        --allowed-hosts and --subpath say that a proxy or tunnel publishes a loopback address.
        """
        if self.allowed_hosts or self.subpath:
            return True
        if self.bind_host.lower() == "localhost":
            return False
        try:
            return not ipaddress.ip_address(self.bind_host).is_loopback
        except ValueError:
            return True

    @property
    def has_users(self) -> bool:
        """Whether user names and passwords are configured."""
        return bool(self.gradio_auth or self.api_auth or self.gradio_auth_path)

    @property
    def login(self) -> Literal["none", "token", "users"]:
        """What a visitor must show."""
        if self.has_users:
            return "users"
        return "token" if self.token else "none"

    @property
    def has_tls(self) -> bool:
        """Whether the server itself speaks https."""
        return self.tls_certfile is not None

    @property
    def checkpoint_dirs(self) -> tuple[Path, ...]:
        """Folders searched for checkpoints, in this order."""
        extra = () if self.ckpt_dir is None else (self.ckpt_dir,)
        return (self.models_dir / "Stable-diffusion", *extra)

    @property
    def vae_dirs(self) -> tuple[Path, ...]:
        """Folders searched for VAEs, in this order."""
        extra = () if self.vae_dir is None else (self.vae_dir,)
        return (self.models_dir / "VAE", *extra)

    @property
    def cpu_only(self) -> bool:
        """Whether pictures are made on the CPU although there may be a GPU."""
        return "all" in self.use_cpu or "sd" in self.use_cpu

    def public_values(self) -> dict[str, Any]:
        """All settings as JSON values, secrets as null: fit for `/sdapi/v1/cmd-flags` (S40)."""
        values = self.model_dump(mode="json")
        secret = {flag.name for flag in flags_of(type(self)) if flag.secret}
        return {name: None if name in secret else value for name, value in values.items()}


class Loaded(NamedTuple):
    """The settings of this start, and what has to be said about them on the console."""

    settings: Settings
    notes: tuple[Note, ...]


def load_settings(
    argv: Sequence[str],
    environ: Mapping[str, str],
    *,
    new_token: Callable[[], str] = lambda: secrets.token_urlsafe(24),
) -> Loaded:
    """Read all sources into one `Settings`.

    A server that other machines can reach gets a fresh access token unless it has users or
    --no-auth. Reads the config file and nothing else.

    Raises SettingsError for an unknown flag or key, a value out of range, contradictory settings.
    """
    flags = flags_of(Settings)
    parsed = parse_flags(flags, argv)
    from_env, notes = read_environment(flags, environ)
    named = {**from_env.values, **parsed.values}
    folder = Path(named.get("data_dir", Settings.model_fields["data_dir"].default))
    layers = (
        read_config(flags, folder, named.get("config")),
        from_env,
        Layer(parsed.values, lambda flag: flag.option),
    )
    settings = _build(flags, layers)
    if settings.is_public and settings.login == "none" and not settings.no_auth:
        settings = settings.model_copy(update={"token": new_token()})
    ignored = (
        Note("info", f"{o}: no effect, {ACCEPTED_WITHOUT_EFFECT[o]}") for o in parsed.ignored
    )
    return Loaded(settings, (*ignored, *notes, *_remarks(settings)))


def _build(flags: Sequence[Flag], layers: Sequence[Layer]) -> Settings:
    values: dict[str, Any] = {}
    places: dict[str, str] = {}
    for layer in layers:
        for flag in flags:
            if flag.name in layer.values:
                values[flag.name] = layer.values[flag.name]
                shown = "" if flag.secret else f" {layer.values[flag.name]!s:.80}"
                places[flag.name] = layer.label(flag) + shown
    try:
        settings = Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        place = places.get(str(first["loc"][0]), "") if first["loc"] else ""
        raise SettingsError(f"{place}: {message}." if place else f"{message}.") from None
    if settings.nowebui and "port" not in values:
        return settings.model_copy(update={"port": API_ONLY_PORT})
    return settings


def _remarks(settings: Settings) -> tuple[Note, ...]:
    """What people should know about the settings they chose."""
    said: tuple[tuple[bool, Literal["info", "warning"], str], ...] = (
        (
            settings.is_public and settings.no_auth,
            "warning",
            "--no-auth: ANYBODY who can reach this machine over the network may use the server, "
            "its GPU and its disk.",
        ),
        (
            settings.disable_safe_unpickle,
            "warning",
            "--disable-safe-unpickle: a .ckpt or .pt file MAY NOW RUN ANY CODE on this machine. "
            "Prefer .safetensors files and leave this flag out.",
        ),
        (
            "*" in settings.cors_allow_origins,
            "warning",
            "--cors-allow-origins=*: every web page that a user opens may send jobs to this "
            "server. Name the origins instead.",
        ),
        (
            settings.is_public and settings.has_users and not settings.has_tls,
            "info",
            "Passwords travel unencrypted without TLS: see docs/security.md.",
        ),
        (bool(settings.api_auth), "info", "--api-auth: the same login serves page and API."),
        (
            settings.has_users and bool(settings.token),
            "info",
            "The access token is not used: users log in with their passwords.",
        ),
        (settings.api, "info", "--api: no effect, the API is always there (see --no-api)."),
    )
    return tuple(Note(level, text) for applies, level, text in said if applies)
