"""One file from a web server to the disk: resumed, counted, checked. Knows nothing of models."""

from __future__ import annotations

import errno
import hashlib
import http.client
import re
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from models.errors import ModelError

TRIES = 5
"""So often in a row a connection may break without bringing a single byte."""
PATIENCE = 20.0
"""Seconds without a byte after which a connection counts as broken."""

_CHUNK = 1 << 20
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers of servers that may answer better in a moment."""

Told = Callable[[int], None]
"""Told how many bytes of the file are there; it raises to stop the work."""


class DownloadError(ModelError):
    """A file could not be fetched; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on a server: its name here, its size in bytes, and the digest that it must have.

    `kind` "git" is the SHA-1 that git gives a file, which the hub has for its small files.
    """

    url: str
    name: str
    size: int
    digest: str
    kind: Literal["sha256", "git"] = "sha256"


class _Broken(Exception):
    """The connection ended too early."""


def fetch(
    file: RemoteFile, folder: Path, told: Told, *, pause: Callable[[float], None] = time.sleep
) -> None:
    """Bring the file into the folder under its name, whole and checked, or not at all.

    What has arrived lies in NAME.part until then; a later call goes on from there. A file of that
    name with other contents is never replaced. Raises DownloadError, and what `told` raises.
    """
    target, part = folder / file.name, folder / f"{file.name}.part"
    if target.exists():
        if not _matches(target, file):
            raise DownloadError(
                f"{target} is there already and differs from the file on the server, or is half "
                "of it. Move it away, then download again."
            )
        told(file.size)
        return
    folder.mkdir(parents=True, exist_ok=True)
    _complete(file, part, told, pause)
    if not _matches(part, file):
        part.unlink()
        raise DownloadError(
            f"{file.name} arrived with wrong contents (its {file.kind} digest is not "
            f"{file.digest[:12]}...) and was thrown away. Download again; if it happens again, the "
            "server or a proxy on the way is at fault."
        )
    part.replace(target)


def open_url(url: str, headers: dict[str, str] | None = None) -> Any:
    """The answer to a GET. Raises DownloadError when there is none or a refusal.

    Answers that may be better in a moment raise OSError as broken connections do.
    """
    host = urlsplit(url).hostname
    try:
        answer = urllib.request.urlopen(  # noqa: S310  the caller's scheme is checked by hub.py
            urllib.request.Request(url, headers={"User-Agent": "overpaint", **(headers or {})}),  # noqa: S310
            timeout=PATIENCE,
        )
    except urllib.error.HTTPError as error:
        if error.code in _LATER or error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise ConnectionError(f"{host} answers {error.code}") from error
        raise DownloadError(f"{host} refuses {url}: {error.code} {error.reason}.") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, socket.gaierror):
            raise DownloadError(
                f"{host} cannot be found: this machine seems to be offline."
            ) from error
        raise
    if url.startswith("https:") and not answer.url.startswith("https:"):
        answer.close()
        raise DownloadError(f"{host} sends us to an address without encryption, {answer.url}.")
    return answer


def _complete(file: RemoteFile, part: Path, told: Told, pause: Callable[[float], None]) -> None:
    """Go on with the part until it has the file's size."""
    idle = 0
    while (before := _size(part)) != file.size or not part.exists():
        try:
            _go_on(file, part, told)
        except (_Broken, OSError, http.client.HTTPException) as error:
            if getattr(error, "errno", None) == errno.ENOSPC:
                raise DownloadError(f"{part.parent} is full: make room, then go on.") from error
            idle = 0 if _size(part) > before else idle + 1
            if idle >= TRIES:
                raise DownloadError(
                    f"the connection broke {TRIES} times ({error}) with {_size(part)} of "
                    f"{file.size} bytes of {file.name} here. Download again to go on from there."
                ) from error
            pause(min(2.0 ** (idle - 1), 30.0))


def _go_on(file: RemoteFile, part: Path, told: Told) -> None:
    """Fetch what is still missing, in one connection."""
    have = _size(part)
    if have > file.size:
        part.unlink()
        have = 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with open_url(file.url, headers) as answer, part.open("r+b" if have else "wb") as out:
        if answer.status != http.HTTPStatus.PARTIAL_CONTENT:
            have = 0  # this server cannot resume
        elif not re.match(rf"bytes {have}-", answer.headers.get("Content-Range", "")):
            raise DownloadError(f"{file.url} answers with another part than was asked for.")
        out.seek(have)
        out.truncate()
        told(have)
        while have < file.size:
            chunk = answer.read1(_CHUNK)
            if not chunk:
                raise _Broken("it ended too early")
            out.write(chunk[: file.size - have])
            have = min(have + len(chunk), file.size)
            told(have)


def _matches(path: Path, file: RemoteFile) -> bool:
    if not path.is_file() or path.stat().st_size != file.size:
        return False
    digest = hashlib.sha256() if file.kind == "sha256" else hashlib.sha1(usedforsecurity=False)
    if file.kind == "git":
        digest.update(f"blob {file.size}\0".encode())
    with path.open("rb") as source:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest() == file.digest.lower()


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
