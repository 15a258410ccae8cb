"""Overlays: the untouched part of a picture, cut out before painting and laid on top after it.

The promise kept here: where the mask is 0 the finished picture has the bytes of the picture the
overlay was cut from.
"""

from __future__ import annotations

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import Bounds, Extent
from pipelines.masks import bounding_box, invert
from pipelines.request import ResizeMode
from pipelines.resize import resize_image


def flatten(image: Image, background: str) -> Image:
    """Lay an RGBA picture over a solid colour ("#rrggbb"); others just become RGB (2.1)."""
    if image.mode != "RGBA":
        return image.convert("RGB")
    canvas = Pillow.new("RGB", image.size, background)
    canvas.paste(image, mask=image.getchannel("A"))
    return canvas


def cut_out(image: Image, mask: Image) -> Image:
    """The kept part of an RGB picture, premultiplied (mode RGBa): alpha = 255 - mask."""
    kept = Pillow.new("RGBa", image.size)
    kept.paste(image.convert("RGBA").convert("RGBa"), mask=invert(mask))
    return kept


def build_overlay(image: Image, overlay_mask: Image) -> Image:
    """Cut the overlay (RGBA, alpha = 255 - mask) out of an RGB picture (behaviour 2.7).

    `overlay_mask` is L and of the picture's size. Blending goes through premultiplied bytes as in
    A1111, but only inside the mask's bounding box: outside it the picture is copied.
    """
    _require_same_size(image, overlay_mask)
    overlay = image.convert("RGBA")
    box = bounding_box(overlay_mask)
    if box is not None:
        overlay.paste(cut_out(image.crop(box), overlay_mask.crop(box)).convert("RGBA"), box)
    return overlay


def overlay_mask(overlay: Image) -> Image:
    """The mask (L, white = new paint) that an overlay was cut with."""
    return invert(overlay.getchannel("A"))


def apply_overlay(result: Image, overlay: Image, paste_to: Bounds | None) -> Image:
    """Lay the overlay over what the model painted; returns RGB (behaviour 2.7, 3 step 7).

    Without `paste_to`, `result` lies at the overlay's top left corner and keeps its size: it may be
    some pixels smaller than the overlay when that is no multiple of eight (behaviour 1.4). With
    `paste_to` the result is first brought to that box and the picture has the overlay's size.
    Raises ValueError when the result is larger than its overlay.
    """
    if paste_to is not None:
        return _blend(paste_back(result, paste_to, Extent.of(overlay)), overlay)
    if result.width > overlay.width or result.height > overlay.height:
        raise ValueError(
            f"the painted picture is {Extent.of(result)} but the picture around it is "
            f"{Extent.of(overlay)}; it must not be larger"
        )
    return _blend(result, overlay.crop((0, 0, *result.size)))


def paste_back(result: Image, paste_to: Bounds, within: Extent) -> Image:
    """Put a picture of the crop region back in its place on a transparent canvas (RGBA)."""
    canvas = Pillow.new("RGBA", within)
    part = resize_image(result.convert("RGB"), ResizeMode.CROP_AND_RESIZE, paste_to.extent)
    canvas.paste(part, (paste_to.x1, paste_to.y1))
    return canvas


def mask_composite(result: Image, mask: Image) -> Image:
    """What was painted, cut out (RGBA): the result with the overlay mask as alpha (5.7)."""
    cut = result.convert("RGBA")
    mask = resize_image(mask, ResizeMode.RESIZE_AND_FILL, Extent.of(result)).convert("L")
    cut.putalpha(mask)
    return cut


def _blend(under: Image, overlay: Image) -> Image:
    """Alpha-composite the overlay on a picture of its size; opaque pixels are copied."""
    finished = overlay.convert("RGB")
    box = bounding_box(overlay_mask(overlay))
    if box is not None:
        blended = Pillow.alpha_composite(under.crop(box).convert("RGBA"), overlay.crop(box))
        finished.paste(blended.convert("RGB"), box)
    return finished


def _require_same_size(image: Image, mask: Image) -> None:
    if image.size != mask.size:
        raise ValueError(f"the picture is {Extent.of(image)} but its mask is {Extent.of(mask)}")
