"""Noise that looks like a picture's surroundings: its spectrum, its colours (behaviour 12.5). Pure.

White noise is shaped by the picture's own spectrum and phase, then given the colours of what is
kept. The idea of painting outside from such noise is parlance-zz's (g-diffuser).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image

Values = NDArray[np.float64]

NEW, KEPT = 1e-6, 1e-3
"""Mask values above the first are new, below the second are what colours are taken from."""


def filled_with_noise(image: Image, mask: Image, fall_off: float, variation: float) -> Image:
    """The picture (RGB) with matched noise where the mask (L of the same size) is white.

    `fall_off` is the power of the picture's spectrum, `variation` how colourful the noise is, 0..1.
    """
    pixels = np.asarray(image.convert("RGB"), np.float64) / 255.0
    grey = np.asarray(mask.convert("L"), np.float64) / 255.0
    values = matched_noise(pixels, grey, fall_off, variation)
    return Pillow.fromarray(np.clip(values * 255.0, 0.0, 255.0).astype(np.uint8))


def matched_noise(image: Values, grey: Values, fall_off: float, variation: float) -> Values:
    """(H, W, 3) of 0..1 from the picture (H, W, 3) and the mask (H, W), both 0..1, 1 = new.

    A mask that covers everything leaves nothing to match: the noise stays as it is.
    """
    wide = grey[:, :, None]
    windowed = image * (1.0 - wide)
    windowed = windowed / max(float(windowed.max()), 1e-12) + float(image.mean()) * wide
    spectrum = _transformed(windowed)
    strength = np.abs(spectrum)
    phase = np.divide(spectrum, strength, out=np.zeros_like(spectrum), where=strength > 0)
    height, width = grey.shape
    noise = _transformed(_smooth_noise(height, width, variation))
    shaped = _back(np.abs(noise) ** 2 * strength**fall_off * phase)
    shaped = shaped - shaped.min()
    shaped = shaped / max(float(shaped.max()), 1e-12)
    new, kept = grey > NEW, grey < KEPT
    if kept.any() and new.any():
        for channel in range(3):
            shaped[new, channel] = with_histogram(shaped[new, channel], image[kept, channel])
    mixed = image * (1.0 - wide) + shaped * wide
    return np.asarray(np.clip(mixed, 0.0, 1.0), np.float64)


def with_histogram(values: Values, like: Values) -> Values:
    """The values (n,) moved so that their distribution is that of `like` (m,)."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    levels, wanted = np.unique(like, return_counts=True)
    share = np.cumsum(counts) / values.size
    mapped = np.interp(share, np.cumsum(wanted) / like.size, levels)
    return np.asarray(mapped[places], np.float64)


def _smooth_noise(height: int, width: int, variation: float) -> Values:
    """White noise, always the same for a size, mostly grey, without its finest detail."""
    colours = np.random.default_rng(0).random((height, width, 3))
    mean = colours.sum(axis=2, keepdims=True) / 3.0
    mixed = colours * variation + mean * (1.0 - variation)
    return _back(_transformed(mixed) * _window(height, width)[:, :, None])


def _window(height: int, width: int) -> Values:
    """1 / ((x^2 + 1)(y^2 + 1)) over -1..1, longer sides farther out."""
    shorter = min(height, width)
    y = (np.arange(height) / height * 2.0 - 1.0) * (height / shorter)
    x = (np.arange(width) / width * 2.0 - 1.0) * (width / shorter)
    return np.asarray(1.0 / ((y[:, None] ** 2 + 1.0) * (x[None, :] ** 2 + 1.0)), np.float64)


def _transformed(values: Values) -> NDArray[np.complex128]:
    """Fourier transform of each channel, the lowest frequency in the middle."""
    shifted = np.fft.fftshift(values, axes=(0, 1))
    found = np.fft.fft2(shifted, axes=(0, 1), norm="ortho")
    return np.fft.ifftshift(found, axes=(0, 1))


def _back(spectrum: NDArray[Any]) -> Values:
    """The real part of the way back."""
    shifted = np.fft.fftshift(spectrum, axes=(0, 1))
    found = np.fft.ifft2(shifted, axes=(0, 1), norm="ortho")
    return np.real(np.fft.ifftshift(found, axes=(0, 1)))
