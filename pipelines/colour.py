"""Colour correction: give a painted picture the colours of the picture it started from."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image


def match_colours(result: Image, target: Image) -> Image:
    """Give `result` (RGB) the colour distribution of `target` (RGB, any size) (behaviour 5.6).

    Per-channel histogram matching in OpenCV's 8-bit LAB, then the luminosity of the uncorrected
    picture is put back. Values are truncated to bytes at both places, as the reference does.
    """
    painted, wanted = np.asarray(result.convert("RGB")), np.asarray(target.convert("RGB"))
    return Pillow.fromarray(_with_luminosity(_with_histogram(painted, wanted), painted))


def _with_histogram(painted: NDArray[np.uint8], wanted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The first picture, (h, w, 3) RGB, with the second one's distribution of LAB values."""
    lab = np.asarray(cv2.cvtColor(painted, cv2.COLOR_RGB2LAB))
    target = np.asarray(cv2.cvtColor(wanted, cv2.COLOR_RGB2LAB))
    for channel in range(3):
        lab[..., channel] = _match_histogram(lab[..., channel], target[..., channel])
    return np.asarray(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), dtype=np.uint8)


def _match_histogram(source: NDArray[np.uint8], target: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Map bytes so that their cumulative distribution becomes the target's; truncates."""
    source_counts = np.bincount(source.reshape(-1), minlength=256)
    target_counts = np.bincount(target.reshape(-1), minlength=256)
    present = np.nonzero(target_counts)[0]
    source_quantiles = np.cumsum(source_counts) / source.size
    target_quantiles = np.cumsum(target_counts[present]) / target.size
    table = np.interp(source_quantiles, target_quantiles, present)
    return table.astype(np.uint8)[source]


def _with_luminosity(
    colours: NDArray[np.uint8], light: NDArray[np.uint8], rows: int = 256
) -> NDArray[np.uint8]:
    """The colours of one picture with the luminosity of another; in strips, to save memory."""
    out = np.empty_like(colours)
    for start in range(0, len(colours), rows):
        strip = slice(start, start + rows)
        out[strip] = _luminosity_blend(colours[strip] / 255.0, light[strip] / 255.0)
    return out


def _luminosity_blend(
    colours: NDArray[np.float64], light: NDArray[np.float64]
) -> NDArray[np.uint8]:
    """Blend mode "luminosity" of two (h, w, 3) arrays in 0..1, to bytes by truncation (5.6).

    The order of the operations matters: truncation turns the last bit into a grey level.
    """
    shifted = colours + (_luma(light) - _luma(colours))
    luma = _luma(shifted)
    lowest = shifted.min(axis=2, keepdims=True)
    highest = shifted.max(axis=2, keepdims=True)
    # Both divisors are safe: a colour with a channel out of range differs from its luminosity.
    low, high = lowest < 0, highest > 1
    raised = luma + (shifted - luma) * luma / np.where(low, luma - lowest, 1)
    shifted = np.where(low, raised, shifted)
    lowered = luma + (shifted - luma) * (1 - luma) / np.where(high, highest - luma, 1)
    shifted = np.where(high, lowered, shifted)
    return (np.clip(shifted, 0, 1) * 255).astype(np.uint8)


def _luma(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """Luminosity of an (h, w, 3) array, as (h, w, 1)."""
    red, green, blue = colours[..., :1], colours[..., 1:2], colours[..., 2:]
    return red * 0.299 + green * 0.587 + blue * 0.114
