"""Where pictures land on one another: extents, boxes, the crop region and the resize plans.

Whole numbers only; pixels are moved by `pipelines.resize` and `pipelines.compose`.
"""

from __future__ import annotations

from typing import NamedTuple

from PIL.Image import Image

LATENT_FACTOR = 8
"""Pixels per latent cell along each axis, for every VAE this house knows."""


class Extent(NamedTuple):
    """The size of a picture in pixels (or of a latent in cells)."""

    width: int
    height: int

    @classmethod
    def of(cls, image: Image) -> Extent:
        """The size of a picture."""
        return cls(*image.size)

    @property
    def latent(self) -> Extent:
        """The latent's size: whole cells only, the remainder is dropped (behaviour 1.4)."""
        return Extent(self.width // LATENT_FACTOR, self.height // LATENT_FACTOR)

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height

    @property
    def aspect(self) -> float:
        """Width over height, by true division."""
        return self.width / self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


class Bounds(NamedTuple):
    """A box of pixels, half-open: `x1 <= x < x2`, `y1 <= y < y2`."""

    x1: int
    y1: int
    x2: int
    y2: int

    @property
    def extent(self) -> Extent:
        """The size of the box."""
        return Extent(self.x2 - self.x1, self.y2 - self.y1)

    def pad(self, p: int, within: Extent) -> Bounds:
        """Grow by `p` pixels on every side, but not beyond the picture."""
        return Bounds(
            max(self.x1 - p, 0),
            max(self.y1 - p, 0),
            min(self.x2 + p, within.width),
            min(self.y2 + p, within.height),
        )


def crop_region(box: Bounds, within: Extent, target: Extent, padding: int) -> Bounds:
    """Choose the part of the picture that "only masked" works on (behaviour 3, steps 3 and 4).

    `box` bounds the blurred mask. It is padded, then its shorter side is grown to the aspect ratio
    of `target` and shifted to stay inside the picture. Where the picture is too small the ratio is
    not reached; the region never leaves the picture and always holds the padded box.
    """
    x1, y1, x2, y2 = box.pad(padding, within)
    # True division in this order, then truncation: other orders move the box by a pixel.
    if (x2 - x1) / (y2 - y1) > target.aspect:
        y1, y2 = _grow(y1, y2, (x2 - x1) / target.aspect, within.height)
    else:
        x1, x2 = _grow(x1, x2, (y2 - y1) * target.aspect, within.width)
    return Bounds(x1, y1, x2, y2)


def _grow(start: int, stop: int, wanted: float, limit: int) -> tuple[int, int]:
    """Grow a span on both sides to `wanted`, shifted and then cut to fit into [0, limit)."""
    growth = int(wanted - (stop - start))
    start -= growth // 2
    stop += growth - growth // 2
    if stop >= limit:
        start, stop = start - (stop - limit), limit
    if start < 0:
        start, stop = 0, min(stop - start, limit)
    return start, stop


class ResizePlan(NamedTuple):
    """How a picture is fitted into a canvas: its new size and where its corner goes.

    Negative offsets crop. `bars` are the boxes beside the picture that take the colour of its edge
    ("resize and fill" only), first top or left, then bottom or right; they may reach past the
    canvas by a pixel.
    """

    resized: Extent
    x: int
    y: int
    bars: tuple[Bounds, ...] = ()


def crop_and_resize_plan(source: Extent, target: Extent) -> ResizePlan:
    """Mode 1: cover the canvas and cut off what sticks out (behaviour 1.2)."""
    by_width = target.aspect > source.aspect
    return _centred(_scaled(source, target, by_width=by_width), target)


def resize_and_fill_plan(source: Extent, target: Extent) -> ResizePlan:
    """Mode 2: fit into the canvas and fill the bars beside it (behaviour 1.2).

    With an odd remainder the last row or column belongs to no bar and stays black.
    """
    wider, narrower = target.aspect > source.aspect, target.aspect < source.aspect
    plan = _centred(_scaled(source, target, by_width=narrower), target)
    (width, height), (canvas_width, canvas_height) = plan.resized, target
    if narrower and plan.y > 0:
        below = plan.y + height
        top = Bounds(0, 0, canvas_width, plan.y)
        return plan._replace(bars=(top, Bounds(0, below, canvas_width, below + plan.y)))
    if wider and plan.x > 0:
        right = plan.x + width
        left = Bounds(0, 0, plan.x, canvas_height)
        return plan._replace(bars=(left, Bounds(right, 0, right + plan.x, canvas_height)))
    return plan


def _scaled(source: Extent, target: Extent, *, by_width: bool) -> Extent:
    """The source's size when its width (or else its height) becomes the target's."""
    if by_width:
        return Extent(target.width, max(source.height * target.width // source.width, 1))
    return Extent(max(source.width * target.height // source.height, 1), target.height)


def _centred(resized: Extent, target: Extent) -> ResizePlan:
    return ResizePlan(
        resized,
        target.width // 2 - resized.width // 2,
        target.height // 2 - resized.height // 2,
    )
