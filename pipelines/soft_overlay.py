"""Soft inpainting's overlay: new paint shows where the latent changed, not where the mask was.

Behaviour 3.9. numpy only; latents come as arrays.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageFilter
from PIL.Image import Image

from pipelines.geometry import Bounds, Extent
from pipelines.request import ResizeMode, SoftInpaint
from pipelines.resize import resize_image

Grid = NDArray[np.float64]

_REACH = 2
_DEVIATION = 1.5
_ZERO_AT = 3.0
_BLUR = 4
"""Pixels of Pillow's Gaussian over the finished mask."""


def difference_mask(
    init: NDArray[np.float32],
    result: NDArray[np.float32],
    repaint: NDArray[np.float32],
    settings: SoftInpaint,
) -> Image:
    """The mask (L, one pixel per latent cell, white = new paint) of one picture.

    `init` and `result` are latents (C, h, w), `repaint` is (h, w) of 0..1, 1 = repaint.
    """
    distance = np.linalg.norm(result.astype(np.float64) - init.astype(np.float64), axis=0)
    kernel = gaussian_kernel()
    distance = percentile_filter(distance, kernel, 0.9, 1.0)
    distance = percentile_filter(distance, kernel, 0.25, 0.75)
    share = 1.0 - np.clip(repaint, 0.0, 1.0) ** (settings.preservation_strength / 2)
    influence = settings.mask_influence
    share = 0.5 * (1.0 - influence) + share * influence
    limit = settings.difference_threshold * share / (1.00001 - share)
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = 1.0 / (1.0 + (distance / limit) ** settings.difference_contrast)
    kept = np.nan_to_num(kept, nan=1.0)  # 0 / 0: nothing changed
    return Pillow.fromarray((255.0 * (1.0 - smootherstep(kept))).astype(np.uint8))


def placed_mask(mask: Image, working: Extent, paste_to: Bounds | None, whole: Extent) -> Image:
    """Bring a difference mask (L) to the overlay's size `whole`; what lies outside is kept.

    It is enlarged to the working size and blurred there; with `paste_to` it is then put into its
    box of the picture.
    """
    enlarged = resize_image(mask, ResizeMode.RESIZE_AND_FILL, working).convert("L")
    enlarged = enlarged.filter(ImageFilter.GaussianBlur(_BLUR))
    if paste_to is None:
        return enlarged if enlarged.size == whole else enlarged.resize(whole)
    part = resize_image(enlarged, ResizeMode.CROP_AND_RESIZE, paste_to.extent).convert("L")
    canvas = Pillow.new("L", whole)
    canvas.paste(part, (paste_to.x1, paste_to.y1))
    return canvas


def gaussian_kernel() -> Grid:
    """5 x 5 weights: a Gaussian that is 1 in the middle and would reach 0 at distance 3."""
    end = math.exp(-((_ZERO_AT / _DEVIATION) ** 2))
    steps = np.arange(-_REACH, _REACH + 1)
    squares = steps[:, np.newaxis] ** 2 + steps[np.newaxis, :] ** 2
    weights: Grid = (np.exp(-squares / _DEVIATION**2) - end) / (1.0 - end)
    return weights


def percentile_filter(
    values: Grid, kernel: Grid, low: float, high: float, min_width: float = 1.0
) -> Grid:
    """Weighted mean of what lies between two percentiles of each cell's surroundings, (h, w).

    The surroundings weigh as the kernel says and end at the picture's edge. A range narrower than
    `min_width`, in units of weight, is widened around its middle and moved back inside.
    """
    reach = kernel.shape[0] // 2
    height, width = values.shape
    padded = np.pad(values, reach)
    inside = np.pad(np.ones_like(values), reach)
    shifts = [(y, x) for y in range(kernel.shape[0]) for x in range(kernel.shape[1])]
    near = np.stack([padded[y : y + height, x : x + width] for y, x in shifts])
    weights = np.stack([inside[y : y + height, x : x + width] * kernel[y, x] for y, x in shifts])
    order = np.argsort(near, axis=0, kind="stable")
    near = np.take_along_axis(near, order, axis=0)
    weights = np.take_along_axis(weights, order, axis=0)
    ends = np.cumsum(weights, axis=0)
    total = ends[-1]
    start, stop = _range(total, low, high, min_width)
    covered = np.clip(np.minimum(ends, stop) - np.maximum(ends - weights, start), 0.0, None)
    result: Grid = (near * covered).sum(axis=0) / covered.sum(axis=0)
    return result


def _range(total: Grid, low: float, high: float, min_width: float) -> tuple[Grid, Grid]:
    width = np.minimum(np.maximum(total * (high - low), min_width), total)
    start = np.clip(total * (low + high) / 2 - width / 2, 0.0, total - width)
    return start, start + width


def smootherstep(x: Grid) -> Grid:
    """Perlin's 6x^5 - 15x^4 + 10x^3 on 0..1."""
    result: Grid = x * x * x * (x * (6.0 * x - 15.0) + 10.0)
    return result
