"""Small pictures with known pixels, shared by the tests of the pixel half of the pipeline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image


def grid(width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """x and y of every pixel, both (height, width)."""
    ys, xs = np.mgrid[0:height, 0:width]
    return xs, ys


def gradient(width: int, height: int) -> Image:
    """R grows with x, G with y, B = (x + y) mod 256: the picture of the behaviour vectors."""
    x, y = grid(width, height)
    channels = (x * 255 // max(width - 1, 1), y * 255 // max(height - 1, 1), (x + y) % 256)
    return Pillow.fromarray(np.stack(channels, axis=-1).astype(np.uint8))


def noise(width: int, height: int, seed: int = 0, channels: int = 3) -> Image:
    """A picture of independent random bytes."""
    values = np.random.default_rng(seed).integers(0, 256, (height, width, channels), dtype=np.uint8)
    return Pillow.fromarray(values[..., 0] if channels == 1 else values)


def box_mask(width: int, height: int, box: tuple[int, int, int, int], value: int = 255) -> Image:
    """A black mask (L) with one half-open box of `value`."""
    mask = Pillow.new("L", (width, height))
    mask.paste(value, box)
    return mask


def array(image: Image) -> NDArray[np.uint8]:
    """The picture's bytes."""
    return np.asarray(image)
