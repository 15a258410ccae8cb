"""What both outpainting scripts share: sides, and how far a picture grows on each (12.4, 12.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Final

from PIL import Image as Pillow
from PIL import ImageDraw
from PIL.Image import Image

from pipelines.geometry import Extent
from scripts.bench import ScriptError

SIDES: Final = ("left", "right", "up", "down")
STEP: Final = 64
"""Sides of the finished picture are multiples of this."""


@dataclass(frozen=True)
class Growth:
    """Pixels that are added on each side."""

    left: int = 0
    right: int = 0
    up: int = 0
    down: int = 0

    def applied(self, size: Extent) -> Extent:
        """The size after growing."""
        return Extent(size.width + self.left + self.right, size.height + self.up + self.down)


def growth(size: Extent, pixels: int, sides: Sequence[str]) -> Growth:
    """How far a picture grows on the chosen sides, so that what grows ends at a multiple of 64.

    Raises ScriptError when no side is chosen.
    """
    if not sides:
        raise ScriptError("choose at least one direction in which the picture is to grow")
    left, right = _shares(size.width, *(pixels if side in sides else 0 for side in SIDES[:2]))
    up, down = _shares(size.height, *(pixels if side in sides else 0 for side in SIDES[2:]))
    return Growth(left, right, up, down)


def rounded_up(size: int) -> int:
    """The next multiple of 64."""
    return ceil(size / STEP) * STEP


def framed(size: Extent, kept: tuple[int, int, int, int]) -> Image:
    """A mask (L): white to be painted, black in the rectangle `kept`, both its corners included."""
    mask = Pillow.new("L", size, 255)
    left, top, right, bottom = kept
    if right >= left and bottom >= top:
        ImageDraw.Draw(mask).rectangle(kept, fill=0)
    return mask


def _shares(length: int, first: int, second: int) -> tuple[int, int]:
    """What is added before and behind, in the ratio asked for."""
    if not first + second:
        return 0, 0
    added = rounded_up(length + first + second) - length
    before = first * added // (first + second)
    return before, added - before
