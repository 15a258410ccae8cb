"""Files that appear whole or not at all, under a name that nobody has (behaviour 10.6)."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from pipelines.filenames import free_name, next_number

TRIES = 500
"""Numbers that are tried while other programs write into the same folder."""

Claim = Callable[[Path, bytes], None]
"""Hears where which bytes are about to be written; called again when that name was taken."""


def _unclaimed(_path: Path, _data: bytes) -> None:
    """Nobody wants to know."""


def save_named(data: bytes, folder: Path, name: str, claim: Claim = _unclaimed) -> Path:
    """Write under this name, or under the next one with a number behind it that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        path = folder / free_name(name, {entry.name for entry in folder.iterdir()})
        claim(path, data)
        if write_whole(data, path, replace=False):
            return path
    raise OSError(f"no free file name was found in {folder}")


def save_numbered(
    data: bytes,
    folder: Path,
    name: Callable[[int], str],
    prefix: str = "",
    claim: Claim = _unclaimed,
) -> Path:
    """Write `data` under the first free number of `folder`, made if need be; never over a file.

    `name` turns a number into a file name, `prefix` is what stands before the number in it. Raises
    OSError when the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = next_number((entry.name for entry in folder.iterdir()), prefix)
    for attempt in range(TRIES):
        path = folder / name(number + attempt)
        claim(path, data)
        if write_whole(data, path, replace=False):
            return path
    raise OSError(f"no free file name was found in {folder}")


def save_made(make: Callable[[BinaryIO], object], folder: Path, name: str) -> Path:
    """As `save_named`, for a file that is too large to be held: `make` writes it, or raises.

    It is asked again when another program took the name in between.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        path = folder / free_name(name, {entry.name for entry in folder.iterdir()})
        if _make_whole(make, path, replace=False):
            return path
    raise OSError(f"no free file name was found in {folder}")


def write_whole(data: bytes, path: Path, *, replace: bool) -> bool:
    """Write beside `path`, then take its name in one step; False when the name is taken."""
    return _make_whole(lambda file: file.write(data), path, replace=replace)


def _make_whole(make: Callable[[BinaryIO], object], path: Path, *, replace: bool) -> bool:
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            make(file)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        if replace:
            temporary.replace(path)
            return True
        return _take_name(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say which file
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _take_name(temporary: Path, path: Path) -> bool:
    """Give the file its name unless another has it. Some file systems cannot link."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return False
        temporary.replace(path)
    return True
