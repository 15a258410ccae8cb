"""The four resize modes: LANCZOS, a canvas, and bars in the colour of the picture's edge."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import (
    LATENT_FACTOR,
    Bounds,
    Extent,
    ResizePlan,
    crop_and_resize_plan,
    resize_and_fill_plan,
)
from pipelines.request import ResizeMode

Upscale = Callable[[Image, Extent], Image]
"""Enlarges a picture towards an extent; what it misses, LANCZOS corrects."""

LARGEST_INTERMEDIATE = 64_000_000
"""Pixels. A larger intermediate picture of "crop and resize" is never made whole: a strip of
20000x2 would need 2.6 Gpx to cover 512x512."""


def resize_image(
    image: Image, mode: ResizeMode, target: Extent, *, upscale: Upscale | None = None
) -> Image:
    """Bring a picture (L, RGB or RGBA) to `target` in one of the modes of behaviour 1.2.

    "Just resize" keeps the picture's mode; the others return RGB. The latent upscale has no pixel
    geometry of its own: here it acts as "resize and fill", and callers that know better do not
    ask (trap 4). `upscale` makes the picture larger where that is needed, except a mask (L).
    """
    if mode is ResizeMode.JUST_RESIZE:
        return _resample(image, target, upscale)
    if mode is ResizeMode.CROP_AND_RESIZE:
        plan = crop_and_resize_plan(Extent.of(image), target)
        if plan.resized.pixels > LARGEST_INTERMEDIATE:
            return _resample_visible(image, plan, target)
    else:
        plan = resize_and_fill_plan(Extent.of(image), target)
    resized = _resample(image, plan.resized, upscale).convert("RGB")
    canvas = Pillow.new("RGB", target)
    canvas.paste(resized, (plan.x, plan.y))
    for bar, at_start in zip(plan.bars, (True, False), strict=False):
        _fill_bar(canvas, bar, resized, at_start=at_start)
    return canvas


def _resample(image: Image, target: Extent, upscale: Upscale | None) -> Image:
    """The basic resizer of behaviour 1.1."""
    source = Extent.of(image)
    scale = max(target.width / source.width, target.height / source.height)
    if upscale is not None and image.mode != "L" and scale > 1:
        image = upscale(image, _whole_cells(source, scale))
    return image.resize(target, Pillow.Resampling.LANCZOS)


def _whole_cells(source: Extent, scale: float) -> Extent:
    """What an upscaler is asked for: scaled, then cut to multiples of eight (behaviour 1.1)."""
    return Extent(
        int(source.width * scale // LATENT_FACTOR) * LATENT_FACTOR,
        int(source.height * scale // LATENT_FACTOR) * LATENT_FACTOR,
    )


def _resample_visible(image: Image, plan: ResizePlan, target: Extent) -> Image:
    """Resample only what a covering canvas shows; the same filter at the same places."""
    per_x = image.width / plan.resized.width
    per_y = image.height / plan.resized.height
    left, top = -plan.x * per_x, -plan.y * per_y
    right = min(left + target.width * per_x, image.width)
    bottom = min(top + target.height * per_y, image.height)
    box = (left, top, right, bottom)
    return image.convert("RGB").resize(target, Pillow.Resampling.LANCZOS, box=box)


def _fill_bar(canvas: Image, bar: Bounds, resized: Image, *, at_start: bool) -> None:
    """Fill one bar with the edge of the resized picture, slightly extrapolated (behaviour 1.2)."""
    pixels = np.asarray(resized)
    along_x = bar.extent.width == canvas.width
    lines = pixels if along_x else pixels.swapaxes(0, 1)
    edge, inner = (0, 1) if at_start else (-1, -2)
    line = _extrapolated(lines[edge], lines[inner] if len(lines) > 1 else lines[edge])
    line = line[np.newaxis] if along_x else line[:, np.newaxis]
    width, height = bar.extent
    strip = np.broadcast_to(line, (height, width, 3))
    canvas.paste(Pillow.fromarray(np.ascontiguousarray(strip)), (bar.x1, bar.y1))


def _extrapolated(edge: NDArray[np.uint8], inner: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return round(1.125 edge - 0.125 inner), halves up, clipped: Pillow's BICUBIC at the rim."""
    value = (9 * edge.astype(np.int32) - inner.astype(np.int32) + 4) // 8
    return np.clip(value, 0, 255).astype(np.uint8)
