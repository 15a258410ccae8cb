"""Signed cookies that survive a restart, and the list of those that were logged out.

A cookie says who it was given to and until when; it is valid while its signature, made with a key
in the data folder and a text it is bound to (the user's passwords, the access token), still holds.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from flags import SettingsError

KEY_BYTES: Final = 32
ID_BYTES: Final = 32
LONGEST_COOKIE: Final = 2000


@dataclass(frozen=True)
class Session:
    """What a cookie says. `kind` is its purpose, `expires` in seconds since 1970."""

    kind: str
    subject: str
    id: str
    expires: int


class Sessions:
    """Issues, reads and revokes cookies. Only revocations are stored, until they expire."""

    def __init__(
        self, key: bytes, revoked_file: Path | None, clock: Callable[[], float] = time.time
    ) -> None:
        self._key = key
        self._file = revoked_file
        self._clock = clock
        self._revoked = _read_revoked(revoked_file)

    def cookie_name(self, kind: str) -> str:
        """Cookies are shared by all ports of a host, so their names tell servers apart."""
        return f"overpaint-{kind}-{hmac.digest(self._key, b'cookie name', 'sha256').hex()[:8]}"

    def issue(self, kind: str, subject: str, *, binding: str, lifetime: int) -> str:
        """A new cookie value, valid for `lifetime` seconds."""
        expires = int(self._clock()) + lifetime
        session = Session(kind, subject, secrets.token_hex(ID_BYTES), expires)
        payload = _encode(json.dumps(asdict(session)).encode("utf-8"))
        return f"{payload}.{self._sign(payload, binding)}"

    def read(
        self, cookie: str | None, kind: str, binding_of: Callable[[str], str | None]
    ) -> Session | None:
        """What a valid cookie says, else None. `binding_of` gives None for a subject now gone."""
        if not cookie or len(cookie) > LONGEST_COOKIE:
            return None
        payload, _, signature = cookie.partition(".")
        session = _parse(payload)
        if session is None or session.kind != kind:
            return None
        binding = binding_of(session.subject)
        if binding is None:
            return None
        if not hmac.compare_digest(
            self._sign(payload, binding).encode(), signature.encode("utf-8", "replace")
        ):
            return None
        if session.expires <= self._clock() or session.id in self._revoked:
            return None
        return session

    def remaining(self, session: Session) -> float:
        """Seconds until a session expires."""
        return session.expires - self._clock()

    def revoke(self, session: Session) -> None:
        """Make a session invalid for good, also after a restart."""
        now = self._clock()
        live = {key: expires for key, expires in self._revoked.items() if expires > now}
        self._revoked = {**live, session.id: session.expires}
        if self._file is not None:
            _write_private(self._file, json.dumps(self._revoked).encode("ascii"))

    def _sign(self, payload: str, binding: str) -> str:
        text = f"session\0{payload}\0{binding}".encode()
        return _encode(hmac.digest(self._key, text, "sha256"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _parse(payload: str) -> Session | None:
    """A cookie's claims, unverified; None if they are malformed."""
    try:
        data = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
        session = Session(**json.loads(data))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        return None
    texts = (session.kind, session.subject, session.id)
    sound = all(isinstance(text, str) for text in texts) and isinstance(session.expires, int)
    return session if sound else None


def _read_revoked(path: Path | None) -> dict[str, int]:
    if path is None or not path.exists():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="ascii"))
        return {str(key): int(expires) for key, expires in stored.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise SettingsError(
            f"The list of logged-out sessions {path} is unreadable. "
            "Delete it together with session.key beside it; everybody then logs in again."
        ) from error


def _write_private(path: Path, data: bytes) -> None:
    """Replace a file at once, readable by its owner only."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
    fresh.replace(path)


def load_key(path: Path) -> bytes:
    """The signing key of this data folder, made on first use with mode 0600.

    Raises SettingsError if the folder cannot be written or the file is not such a key.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_private(path, secrets.token_bytes(KEY_BYTES))
        path.chmod(0o600)
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"The session key {path} is unusable: {error.strerror}.") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"The session key {path} is damaged. Delete it; a new one is made.")
    return key
