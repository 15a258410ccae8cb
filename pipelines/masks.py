"""Mask arithmetic: from an uploaded or drawn picture to pixel and latent masks.

Everywhere 255 (white, 1) = repaint and 0 (black) = keep. Grey stays grey at pixel level; rounding
happens on the latent grid.
"""

from __future__ import annotations

import hashlib

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageChops
from PIL.Image import Image

from pipelines.geometry import Bounds, Extent

ALPHA_THRESHOLD = 128
"""Rounded alpha: above this repaints (behaviour 2.2)."""


def binary_mask(image: Image, *, round: bool) -> Image:
    """Read a picture as a mask (L): its alpha if that says anything, else its luma (behaviour 2.2).

    Only alpha is thresholded, and only when `round` is set; grey and drawn masks keep their grey.
    """
    if image.mode in ("LA", "PA") or (image.mode == "P" and image.has_transparency_data):
        image = image.convert("RGBA")
    if image.mode != "RGBA":
        return image.convert("L")
    alpha = image.getchannel("A")
    if alpha.getextrema() == (255, 255):
        return image.convert("L")
    if not round:
        return alpha
    return alpha.point([255 if value > ALPHA_THRESHOLD else 0 for value in range(256)])


def fingerprint(mask: Image) -> str:
    """Name a mask by what it says: 12 hex digits of the SHA-256 of its size and grey values.

    Read as L before any blur or rounding, so that the same mask in another file has the same name.
    """
    values = binary_mask(mask, round=False)
    digest = hashlib.sha256(f"{values.width}x{values.height}:".encode())
    digest.update(values.tobytes())
    return digest.hexdigest()[:12]


def invert(mask: Image) -> Image:
    """Swap what is repainted and what is kept: 255 - m."""
    return ImageChops.invert(mask)


def double(mask: Image) -> Image:
    """min(2 m, 255): the whole-picture overlay's mask, so that 128 shows only new paint (2.6)."""
    return mask.point([min(2 * value, 255) for value in range(256)])


def blur(mask: Image, blur_x: int, blur_y: int) -> Image:
    """Gaussian blur with sigma in pixels per axis, 0 = off; x first, 8 bits in between (2.4)."""
    values = np.asarray(mask)
    if blur_x > 0:
        values = cv2.GaussianBlur(values, (_kernel_length(blur_x), 1), blur_x)
    if blur_y > 0:
        values = cv2.GaussianBlur(values, (1, _kernel_length(blur_y)), blur_y)
    return Pillow.fromarray(values)


def _kernel_length(sigma: int) -> int:
    return 2 * int(2.5 * sigma + 0.5) + 1


def bounding_box(mask: Image) -> Bounds | None:
    """The smallest box around all pixels above 0, or None for an all-black mask."""
    box = mask.getbbox()
    return Bounds(*box) if box else None


def latent_mask(mask: Image, latent: Extent, *, round: bool) -> NDArray[np.float32]:
    """Bring a mask (L) to the latent grid: (h, w) of 0..1, 1 = repaint (behaviour 5.1).

    BICUBIC with antialias on bytes, then, with `round`, to the nearest of 0 and 1.
    """
    cells = mask.convert("L").resize(latent, Pillow.Resampling.BICUBIC)
    values = np.asarray(cells, dtype=np.float32) / np.float32(255)
    return np.around(values) if round else values


def pixel_mask(mask: Image, *, round: bool) -> NDArray[np.float32]:
    """The mask at full size, (H, W) of 0..1, 1 = repaint, as 9-channel models want it (5.5)."""
    values = np.asarray(mask.convert("L"), dtype=np.float32) / np.float32(255)
    return np.around(values) if round else values


def conditioning_mask(mask: Image, latent: Extent, *, round: bool) -> NDArray[np.float32]:
    """The mask channel of a 9-channel inpainting model: (h, w) of 0..1, 1 = repaint (5.5).

    Rounded per pixel, then brought to the latent grid by nearest neighbour (the upper left pixel
    of each cell), unlike `latent_mask`.
    """
    values = pixel_mask(mask, round=round)
    rows = np.arange(latent.height) * values.shape[0] // latent.height
    columns = np.arange(latent.width) * values.shape[1] // latent.width
    cells: NDArray[np.float32] = values[rows[:, np.newaxis], columns[np.newaxis, :]]
    return cells
