"""What a visitor must show and whether he does: session cookie, password, or access token."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

from starlette.requests import cookie_parser
from starlette.types import Scope

from server.accounts import Accounts
from server.asgi import client_address, header
from server.sessions import Session, Sessions
from server.throttle import Throttle

SESSION: Final = "session"
TOKEN_SUBJECT: Final = "token"
MISSING: Final = "Not authenticated"
WRONG: Final = "Incorrect username or password"
WRONG_TOKEN: Final = "That access token is not valid; the console shows the current link."
PAUSED: Final = "Too many wrong logins: try again in {seconds} s."


@dataclass(frozen=True)
class Access:
    """Who is let in. Without accounts and token everybody is.

    `public` tells whether other machines can reach the server, that is, whether visitors without a
    name must be told apart.
    """

    accounts: Accounts | None = None
    token: str = ""
    public: bool = False

    @property
    def is_open(self) -> bool:
        """Whether nothing needs to be shown."""
        return self.accounts is None and not self.token

    @property
    def by_token(self) -> bool:
        """Whether the access token, not a password, opens the door."""
        return self.accounts is None and bool(self.token)

    def verify(self, name: str, password: str) -> str | None:
        """The subject that this login gives, or None. With a token, `name` does not matter."""
        if self.accounts is not None:
            return self.accounts.verify(name, password)
        right = hmac.compare_digest(password.encode("utf-8", "replace"), self.token.encode("utf-8"))
        return TOKEN_SUBJECT if right else None

    def binding(self, subject: str) -> str | None:
        """What a session of this subject is bound to; None if there is no such subject."""
        if self.accounts is not None:
            return self.accounts.binding(subject)
        return self.token if subject == TOKEN_SUBJECT else None


class Verdict(NamedTuple):
    """Who was recognised, or why nobody was: 401 or 429 with a sentence."""

    subject: str | None
    status: int = 200
    detail: str = ""
    retry_after: int = 0


class Doorman:
    """Judges requests by an `Access`, slowing down those who guess."""

    def __init__(self, access: Access, sessions: Sessions, throttle: Throttle) -> None:
        self.access = access
        self.sessions = sessions
        self._throttle = throttle

    def session_of(self, scope: Scope) -> Session | None:
        """The valid login session that a request's cookie names."""
        cookie = cookies_of(scope).get(self.sessions.cookie_name(SESSION))
        return self.sessions.read(cookie, SESSION, self.access.binding)

    def judge(self, scope: Scope) -> Verdict:
        """Look at the cookie, then `?token=`, then the Authorization header.

        The header comes last, since it may be meant for a proxy in front of us. Without login
        configured nothing is looked at: clients send all kinds of headers (api 8.7).
        """
        if self.access.is_open:
            return Verdict("")
        session = self.session_of(scope)
        if session is not None:
            return Verdict(session.subject)
        token = query_token(scope) if self.access.by_token else None
        if token:
            return self.try_login(scope, "", token)
        offered = _authorization(header(scope, b"authorization") or "")
        return self.try_login(scope, *(offered or ("", "")))

    def try_login(self, scope: Scope, name: str, password: str) -> Verdict:
        """Check a name and password, or a token as the password. An empty pair is no attempt."""
        by_token = self.access.by_token
        if not password and (by_token or not name):
            return Verdict(None, 401, MISSING)
        address, user = client_address(scope), None if by_token else name
        pause = self._throttle.wait(address, user)
        if pause > 0:
            seconds = math.ceil(pause)
            return Verdict(None, 429, PAUSED.format(seconds=seconds), seconds)
        subject = self.access.verify(name, password)
        if subject is None:
            self._throttle.failed(address, user)
            return Verdict(None, 401, WRONG_TOKEN if by_token else WRONG)
        self._throttle.succeeded(address, user)
        return Verdict(subject)


def cookies_of(scope: Scope) -> dict[str, str]:
    """All cookies of a request."""
    return cookie_parser(header(scope, b"cookie") or "")


def query_token(scope: Scope) -> str | None:
    """The `?token=` of a request; None without one."""
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return dict(pairs).get("token")


def _authorization(text: str) -> tuple[str, str] | None:
    """Name and password of a Basic header, or no name and the token of a Bearer one."""
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() == "bearer":
        return "", rest.strip()
    if scheme.lower() != "basic":
        return None
    try:
        raw = base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    try:
        name, _, password = raw.decode("utf-8").partition(":")
    except UnicodeDecodeError:
        name, _, password = raw.decode("latin-1").partition(":")
    return name, password
