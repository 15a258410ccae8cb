"""Which folders of the server a user of the page may name, and the pictures in them.

Nothing is opened here besides folders; what a file holds is checked where it is read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scripts.bench import ScriptError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".avif"})
"""What A1111's Batch tab takes (ui 4.3)."""

_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class FolderPolicy:
    """`roots` are the only folders that may be named, with all below them.

    Without roots a server that only this machine can reach opens everything its user could open
    anyway, and a `shared` one nothing.
    """

    roots: tuple[Path, ...] = ()
    shared: bool = False

    def source(self, text: str) -> Path:
        """The folder that a user named, to read from. Raises ScriptError in a sentence."""
        folder = self._allowed(text)
        if not folder.is_dir():
            raise ScriptError(f"there is no folder {_named(text)} on the server: check the path")
        return folder

    def target(self, text: str) -> Path:
        """The folder that a user named, to write into; it may not exist yet. Raises ScriptError."""
        folder = self._allowed(text)
        if folder.exists() and not folder.is_dir():
            raise ScriptError(f"{_named(text)} is a file, not a folder: name another one")
        return folder

    def pictures(self, folder: Path, *, deep: bool = True) -> list[Path]:
        """The pictures below `folder` in natural order (2 before 10); hidden files do not count.

        A link that leads out of what may be read is left out.
        """
        found = (
            path for path in _walk(folder, deep=deep) if path.suffix.lower() in PICTURE_SUFFIXES
        )
        return sorted((path for path in found if self.may_read(path)), key=natural_key)

    def may_read(self, path: Path) -> bool:
        """Whether the file lies, with all links followed, where this policy allows."""
        return self._is_open(path.resolve())

    def _allowed(self, text: str) -> Path:
        bare = text.strip().strip("\"'")
        if not bare or "\x00" in bare:
            raise ScriptError("name a folder of the server")
        try:
            folder = Path(bare).expanduser().resolve()
        except (OSError, RuntimeError) as error:
            raise ScriptError(f"{_named(text)} cannot be used as a folder: {error}") from error
        if self._is_open(folder):
            return folder
        if not self.roots:
            raise ScriptError(
                "this server is shared and opens no folders: start it with --folder-roots, or "
                "upload the files"
            )
        places = ", ".join(str(root) for root in self.roots)
        raise ScriptError(f"{_named(text)} is not below {places}: name a folder in there")

    def _is_open(self, resolved: Path) -> bool:
        if not self.roots:
            return not self.shared
        return any(resolved.is_relative_to(root.resolve()) for root in self.roots)


def natural_key(path: Path) -> tuple[object, ...]:
    """Sorts names as people count: picture 2 before picture 10."""
    pieces = _DIGITS.split(str(path).lower())
    return tuple((0, int(piece), "") if piece.isdecimal() else (1, 0, piece) for piece in pieces)


def _walk(folder: Path, *, deep: bool) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if deep and not name.startswith(".")]
        for name in files:
            if not name.startswith("."):
                yield Path(place, name)


def _named(text: str) -> str:
    return repr(text.strip()[:200])
