"""Still lifes: where things stand, and the drawing of the nine kinds that people make.

What grows and lives is in creatures.py. One unit is half the object's size.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import numpy as np

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.creatures import (
    draw_apple,
    draw_bird,
    draw_cat,
    draw_fish,
    draw_flower,
    draw_mushroom,
)
from models.builtin.training.world.palette import (
    COLOURS,
    INK,
    WHITE,
    Colour,
    jittered,
    lightness,
    scaled,
)
from models.builtin.training.world.people import draw_backdrop
from models.builtin.training.world.scene import StillLife, Thing
from models.builtin.training.world.shapes import Frame, arc, box, heart, star

_PLACES = {
    "center": (0.5, 0.52),
    "left": (0.27, 0.54),
    "right": (0.73, 0.54),
    "top": (0.5, 0.28),
    "bottom": (0.5, 0.74),
}
_UNITS = {"big": 0.31, "middle": 0.22, "small": 0.13}
_GLASS: Colour = (196, 228, 246)
_WOOD: Colour = (176, 124, 78)
Draw = Callable[[Canvas, Frame, Colour, str], None]


def draw_still_life(canvas: Canvas, scene: StillLife, random: Random) -> None:
    """One or two things before a wall, on a table if the scene has one."""
    draw_backdrop(canvas, jittered(COLOURS[scene.background], random), True, random)
    if scene.table == "yes":
        edge = random.uniform(0.66, 0.73)
        canvas.fill(box(-0.05, edge, 1.05, 1.05), jittered(_WOOD, random), "table")
    things = [("first object", scene.first)]
    if scene.second is not None:
        things.append(("second object", scene.second))
    for part, thing in things:
        _draw_thing(canvas, thing, part, len(things) == 2, random)


def _draw_thing(canvas: Canvas, thing: Thing, part: str, beside: bool, random: Random) -> None:
    x, y = (value + random.uniform(-0.025, 0.025) for value in _PLACES[thing.position])
    unit = _UNITS[thing.size] * random.uniform(0.95, 1.05)
    if beside or thing.position != "center":
        unit = min(unit, 0.185)
    frame = Frame(x, y, unit)
    if thing.kind != "balloon":
        shadow = frame.ellipse(0, 1.02, 0.95, 0.14)
        canvas.fill(shadow, (20, 20, 30), outline=False, shade=0, alpha=0.22)
    DRAWN_BY[thing.kind](canvas, frame, jittered(COLOURS[thing.colour], random), part)


def _detail(colour: Colour) -> Colour:
    """A tone that is seen on the colour."""
    return scaled(colour, 0.5) if lightness(colour) > 0.25 else (150, 150, 160)


def _ball(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    canvas.fill(f.ellipse(0, 0, 1), colour, part)
    stripe = WHITE if lightness(colour) < 0.75 else (110, 120, 140)
    width = 0.1 * f.unit
    canvas.stroke(f.at([(-0.97, 0.08), (0, 0.34), (0.97, 0.08)]), stripe, width)
    canvas.stroke(f.at([(-0.85, -0.42), (0, -0.22), (0.85, -0.42)]), stripe, width)


def _balloon(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    string = [(0, 0.85), (0.1, 1.15), (-0.06, 1.5)]
    canvas.stroke(f.at(string), (90, 90, 96), 0.008)
    canvas.fill(f.at([(-0.14, 0.94), (0.14, 0.94), (0, 0.74)]), scaled(colour, 0.85), part)
    canvas.fill(f.ellipse(0, -0.15, 0.8, 0.96), colour, part)
    canvas.fill(f.ellipse(-0.3, -0.52, 0.13, 0.22, 0.4), WHITE, outline=False, shade=0, alpha=0.7)


def _book(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    canvas.fill(f.at([(-0.78, -0.9), (0.66, -0.9), (0.66, 0.95), (-0.78, 0.95)]), colour, part)
    pages = f.at([(-0.66, 0.66), (0.8, 0.66), (0.8, 0.9), (-0.66, 0.9)])
    canvas.fill(pages, (250, 244, 226), part)
    canvas.fill(f.at(box(-0.78, -0.95, 0.8, 0.68)), colour, part)
    canvas.fill(f.at(box(-0.78, -0.95, -0.52, 0.68)), scaled(colour, 0.72), part)
    label = (250, 244, 226) if lightness(colour) < 0.85 else (120, 130, 150)
    canvas.fill(f.at(box(-0.22, -0.6, 0.5, -0.2)), label, part, shade=0)


def _car(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    roof = [(-0.62, -0.05), (-0.38, -0.62), (0.38, -0.62), (0.7, -0.05)]
    canvas.fill(f.at(roof), scaled(colour, 0.93), part)
    for pane in (
        [(-0.46, -0.1), (-0.28, -0.5), (-0.02, -0.5), (-0.02, -0.1)],
        [(0.08, -0.1), (0.08, -0.5), (0.32, -0.5), (0.54, -0.1)],
    ):
        canvas.fill(f.at(pane), _GLASS, part, shade=0)
    body = [(-1.1, 0.46), (-1.12, 0.06), (-0.98, -0.06), (-0.62, -0.12), (0.8, -0.12),
            (1.06, 0.02), (1.12, 0.46)]  # fmt: skip
    canvas.fill(f.at(body), colour, part)
    canvas.fill(f.ellipse(1.0, 0.1, 0.1, 0.09), (255, 236, 140), part, outline=False, shade=0)
    for x in (-0.58, 0.6):
        canvas.fill(f.ellipse(x, 0.48, 0.31), (44, 44, 50), part)
        canvas.fill(f.ellipse(x, 0.48, 0.14), (206, 206, 212), part, outline=False)


def _cube(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    top = [(-0.85, -0.4), (-0.4, -0.85), (0.85, -0.85), (0.42, -0.4)]
    side = [(0.42, -0.4), (0.85, -0.85), (0.85, 0.42), (0.42, 0.9)]
    canvas.fill(f.at(top), scaled(colour, 1.22), part)
    canvas.fill(f.at(side), scaled(colour, 0.68), part)
    canvas.fill(f.at(box(-0.85, -0.4, 0.42, 0.9)), colour, part)


def _cup(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    handle = arc(0.62, 0.08, 0.48, 0.44, (-1.5, 1.5))
    if canvas.look.outline:
        canvas.stroke(f.at(handle), scaled(colour, 0.45), 0.24 * f.unit, False)
    canvas.stroke(f.at(handle), scaled(colour, 0.94), 0.15 * f.unit, False)
    canvas.fill(f.at([(-0.8, -0.72), (0.8, -0.72), (0.62, 0.95), (-0.62, 0.95)]), colour, part)
    canvas.fill(f.ellipse(0, -0.72, 0.8, 0.2), scaled(colour, 0.9), part)
    canvas.fill(f.ellipse(0, -0.7, 0.64, 0.13), (92, 58, 40), part, outline=False, shade=0)


def _heart(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    canvas.fill(f.at(heart(0, -0.08, 1.0)), colour, part)
    canvas.fill(f.ellipse(-0.42, -0.42, 0.12, 0.2, 0.6), WHITE, outline=False, shade=0, alpha=0.6)


def _star(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    canvas.fill(f.at(star(0, 0.05, 1.1)), colour, part)


def _umbrella(canvas: Canvas, f: Frame, colour: Colour, part: str) -> None:
    stick = [(0, -0.3), (0, 0.8), (0.06, 0.98), (0.24, 1.0), (0.32, 0.82)]
    canvas.stroke(f.at(stick), (96, 64, 40), 0.1 * f.unit, False)
    dome = arc(0, 0.12, 1.1, 1.1, (-np.pi, 0))
    hem = [(1.1, 0.12), (0.92, 0.0), (0.73, 0.12), (0.55, 0.0), (0.37, 0.12), (0.18, 0.0),
           (0, 0.12), (-0.18, 0.0), (-0.37, 0.12), (-0.55, 0.0), (-0.73, 0.12),
           (-0.92, 0.0), (-1.1, 0.12)]  # fmt: skip
    canvas.fill(f.at(np.concatenate([dome, hem])), colour, part)
    for x in (-0.37, 0.37):
        canvas.stroke(f.at([(0, -0.98), (x * 0.85, -0.5), (x, 0.1)]), _detail(colour), 0.006)
    canvas.stroke(f.at([(0, -1.12), (0, -0.96)]), INK, 0.08 * f.unit, False)


DRAWN_BY: dict[str, Draw] = {
    "apple": draw_apple,
    "ball": _ball,
    "balloon": _balloon,
    "bird": draw_bird,
    "book": _book,
    "car": _car,
    "cat": draw_cat,
    "cube": _cube,
    "cup": _cup,
    "fish": draw_fish,
    "flower": draw_flower,
    "heart": _heart,
    "mushroom": draw_mushroom,
    "star": _star,
    "umbrella": _umbrella,
}
"""How each of scene.OBJECTS is drawn: canvas, frame, colour, name of the part."""
