"""Make the pictures of the page's examples: two drawings, a rough sketch, a mask, a painted hat.

    python -m models.builtin.training.example_pictures ui/static/examples

What is asked of them, the prompts and settings, is in ui/examples.py.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from models.builtin.training.world.drawing import Drawing, draw

SIDE = 256
Pixels = npt.NDArray[np.uint8]

_PORTRAIT = {
    "person": "girl", "hair": "black", "style": "long", "eyes": "blue", "expression": "smile",
    "accessory": "none", "background": "teal", "plain": "yes", "shirt": "white",
}  # fmt: skip
_LANDSCAPE = {
    "sky": "day", "season": "summer", "mountains": "yes", "water": "stream", "house": "yes",
    "light": "sun",
}  # fmt: skip
_PORTRAIT_SEED, _LANDSCAPE_SEED = 11, 4
_AROUND_HAIR = 9
"""Pixels by which the mask is larger than the hair, as one paints it."""

_SKY, _MEADOW, _PEAK, _WALL, _ROOF = (
    (135, 190, 235), (90, 160, 70), (120, 125, 140), (235, 225, 200), (190, 60, 50),
)  # fmt: skip
_HAT = (200, 40, 40, 255)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the files into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, pixels in example_pictures().items():
        form = {"lossless": True, "method": 6} if name.endswith(".webp") else {"optimize": True}
        Image.fromarray(pixels).save(folder / name, **form)


def example_pictures() -> dict[str, Pixels]:
    """Pixels by file name: RGB pictures, a mask (255 = repaint), and RGBA strokes."""
    portrait = draw(_PORTRAIT_SEED, SIDE, kind="portrait", look="soft", fixed=_PORTRAIT)
    landscape = draw(_LANDSCAPE_SEED, SIDE, kind="landscape", look="soft", fixed=_LANDSCAPE)
    return {
        "portrait.webp": portrait.pixels,
        "landscape.webp": landscape.pixels,
        "sketch.webp": _rough_landscape(),
        "hair_mask.png": _hair_mask(portrait),
        "hat_strokes.png": _hat(portrait),
    }


def _rough_landscape() -> Pixels:
    """Flat blobs with a shaky outline, as a mouse draws them."""
    pixels = np.full((SIDE, SIDE, 3), _SKY, np.uint8)
    _blob(pixels, [(-10, 170), (60, 80), (112, 150), (170, 66), (270, 175)], _PEAK)
    _blob(pixels, [(-10, 160), (90, 150), (180, 165), (270, 150), (270, 270), (-10, 270)], _MEADOW)
    _blob(pixels, [(150, 158), (206, 156), (208, 206), (148, 208)], _WALL)
    _blob(pixels, [(140, 160), (178, 122), (216, 158)], _ROOF)
    return pixels


def _blob(pixels: Pixels, corners: Sequence[tuple[int, int]], colour: Sequence[int]) -> None:
    points = [np.array(corners, np.int32)]
    cv2.fillPoly(pixels, points, tuple(colour), cv2.LINE_AA)
    cv2.polylines(pixels, points, True, tuple(colour), 9, cv2.LINE_AA)


def _hair_mask(portrait: Drawing) -> Pixels:
    """The largest connected piece of hair, a little wider."""
    hair = portrait.mask("hair").astype(np.uint8)
    _, pieces, figures, _ = cv2.connectedComponentsWithStats(hair)
    largest = 1 + int(figures[1:, cv2.CC_STAT_AREA].argmax())
    brush = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _AROUND_HAIR + 1,) * 2)
    return np.asarray(cv2.dilate((pieces == largest).astype(np.uint8) * 255, brush), np.uint8)


def _hat(portrait: Drawing) -> Pixels:
    """A crown and a brim on the upper part of the head."""
    rows, columns = np.nonzero(portrait.mask("hair"))
    top, middle = int(rows.min()), int(columns.mean())
    half = int(columns.max() - columns.min()) // 2
    strokes = np.zeros((SIDE, SIDE, 4), np.uint8)
    brim = top + 24
    crown = (middle, brim)
    cv2.ellipse(strokes, crown, (int(half * 0.66), 46), 0, 180, 360, _HAT, -1, cv2.LINE_AA)
    cv2.line(strokes, (middle - half - 4, brim), (middle + half + 4, brim), _HAT, 15, cv2.LINE_AA)
    strokes[strokes[..., 3] > 0] = _HAT
    return strokes


if __name__ == "__main__":
    main()
