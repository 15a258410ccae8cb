"""Masked content "fill": the surroundings, blurred wider and wider, flow into the masked area."""

from __future__ import annotations

from PIL import Image as Pillow
from PIL import ImageFilter
from PIL.Image import Image

from pipelines.compose import cut_out

PASSES = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))
"""Blur radius in pixels and how often that layer is laid on, widest first (behaviour 4.1)."""


def fill(image: Image, mask: Image) -> Image:
    """Replace the masked area (L, white = repaint) of an RGB picture by its blurred surroundings.

    Pixels where the mask is 0 keep their value exactly: the last layer is the picture itself. A
    mask that covers everything leaves nothing to flow in, and the picture becomes black.
    """
    kept = cut_out(image, mask)
    layers = Pillow.new("RGBA", image.size)
    for radius, repeats in PASSES:
        layer = kept.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(repeats):
            layers.alpha_composite(layer)
    return layers.convert("RGB")
