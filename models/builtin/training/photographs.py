"""Photographs for the VAE, from the packages that ship some; nothing is downloaded.

scikit-image (public domain and CC0; see its data/README.txt) and, where installed, scikit-learn.
A few are held out to measure with.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

_TRAINED = (
    "astronaut.png", "chelsea.png", "rocket.jpg", "hubble_deep_field.jpg", "ihc.png", "retina.jpg",
    "motorcycle_left.png", "brick.png", "grass.png", "gravel.png", "coins.png", "moon.png",
    "page.png", "china.jpg", "flower.jpg",
)  # fmt: skip
_HELD_OUT = ("coffee.png", "camera.png", "motorcycle_right.png")
Pixels = npt.NDArray[np.uint8]


def photographs(held_out: bool = False, side: int = 512) -> list[Pixels]:
    """RGB uint8 pictures whose shorter side is at most `side`; missing ones are left out."""
    names = _HELD_OUT if held_out else _TRAINED
    found = [folder / name for folder in _folders() for name in names]
    return [_read(path, side) for path in found if path.is_file()]


def _folders() -> list[Path]:
    places = (("skimage", "data"), ("sklearn", "datasets/images"))
    specs = [(importlib.util.find_spec(package), inside) for package, inside in places]
    return [Path(spec.origin).parent / inside for spec, inside in specs if spec and spec.origin]


def _read(path: Path, side: int) -> Pixels:
    with Image.open(path) as file:
        picture = np.asarray(file.convert("RGB"))
    height, width = picture.shape[:2]
    scale = side / min(height, width)
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(picture, np.uint8)
