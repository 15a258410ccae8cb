"""Owners of visitors without a user name: this machine's person, or one guest a browser (S43)."""

from __future__ import annotations

import secrets
from typing import Final, NamedTuple

from starlette.types import Scope

from server.access import Doorman, cookies_of
from server.addresses import is_loopback
from server.asgi import client_address, header, is_navigation
from server.cookies import set_cookie
from server.identity import LOCAL, Owner

OWNER: Final = "owner"
OWNER_LIFETIME: Final = 400 * 24 * 3600
"""Seconds; the longest that browsers keep a cookie. Renewed in the second half."""

_FORWARDED = (b"x-forwarded-for", b"forwarded", b"x-real-ip")


class Recognised(NamedTuple):
    """The owner of a request, and a cookie to set where the browser needs a new one."""

    owner: Owner
    cookie: bytes | None = None


def recognise(scope: Scope, subject: str, doorman: Doorman) -> Recognised:
    """The owner of a request that was let in as `subject`."""
    access = doorman.access
    if access.accounts is not None:
        return Recognised(Owner(subject, subject in access.accounts.admins))
    if access.is_open and not access.public:
        return Recognised(LOCAL)
    return _guest(scope, doorman)


def _guest(scope: Scope, doorman: Doorman) -> Recognised:
    """By cookie; a page that is opened without one gets one; other clients go by their address.

    API clients keep no cookies, and all calls of one belong together. The cookie is signed with the
    data folder's key only, so that a guest finds his pictures under the next access token.
    """
    sessions = doorman.sessions
    name = sessions.cookie_name(OWNER)
    known = sessions.read(cookies_of(scope).get(name), OWNER, lambda _: "")
    fresh = known is None or sessions.remaining(known) < OWNER_LIFETIME / 2
    if known is None and not is_navigation(scope):
        return Recognised(Owner(f"guest-{client_address(scope)}", _is_here(scope)))
    identity = secrets.token_hex(8) if known is None else known.subject
    owner = Owner(f"guest-{identity}", _is_here(scope))
    if not fresh or not is_navigation(scope):
        return Recognised(owner)
    value = sessions.issue(OWNER, identity, binding="", lifetime=OWNER_LIFETIME)
    return Recognised(owner, set_cookie(scope, name, value, lifetime=OWNER_LIFETIME))


def _is_here(scope: Scope) -> bool:
    """Whether the visitor sits at this machine, not behind a proxy on it."""
    if any(header(scope, name) is not None for name in _FORWARDED):
        return False
    return is_loopback(client_address(scope))
