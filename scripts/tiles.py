"""A large picture in overlapping tiles, and back again with soft seams (behaviour 12.2). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import PIL.Image
from PIL.Image import Image

from pipelines.geometry import Extent


@dataclass(frozen=True)
class TilePlan:
    """Where tiles of one size lie on a picture. `overlap` is the width of the ramps, pixels."""

    size: Extent
    tile: Extent
    overlap: int
    columns: tuple[int, ...]
    """Left edges; negative when the picture is narrower than a tile."""
    rows: tuple[int, ...]
    """Upper edges."""


def plan_tiles(size: Extent, tile: Extent, overlap: int) -> TilePlan:
    """Lay tiles evenly over the picture. Raises ValueError when a tile is all overlap."""
    if overlap >= min(tile.width, tile.height):
        raise ValueError(
            f"a tile overlap of {overlap} leaves nothing of tiles of {tile.width}x{tile.height}: "
            "choose a smaller overlap or larger tiles"
        )
    return TilePlan(
        size,
        tile,
        overlap,
        tile_starts(size.width, tile.width, overlap),
        tile_starts(size.height, tile.height, overlap),
    )


def tile_starts(length: int, tile: int, overlap: int) -> tuple[int, ...]:
    """First pixel of each tile along one side."""
    count = max(1, math.ceil((length - overlap) / (tile - overlap)))
    step = (length - tile) / (count - 1) if count > 1 else 0
    return tuple(min(int(place * step), length - tile) for place in range(count))


def split(image: Image, plan: TilePlan) -> list[Image]:
    """The tiles row by row; what lies outside the picture is black."""
    width, height = plan.tile
    return [image.crop((x, y, x + width, y + height)) for y in plan.rows for x in plan.columns]


def merge(tiles: Sequence[Image], plan: TilePlan) -> Image:
    """Put tiles together: each begins with a linear ramp over `overlap` pixels."""
    width = len(plan.columns)
    strips = []
    for row in range(len(plan.rows)):
        strip = PIL.Image.new("RGB", (plan.size.width, plan.tile.height))
        ramp = _ramp(plan.overlap, plan.tile.height)
        for place, x in enumerate(plan.columns):
            tile = tiles[row * width + place]
            _lay(strip, tile, (x, 0), ramp if place else None, (plan.overlap, 0))
        strips.append(strip)
    whole = PIL.Image.new("RGB", plan.size)
    ramp = _ramp(plan.overlap, plan.size.width).transpose(PIL.Image.Transpose.TRANSPOSE)
    for place, y in enumerate(plan.rows):
        _lay(whole, strips[place], (0, y), ramp if place else None, (0, plan.overlap))
    return whole


def _lay(
    canvas: Image, piece: Image, at: tuple[int, int], ramp: Image | None, skip: tuple[int, int]
) -> None:
    """Paste a piece: `ramp` blends its first lines, from `skip` on it is opaque."""
    if ramp is None or ramp.width * ramp.height == 0:
        canvas.paste(piece, at)
        return
    canvas.paste(piece.crop((0, 0, *ramp.size)), at, ramp)
    rest = piece.crop((*skip, *piece.size))
    canvas.paste(rest, (at[0] + skip[0], at[1] + skip[1]))


def _ramp(overlap: int, length: int) -> Image:
    """L picture (overlap x length) from 0 towards 255, left to right, truncated."""
    levels = (np.arange(overlap, dtype=np.float64) * 255 / max(1, overlap)).astype(np.uint8)
    return PIL.Image.fromarray(np.ascontiguousarray(np.broadcast_to(levels, (length, overlap))))
