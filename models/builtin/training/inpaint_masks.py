"""Random holes for the inpainting model: a part of the drawing, a box, or a brush stroke."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from models.builtin.training.render import LABEL_STEP, Pictures

_GREY = 127
"""What stands in the hole: the middle of the range, as SD's inpainting models expect."""


def hole_pictures(
    pictures: Pictures, rows: npt.NDArray[np.int64], dice: np.random.Generator
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.uint8]]:
    """Masks float32 [b, s/8, s/8] (1 = repaint), and the pictures with grey in their holes."""
    masks, masked = [], []
    for row in rows:
        hole = random_hole(np.asarray(pictures.labels[row]), dice)
        large = np.repeat(np.repeat(hole, LABEL_STEP, 0), LABEL_STEP, 1)
        masked.append(np.where(large[..., None], _GREY, pictures.pixels[row]).astype(np.uint8))
        step = 8 // LABEL_STEP
        masks.append(hole[::step, ::step].astype(np.float32))
    return np.stack(masks), np.stack(masked)


def random_hole(labels: npt.NDArray[np.uint8], dice: np.random.Generator) -> npt.NDArray[np.bool_]:
    """A hole over a label map of the same size; never empty, sometimes everything."""
    form = dice.random()
    hole = np.zeros(labels.shape, np.uint8)
    side = labels.shape[0]
    if form < 0.45:
        hole = (labels == dice.choice(np.unique(labels))).astype(np.uint8)
        hole = np.asarray(cv2.dilate(hole, np.ones((3, 3)), iterations=int(dice.integers(0, 5))))
    elif form < 0.7:
        x0, y0 = dice.integers(0, side * 3 // 4, 2)
        width, height = dice.integers(side // 8, side, 2)
        hole[y0 : y0 + height, x0 : x0 + width] = 1
    elif form < 0.95:
        points = dice.integers(0, side, (int(dice.integers(2, 6)), 2)).astype(np.int32)
        cv2.polylines(hole, [points], False, 1, int(dice.integers(side // 10, side // 4)))
    else:
        hole[:] = 1
    return hole > 0
