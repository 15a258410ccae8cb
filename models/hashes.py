"""Hashes of model files (behaviour 10.3), remembered by path, size and time. No torch."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

LEGACY_OFFSET = 0x100000
LEGACY_LENGTH = 0x10000
"""The old 8-digit hash looks at 64 KiB that start at 1 MiB (behaviour 10.3)."""

SHORT_LENGTH = 10
"""Hex digits of a model hash shown to the user ("AutoV2")."""


def sha256_file(path: Path) -> str:
    """SHA-256 of the whole file as 64 hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_hash(sha256: str) -> str:
    """The first 10 hex digits, as titles and infotexts show them."""
    return sha256[:SHORT_LENGTH]


def legacy_hash(path: Path) -> str:
    """First 8 hex digits of the SHA-256 of 64 KiB at 1 MiB, A1111's oldest model hash.

    A shorter file has fewer (or no) bytes there; they are hashed as they are.
    """
    with path.open("rb") as file:
        file.seek(LEGACY_OFFSET)
        return hashlib.sha256(file.read(LEGACY_LENGTH)).hexdigest()[:8]


class HashCache:
    """SHA-256 of files, kept in `<data_dir>/hashes.sqlite3`.

    A remembered hash counts only while size and modification time (ns) are unchanged. Several
    processes may use the same file at once. A damaged cache file is replaced: it holds nothing
    that cannot be computed again.
    """

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self._file = data_dir / "hashes.sqlite3"

    def known(self, path: Path) -> str | None:
        """The remembered SHA-256 of this file, or None if it must be computed."""
        stat = path.stat()
        with self._connect() as connection:
            row = connection.execute(
                "SELECT sha256 FROM file_hash WHERE path = ? AND size = ? AND mtime_ns = ?",
                (str(path), stat.st_size, stat.st_mtime_ns),
            ).fetchone()
        return None if row is None else str(row[0])

    def sha256(self, path: Path) -> str:
        """SHA-256 of this file, from the cache or computed now (reads the whole file).

        A file that changes while it is read is hashed but not remembered.
        """
        known = self.known(path)
        if known is not None:
            return known
        before = path.stat()
        digest = sha256_file(path)
        after = path.stat()
        if (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns):
            with self._connect() as connection:
                connection.execute(
                    "INSERT OR REPLACE INTO file_hash VALUES (?, ?, ?, ?)",
                    (str(path), before.st_size, before.st_mtime_ns, digest),
                )
        return digest

    def known_folder(self, root: Path, files: Iterable[Path]) -> str | None:
        """The folder's hash (see `sha256_folder`) if every file's hash is remembered."""
        parts = [(_relative(file, root), self.known(file)) for file in files]
        known = [(name, digest) for name, digest in parts if digest is not None]
        return _combine(known) if len(known) == len(parts) else None

    def sha256_folder(self, root: Path, files: Iterable[Path]) -> str:
        """One hash for several weight files: the SHA-256 of their sorted names and hashes.

        The text hashed is `name, NUL, hex digest, newline` per file, names relative to `root` with
        forward slashes, so it does not depend on the machine or on file times.
        """
        return _combine([(_relative(f, root), self.sha256(f)) for f in files])

    @contextlib.contextmanager
    def _connect(self) -> Iterator[sqlite3.Connection]:
        connection = self._open()
        try:
            with connection:
                yield connection
        finally:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        try:
            return self._open_or_create()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            self._file.unlink(missing_ok=True)
            return self._open_or_create()

    def _open_or_create(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._file, timeout=30)
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS file_hash (path TEXT PRIMARY KEY, "
                "size INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL)"
            )
        except BaseException:
            connection.close()
            raise
        return connection


def _relative(file: Path, root: Path) -> str:
    """Also of files in a folder beside, which a folder may share."""
    return Path(os.path.relpath(file, root)).as_posix()


def _combine(parts: list[tuple[str, str]]) -> str:
    text = "".join(f"{name}\0{digest}\n" for name, digest in sorted(parts))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
