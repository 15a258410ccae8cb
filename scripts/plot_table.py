"""The table of a plot: how far each cell lies from its init image, in numbers; CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from pipelines.geometry import Extent
from pipelines.request import ResizeMode
from pipelines.resize import resize_image

CHANGED = 2
"""Levels (of 255) that a channel must move by for its pixel to count as changed."""

_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class Distance:
    """How far a picture lies from its init image.

    `mae` is the mean absolute difference of all channels, 0..255. `ssim` is the structural
    similarity of the luminance, 1 for equal pictures (Wang et al. 2004). `changed` is the share of
    pixels, 0..1, with a channel that moved by at least CHANGED levels.
    """

    mae: float
    ssim: float
    changed: float


@dataclass(frozen=True)
class TableRow:
    """One cell. Numbers are None where there is no picture, or nothing to compare it to."""

    x: str
    y: str
    z: str
    state: str
    mae: float | None = None
    ssim: float | None = None
    changed: float | None = None
    seconds: float | None = None
    seed: int | None = None
    file: str = ""
    error: str = ""


def distance(made: Image, init: Image, mode: ResizeMode = ResizeMode.JUST_RESIZE) -> Distance:
    """Compare a result to its init image, which is brought to the result's size in `mode`."""
    wanted = Extent.of(made)
    start = init.convert("RGB")
    if Extent.of(start) != wanted:
        start = resize_image(start, mode, wanted).convert("RGB")
    a = np.asarray(made.convert("RGB"), dtype=np.float32)
    b = np.asarray(start, dtype=np.float32)
    moved = np.abs(a - b)
    return Distance(
        mae=round(float(moved.mean()), 4),
        ssim=round(ssim(_luminance(a), _luminance(b)), 6),
        changed=round(float((moved.max(axis=2) >= CHANGED).mean()), 6),
    )


def ssim(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """Mean structural similarity of two luminance planes (H, W), 0..255.

    Gaussian windows of sigma 1.5 over 11 x 11 pixels, K1 = 0.01, K2 = 0.03 (Wang et al. 2004).
    """
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    x, y = a.astype(np.float64), b.astype(np.float64)

    def blurred(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(cv2.GaussianBlur(plane, (11, 11), 1.5), dtype=np.float64)

    mean_x, mean_y = blurred(x), blurred(y)
    var_x = blurred(x * x) - mean_x**2
    var_y = blurred(y * y) - mean_y**2
    covariance = blurred(x * y) - mean_x * mean_y
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    bottom = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return float((top / bottom).mean())


def to_csv(rows: Sequence[TableRow]) -> str:
    """The table as CSV with a header line.

    Texts that a spreadsheet would run as a formula get a leading apostrophe.
    """
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, [field.name for field in fields(TableRow)])
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _inert(value) for key, value in asdict(row).items()})
    return out.getvalue()


def _inert(value: object) -> object:
    if isinstance(value, str) and value.startswith(_STARTS_FORMULA):
        try:
            float(value)
        except ValueError:
            return "'" + value
    return "" if value is None else value


def _luminance(rgb: NDArray[np.float32]) -> NDArray[np.float32]:
    """ITU-R 601 luma of (H, W, 3)."""
    weights = np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.asarray(rgb @ weights, dtype=np.float32)
