"""What a head wears: hat, glasses, horns, cat ears, bow. One unit is the head's radius."""

from __future__ import annotations

import numpy as np

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.palette import INK, Colour, lightness, scaled
from models.builtin.training.world.shapes import Frame, ellipse, mirrored

_CURVED_HORN = [
    (0.36, -1.06), (0.5, -1.45), (0.86, -1.66), (1.16, -1.95), (1.3, -1.58), (1.14, -1.24),
    (0.82, -0.92),
]  # fmt: skip
_STRAIGHT_HORN = [(0.36, -1.08), (0.78, -1.9), (0.84, -0.9)]
_INNER_EAR: Colour = (252, 176, 190)


def draw_accessory(
    canvas: Canvas, head: Frame, kind: str, colour: Colour, hair: Colour, horn_shape: str
) -> None:
    """Draw the accessory over a finished head; "none" draws nothing."""
    if kind == "hat":
        _hat(canvas, head, colour)
    elif kind == "glasses":
        _glasses(canvas, head)
    elif kind == "horns":
        _horns(canvas, head, colour, horn_shape)
    elif kind == "cat ears":
        _cat_ears(canvas, head, hair)
    elif kind == "bow":
        _bow(canvas, head, colour)


def _hat(canvas: Canvas, head: Frame, colour: Colour) -> None:
    crown = [(-0.95, -0.72), (-0.86, -1.5), (0, -1.72), (0.86, -1.5), (0.95, -0.72)]
    canvas.fill(head.at(crown), colour, "hat")
    band = [(-0.94, -1.05), (0.94, -1.05), (0.96, -0.8), (-0.96, -0.8)]
    ribbon = scaled(colour, 0.55) if lightness(colour) > 0.25 else (120, 120, 128)
    canvas.fill(head.at(band), ribbon, "hat", outline=False)
    canvas.fill(head.ellipse(0, -0.74, 1.5, 0.22), scaled(colour, 0.94), "hat")


def _glasses(canvas: Canvas, head: Frame) -> None:
    for side in (-1, 1):
        ring = ellipse(side * 0.42, 0.16, 0.36, 0.38)
        canvas.stroke(head.at(np.concatenate([ring, ring[:1]])), INK, 0.075 * head.unit, False)
        arm = [(side * 0.78, 0.12), (side * 0.97, 0.04)]
        canvas.stroke(head.at(arm), INK, 0.075 * head.unit, False)
    canvas.stroke(head.at([(-0.07, 0.14), (0.07, 0.14)]), INK, 0.075 * head.unit, False)


def _horns(canvas: Canvas, head: Frame, colour: Colour, shape: str) -> None:
    curved = shape == "curved"
    for side in (-1, 1):
        points = mirrored(_CURVED_HORN if curved else _STRAIGHT_HORN, side)
        canvas.fill(head.at(points), colour, "horns", curved=curved)


def _cat_ears(canvas: Canvas, head: Frame, hair: Colour) -> None:
    for side in (-1, 1):
        outer = mirrored([(0.22, -1.18), (0.88, -1.84), (1.08, -0.78)], side)
        inner = mirrored([(0.46, -1.18), (0.84, -1.65), (0.94, -0.98)], side)
        canvas.fill(head.at(outer), hair, "ears")
        canvas.fill(head.at(inner), _INNER_EAR, "ears", outline=False)


def _bow(canvas: Canvas, head: Frame, colour: Colour) -> None:
    knot = Frame(head.x + 0.58 * head.unit, head.y - 1.1 * head.unit, head.unit)
    for side in (-1, 1):
        wing = mirrored([(0, 0), (0.52, -0.34), (0.52, 0.34)], side)
        canvas.fill(knot.at(wing), colour, "bow")
    canvas.fill(knot.ellipse(0, 0, 0.14), scaled(colour, 0.85), "bow")
