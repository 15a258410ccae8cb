"""Hires fix as in 2022: width and height name the finished picture, not the first pass (16)."""

from __future__ import annotations

import math

from pipelines.request import Img2ImgRequest

_FIRST_PASS_AREA = 512 * 512
_STEP = 64


def old_first_pass(width: int, height: int) -> tuple[int, int]:
    """The first pass of a finished picture: its shape, about 512x512 pixels, whole steps of 64."""
    scale = math.sqrt(_FIRST_PASS_AREA / (width * height))
    return _rounded_up(scale * width), _rounded_up(scale * height)


def with_old_hires(request: Img2ImgRequest) -> Img2ImgRequest:
    """A hires request whose width and height were meant in the old way; others stay.

    Raises ValueError (pydantic's) where the sizes do not fit.
    """
    if request.hires is None:
        return request
    width, height = old_first_pass(request.width, request.height)
    target = {"resize_x": request.width, "resize_y": request.height}
    hires = request.hires.model_copy(update=target)
    fields = request.model_dump() | {"width": width, "height": height, "hires": hires.model_dump()}
    return Img2ImgRequest.model_validate(fields)


def _rounded_up(side: float) -> int:
    return math.ceil(side / _STEP) * _STEP
