"""Landscapes: sky, light, clouds, mountains, hills, and the order in which all is painted."""

from __future__ import annotations

from random import Random

import numpy as np

from models.builtin.training.world.canvas import PARTS, Canvas
from models.builtin.training.world.nature import (
    Tint,
    draw_flowers,
    draw_house,
    draw_lake,
    draw_stream,
    draw_trees,
)
from models.builtin.training.world.palette import Colour, jittered, mix, scaled
from models.builtin.training.world.scene import Landscape
from models.builtin.training.world.shapes import ellipse

_SKIES: dict[str, tuple[Colour, Colour]] = {
    "day": ((64, 146, 236), (188, 226, 250)),
    "sunset": ((120, 76, 160), (255, 170, 84)),
    "night": ((22, 32, 96), (74, 96, 176)),
    "cloudy": ((140, 150, 165), (202, 208, 216)),
}
_CLOUDS: dict[str, Colour] = {
    "day": (255, 255, 255),
    "sunset": (255, 196, 170),
    "night": (112, 124, 186),
    "cloudy": (236, 238, 242),
}
_GROUND: dict[str, Colour] = {
    "summer": (96, 186, 80),
    "autumn": (208, 150, 60),
    "winter": (236, 242, 250),
}
_LIGHT_OF: dict[str, Tint] = {
    "day": Tint((255, 255, 255), 1.0, 0.0),
    "sunset": Tint((252, 140, 84), 0.9, 0.12),
    "night": Tint((48, 66, 150), 0.66, 0.24),
    "cloudy": Tint((150, 156, 166), 0.94, 0.06),
}
"""How much light falls on the land; nights keep two thirds, so that one sees what is there."""


def draw_landscape(canvas: Canvas, scene: Landscape, random: Random) -> None:
    """Paint from far to near."""
    horizon = random.uniform(0.5, 0.58)
    tint = _LIGHT_OF[scene.sky]
    light_x = _draw_sky(canvas, scene, horizon, random)
    _draw_clouds(canvas, scene, light_x, random)
    if scene.mountains == "yes":
        _draw_mountains(canvas, scene, horizon, tint, random)
    _draw_hills(canvas, scene, horizon, tint, random)
    if scene.flowers == "yes":
        draw_flowers(canvas, horizon, tint, random)
    if scene.water == "stream":
        draw_stream(canvas, horizon, tint, random)
    elif scene.water == "lake":
        draw_lake(canvas, horizon, tint, random)
    places = [0.12, 0.33, 0.88, 0.66]
    random.shuffle(places)
    if scene.house == "yes":
        x = random.choice((0.22, 0.78))
        draw_house(canvas, scene, (x, horizon + random.uniform(0.15, 0.21)), tint, random)
        places = [place for place in places if abs(place - x) > 0.18]
    draw_trees(canvas, scene, (places * 2)[: int(scene.trees)], horizon, tint, random)


def _draw_sky(canvas: Canvas, scene: Landscape, horizon: float, random: Random) -> float:
    """Sky, stars and light; returns where the light stands."""
    top, bottom = _SKIES[scene.sky]
    if canvas.look.shading == "none":
        top = mix(top, bottom, 0.25)
        bottom = mix(top, bottom, 0.5)
    canvas.gradient(jittered(top, random, 5), mix(top, bottom, 1.25))
    canvas.labels[:] = PARTS.index("sky")
    if scene.sky == "night":
        for _ in range(random.randint(14, 26)):
            spot = ellipse(random.random(), random.random() * horizon, random.uniform(0.004, 0.008))
            canvas.fill(spot, (252, 250, 224), outline=False, shade=0)
    x, y = random.uniform(0.14, 0.86), random.uniform(0.13, 0.22)
    if scene.light == "sun":
        low = scene.sky == "sunset"
        y = horizon - random.uniform(0.05, 0.11) if low else y
        canvas.glow((255, 244, 190), x, y, 0.4, 0.7)
        tone: Colour = (255, 122, 56) if low else (255, 224, 74)
        canvas.fill(ellipse(x, y, random.uniform(0.07, 0.095)), tone, "sun", shade=0.5)
    elif scene.light != "none":
        _draw_moon(canvas, scene.light, x, y, random.uniform(0.065, 0.085))
    return x


def _draw_moon(canvas: Canvas, light: str, x: float, y: float, radius: float) -> None:
    canvas.glow((214, 222, 255), x, y, 0.32, 0.45)
    tone: Colour = (250, 244, 206)
    if light == "full moon":
        canvas.fill(ellipse(x, y, radius), tone, "moon", shade=0.4)
        for dx, dy, size in ((-0.3, -0.2, 0.22), (0.3, 0.25, 0.26), (0.25, -0.4, 0.14)):
            spot = ellipse(x + dx * radius, y + dy * radius, size * radius)
            canvas.fill(spot, (226, 216, 172), outline=False, shade=0)
        return
    t = np.linspace(0.35 * np.pi, 1.65 * np.pi, 24)
    outer = np.stack([x + radius * np.cos(t), y + radius * np.sin(t)], 1)
    u = t[::-1]
    bent = np.stack([x + radius * (0.28 + 0.62 * np.cos(u)), y + 0.86 * radius * np.sin(u)], 1)
    canvas.fill(np.concatenate([outer, bent]), tone, "moon", shade=0.4)


def _draw_clouds(canvas: Canvas, scene: Landscape, light_x: float, random: Random) -> None:
    tone = _CLOUDS[scene.sky]
    puffs = ((-1, 0.25, 0.6), (1, 0.25, 0.6), (-0.4, -0.1, 0.75), (0.45, -0.05, 0.7), (0, 0.2, 0.8))
    for index in range(int(scene.clouds)):
        x = (index + random.uniform(0.2, 0.8)) / max(1, int(scene.clouds))
        y, width = random.uniform(0.08, 0.3), random.uniform(0.075, 0.115)
        if scene.light != "none" and abs(x - light_x) < 0.24:
            x = light_x + (0.3 if light_x < 0.5 else -0.3)
        for dx, dy, size in puffs:
            ring = ellipse(x + dx * width, y + dy * width, size * width, size * width * 0.72)
            canvas.fill(ring, tone, "clouds", outline=False, shade=0.5)


def _draw_mountains(
    canvas: Canvas, scene: Landscape, horizon: float, tint: Tint, random: Random
) -> None:
    stone = tint.on((120, 130, 162), random)
    snow = tint.on((248, 250, 255), random)
    count = random.randint(2, 3)
    for index in range(count):
        x = (index + random.uniform(0.25, 0.75)) / count
        width, height = random.uniform(0.24, 0.34), random.uniform(0.22, 0.34)
        foot, peak = horizon + 0.08, horizon - height
        slope = [(x - width, foot), (x, peak), (x + width, foot)]
        canvas.fill(slope, scaled(stone, random.uniform(0.9, 1.08)), "mountains")
        drop, side = (foot - peak) * 0.3, width * 0.3
        cap = [(x - side, peak + drop), (x, peak), (x + side, peak + drop),
               (x + side * 0.4, peak + drop * 0.7), (x, peak + drop * 1.2),
               (x - side * 0.4, peak + drop * 0.7)]  # fmt: skip
        canvas.fill(cap, snow, "mountains", outline=False)


def _draw_hills(
    canvas: Canvas, scene: Landscape, horizon: float, tint: Tint, random: Random
) -> None:
    ground = tint.on(_GROUND[scene.season], random)
    step = 0.035 if scene.season == "winter" else 0.08
    xs = np.linspace(-0.03, 1.03, 24)
    for index in range(3):
        wave = random.uniform(0.018, 0.04) * np.sin(xs * random.uniform(4, 8) + random.random() * 6)
        ridge = np.stack([xs, horizon + index * 0.12 + wave], 1)
        shape = np.concatenate([ridge, [[1.03, 1.06], [-0.03, 1.06]]])
        canvas.fill(shape, scaled(ground, 1 - step * index), "hills", shade=0.7)
