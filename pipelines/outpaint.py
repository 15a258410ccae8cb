"""Outpainting as a resize mode: the picture keeps its size, the canvas around it is new.

Ours, A1111 has no such mode (users 4, "anchored outpaint by resize"). Where the picture lies, what
the new area starts from and which mask repaints it are decided here; all else is inpainting.
"""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageChops
from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import Bounds, Extent


class Anchor(StrEnum):
    """Where the picture stays in the larger canvas, row by row."""

    TOP_LEFT = "top left"
    TOP = "top"
    TOP_RIGHT = "top right"
    LEFT = "left"
    CENTRE = "centre"
    RIGHT = "right"
    BOTTOM_LEFT = "bottom left"
    BOTTOM = "bottom"
    BOTTOM_RIGHT = "bottom right"

    @classmethod
    def _missing_(cls, value: object) -> Anchor | None:
        """Other spellings: any letter case, `_` or `-` between the words, "center"."""
        words = str(value).lower().replace("_", " ").replace("-", " ").split()
        text = " ".join(words).replace("center", "centre")
        return next((anchor for anchor in cls if anchor.value == text), None)

    @property
    def label(self) -> str:
        """The name that page and infotext use."""
        return self.value

    def place(self, picture: Extent, canvas: Extent) -> Bounds:
        """The picture's box in the canvas; of an odd rest the smaller half is left and above.

        The picture must fit: see `misfit`.
        """
        place = list(Anchor).index(self)
        x = (canvas.width - picture.width) * (place % 3) // 2
        y = (canvas.height - picture.height) * (place // 3) // 2
        return Bounds(x, y, x + picture.width, y + picture.height)


def misfit(picture: Extent, canvas: Extent) -> str | None:
    """Why a picture cannot be outpainted to a canvas of this size, as a sentence, or None."""
    if picture.width <= canvas.width and picture.height <= canvas.height:
        return None
    wide = Extent(max(picture.width, canvas.width), max(picture.height, canvas.height))
    return (
        f"the picture is {picture} and outpainting keeps that size, so it does not fit into "
        f"{canvas}: choose at least {wide}, or another resize mode"
    )


def on_canvas(picture: Image, place: Bounds, canvas: Extent) -> Image:
    """The picture (RGB) in its place; the new area continues it, mirrored at its edges."""
    border = cv2.copyMakeBorder(np.asarray(picture), *_margins(place, canvas), cv2.BORDER_REFLECT)
    return Pillow.fromarray(border)


def new_area(place: Bounds, canvas: Extent) -> Image:
    """What there is to paint (L): 255 beside the picture's place, 0 in it."""
    area = Pillow.new("L", canvas, 255)
    area.paste(0, place)
    return area


def outgrown(mask: Image, place: Bounds, canvas: Extent, blur: tuple[int, int]) -> Image:
    """The mask of the canvas (L, white = repaint): the new area, joined to the picture's own mask.

    `mask` (L, of the picture's size, already blurred) keeps its values. The new area is 255
    everywhere; its edge, blurred by `blur` (sigma in pixels along x and y) and doubled as overlays
    are (behaviour 2.6), fades out within the picture: with the reach of the blur's kernel, 2.5
    times the sigma, and no pixel further.
    """
    area = new_area(place, canvas)
    edge = masks.double(masks.blur(area, *blur))
    own = Pillow.new("L", canvas)
    own.paste(mask, place)
    return ImageChops.lighter(ImageChops.lighter(area, edge), own)


def grown_to(picture: Image, canvas: Extent) -> Image:
    """A picture that is some pixels too small at the right and below, its edge repeated there.

    Models paint whole latent cells: up to 7 pixels a side are missing (behaviour 1.4).
    """
    if picture.size == canvas:
        return picture
    place = Bounds(0, 0, *picture.size)
    margins = _margins(place, canvas)
    return Pillow.fromarray(cv2.copyMakeBorder(np.asarray(picture), *margins, cv2.BORDER_REPLICATE))


def _margins(place: Bounds, canvas: Extent) -> tuple[int, int, int, int]:
    """Pixels above, below, left and right of a place."""
    return place.y1, canvas.height - place.y2, place.x1, canvas.width - place.x2
