"""User names and passwords of the flags, kept as keyed hashes and compared in constant time."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from flags import SettingsError
from settings import Settings


class Credential(NamedTuple):
    """One user name with one of its passwords."""

    name: str
    password: str


class Accounts:
    """Users of one server. A name listed twice has two passwords (--gradio-auth and --api-auth)."""

    def __init__(self, entries: Iterable[Credential], admins: Iterable[str], key: bytes) -> None:
        self._key = key
        self._hashes: dict[str, tuple[bytes, ...]] = {}
        for name, password in entries:
            known = self._hashes.get(_normal(name), ())
            self._hashes[_normal(name)] = (*known, self._hash(name, password))
        self.admins = frozenset(map(_normal, admins)) or frozenset(list(self._hashes)[:1])
        for name in sorted(self.admins - set(self._hashes)):
            raise SettingsError(f"--admins names {name!r}, who is not a user.")

    def verify(self, name: str, password: str) -> str | None:
        """The user's name if the password is right. Takes as long for unknown names."""
        given = self._hash(name, password)
        matches = [
            hmac.compare_digest(given, known)
            for known in self._hashes.get(_normal(name), (bytes(len(given)),))
        ]
        return _normal(name) if any(matches) else None

    def binding(self, name: str) -> str | None:
        """A text that changes with the user's passwords; None once the user is gone."""
        hashes = self._hashes.get(name)
        return None if hashes is None else b"".join(sorted(hashes)).hex()

    def _hash(self, name: str, password: str) -> bytes:
        text = f"{_normal(name)}\0{_normal(password)}"
        return hmac.digest(self._key, b"password\0" + text.encode("utf-8", "replace"), "sha256")


def _normal(text: str) -> str:
    """One spelling of accented letters, which browsers and keyboards compose differently."""
    return unicodedata.normalize("NFC", text)


def read_accounts(settings: Settings, key: bytes) -> Accounts:
    """The accounts of all three flags; raises SettingsError if the file is unusable."""
    listed = [_credential(entry) for entry in settings.gradio_auth]
    if settings.gradio_auth_path is not None:
        listed += _read_file(settings.gradio_auth_path)
    listed += [_credential(entry) for entry in settings.api_auth]
    return Accounts(listed, settings.admins, key)


def _credential(entry: str) -> Credential:
    name, _, password = entry.partition(":")
    return Credential(name, password)


def _read_file(path: Path) -> list[Credential]:
    """One or more name:password a line, comma-separated, as A1111 reads it (api 6)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"--gradio-auth-path {path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"--gradio-auth-path {path} is not UTF-8 text.") from error
    found: list[Credential] = []
    for number, line in enumerate(text.splitlines(), 1):
        for entry in filter(None, map(str.strip, line.split(","))):
            credential = _credential(entry)
            if not (credential.name and credential.password):
                raise SettingsError(
                    f"--gradio-auth-path {path}, line {number}: expected name:password "
                    "(neither part may be empty or hold a comma)."
                )
            found.append(credential)
    if not found:
        raise SettingsError(f"--gradio-auth-path {path} names no users.")
    return found
