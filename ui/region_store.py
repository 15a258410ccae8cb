"""The list of regions that each user has made on the Inpaint tab; restarts do not lose it."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL.Image import Image

from jobs.assets import AssetStore
from pipelines.pictures import PictureLimits, open_picture
from pipelines.request import PictureRef
from ui.owner_files import name_digest, read_json, write_json

MOST_KEPT = 64
LONGEST_TEXT = 100_000
THUMB = 64
"""Longest side of a row's small picture, in pixels."""

FIELDS = frozenset({"id", "mask", "thumb", "prompt", "strength", "seed", "content"})


class RegionLists:
    """One small JSON file per owner; the masks are assets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, owner: str, regions: Sequence[Mapping[str, Any]]) -> None:
        """Keep this list in place of the one before; entries that are none are left out."""
        kept = [cleaned(entry) for entry in regions[:MOST_KEPT] if is_region(entry)]
        write_json(self._place(owner), {"regions": kept})

    def load(self, owner: str) -> list[dict[str, Any]]:
        """What was kept, or an empty list."""
        return _read(self._place(owner))

    def used_assets(self) -> set[PictureRef]:
        """Names of all masks in kept lists."""
        places = self._folder.glob("*/regions/list.json")
        return {str(entry["mask"]) for place in places for entry in _read(place)}

    def _place(self, owner: str) -> Path:
        return self._folder / name_digest(owner) / "regions" / "list.json"


def is_region(entry: Any) -> bool:
    """Whether this is an entry of the page's list: with a name and a mask."""
    return isinstance(entry, Mapping) and all(
        isinstance(entry.get(name), str) and entry[name] for name in ("id", "mask")
    )


def cleaned(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that the page knows, as short plain values."""
    kept: dict[str, Any] = {}
    for name in FIELDS & entry.keys():
        value = entry[name]
        if isinstance(value, str):
            kept[name] = value[:LONGEST_TEXT]
        elif value is None or isinstance(value, int | float):
            kept[name] = value
    return kept


def rows_of(
    recorded: Iterable[Mapping[str, Any]], assets: AssetStore, limits: PictureLimits
) -> list[dict[str, Any]]:
    """Rows for the page from what a run has recorded. Raises ValueError for a mask that is gone."""
    return [
        {
            "id": entry["id"],
            "mask": entry["mask"],
            "thumb": thumbnail(open_picture(assets.path(entry["mask"]), limits)),
            "prompt": entry["prompt"],
            "strength": entry["denoising_strength"],
            "seed": entry["seed"],
            "content": entry["masked_content"],
        }
        for entry in recorded
    ]


def thumbnail(mask: Image) -> str:
    """A small picture of a mask as a data: address."""
    small = mask.convert("L")
    small.thumbnail((THUMB, THUMB))
    out = BytesIO()
    small.point([0] + [255] * 255).save(out, "PNG")
    return f"data:image/png;base64,{b64encode(out.getvalue()).decode()}"


def _read(place: Path) -> list[dict[str, Any]]:
    found = (read_json(place) or {}).get("regions", [])
    return [entry for entry in found if is_region(entry)] if isinstance(found, list) else []
