"""Extras: enlarge finished pictures, without a prompt and without a checkpoint (api 3.9, ui 12)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from PIL import Image as Pillow
from PIL.Image import Image
from pydantic import Field

from pipelines.geometry import LATENT_FACTOR, Extent
from pipelines.infotext import format_value
from pipelines.request import Frozen
from pipelines.upscalers import OnTile, PixelUpscalers, Tiles

NONE = "None"
"""A1111's name for no upscaler."""


class ExtrasError(ValueError):
    """A picture cannot be enlarged so; the message is a sentence for the user."""


class Extras(Frozen):
    """How pictures are enlarged: by a factor, or (`to_size`) until they cover width x height.

    `longest` bounds the longer side of what a factor gives, 0 = no bound. With `crop` a covering
    picture is cut to exactly width x height, around its middle. The second upscaler's result is
    mixed in with `visibility_2`.
    """

    upscaler_1: Annotated[str, Field(max_length=200)] = NONE
    upscaler_2: Annotated[str, Field(max_length=200)] = NONE
    visibility_2: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    factor: Annotated[float, Field(gt=0.0)] = 2.0
    longest: Annotated[int, Field(ge=0)] = 0
    to_size: bool = False
    width: Annotated[int, Field(ge=1)] = 512
    height: Annotated[int, Field(ge=1)] = 512
    crop: bool = True
    tile: Annotated[int, Field(ge=0, le=4096)] = 192
    tile_overlap: Annotated[int, Field(ge=0, le=1024)] = 8

    @property
    def names(self) -> tuple[str, ...]:
        """The upscalers that do something: none, the first, or both."""
        if _is_none(self.upscaler_1):
            return ()
        if _is_none(self.upscaler_2) or self.visibility_2 == 0:
            return (self.upscaler_1,)
        return self.upscaler_1, self.upscaler_2

    def scale_of(self, size: Extent) -> float:
        """How many times larger a picture of this size becomes, before the sides are rounded."""
        if self.to_size:
            return max(self.width / size.width, self.height / size.height)
        if self.longest and max(size) * self.factor > self.longest:
            return self.longest / max(size)
        return self.factor

    def upscaled(self, size: Extent) -> Extent:
        """What the upscalers are asked for: whole multiples of eight, as A1111's are (1.1)."""
        scale = self.scale_of(size)
        return Extent(
            *(max(int(side * scale // LATENT_FACTOR), 1) * LATENT_FACTOR for side in size)
        )

    def result(self, size: Extent) -> Extent:
        """The size of the result."""
        if not self.names:
            return size
        return Extent(self.width, self.height) if self._is_cut else self.upscaled(size)

    @property
    def _is_cut(self) -> bool:
        return self.to_size and self.crop


def check_extras(extras: Extras, size: Extent, max_pixels: int) -> None:
    """Raise ExtrasError when a picture of this size would become too large."""
    if not extras.names:
        return
    made = max(extras.upscaled(size), extras.result(size), key=lambda one: one.pixels)
    if made.pixels > max_pixels:
        raise ExtrasError(
            f"{made} would be {made.pixels} pixels, the limit is {max_pixels}: "
            "choose a smaller factor"
        )


def enlarge(
    image: Image,
    extras: Extras,
    upscalers: PixelUpscalers,
    max_pixels: int,
    on_tile: OnTile = lambda done, total: None,
) -> Image:
    """The enlarged picture (L, RGB or RGBA, as it came); "None" leaves it as it is.

    Raises ExtrasError for results of more than `max_pixels`, and what `upscalers` raise.
    """
    names = extras.names
    if not names:
        return image
    size = Extent.of(image)
    check_extras(extras, size, max_pixels)
    tiles = Tiles(extras.tile, extras.tile_overlap)
    made = [
        _upscaled(image, extras.upscaled(size), name, upscalers, tiles, _part(on_tile, *place))
        for name, place in zip(names, _places(len(names)), strict=True)
    ]
    mixed = len(made) > 1
    result = Pillow.blend(made[0], made[1], extras.visibility_2) if mixed else made[0]
    return _cut(result, size, extras)


def describe(extras: Extras) -> dict[str, str]:
    """What was done, under the keys of A1111's infotext."""
    names = extras.names
    if not names:
        return {}
    if extras.to_size:
        found = {"Postprocess upscale to": f"{extras.width}x{extras.height}"}
    else:
        found = {"Postprocess upscale by": format_value(extras.factor)}
        if extras.longest:
            found["Postprocess max side length"] = str(extras.longest)
    found["Postprocess upscaler"] = names[0]
    if len(names) > 1:
        found["Postprocess upscaler 2"] = names[1]
        found["Postprocess upscaler 2 visibility"] = format_value(extras.visibility_2)
    return found


def _is_none(name: str) -> bool:
    return name.strip().lower() in ("", NONE.lower())


def _places(count: int) -> list[tuple[int, int]]:
    return [(place, count) for place in range(count)]


def _part(on_tile: OnTile, place: int, count: int) -> Callable[[int, int], None]:
    """Tells of the tiles of one upscaler of several as of all."""
    return lambda done, total: on_tile(place * total + done, count * total)


def _upscaled(
    image: Image,
    target: Extent,
    name: str,
    upscalers: PixelUpscalers,
    tiles: Tiles,
    on_tile: OnTile,
) -> Image:
    upscale = upscalers.get(name, tiles, on_tile)
    if upscale is None:
        return image.resize(target, Pillow.Resampling.LANCZOS)
    return upscale(image, target)


def _cut(image: Image, size: Extent, extras: Extras) -> Image:
    """Cut a covering picture around its middle; the rounding to eights must not leave bars."""
    wanted = extras.result(size)
    if image.size == wanted or not (extras.to_size and extras.crop):
        return image
    if image.width < wanted.width or image.height < wanted.height:
        scale = extras.scale_of(size)
        cover = (max(wanted[k], round(size[k] * scale)) for k in (0, 1))
        image = image.resize(Extent(*cover), Pillow.Resampling.LANCZOS)
    left, top = (image.width - wanted.width) // 2, (image.height - wanted.height) // 2
    return image.crop((left, top, left + wanted.width, top + wanted.height))
