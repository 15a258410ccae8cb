"""From a seed to a finished picture with captions, tags, attributes and masks of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

import cv2
import numpy as np
import numpy.typing as npt

from models.builtin.training.world.attributes import attributes
from models.builtin.training.world.canvas import PARTS, Canvas, Pixels
from models.builtin.training.world.captions import captions
from models.builtin.training.world.landscape import draw_landscape
from models.builtin.training.world.looks import LOOK_WEIGHTS, LOOKS
from models.builtin.training.world.objects import draw_still_life
from models.builtin.training.world.people import draw_figure, draw_portrait
from models.builtin.training.world.scene import (
    KIND_WEIGHTS,
    Figure,
    Landscape,
    Portrait,
    Scene,
    random_scene,
)
from models.builtin.training.world.tags import tags

SMALLEST, LARGEST = 64, 384
"""Sides a picture can be drawn at."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """`pixels` is RGB uint8 [size, size, 3]; `labels` uint8 [size, size] numbers its PARTS."""

    pixels: Pixels
    labels: Pixels
    scene: Scene
    look: str
    captions: list[str]
    tags: list[str]
    attributes: dict[str, str]

    def mask(self, part: str) -> npt.NDArray[np.bool_]:
        """Where the part is seen, True inside. Raises ValueError for a part that does not exist."""
        if part not in PARTS:
            raise ValueError(f"There is no part called {part!r}; use one of {PARTS}.")
        return np.asarray(self.labels == PARTS.index(part))

    def parts(self) -> list[str]:
        """The names of the parts that are seen."""
        return [PARTS[number] for number in np.unique(self.labels)]


def draw(
    seed: int,
    size: int = 256,
    *,
    kind: str | None = None,
    look: str | None = None,
    fixed: Mapping[str, object] | None = None,
    caption_count: int = 4,
) -> Drawing:
    """Draw the picture of a seed, `size` pixels wide and high.

    `kind` and `look` are drawn by lot if not given; `fixed` sets attributes of the scene. The
    geometry depends on the seed and the kind alone, so that a changed colour changes nothing else.
    Raises ValueError for a size out of 64..384, an unknown kind or an unknown look.
    """
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"Size {size} is out of range; use {SMALLEST} to {LARGEST}.")
    if look is not None and look not in LOOKS:
        raise ValueError(f"There is no look called {look!r}; use one of {list(LOOKS)}.")
    kind = kind or _lot(seed, "kind", KIND_WEIGHTS)
    look = look or _lot(seed, f"look of {kind}", LOOK_WEIGHTS | _FIGURE_LOOKS.get(kind, {}))
    scene = random_scene(kind, _dice(seed, "scene"), fixed)
    canvas = paint(scene, look, size, _dice(seed, "lines"))
    return Drawing(
        pixels=canvas.finished(),
        labels=canvas.labels,
        scene=scene,
        look=look,
        captions=captions(scene, look, _dice(seed, "words"), caption_count),
        tags=tags(scene, look),
        attributes=attributes(scene, look),
    )


_FIGURE_LOOKS = {"figure": {"clay": 0.5}}


def paint(scene: Scene, look: str, size: int, random: Random) -> Canvas:
    """Draw a given scene; `random` decides what the scene leaves open."""
    cv2.setNumThreads(1)
    canvas = Canvas(size, LOOKS[look])
    if isinstance(scene, Portrait):
        draw_portrait(canvas, scene, random)
    elif isinstance(scene, Figure):
        draw_figure(canvas, scene, random)
    elif isinstance(scene, Landscape):
        draw_landscape(canvas, scene, random)
    else:
        draw_still_life(canvas, scene, random)
    return canvas


def _dice(seed: int, purpose: str) -> Random:
    """Independent dice for each purpose of one seed; strings seed them alike on every machine."""
    return Random(f"{purpose} {seed}")


def _lot(seed: int, purpose: str, weights: Mapping[str, float]) -> str:
    return _dice(seed, purpose).choices(list(weights), list(weights.values()))[0]
