"""Pictures to the normalised pixels that BLIP and CLIP expect. No torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)
"""OpenAI's CLIP constants for RGB in 0..1, which BLIP shares (behaviour 13.1)."""

LONGEST = 8
"""A picture is cut to this ratio of sides first: a strip of 1x20000 would be blown up to
224x4480000 before its middle is taken."""


def squashed(images: Sequence[Image], side: int) -> NDArray[np.float32]:
    """BLIP's view: all of the picture, squeezed into a square; (B, 3, side, side)."""
    return _normalised([image.convert("RGB").resize((side, side), _BICUBIC) for image in images])


def centred(images: Sequence[Image], side: int) -> NDArray[np.float32]:
    """CLIP's view: the shorter side becomes `side`, the middle is kept; (B, 3, side, side)."""
    return _normalised([_centre(image.convert("RGB"), side) for image in images])


_BICUBIC = Pillow.Resampling.BICUBIC


def _centre(image: Image, side: int) -> Image:
    width, height = image.size
    limit = LONGEST * min(width, height)
    if max(width, height) > limit:
        image = _middle(image, min(width, limit), min(height, limit))
        width, height = image.size
    if width <= height:
        size = side, max(side, side * height // width)
    else:
        size = max(side, side * width // height), side
    return _middle(image.resize(size, _BICUBIC), side, side)


def _middle(image: Image, width: int, height: int) -> Image:
    left, top = round((image.width - width) / 2), round((image.height - height) / 2)
    return image.crop((left, top, left + width, top + height))


def _normalised(images: Sequence[Image]) -> NDArray[np.float32]:
    pixels = np.stack([np.asarray(image, np.float32) for image in images]) / 255.0
    scaled = (pixels - np.array(MEAN, np.float32)) / np.array(STD, np.float32)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2), np.float32)
