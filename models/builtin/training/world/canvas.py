"""A picture being drawn: filled outlines and strokes in a look, and a map of its parts.

Coordinates run from 0 to 1 over the width and the height. Everything is drawn twice as large as it
is wanted and averaged at the end.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from models.builtin.training.world.looks import Look
from models.builtin.training.world.palette import INK, Colour, mix, scaled
from models.builtin.training.world.shapes import PointList, smooth

Pixels = npt.NDArray[np.uint8]

PARTS = (
    "background", "hair", "face", "eyes", "shirt", "trousers", "shoes", "hat", "glasses", "horns",
    "ears", "bow", "sky", "sun", "moon", "clouds", "mountains", "hills", "water", "house", "roof",
    "trees", "flowers", "table", "first object", "second object",
)  # fmt: skip
"""Names of the labels in `Canvas.labels`, by number; 0 is what nothing was drawn on."""

_FIXED_POINT = 4
"""Bits after the point that OpenCV takes for coordinates."""


class Canvas:
    """`labels` (size x size) holds the number of the part that is seen at each pixel."""

    def __init__(self, size: int, look: Look, supersampling: int = 2) -> None:
        self.size, self.look = size, look
        self.side = size * supersampling
        self.pixels: Pixels = np.zeros((self.side, self.side, 3), np.uint8)
        self.labels: Pixels = np.zeros((size, size), np.uint8)

    def finished(self) -> Pixels:
        """The picture at the size that was asked for, RGB."""
        wanted = (self.size, self.size)
        return np.asarray(cv2.resize(self.pixels, wanted, interpolation=cv2.INTER_AREA), np.uint8)

    def gradient(self, top: Colour, bottom: Colour) -> None:
        """Fill the whole picture with a vertical gradient."""
        t = ((np.arange(self.side) + 0.5) / self.side)[:, None]
        rows = np.array(top) * (1 - t) + np.array(bottom) * t
        self.pixels[:] = rows[:, None].astype(np.uint8)

    def glow(self, colour: Colour, x: float, y: float, radius: float, strength: float) -> None:
        """Blend a soft disc of light into everything drawn so far."""
        rows, columns = np.mgrid[0:64, 0:64] / 64
        falling = np.clip(1 - np.hypot(columns - x, rows - y) / radius, 0, 1) ** 1.5 * strength
        share = cv2.resize(falling.astype(np.float32), (self.side, self.side))
        _mix(self.pixels, np.full_like(self.pixels, colour, np.uint8), share)

    def fill(
        self,
        points: PointList,
        colour: Colour,
        part: str | None = None,
        *,
        curved: bool = False,
        outline: bool | Colour = True,
        shade: float = 1.0,
        alpha: float = 1.0,
    ) -> None:
        """Fill an outline; `part` names it in the map of parts, None leaves that as it is."""
        outer = smooth(points) if curved else np.asarray(points, np.float64)
        corners = self._fixed(outer, self.side)
        if part is not None:
            label = PARTS.index(part)
            cv2.fillPoly(self.labels, [self._fixed(outer, self.size)], label, cv2.LINE_8, 4)
        if alpha == 1 and (self.look.shading == "none" or shade == 0):
            cv2.fillPoly(self.pixels, [corners], colour, cv2.LINE_AA, _FIXED_POINT)
        else:
            self._blend(outer, corners, colour, shade, alpha)
        if outline is not False and self.look.outline and alpha == 1:
            drawn = self._outline_colour(colour) if outline is True else outline
            self._polyline(corners, drawn, self.look.outline, closed=True)

    def stroke(
        self, points: PointList, colour: Colour, width: float = 0.008, curved: bool = True
    ) -> None:
        """Draw a line; `width` is a share of the picture."""
        many = curved and len(points) > 2
        line = smooth(points, closed=False) if many else np.asarray(points, np.float64)
        self._polyline(self._fixed(line, self.side), colour, width * self.look.lines, closed=False)

    def _polyline(
        self, corners: npt.NDArray[np.int32], colour: Colour, width: float, closed: bool
    ) -> None:
        thickness = max(1, round(width * self.side))
        cv2.polylines(self.pixels, [corners], closed, colour, thickness, cv2.LINE_AA, _FIXED_POINT)

    def _outline_colour(self, colour: Colour) -> Colour:
        return mix(scaled(colour, 0.5), INK, self.look.ink)

    @staticmethod
    def _fixed(points: npt.NDArray[np.float64], side: int) -> npt.NDArray[np.int32]:
        return np.round(points * (side << _FIXED_POINT)).astype(np.int32)

    def _blend(
        self,
        outer: npt.NDArray[np.float64],
        corners: npt.NDArray[np.int32],
        colour: Colour,
        shade: float,
        alpha: float,
    ) -> None:
        """Fill with shading, on the smallest rectangle that holds the outline and its shadow."""
        bevelled = self.look.shading == "bevel" and shade > 0
        border = self.side // 20 if bevelled else 2
        low = np.floor(outer.min(0) * self.side).astype(int) - border
        high = np.ceil(outer.max(0) * self.side).astype(int) + border
        x0, y0 = np.maximum(low, 0)
        x1, y1 = np.minimum(high, self.side)
        if x1 <= x0 or y1 <= y0:
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        shifted = corners - np.array([x0, y0], np.int32) * (1 << _FIXED_POINT)
        cv2.fillPoly(mask, [shifted], 255, cv2.LINE_AA, _FIXED_POINT)
        region = self.pixels[y0:y1, x0:x1]
        if bevelled:
            thickness = float(np.min(high - low) - 2 * border)
            tone, shadow = _bevel(mask, self.side, thickness, np.array(colour) / 255, shade)
            _mix(region, np.zeros_like(tone), 0.26 * alpha * shadow)
        else:
            height = np.arange(y0, y1) - low[1]
            fall = 1 + 0.13 * shade * (1 - 2 * height / max(1, high[1] - low[1]))
            strength = fall if self.look.shading == "gradient" else np.ones_like(fall)
            rows = np.clip(strength[:, None] * np.array(colour), 0, 255).astype(np.uint8)
            tone = np.broadcast_to(rows[:, None], region.shape).copy()
        _mix(region, tone, mask.astype(np.float32) * (alpha / 255))


def _mix(region: Pixels, tone: Pixels, share: npt.NDArray[np.float32]) -> None:
    """Replace `share` (0..1, height x width) of the region by the tone, in place."""
    region[:] = cv2.blendLinear(np.ascontiguousarray(region), tone, 1 - share, share)


def _bevel(
    mask: Pixels, side: int, thickness: float, colour: npt.NDArray[np.float64], shade: float
) -> tuple[Pixels, npt.NDArray[np.float32]]:
    """The colour (0..1) lit from the upper left on a pillow of the mask's shape, and a shadow.

    Both are worked out at a quarter of the size: light and shadow are soft.
    """
    height, width = mask.shape
    small = (max(2, width // 4), max(2, height // 4))
    plane = cv2.resize(mask, small, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    soft = float(np.clip(thickness / 4 * 0.22, 0.8, side / 60))
    pad = int(soft * 2) + 3
    plane = cv2.copyMakeBorder(plane, pad, pad, pad, pad, cv2.BORDER_CONSTANT, value=0)
    pillow = cv2.GaussianBlur(plane, (0, 0), soft)
    step, drop = max(1, round(soft)), max(1, side // 256)
    inner = slice(pad, -pad)
    light = np.roll(pillow, (-step, -step), (0, 1)) - np.roll(pillow, (step, step), (0, 1))
    light = np.clip(1.3 * light[inner, inner, None], -1, 1)
    lit = colour * (1 + 0.26 * shade * light) + 0.27 * shade * np.clip(light - 0.55, 0, 1)
    shadow = np.roll(cv2.GaussianBlur(plane, (0, 0), side / 400), (drop, drop), (0, 1))
    tone = cv2.resize((np.clip(lit, 0, 1) * 255).astype(np.uint8), (width, height))
    return tone, cv2.resize(np.ascontiguousarray(shadow[inner, inner]), (width, height))
