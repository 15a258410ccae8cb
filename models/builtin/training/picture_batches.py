"""Batches of rendered pictures at the size that a picture-to-words model sees."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from models.builtin.training.render import Pictures

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_SPREAD = (0.26862954, 0.26130258, 0.27577711)


def picture_batch(
    pictures: Pictures, rows: npt.NDArray[np.int64], side: int, dice: np.random.Generator | None
) -> npt.NDArray[np.float32]:
    """float32 [b, side, side, 3] in 0..1; with dice a little blurred, noisy and dimmed."""
    return np.stack([_seen(pictures.pixels[row], side, dice) for row in rows])


def _seen(
    picture: npt.NDArray[np.uint8], side: int, dice: np.random.Generator | None
) -> npt.NDArray[np.float32]:
    seen: npt.NDArray[Any] = np.asarray(
        cv2.resize(np.asarray(picture), (side, side), interpolation=cv2.INTER_AREA), np.float32
    )
    if dice is not None:
        if dice.random() < 0.4:
            seen = cv2.GaussianBlur(seen, (0, 0), dice.uniform(0.3, 1.2))
        seen = seen * dice.uniform(0.92, 1.06)
        seen = seen + dice.normal(0, dice.uniform(0, 6), seen.shape)
    return np.asarray(np.clip(seen / 255, 0, 1), np.float32)


def clip_normalised(batch: npt.NDArray[np.float32]) -> Tensor:
    """[b, 3, side, side] with CLIP's mean and spread taken out (behaviour 13.1)."""
    mean, spread = (np.array(each, np.float32) for each in (CLIP_MEAN, CLIP_SPREAD))
    normal = (batch - mean) / spread
    return torch.from_numpy(np.ascontiguousarray(normal.transpose(0, 3, 1, 2)))
