"""The looks a picture can be drawn in: outline, shading, and how often each is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Shading = Literal["none", "gradient", "bevel"]


@dataclass(frozen=True, slots=True)
class Look:
    """`outline` is a line's width as a share of the picture (0 draws none).

    `ink` 0 draws outlines in a darker tone of the filled colour, 1 in black.
    `lines` scales free strokes such as mouths and whiskers.
    """

    name: str
    outline: float
    ink: float
    shading: Shading
    lines: float = 1.0


SOFT = Look("soft", 0.0075, 0.0, "gradient")
FLAT = Look("flat", 0.0, 0.0, "none")
CLAY = Look("clay", 0.0, 0.0, "bevel", 1.15)
LINE = Look("line", 0.0125, 1.0, "none", 1.3)

LOOKS = {look.name: look for look in (SOFT, FLAT, CLAY, LINE)}
LOOK_WEIGHTS = {"soft": 0.55, "flat": 0.13, "clay": 0.2, "line": 0.12}
