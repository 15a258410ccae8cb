"""Portraits and full figures: background, body, head, in the order in which they are painted."""

from __future__ import annotations

from random import Random

from models.builtin.training.world.canvas import Canvas
from models.builtin.training.world.face import draw_features, draw_skull
from models.builtin.training.world.hair import draw_back_hair, draw_front_hair
from models.builtin.training.world.headwear import draw_accessory
from models.builtin.training.world.palette import (
    COLOURS,
    EYES,
    HAIR,
    INK,
    SKIN,
    WHITE,
    Colour,
    jittered,
    lightness,
    mix,
    scaled,
)
from models.builtin.training.world.scene import Figure, Person, Portrait
from models.builtin.training.world.shapes import Frame, PointList, ellipse, mirrored

_TORSO = [(-0.3, 1.0), (-0.62, 1.16), (-0.66, 1.6), (-0.6, 2.2), (0.6, 2.2), (0.66, 1.6),
          (0.62, 1.16), (0.3, 1.0)]  # fmt: skip
_SKIRT = [(-0.3, 1.0), (-0.6, 1.14), (-0.58, 1.6), (-0.95, 2.5), (0, 2.6), (0.95, 2.5),
          (0.58, 1.6), (0.6, 1.14), (0.3, 1.0)]  # fmt: skip
_ARMS: dict[str, tuple[PointList, tuple[float, float]]] = {
    "down": ([(0.5, 1.12), (0.74, 1.2), (1.06, 1.86), (0.8, 1.98), (0.52, 1.52)], (0.95, 1.98)),
    "up": ([(0.5, 1.14), (0.66, 1.5), (1.42, 1.06), (1.3, 0.8), (0.72, 1.1)], (1.42, 0.88)),
}
"""A sleeve's outline on the right, and where its hand is."""


def draw_backdrop(canvas: Canvas, colour: Colour, plain: bool, random: Random) -> None:
    """A softly lit wall, with a few pale discs on it unless it is plain."""
    if canvas.look.shading == "none":
        canvas.gradient(colour, colour)
    else:
        canvas.gradient(scaled(colour, 1.04), scaled(colour, 0.9))
        canvas.glow(mix(colour, WHITE, 0.5), 0.5 + random.uniform(-0.15, 0.15), 0.35, 0.75, 0.45)
    if plain:
        return
    for _ in range(random.randint(4, 8)):
        disc = ellipse(random.random(), random.random(), random.uniform(0.03, 0.09))
        canvas.fill(disc, mix(colour, WHITE, 0.35), outline=False, shade=0)


def draw_portrait(canvas: Canvas, scene: Portrait, random: Random) -> None:
    """Head and shoulders before a wall."""
    wall, skin, hair = _colours(scene, random)
    shirt = jittered(COLOURS[scene.shirt], random)
    draw_backdrop(canvas, wall, scene.plain == "yes", random)
    radius = random.uniform(0.205, 0.228)
    head = Frame(0.5 + random.uniform(-0.025, 0.025), 0.475 + random.uniform(-0.015, 0.015), radius)
    draw_back_hair(canvas, head, scene.style, hair, random)
    neck = [(-0.34, 0.7), (0.34, 0.7), (0.36, 1.65), (-0.36, 1.65)]
    canvas.fill(head.at(neck), scaled(skin, 0.88), "face")
    width = 1.7 if scene.person == "girl" else 1.95
    low = (1.05 - head.y) / radius + 0.4
    half = [(0.42, 1.42), (1.2, 1.68), (width, 2.25), (width + 0.1, low)]
    body = [*((-x, y) for x, y in half), *reversed(half), (0, 1.72)]
    canvas.fill(head.at(body), shirt, "shirt", curved=True)
    _collar(canvas, head, shirt, [(-0.46, 1.45), (0, 1.84), (0.46, 1.45)])
    _draw_head(canvas, head, scene, (skin, hair), random)


def draw_figure(canvas: Canvas, scene: Figure, random: Random) -> None:
    """A small character from head to foot, its head larger than life."""
    wall, skin, hair = _colours(scene, random)
    draw_backdrop(canvas, wall, scene.plain == "yes", random)
    radius = random.uniform(0.17, 0.182)
    head = Frame(0.5 + random.uniform(-0.025, 0.025), 0.385 + random.uniform(-0.01, 0.015), radius)
    ground = scaled(wall, 0.72) if lightness(wall) > 0.2 else scaled(wall, 0.4)
    canvas.fill(head.ellipse(0, 3.2, 1.3, 0.17), ground, outline=False, shade=0)
    draw_back_hair(canvas, head, scene.style, hair, random)
    _legs(canvas, head, scene, skin, random)
    _body(canvas, head, scene, skin, random)
    _draw_head(canvas, head, scene, (skin, hair), random)


def _colours(scene: Person, random: Random) -> tuple[Colour, Colour, Colour]:
    """Wall, skin and hair."""
    wall = jittered(COLOURS[scene.background], random)
    return wall, jittered(SKIN[scene.skin], random, 4), jittered(HAIR[scene.hair], random)


def _draw_head(
    canvas: Canvas, head: Frame, scene: Person, colours: tuple[Colour, Colour], random: Random
) -> None:
    skin, hair = colours
    draw_skull(canvas, head, skin)
    draw_features(canvas, head, scene.expression, jittered(EYES[scene.eyes], random, 5), skin)
    draw_front_hair(canvas, head, scene.style, hair, random)
    worn = jittered(COLOURS[scene.accessory_colour], random)
    draw_accessory(canvas, head, scene.accessory, worn, hair, scene.horn_shape)


def _collar(canvas: Canvas, frame: Frame, shirt: Colour, line: PointList) -> None:
    tone = scaled(shirt, 0.68) if lightness(shirt) > 0.25 else (104, 104, 112)
    canvas.stroke(frame.at(line), tone, 0.065 * frame.unit)


def _legs(canvas: Canvas, head: Frame, scene: Figure, skin: Colour, random: Random) -> None:
    bare = scene.trousers == "none"
    leg = skin if bare else jittered(COLOURS[scene.trousers], random)
    shoe = jittered(COLOURS[scene.footwear_colour], random)
    top = 2.5 if scene.footwear == "boots" else 2.88
    for side in (-1, 1):
        points = mirrored([(0.04, 2.05), (0.6, 2.05), (0.56, 3.0), (0.1, 3.0)], side)
        canvas.fill(head.at(points), leg, "face" if bare else "trousers")
        boot = [(0.06, top), (0.62, top), (0.62, 2.86), (0.92, 2.98), (0.92, 3.2), (0.06, 3.2)]
        canvas.fill(head.at(mirrored(boot, side)), shoe, "shoes")
        sole = mirrored([(0.06, 3.13), (0.92, 3.13), (0.92, 3.22), (0.06, 3.22)], side)
        canvas.fill(head.at(sole), scaled(shoe, 0.6), "shoes", outline=False, shade=0)


def _body(canvas: Canvas, head: Frame, scene: Figure, skin: Colour, random: Random) -> None:
    """Arms, hands and what is worn."""
    shirt = jittered(COLOURS[scene.shirt], random)
    raised = {"arms up": {-1, 1}, "waving": {random.choice((-1, 1))}}.get(scene.pose, set())
    for side in (-1, 1):
        sleeve, hand = _ARMS["up" if side in raised else "down"]
        canvas.fill(head.ellipse(side * hand[0], hand[1], 0.19), skin, "face")
        canvas.fill(head.at(mirrored(sleeve, side)), scaled(shirt, 0.92), "shirt", curved=True)
    if scene.outfit == "dress":
        canvas.fill(head.at(_SKIRT), shirt, "shirt", curved=True)
        return
    canvas.fill(head.at(_TORSO), shirt, "shirt", curved=True)
    if scene.outfit == "overalls":
        cloth = jittered(COLOURS[scene.trousers], random)
        bib = [(-0.36, 1.4), (0.36, 1.4), (0.36, 1.68), (0.64, 1.75), (0.62, 2.24), (-0.62, 2.24),
               (-0.64, 1.75), (-0.36, 1.68)]  # fmt: skip
        canvas.fill(head.at(bib), cloth, "trousers")
        for side in (-1, 1):
            strap = mirrored([(0.22, 0.98), (0.36, 1.02), (0.36, 1.46), (0.22, 1.46)], side)
            canvas.fill(head.at(strap), cloth, "trousers", shade=0)
            button = head.ellipse(side * 0.29, 1.5, 0.05)
            canvas.fill(button, INK if lightness(cloth) > 0.5 else WHITE, outline=False, shade=0)
    else:
        line = (60, 60, 66) if lightness(shirt) > 0.2 else (110, 110, 116)
        canvas.stroke(head.at([(-0.6, 2.12), (0.6, 2.12)]), line, 0.07 * head.unit)
