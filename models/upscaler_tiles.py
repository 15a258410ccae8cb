"""A picture through a network in overlapping tiles, so that memory does not grow with the picture.

Neighbouring tiles are blended over the middle half of their overlap; the outer quarters, where a
tile does not see what lies beyond its edge, are not used. No torch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""(height, width, 3), RGB."""

Enlarge = Callable[[Pixels], NDArray[np.float32]]
"""(h, w, 3) uint8 -> (scale·h, scale·w, 3) float32, 0..255."""

Progress = Callable[[int, int], None]
"""Told after each tile how many of how many are done; what it raises ends the work."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """Side of the tiles and how far neighbours overlap, in pixels of the input; 0 = one tile.

    These are A1111's settings ESRGAN_tile and ESRGAN_tile_overlap. An overlap of more than half a
    tile counts as half.
    """

    tile: int = 192
    overlap: int = 8


class _Span(NamedTuple):
    """One tile along one side, in input pixels; `fade` is where it takes over from the last one."""

    start: int
    stop: int
    fade: tuple[int, int]


def enlarge_in_tiles(
    pixels: Pixels, enlarge: Enlarge, scale: int, tiling: Tiling, fold: int, progress: Progress
) -> Pixels:
    """Enlarge a picture `scale` times; tiles begin and end at multiples of `fold`.

    Beside the two pictures one row of tiles is in memory, and one tile inside the network.
    """
    height, width = pixels.shape[:2]
    padding = ((0, -height % fold), (0, -width % fold), (0, 0))
    padded = np.pad(pixels, padding, mode="edge") if height % fold or width % fold else pixels
    rows, columns = (tile_spans(side, tiling, fold) for side in padded.shape[:2])
    canvas: Pixels = np.empty((padded.shape[0] * scale, padded.shape[1] * scale, 3), np.uint8)
    done, count = 0, len(rows) * len(columns)
    for row in rows:
        strip: Pixels = np.empty(((row.stop - row.start) * scale, canvas.shape[1], 3), np.uint8)
        for column in columns:
            made = enlarge(padded[row.start : row.stop, column.start : column.stop])
            _lay(strip.swapaxes(0, 1), made.swapaxes(0, 1), column, scale)
            done += 1
            progress(done, count)
        _lay(canvas, strip, row, scale)
    return canvas[: height * scale, : width * scale]


def tile_spans(length: int, tiling: Tiling, fold: int = 1) -> tuple[_Span, ...]:
    """The tiles along one side of `length` (a multiple of `fold`), laid evenly."""
    tile = max(tiling.tile // fold, 1) * fold
    if tiling.tile <= 0 or tile >= length:
        return (_Span(0, length, (0, 0)),)
    overlap = min(max(tiling.overlap, 0), tile // 2)
    count = math.ceil((length - overlap) / max(tile - overlap, 1))
    last = (length - tile) // fold
    starts = [round(place * last / (count - 1)) * fold for place in range(count)]
    spans = [_Span(0, tile, (0, 0))]
    for before, start in pairwise(starts):
        shared = before + tile - start
        fade = (start + shared // 4, start + shared - shared // 4)
        spans.append(_Span(start, start + tile, fade))
    return tuple(spans)


def _lay(canvas: Pixels, made: NDArray[Any], span: _Span, scale: int) -> None:
    """Blend lines over those that are there: not before the fade, alone after it."""
    place = canvas[span.start * scale : span.stop * scale]
    first, last = ((edge - span.start) * scale for edge in span.fade) if span.start else (0, 0)
    weights = (np.arange(first, last, dtype=np.float32) + 0.5 - first) / max(last - first, 1)
    there = place[first:last].astype(np.float32)
    place[first:last] = _levels(there + (made[first:last] - there) * weights[:, None, None])
    place[last:] = _levels(made[last:])


def _levels(values: NDArray[Any]) -> Pixels:
    """To whole levels, rounded."""
    if values.dtype == np.uint8:
        return values
    levels: Pixels = np.rint(np.clip(values, 0.0, 255.0)).astype(np.uint8)
    return levels
