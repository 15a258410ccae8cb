"""Masks from files and from other pictures, as the canvas shows them. Pure picture arithmetic."""

from __future__ import annotations

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import Extent
from pipelines.request import ResizeMode
from pipelines.resize import resize_image
from ui.texts import MESSAGES


class MaskError(ValueError):
    """A file or a drawing that makes no mask, said in a sentence."""


def read_mask(picture: Image) -> Image:
    """A picture as a mask (L, white = repaint): its alpha if that says anything, else its luma.

    Raises MaskError when it marks nothing.
    """
    mask = masks.binary_mask(picture, round=False)
    if mask.getbbox() is None:
        raise MaskError(MESSAGES["mask_file_empty"])
    return mask


def painted_with(mask: Image, colour: str) -> Image:
    """A mask (L) as paint of one colour, "#rrggbb": RGBA, opaque where the mask is white."""
    made = Pillow.new("RGBA", mask.size, colour)
    made.putalpha(mask)
    return made


def fitted(mask: Image, extent: Extent) -> tuple[Image, str]:
    """The mask at a picture's size and, if it had to be stretched, a sentence that says so."""
    if Extent.of(mask) == extent:
        return mask, ""
    note = MESSAGES["mask_stretched"].format(mask=Extent.of(mask), picture=extent)
    return resize_image(mask, ResizeMode.JUST_RESIZE, extent), note
