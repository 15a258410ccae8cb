"""Hair, behind the head and in front of it, in the eight styles. One unit is the head's radius."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.palette import WHITE, Colour, lightness, mix, scaled
from models.builtin.training.world.shapes import Frame, mirrored, smooth

_DOME = [(-1.02, 0.15), (-1.14, -0.4), (-0.8, -1.08), (0, -1.32), (0.8, -1.08), (1.14, -0.4)]
_FRINGES = {
    "straight": [(0.86, -0.35), (0.5, -0.3), (0, -0.26), (-0.5, -0.3), (-0.86, -0.35)],
    "swept": [(0.9, -0.15), (0.55, -0.42), (0, -0.55), (-0.45, -0.7), (-0.8, -0.3)],
    "parted": [(0.88, -0.1), (0.55, -0.5), (0, -0.88), (-0.55, -0.5), (-0.88, -0.1)],
    "spiky": [
        (0.9, -0.1), (0.72, -0.5), (0.52, -0.15), (0.3, -0.55), (0.04, -0.18), (-0.2, -0.55),
        (-0.45, -0.15), (-0.7, -0.5), (-0.9, -0.1),
    ],
}  # fmt: skip
_PONYTAIL = [
    (0.5, -1.1), (1.2, -1.25), (1.75, -0.5), (1.8, 0.6), (1.55, 1.7), (1.4, 0.8), (1.2, 0.0),
    (0.9, -0.5),
]  # fmt: skip
_TWINTAIL = [
    (0.8, -0.75), (1.35, -0.95), (1.85, -0.3), (1.9, 0.9), (1.6, 2.1), (1.4, 1.2), (1.15, 0.2),
]  # fmt: skip


def draw_back_hair(canvas: Canvas, head: Frame, style: str, colour: Colour, random: Random) -> None:
    """What is seen of the hair behind face, neck and shoulders."""
    back = scaled(colour, 0.86)
    if style == "long":
        length = random.uniform(2.1, 2.6)
        half = [(-0.75, -1.1), (-1.16, -0.4), (-1.22, 0.6), (-1.32, 1.4), (-1.26, length)]
        _curtain(canvas, head, back, half, length)
    elif style == "bob":
        length = random.uniform(1.0, 1.2)
        half = [(-0.75, -1.1), (-1.18, -0.4), (-1.3, 0.5), (-1.2, length)]
        _curtain(canvas, head, back, half, length)
    elif style == "curly":
        _curls(canvas, head, colour, random)
    elif style == "spiky":
        angles = -math.pi / 2 + (np.arange(15) / 14 - 0.5) * math.pi * 1.45
        radius = np.where(np.arange(15) % 2 == 0, 1.6, 1.12)
        spikes = np.stack([np.cos(angles) * radius, np.sin(angles) * radius - 0.05], 1)
        canvas.fill(head.at(spikes), scaled(colour, 0.92), "hair")
    else:
        _tied(canvas, head, style, colour, random)


def _tied(canvas: Canvas, head: Frame, style: str, colour: Colour, random: Random) -> None:
    """Short hair around the head, and the tail, tails or bun."""
    bright = scaled(colour, 0.92)
    if style == "ponytail":
        side = random.choice((-1, 1))
        canvas.fill(head.at(mirrored(_PONYTAIL, side)), bright, "hair", curved=True)
    if style == "twintails":
        for side in (-1, 1):
            canvas.fill(head.at(mirrored(_TWINTAIL, side)), bright, "hair", curved=True)
    if style == "bun":
        canvas.fill(head.ellipse(0, -1.38, 0.52, 0.46), bright, "hair")
    canvas.fill(head.ellipse(0, -0.12, 1.12, 1.14), scaled(colour, 0.86), "hair")


def _curtain(
    canvas: Canvas, head: Frame, colour: Colour, half: list[tuple[float, float]], length: float
) -> None:
    left = [(0.0, -1.28), *half, (-0.55, length + 0.1)]
    right = [(-x, y) for x, y in reversed(left[1:])]
    canvas.fill(head.at([*left, *right]), colour, "hair", curved=True)


def _curls(canvas: Canvas, head: Frame, colour: Colour, random: Random) -> None:
    length = random.uniform(0.75, 1.2)
    for index in range(18):
        angle = -math.pi / 2 + (index / 17 - 0.5) * 2 * math.pi * 0.84
        y = math.sin(angle) * 1.12 * (1 if math.sin(angle) < 0 else length)
        ring = head.ellipse(math.cos(angle) * 1.14, y, 0.32)
        canvas.fill(ring, scaled(colour, 0.92), "hair")
    canvas.fill(head.ellipse(0, -0.05, 1.12, 1.14), scaled(colour, 0.86), "hair", outline=False)


def draw_front_hair(
    canvas: Canvas, head: Frame, style: str, colour: Colour, random: Random
) -> None:
    """The fringe, locks beside the face, and a highlight on top."""
    fringe = "spiky" if style == "spiky" else random.choice(("straight", "swept", "parted"))
    low = mirrored(_FRINGES[fringe], -1)[::-1] if random.random() < 0.5 else _FRINGES[fringe]
    dome = smooth([*_DOME, (1.02, 0.15)], closed=False)
    edge = np.asarray(low) if fringe == "spiky" else smooth(low, closed=False)
    canvas.fill(head.at(np.concatenate([dome, edge])), colour, "hair")
    if style in {"long", "bob"}:
        lock = [(0.98, -0.5), (1.18, -0.1), (1.2, 0.7), (1.08, 1.25), (0.95, 0.8), (0.86, 0.1)]
        for side in (-1, 1):
            canvas.fill(head.at(mirrored(lock, side)), colour, "hair", curved=True)
    light = mix(colour, WHITE, 0.35 if lightness(colour) < 0.25 else 0.5)
    shine = head.at([(-0.62, -0.78), (-0.2, -1.0), (0.3, -1.0)])
    canvas.stroke(shine, light, 0.07 * head.unit)
