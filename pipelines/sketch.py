"""Inpaint sketch: what was painted becomes the mask, and its colour the starting picture."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL import ImageEnhance, ImageFilter
from PIL.Image import Image


class SketchInput(NamedTuple):
    """What the Inpaint sketch tab gives to a job: an RGB picture, an L mask (white = repaint)."""

    image: Image
    mask: Image


def changed_pixels(sketch: Image, original: Image) -> Image:
    """Mask (L, 255/0) of the pixels in which two RGB pictures differ at all (behaviour 2.5).

    Raises ValueError for pictures of different sizes.
    """
    _same_size(sketch, original)
    differs = (np.asarray(sketch.convert("RGB")) != np.asarray(original.convert("RGB"))).any(axis=2)
    return Pillow.fromarray(differs.astype(np.uint8) * np.uint8(255))


def inpaint_sketch(
    sketch: Image,
    original: Image,
    *,
    transparency: float = 0.0,
    blur: int = 4,
    painted: Image | None = None,
) -> SketchInput:
    """Blend a painted-over picture with its original and derive the mask (behaviour 2.5).

    `transparency` is 0..100 and dims the mask; from 50 on nothing is repainted once the mask is
    rounded. `blur` is Pillow's Gaussian radius in pixels; the returned mask is not blurred by it.
    `painted` is the stroke layer (L, white = painted) when the canvas knows it; without it,
    everything that differs from the original counts as painted.
    """
    if not 0 <= transparency <= 100:
        raise ValueError(f"mask transparency is {transparency}; it must be between 0 and 100")
    _same_size(sketch, original)
    mask = changed_pixels(sketch, original) if painted is None else painted.convert("L")
    _same_size(mask, original)
    weak = dimmed(mask, transparency)
    soften = ImageFilter.GaussianBlur(blur)
    image = Pillow.composite(
        sketch.convert("RGB").filter(soften), original.convert("RGB"), weak.filter(soften)
    )
    return SketchInput(image, weak)


def dimmed(mask: Image, transparency: float) -> Image:
    """The mask (L) that "mask transparency" (0..100) leaves of what was painted."""
    return ImageEnhance.Brightness(mask).enhance(1 - transparency / 100)


def _same_size(sketch: Image, original: Image) -> None:
    if sketch.size != original.size:
        raise ValueError(
            f"the sketch is {sketch.width}x{sketch.height} but its original is "
            f"{original.width}x{original.height}; they must be of one size"
        )
