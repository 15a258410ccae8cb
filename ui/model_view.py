"""What the model will see, before the click: the part of the picture, its working size, the mask.

The same arithmetic as the job's own (behaviour 2.3, 2.4, 3 and 5.1), on the drawing as it is now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import (
    LATENT_FACTOR,
    Bounds,
    Extent,
    ResizePlan,
    crop_and_resize_plan,
    crop_region,
    resize_and_fill_plan,
)
from pipelines.outpaint import Anchor, outgrown
from pipelines.request import ResizeMode
from pipelines.resize import resize_image
from ui.texts import MESSAGES

LARGEST_SHOWN = 1024
"""Pixels along the longer side of a blurred mask that is only looked at."""


@dataclass(frozen=True)
class MaskUse:
    """How a mask is used: blur (sigma in pixels), polarity, area, padding in pixels.

    `mode` is how the picture gets to the working size, `rounds` whether the grid has grey cells,
    `outpaint` where the picture stays when it keeps its size.
    """

    blur: int
    invert: bool
    only_masked: bool
    padding: int
    mode: ResizeMode = ResizeMode.JUST_RESIZE
    rounds: bool = True
    outpaint: Anchor | None = None


class ShownMask(NamedTuple):
    """A mask to lay over the picture: L, and its place x, y, width, height in picture pixels."""

    image: Image
    place: tuple[float, float, float, float]


def blurred(mask: Image, use: MaskUse) -> Image:
    """The mask as the job uses it at the picture's size. `mask` is L, white = repaint."""
    shaped = masks.invert(mask) if use.invert else mask
    return masks.blur(shaped, use.blur, use.blur)


def seen_part(shaped: Image, use: MaskUse, target: Extent) -> Bounds | None:
    """The box of the picture that "only masked" works on; None for a mask that marks nothing.

    `shaped` is what `blurred` made.
    """
    box = masks.bounding_box(shaped)
    if box is None:
        return None
    return crop_region(box, Extent.of(shaped), target, use.padding)


def soft_view(shaped: Image) -> ShownMask:
    """The blurred mask over the whole picture, small enough to send."""
    extent = Extent.of(shaped)
    scale = LARGEST_SHOWN / max(extent)
    small = shaped if scale >= 1 else shaped.reduce(int(np.ceil(1 / scale)))
    return ShownMask(small, (0, 0, extent.width, extent.height))


def grid_view(shaped: Image, use: MaskUse, target: Extent) -> ShownMask | None:
    """The mask on the latent grid, a pixel per cell, over the part of the picture it covers.

    With bars beside the picture the grid is larger than the part; with "crop and resize" smaller.
    None for a mask that marks nothing.
    """
    if use.outpaint is not None:
        return _outgrown_view(shaped, use, use.outpaint, target)
    whole = Bounds(0, 0, shaped.width, shaped.height)
    part = seen_part(shaped, use, target) if use.only_masked else whole
    if part is None:
        return None
    mode = ResizeMode.RESIZE_AND_FILL if use.only_masked else use.mode
    if mode is ResizeMode.LATENT_UPSCALE:
        mode = ResizeMode.JUST_RESIZE
    image_mask = resize_image(shaped.crop(part), mode, target).convert("L")
    latent = target.latent
    cells = masks.latent_mask(image_mask, latent, round=use.rounds)
    plan = _plan(part.extent, target, mode)
    across = part.extent.width / plan.resized.width
    down = part.extent.height / plan.resized.height
    place = (
        part.x1 - plan.x * across,
        part.y1 - plan.y * down,
        latent.width * LATENT_FACTOR * across,
        latent.height * LATENT_FACTOR * down,
    )
    return ShownMask(Pillow.fromarray(np.rint(cells * 255).astype(np.uint8)), place)


def _outgrown_view(shaped: Image, use: MaskUse, anchor: Anchor, target: Extent) -> ShownMask | None:
    """The same on the larger canvas, which reaches beyond the picture."""
    place = anchor.place(Extent.of(shaped), target)
    mask = outgrown(shaped, place, target, (use.blur, use.blur))
    view = grid_view(mask, replace(use, outpaint=None), target)
    if view is None:
        return None
    x, y, width, height = view.place
    return view._replace(place=(x - place.x1, y - place.y1, width, height))


def sentence(part: Extent, target: Extent, *, whole: bool) -> str:
    """Say how large the part is, at which size it is worked on, and whether that loses detail."""
    scale = min(target.width / part.width, target.height / part.height)
    template = MESSAGES["sees_whole" if whole else "sees_part"]
    lost = MESSAGES["detail_lost"] if scale < 1 else ""
    return template.format(part=part, target=target, scale=f"{scale:.2g}", lost=lost)


def _plan(part: Extent, target: Extent, mode: ResizeMode) -> ResizePlan:
    if mode is ResizeMode.CROP_AND_RESIZE:
        return crop_and_resize_plan(part, target)
    if mode is ResizeMode.RESIZE_AND_FILL:
        return resize_and_fill_plan(part, target)
    return ResizePlan(target, 0, 0)
