"""Objects that grow and live: apple, flower, mushroom, bird, cat, fish. One unit is half a size."""

from __future__ import annotations

import math

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.palette import INK, WHITE, Colour, lightness, scaled
from models.builtin.training.world.shapes import Frame, mirrored

_LEAF: Colour = (84, 172, 70)
_STALK: Colour = (96, 60, 34)


def draw_apple(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    """Two lobes, a stalk and a leaf."""
    half = [(0.48, -0.78), (0.94, -0.3), (0.78, 0.55), (0.32, 0.95)]
    lobes = [(0, -0.6), *half, (0, 0.85), *((-x, y) for x, y in reversed(half))]
    canvas.fill(f.at(lobes), colour, part, curved=True)
    canvas.stroke(f.at([(0, -0.56), (0.05, -0.86), (0.18, -1.12)]), _STALK, 0.1 * f.unit)
    leaf = [(0.12, -0.84), (0.36, -1.2), (0.82, -1.16), (0.5, -0.82)]
    canvas.fill(f.at(leaf), _LEAF, part, curved=True)
    canvas.fill(f.ellipse(-0.46, -0.28, 0.13, 0.22, 0.4), WHITE, outline=False, shade=0, alpha=0.65)


def draw_flower(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    """Six petals on a stem with a leaf."""
    canvas.stroke(f.at([(0, 0), (0.05, 0.5), (0, 1.05)]), (60, 140, 60), 0.11 * f.unit)
    leaf = [(0.02, 0.82), (0.26, 0.5), (0.62, 0.46), (0.42, 0.78)]
    canvas.fill(f.at(leaf), _LEAF, part, curved=True)
    for index in range(6):
        angle = index * math.pi / 3
        x, y = 0.5 * math.cos(angle), -0.32 + 0.5 * math.sin(angle)
        canvas.fill(f.ellipse(x, y, 0.34), colour, part)
    yellowish = colour[0] > 220 and colour[1] > 110 and colour[2] < 100
    middle: Colour = (130, 80, 40) if yellowish else (252, 208, 66)
    canvas.fill(f.ellipse(0, -0.32, 0.29), middle, part)


def draw_mushroom(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    """A spotted cap on a pale stem."""
    stem = [(-0.3, 0.0), (0.3, 0.0), (0.4, 0.95), (-0.4, 0.95)]
    canvas.fill(f.at(stem), (246, 232, 208), part)
    cap = [(-1, 0.12), (-0.8, -0.6), (0, -1), (0.8, -0.6), (1, 0.12), (0, 0.24)]
    canvas.fill(f.at(cap), colour, part, curved=True)
    spot = WHITE if lightness(colour) < 0.85 else (206, 90, 90)
    for x, y, size in (
        (-0.42, -0.36, 0.17),
        (0.28, -0.52, 0.19),
        (0.58, -0.1, 0.12),
        (0, -0.1, 0.13),
    ):
        canvas.fill(f.ellipse(x, y, size), spot, outline=False, shade=0)


def draw_bird(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    """A round bird seen from the side, looking left."""
    for x in (-0.12, 0.2):
        canvas.stroke(f.at([(x, 0.6), (x, 1.0)]), (220, 140, 40), 0.07 * f.unit)
    tail = [(0.55, 0.05), (1.18, -0.35), (1.2, 0.05), (0.7, 0.42)]
    canvas.fill(f.at(tail), scaled(colour, 0.85), part)
    canvas.fill(f.at([(-0.78, -0.52), (-1.2, -0.36), (-0.78, -0.2)]), (248, 170, 40), part)
    canvas.fill(f.ellipse(0.06, 0.12, 0.76, 0.6), colour, part)
    canvas.fill(f.ellipse(-0.46, -0.4, 0.44), colour, part)
    canvas.fill(f.ellipse(-0.2, 0.08, 0.42, 0.4), colour, part, outline=False, shade=0)
    wing = [(-0.08, 0.0), (0.5, -0.08), (0.72, 0.3), (0.2, 0.46)]
    canvas.fill(f.at(wing), scaled(colour, 0.75), part, curved=True)
    canvas.fill(f.ellipse(-0.56, -0.48, 0.13), WHITE, part, outline=False, shade=0)
    canvas.fill(f.ellipse(-0.58, -0.48, 0.07), INK, part, outline=False, shade=0)


def draw_cat(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    """A cat's head from the front."""
    line = scaled(colour, 0.35) if lightness(colour) > 0.25 else (190, 190, 198)
    for side in (-1, 1):
        ear = mirrored([(0.2, -0.55), (0.82, -1.1), (0.92, -0.1)], side)
        inner = mirrored([(0.42, -0.58), (0.74, -0.86), (0.8, -0.36)], side)
        canvas.fill(f.at(ear), colour, part)
        canvas.fill(f.at(inner), (250, 170, 182), part, outline=False, shade=0)
    canvas.fill(f.ellipse(0, 0.05, 1, 0.84), colour, part)
    for side in (-1, 1):
        eye: Colour = (250, 226, 90) if lightness(colour) < 0.7 else (90, 170, 70)
        canvas.fill(f.ellipse(side * 0.4, -0.04, 0.19, 0.22), eye, part, outline=INK, shade=0)
        canvas.fill(f.ellipse(side * 0.4, -0.04, 0.07, 0.18), INK, part, outline=False, shade=0)
        for drop in (0.0, 0.14):
            whisker = [(side * 0.52, 0.26 + drop), (side * 1.14, 0.2 + 1.7 * drop)]
            canvas.stroke(f.at(whisker), line, 0.006)
    canvas.fill(
        f.at([(-0.11, 0.2), (0.11, 0.2), (0, 0.33)]), (240, 120, 140), outline=False, shade=0
    )
    mouth = [(-0.24, 0.42), (-0.12, 0.5), (0, 0.36), (0.12, 0.5), (0.24, 0.42)]
    canvas.stroke(f.at(mouth), line, 0.05 * f.unit)


def draw_fish(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    """A fish looking left."""
    line = scaled(colour, 0.5) if lightness(colour) > 0.25 else (150, 150, 160)
    tail = [(0.58, 0), (1.15, -0.58), (1.0, 0), (1.15, 0.58)]
    canvas.fill(f.at(tail), scaled(colour, 0.85), part)
    canvas.fill(f.at([(-0.25, -0.4), (0.1, -0.88), (0.42, -0.34)]), scaled(colour, 0.8), part)
    canvas.fill(f.ellipse(-0.1, 0, 0.9, 0.56), colour, part)
    canvas.stroke(f.at([(-0.28, -0.36), (-0.14, 0), (-0.28, 0.36)]), line, 0.05 * f.unit)
    canvas.fill(f.at([(0.0, 0.04), (0.36, -0.1), (0.36, 0.24)]), scaled(colour, 0.75), part)
    canvas.fill(f.ellipse(-0.58, -0.12, 0.15), WHITE, part, outline=INK, shade=0)
    canvas.fill(f.ellipse(-0.61, -0.12, 0.075), INK, part, outline=False, shade=0)
