"""Pictures and drawings of every owner's canvases, so that a reload or restart loses none."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jobs.assets import AssetStore, MissingAsset
from pipelines.request import PictureRef
from ui.named_masks import NamedMasks
from ui.owner_files import name_digest, read_json, write_json
from ui.region_store import RegionLists


class SavedPainting(NamedTuple):
    """A canvas as it was kept: names of its two files, the picture's own file name, its size."""

    image: PictureRef
    drawing: PictureRef | None
    name: str
    width: int
    height: int


class DrawingStore:
    """One small JSON file per owner and tab; the files themselves are assets.

    Two pages of one owner write the same place: the last one is what a reload shows. `masks` are
    those kept under a name, `regions` the lists of the Regions panel.
    """

    def __init__(self, folder: Path, assets: AssetStore) -> None:
        self._folder = folder
        self._assets = assets
        self.masks = NamedMasks(folder, assets)
        self.regions = RegionLists(folder)

    def save(self, owner: str, tab: str, painting: SavedPainting) -> None:
        """Keep the canvas of a tab in place of the one before."""
        write_json(self._place(owner, tab), painting._asdict())

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
        """Names of all files that kept canvases, named masks and regions refer to."""
        kept = [saved for path in self._folder.glob("*/*.json") if (saved := _read(path))]
        files = [ref for saved in kept for ref in (saved.image, saved.drawing)]
        used = {ref for ref in files if ref is not None}
        return used | self.masks.used_assets() | self.regions.used_assets()

    def _place(self, owner: str, tab: str) -> Path:
        return self._folder / name_digest(owner) / f"{tab}.json"


def _read(path: Path) -> SavedPainting | None:
    """A damaged file counts as none: the next stroke writes it anew."""
    try:
        return SavedPainting(**(read_json(path) or {}))
    except TypeError:
        return None
