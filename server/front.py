"""The one wrapper around our FastAPI app: every request passes these checks, in this order.

Prefix, timing, security headers, Host, CORS, Origin, body size, login and owner; the page itself is
packed last. All are plain ASGI middlewares: event streams and uploads pass through unbuffered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.types import ASGIApp

from server.access import Access, Doorman
from server.accounts import read_accounts
from server.addresses import machine_names
from server.cors import Cors, CorsPolicy
from server.gate import Gate
from server.headers import SecurityHeaders
from server.hosts import HostCheck, HostPolicy
from server.limits import BodyLimit
from server.origins import OriginCheck
from server.page_files import PackedPage
from server.sessions import Sessions, load_key
from server.subpath import Subpath
from server.throttle import Throttle
from server.timing import Timing
from settings import Settings

KEY_NAME = "session.key"
REVOKED_NAME = "revoked-sessions.json"


@dataclass(frozen=True)
class FrontPolicy:
    """Everything the front decides by.

    `max_body` is in bytes; `key` signs cookies; `revoked_file` keeps logouts over restarts (None:
    not kept); `subpath` is empty or `/prefix`; `api_log` gets one line for each API request.
    """

    hosts: HostPolicy
    cors: CorsPolicy
    access: Access
    key: bytes
    max_body: int
    revoked_file: Path | None = None
    subpath: str = ""
    api_log: Callable[[str], None] | None = None


def policy_for(settings: Settings, *, log: Callable[[str], None] | None = None) -> FrontPolicy:
    """The policy that the settings ask for; `log` is where --api-log writes.

    Makes the signing key in the data folder. Raises SettingsError if key or users are unusable.
    """
    key = load_key(settings.data_dir / KEY_NAME)
    names = set(settings.allowed_hosts)
    if settings.is_public:
        names |= machine_names() | {settings.server_name or "localhost"} - {"0.0.0.0", "::"}
    accounts = read_accounts(settings, key) if settings.has_users else None
    return FrontPolicy(
        hosts=HostPolicy.build(names, public=settings.is_public),
        cors=CorsPolicy.build(settings.cors_allow_origins, settings.cors_allow_origins_regex),
        access=Access(accounts, settings.token, settings.is_public),
        key=key,
        max_body=settings.max_upload_mb * 1024 * 1024,
        revoked_file=settings.data_dir / REVOKED_NAME,
        subpath=settings.subpath,
        api_log=log if settings.api_log else None,
    )


def protect(app: ASGIApp, policy: FrontPolicy) -> ASGIApp:
    """Wrap an app; inside, `server.identity.owner_of(request.scope)` tells whose a request is."""
    doorman = Doorman(policy.access, Sessions(policy.key, policy.revoked_file), Throttle())
    app = PackedPage(app)
    app = Gate(app, doorman)
    app = BodyLimit(app, policy.max_body)
    app = OriginCheck(app, policy.cors)
    app = Cors(app, policy.cors)
    app = HostCheck(app, policy.hosts)
    app = SecurityHeaders(app)
    app = Timing(app, policy.api_log)
    return Subpath(app, policy.subpath)
