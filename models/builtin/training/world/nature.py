"""What stands and flows in a landscape: stream, lake, house, trees, flowers."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.palette import COLOURS, Colour, jittered, mix, scaled
from models.builtin.training.world.scene import Landscape
from models.builtin.training.world.shapes import Frame, box, ellipse, smooth

_WATER: Colour = (70, 150, 228)
_BARK: Colour = (116, 76, 44)
_LEAVES: dict[str, Colour] = {
    "summer": (48, 138, 58),
    "autumn": (226, 108, 36),
    "winter": (132, 164, 158),
}
_PETALS: tuple[Colour, ...] = ((240, 70, 84), (252, 222, 70), (250, 150, 206), (255, 255, 255))


@dataclass(frozen=True, slots=True)
class Tint:
    """The light of the hour: colours are darkened by `factor` and mixed with `colour`."""

    colour: Colour
    factor: float
    share: float

    def on(self, colour: Colour, random: Random | None = None) -> Colour:
        """The colour under this light, with a little variation if dice are given."""
        seen = mix(scaled(colour, self.factor), self.colour, self.share)
        return seen if random is None else jittered(seen, random, 4)


def draw_stream(canvas: Canvas, horizon: float, tint: Tint, random: Random) -> None:
    """A stream that widens from the horizon to the lower edge."""
    ys = np.linspace(horizon + 0.05, 1.04, 9)
    near = ys - horizon
    bend, phase = random.uniform(0.06, 0.12), random.uniform(0, 6.28)
    middle = random.uniform(0.4, 0.6) + bend * np.sin(near * 9 + phase) * near * 2.4
    half = 0.014 + near**1.3 * 0.3
    left = smooth(np.stack([middle - half, ys], 1), closed=False)
    right = smooth(np.stack([middle + half, ys], 1), closed=False)[::-1]
    canvas.fill(np.concatenate([left, right]), tint.on(_WATER, random), "water", shade=-0.8)
    for i in range(3, 8, 2):
        ripple = [(middle[i] - half[i] * 0.4, ys[i]), (middle[i] + half[i] * 0.3, ys[i] + 0.01)]
        canvas.stroke(ripple, tint.on((196, 228, 250)), 0.007)


def draw_lake(canvas: Canvas, horizon: float, tint: Tint, random: Random) -> None:
    """A round lake before the hills."""
    x, y = random.uniform(0.4, 0.6), horizon + 0.25
    shore = ellipse(x, y, random.uniform(0.32, 0.42), 0.105)
    canvas.fill(shore, tint.on(_WATER, random), "water", shade=-0.8)
    for _ in range(4):
        at_x, at_y = x + random.uniform(-0.2, 0.2), y + random.uniform(-0.05, 0.05)
        ripple = [(at_x - 0.05, at_y), (at_x + 0.05, at_y)]
        canvas.stroke(ripple, tint.on((196, 228, 250)), 0.007)


def draw_house(
    canvas: Canvas, scene: Landscape, place: tuple[float, float], tint: Tint, random: Random
) -> None:
    """A house with a pitched roof, a door and two windows, which are lit at night."""
    unit = random.uniform(0.115, 0.145)
    house = Frame(*place, unit)
    wall, roof = (tint.on(COLOURS[name], random) for name in (scene.wall, scene.roof))
    canvas.fill(house.at(box(-1, -1, 1, 0.35)), wall, "house")
    canvas.fill(house.at([(-1.28, -0.98), (0, -2.0), (1.28, -0.98)]), roof, "roof")
    canvas.fill(house.at(box(-0.22, -0.4, 0.22, 0.35)), tint.on((110, 70, 40)), "house")
    glass = (255, 224, 110) if scene.sky == "night" else tint.on((156, 210, 244))
    for x in (-0.62, 0.62):
        pane = house.at(box(x - 0.22, -0.72, x + 0.22, -0.28))
        canvas.fill(pane, glass, "house", outline=tint.on((70, 56, 50)), shade=0)


def draw_trees(
    canvas: Canvas,
    scene: Landscape,
    places: list[float],
    horizon: float,
    tint: Tint,
    random: Random,
) -> None:
    """Round trees or pines at the given places, the farther ones first."""
    spots = sorted((horizon + random.uniform(0.16, 0.34), x) for x in places)
    leaves = tint.on(_LEAVES[scene.season], random)
    for y, x in spots:
        tree = Frame(x + random.uniform(-0.03, 0.03), y, random.uniform(0.11, 0.14))
        canvas.fill(tree.at(box(-0.15, -0.7, 0.15, 0.3)), tint.on(_BARK), "trees")
        if scene.tree == "pine":
            for i in range(3):
                wide, low = 0.88 - 0.2 * i, -0.3 - 0.55 * i
                layer = [(-wide, low), (0, low - 0.95), (wide, low)]
                canvas.fill(tree.at(layer), scaled(leaves, 1 + 0.06 * i), "trees")
        else:
            for dx, dy, size in ((-0.5, -1.2, 0.62), (0.5, -1.2, 0.62), (0, -1.62, 0.76)):
                canvas.fill(tree.ellipse(dx, dy, size), leaves, "trees")
            canvas.fill(tree.ellipse(0, -1.25, 0.55), leaves, "trees", outline=False, shade=0)


def draw_flowers(canvas: Canvas, horizon: float, tint: Tint, random: Random) -> None:
    """Large single flowers on the near hills: smaller ones would not survive the VAE."""
    for _ in range(random.randint(9, 15)):
        x, y = random.random(), random.uniform(horizon + 0.2, 0.97)
        canvas.fill(ellipse(x, y, 0.02), tint.on(random.choice(_PETALS)), "flowers", outline=False)
        heart = ellipse(x, y, 0.008)
        canvas.fill(heart, tint.on((248, 180, 40)), "flowers", outline=False, shade=0)
