"""Outlines as arrays of points (n x 2): smooth curves, ellipses, stars, hearts. No drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
PointList = Points | Sequence[tuple[float, float]]


def smooth(points: PointList, closed: bool = True, steps: int = 7) -> Points:
    """A Catmull-Rom curve through the points, `steps` points per span."""
    given = np.asarray(points, np.float64)
    if closed:
        before, after = np.roll(given, 1, 0), np.roll(given, -1, 0)
        beyond = np.roll(given, -2, 0)
    else:
        before = np.concatenate([given[:1], given[:-1]])
        after = np.concatenate([given[1:], given[-1:]])
        beyond = np.concatenate([given[2:], given[-1:], given[-1:]])
    t = (np.arange(steps) / steps)[None, :, None]
    a, b, c, d = (p[:, None, :] for p in (before, given, after, beyond))
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    spans = curve if closed else curve[:-1]
    flat: Points = spans.reshape(-1, 2)
    return flat if closed else np.concatenate([flat, given[-1:]])


def ellipse(cx: float, cy: float, rx: float, ry: float | None = None, turn: float = 0.0) -> Points:
    """An ellipse, or a circle if only one radius is given; `turn` in radians."""
    t = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    x, y = rx * np.cos(t), (rx if ry is None else ry) * np.sin(t)
    c, s = math.cos(turn), math.sin(turn)
    return np.stack([cx + x * c - y * s, cy + x * s + y * c], 1)


def arc(cx: float, cy: float, rx: float, ry: float, ends: tuple[float, float]) -> Points:
    """A piece of an ellipse between two angles in radians."""
    t = np.linspace(ends[0], ends[1], 18)
    return np.stack([cx + rx * np.cos(t), cy + ry * np.sin(t)], 1)


def box(x0: float, y0: float, x1: float, y1: float) -> Points:
    """A rectangle with sides along the axes."""
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])


def star(cx: float, cy: float, radius: float, tips: int = 5, inner: float = 0.45) -> Points:
    """A star with one tip up; `inner` is the share of the radius between the tips."""
    angle = np.arange(2 * tips) * np.pi / tips
    r = np.where(np.arange(2 * tips) % 2 == 0, radius, radius * inner)
    return np.stack([cx + r * np.sin(angle), cy - r * np.cos(angle)], 1)


def heart(cx: float, cy: float, radius: float) -> Points:
    """The usual heart curve."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)
    return np.stack([cx + radius * x / 16, cy - radius * y / 16], 1)


def mirrored(points: PointList, side: int) -> Points:
    """The points as they are (side 1) or with x negated (side -1)."""
    turned: Points = np.asarray(points, np.float64) * np.array([side, 1.0])
    return turned


class Frame:
    """Local coordinates: (0, 0) is the middle, 1 is `unit` of the picture's width."""

    def __init__(self, x: float, y: float, unit: float) -> None:
        self.x, self.y, self.unit = x, y, unit

    def at(self, points: PointList) -> Points:
        """Local points in the picture's coordinates (0..1)."""
        placed: Points = np.asarray(points, np.float64) * self.unit + (self.x, self.y)
        return placed

    def ellipse(
        self, x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0
    ) -> Points:
        """An ellipse given in local coordinates."""
        return self.at(ellipse(x, y, rx, ry, turn))
