"""Extras: enlarge finished pictures, without a prompt and without a model (api 3.9)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO

import PIL.Image
from PIL.Image import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.geometry import Extent
from pipelines.infotext import format_value
from pipelines.upscalers import PIXEL_UPSCALERS
from scripts.bench import ScriptError


@dataclass(frozen=True)
class Extras:
    """How a picture is enlarged: by a factor, or (`to_size`) until it covers width x height.

    With `crop` the covering picture is cut to exactly width x height, around its middle. The
    second upscaler's result is mixed in with `visibility_2`, 0..1.
    """

    upscaler_1: str = "None"
    upscaler_2: str = "None"
    visibility_2: float = 0.0
    factor: float = 2.0
    to_size: bool = False
    width: int = 512
    height: int = 512
    crop: bool = True


class UnknownUpscaler(ScriptError):
    """There is no upscaler of this name."""


def enlarge(image: Image, extras: Extras, max_pixels: int) -> Image:
    """The enlarged picture; "None" as the first upscaler leaves it as it is.

    Sides become multiples of eight, as A1111's upscalers make them. Raises UnknownUpscaler, and
    ScriptError for results of more than `max_pixels`.
    """
    first, second = _named(extras.upscaler_1), _named(extras.upscaler_2)
    if first == "None":
        return image
    result = _upscaled(image, first, extras, max_pixels)
    if second != "None" and extras.visibility_2 > 0:
        other = _upscaled(image, second, extras, max_pixels)
        result = PIL.Image.blend(result, other, extras.visibility_2)
    return result


def describe(extras: Extras) -> dict[str, str]:
    """What was done, under the keys of A1111's infotext."""
    if _named(extras.upscaler_1) == "None":
        return {}
    if extras.to_size:
        found = {"Postprocess upscale to": f"{extras.width}x{extras.height}"}
    else:
        found = {"Postprocess upscale by": format_value(extras.factor)}
    found["Postprocess upscaler"] = _named(extras.upscaler_1)
    if _named(extras.upscaler_2) != "None" and extras.visibility_2 > 0:
        found["Postprocess upscaler 2"] = _named(extras.upscaler_2)
    return found


def png_with_texts(image: Image, texts: Mapping[str, str]) -> bytes:
    """The picture as PNG with these text chunks."""
    info = PngInfo()
    for key, text in texts.items():
        info.add_itxt(key[:79], text)
    out = BytesIO()
    image.save(out, "PNG", pnginfo=info)
    return out.getvalue()


def _named(name: str) -> str:
    for known in PIXEL_UPSCALERS:
        if known.lower() == name.strip().lower():
            return known
    raise UnknownUpscaler(f"could not find upscaler named {name[:80]}")


def _upscaled(image: Image, name: str, extras: Extras, max_pixels: int) -> Image:
    factor = extras.factor
    if extras.to_size:
        factor = max(extras.width / image.width, extras.height / image.height)
    size = Extent(*(max(8, int(side * factor // 8) * 8) for side in image.size))
    if size.pixels > max_pixels:
        raise ScriptError(
            f"{size.width}x{size.height} would be {size.pixels} pixels, the limit is {max_pixels}: "
            "choose a smaller factor"
        )
    upscale = PIXEL_UPSCALERS[name]
    assert upscale is not None
    large = upscale(image, size)
    if not (extras.to_size and extras.crop):
        return large
    canvas = PIL.Image.new(image.mode, (extras.width, extras.height))
    left, top = (extras.width - large.width) // 2, (extras.height - large.height) // 2
    canvas.paste(large, (left, top))
    return canvas
