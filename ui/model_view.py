"""What the model will see, before the click: the part of the picture, its working size, the scale.

The same arithmetic as the job's own (behaviour 2.3, 2.4 and 3), on the drawing as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import Bounds, Extent, crop_region
from ui.texts import MESSAGES


@dataclass(frozen=True)
class MaskUse:
    """How a mask is used: blur (sigma in pixels), polarity, area, padding in pixels."""

    blur: int
    invert: bool
    only_masked: bool
    padding: int


def seen_part(mask: Image, use: MaskUse, target: Extent) -> Bounds | None:
    """The box of the picture that "only masked" works on; None for a mask that marks nothing.

    `mask` is L, of the picture's size, white = repaint.
    """
    shaped = masks.invert(mask) if use.invert else mask
    box = masks.bounding_box(masks.blur(shaped, use.blur, use.blur))
    if box is None:
        return None
    return crop_region(box, Extent.of(mask), target, use.padding)


def sentence(part: Extent, target: Extent, *, whole: bool) -> str:
    """Say how large the part is, at which size it is worked on, and whether that loses detail."""
    scale = min(target.width / part.width, target.height / part.height)
    template = MESSAGES["sees_whole" if whole else "sees_part"]
    lost = MESSAGES["detail_lost"] if scale < 1 else ""
    return template.format(part=part, target=target, scale=f"{scale:.2g}", lost=lost)
