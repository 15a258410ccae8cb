"""Masks that users keep under a name, to use them again on other pictures."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from jobs.assets import AssetStore, MissingAsset
from pipelines.request import PictureRef
from ui.owner_files import name_digest, read_json, write_json


class NamedMask(NamedTuple):
    """A kept mask: its file, its size in pixels, and its hash as in the infotext."""

    name: str
    mask: PictureRef
    width: int
    height: int
    digest: str


class NamedMasks:
    """One small JSON file per owner and name; the masks themselves are assets."""

    def __init__(self, folder: Path, assets: AssetStore) -> None:
        self._folder = folder
        self._assets = assets

    def save(self, owner: str, mask: NamedMask) -> bool:
        """Keep a mask; returns whether one of this name was replaced."""
        place = self._place(owner, mask.name)
        was_there = place.exists()
        write_json(place, mask._asdict())
        return was_there

    def forget(self, owner: str, name: str) -> None:
        """Remove a name; its file goes when nothing else uses it."""
        self._place(owner, name).unlink(missing_ok=True)

    def find(self, owner: str, name: str) -> NamedMask | None:
        """The mask of this name, or None when there is none or its file is gone."""
        found = _read(self._place(owner, name))
        return found if found is not None and self._is_there(found) else None

    def all(self, owner: str) -> list[NamedMask]:
        """All masks of an owner by name."""
        places = (self._folder / name_digest(owner) / "masks").glob("*.json")
        found = [mask for place in places if (mask := _read(place)) and self._is_there(mask)]
        return sorted(found, key=lambda mask: mask.name.casefold())

    def used_assets(self) -> set[PictureRef]:
        """Names of all files that kept masks refer to, of every owner."""
        places = self._folder.glob("*/masks/*.json")
        return {mask.mask for place in places if (mask := _read(place))}

    def _is_there(self, mask: NamedMask) -> bool:
        try:
            self._assets.path(mask.mask)
        except MissingAsset:
            return False
        return True

    def _place(self, owner: str, name: str) -> Path:
        return self._folder / name_digest(owner) / "masks" / f"{name_digest(name)}.json"


def _read(place: Path) -> NamedMask | None:
    try:
        return NamedMask(**(read_json(place) or {}))
    except TypeError:
        return None
