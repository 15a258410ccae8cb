"""Faces: outline, ears, eyes, brows, nose and mouth. One unit is the head's radius."""

from __future__ import annotations

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.palette import INK, WHITE, Colour, mix, scaled
from models.builtin.training.world.shapes import Frame

_OUTLINE = [
    (-0.92, -0.2), (-0.88, 0.3), (-0.6, 0.8), (0, 1.08), (0.6, 0.8), (0.88, 0.3), (0.92, -0.2),
    (0.6, -0.85), (0, -1.05), (-0.6, -0.85),
]  # fmt: skip
_EYE_X, _EYE_Y = 0.42, 0.16
_LIPS: Colour = (146, 44, 48)
_TONGUE: Colour = (206, 74, 76)


def draw_skull(canvas: Canvas, head: Frame, skin: Colour) -> None:
    """Ears and the bare face."""
    for side in (-1, 1):
        canvas.fill(head.ellipse(side * 0.93, 0.12, 0.16, 0.24), scaled(skin, 0.95), "face")
    canvas.fill(head.at(_OUTLINE), skin, "face", curved=True, shade=0.6)


def draw_features(canvas: Canvas, head: Frame, expression: str, eyes: Colour, skin: Colour) -> None:
    """Cheeks, eyes, brows, nose and mouth on a bare face."""
    cheek = mix(skin, (240, 80, 90), 0.35)
    for side in (-1, 1):
        canvas.fill(head.ellipse(side * 0.58, 0.54, 0.16, 0.1), cheek, outline=False, shade=0)
        if expression == "closed eyes":
            lid = [(-0.24, 0), (0, 0.13), (0.24, 0)]
            line = [(side * _EYE_X + x, _EYE_Y + y) for x, y in lid]
            canvas.stroke(head.at(line), INK, 0.07 * head.unit)
        else:
            _draw_eye(canvas, head, side, eyes)
        _draw_brow(canvas, head, side, expression)
    nose = scaled(skin, 0.68)
    canvas.stroke(head.at([(-0.03, 0.44), (0.05, 0.49)]), nose, 0.045 * head.unit)
    _draw_mouth(canvas, head, expression)


def _draw_eye(canvas: Canvas, head: Frame, side: int, colour: Colour) -> None:
    x, y = side * _EYE_X, _EYE_Y
    canvas.fill(head.ellipse(x, y, 0.26, 0.31), WHITE, "eyes", outline=INK, shade=0)
    canvas.fill(head.ellipse(x, y + 0.03, 0.2, 0.26), colour, "eyes", outline=False, shade=0)
    canvas.fill(head.ellipse(x, y + 0.05, 0.1, 0.14), INK, "eyes", outline=False, shade=0)
    canvas.fill(head.ellipse(x - 0.07, y - 0.09, 0.075, 0.09), WHITE, outline=False, shade=0)
    lash = [(x - 0.28, y - 0.14), (x, y - 0.33), (x + 0.28, y - 0.14)]
    canvas.stroke(head.at(lash), INK, 0.075 * head.unit)


def _draw_brow(canvas: Canvas, head: Frame, side: int, expression: str) -> None:
    tilt = {"angry": 0.15, "sad": -0.12}.get(expression, 0.0)
    inner, outer = side * (_EYE_X - 0.22), side * (_EYE_X + 0.24)
    line = [(inner, -0.29 + tilt), (side * _EYE_X, -0.36), (outer, -0.3 - tilt)]
    canvas.stroke(head.at(line), INK, 0.055 * head.unit)


def _draw_mouth(canvas: Canvas, head: Frame, expression: str) -> None:
    width = 0.06 * head.unit
    if expression == "laughing":
        mouth = [(-0.26, 0.6), (0.26, 0.6), (0.16, 0.82), (0, 0.88), (-0.16, 0.82)]
        canvas.fill(head.at(mouth), _TONGUE, "face", outline=_LIPS, curved=True, shade=0)
    elif expression in {"sad", "angry"}:
        canvas.stroke(head.at([(-0.2, 0.78), (0, 0.67), (0.2, 0.78)]), _LIPS, width)
    elif expression == "serious":
        canvas.stroke(head.at([(-0.19, 0.72), (0.19, 0.72)]), _LIPS, width)
    else:
        canvas.stroke(head.at([(-0.26, 0.66), (0, 0.8), (0.26, 0.66)]), _LIPS, width)
