"""How the grid of a job is laid out and kept (behaviour 10.6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from pipelines.request import Frozen

PictureKind = Literal["png", "jpeg", "webp", "avif"]

_FORMATS: Final[Mapping[str, PictureKind]] = {
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "webp": "webp",
    "avif": "avif",
}


class GridOptions(Frozen):
    """A1111's settings for saved grids, as one job uses them."""

    save: bool = True
    format: PictureKind = "png"
    fewest: Annotated[int, Field(ge=1, le=2)] = 2
    """Pictures from which there is a grid."""
    rows: Annotated[int, Field(ge=-1, le=64)] = -1
    """-1 as square as possible, 0 the batch size."""
    prevent_empty: bool = False
    background: Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$")] = "#ffffff"
    use_folders: bool = True
    most_pixels: Annotated[int, Field(ge=1)] = 200_000_000
    """Larger grids are not made."""


def grid_options(options: Mapping[str, Any]) -> GridOptions:
    """The part of `OptionStore.all()` that concerns grids."""
    return GridOptions(
        save=options["grid_save"],
        format=storable(options["grid_format"]),
        fewest=2 if options["grid_only_if_multiple"] else 1,
        rows=options["n_rows"],
        prevent_empty=options["grid_prevent_empty_spots"],
        background=options["grid_background_color"],
        use_folders=options["grid_save_to_dirs"],
        most_pixels=options["img_max_size_mp"] * 1_000_000,
    )


def storable(name: object) -> PictureKind:
    """The format behind A1111's name for it; unknown ones are PNG."""
    return _FORMATS.get(str(name).strip().lower(), "png")
