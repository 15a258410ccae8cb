"""Pictures and drawings of every owner's canvases, so that a reload or restart loses none."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import NamedTuple

from jobs.assets import AssetStore, MissingAsset
from pipelines.request import PictureRef


class SavedPainting(NamedTuple):
    """A canvas as it was kept: names of its two files, the picture's own file name, its size."""

    image: PictureRef
    drawing: PictureRef | None
    name: str
    width: int
    height: int


class DrawingStore:
    """One small JSON file per owner and tab; the files themselves are assets.

    Two pages of one owner write the same place: the last one is what a reload shows.
    """

    def __init__(self, folder: Path, assets: AssetStore) -> None:
        self._folder = folder
        self._assets = assets

    def save(self, owner: str, tab: str, painting: SavedPainting) -> None:
        """Keep the canvas of a tab in place of the one before."""
        place = self._place(owner, tab)
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=place.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(painting._asdict(), file)
        Path(temporary).replace(place)

    def forget(self, owner: str, tab: str) -> None:
        """The canvas was emptied."""
        self._place(owner, tab).unlink(missing_ok=True)

    def load(self, owner: str, tab: str) -> SavedPainting | None:
        """What was kept, or None when there is nothing, or its files are gone."""
        saved = _read(self._place(owner, tab))
        if saved is None:
            return None
        try:
            for ref in (saved.image, saved.drawing):
                if ref is not None:
                    self._assets.path(ref)
        except MissingAsset:
            return None
        return saved

    def used_assets(self) -> set[PictureRef]:
        """Names of all files that kept canvases refer to."""
        kept = [saved for path in self._folder.glob("*/*.json") if (saved := _read(path))]
        files = [ref for saved in kept for ref in (saved.image, saved.drawing)]
        return {ref for ref in files if ref is not None}

    def _place(self, owner: str, tab: str) -> Path:
        """Owners' names are free text and never become a path."""
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:32] / f"{tab}.json"


def _read(path: Path) -> SavedPainting | None:
    """A damaged file counts as none: the next stroke writes it anew."""
    try:
        return SavedPainting(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
