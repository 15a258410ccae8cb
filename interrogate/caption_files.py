"""Captions beside pictures: one .txt for each picture of a folder, never over an existing file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.errors import ModelError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})


class BadFolder(ModelError):
    """A folder cannot be read or written."""


@dataclass(frozen=True, slots=True)
class CaptionPlan:
    """Pictures that still need a caption, and how many have one already."""

    pictures: tuple[Path, ...]
    kept: int
    target: Path | None

    def caption_of(self, picture: Path) -> Path:
        """Where the caption of this picture belongs."""
        return caption_path(picture, self.target)


def plan_captions(
    folder: Path, target: Path | None = None, roots: Sequence[Path] = ()
) -> CaptionPlan:
    """Look into `folder` (not below it); captions go beside the pictures or into `target`.

    Two pictures that differ only in their suffix share a caption; the first by name gives it.
    Hidden files do not count, nor links that lead out of `roots` (empty: anywhere). Raises
    BadFolder.
    """
    if not folder.is_dir():
        raise BadFolder(f"{folder} is no folder on the server; choose another one")
    open_to = [root.resolve() for root in roots]
    found = sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and (not open_to or any(path.resolve().is_relative_to(root) for root in open_to))
    )
    if not found:
        raise BadFolder(f"{folder} holds no pictures; choose another folder")
    first = {caption_path(path, target): path for path in reversed(found)}
    todo = tuple(path for caption, path in first.items() if not os.path.lexists(caption))
    return CaptionPlan(tuple(sorted(todo)), len(found) - len(todo), target)


def caption_path(picture: Path, target: Path | None) -> Path:
    """`cat.png` has `cat.txt`."""
    return (target or picture.parent) / f"{picture.stem}.txt"


def write_caption(path: Path, text: str) -> bool:
    """Write a caption; False and nothing written when the file is there already.

    Raises OSError when it cannot be written; half a caption is never left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            try:
                file.write(text)
                file.flush()
            except OSError:
                path.unlink(missing_ok=True)
                raise
    except FileExistsError:
        return False
    return True
