"""NVIDIA's random numbers in software: Philox 4x32-10 with Box-Muller, as CUDA's `torch.randn`.

Salmon et al. (2011), "Parallel random numbers: as easy as 1, 2, 3"; behaviour 8.4.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_MULTIPLIERS = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_ROUNDS = 10
_MASK32 = 0xFFFFFFFF
_TWO_PI_BY_2_32 = float(np.float32(2.3283064e-10 * 6.2831855))

Words = npt.NDArray[np.uint64]


class Philox:
    """A stream of normal numbers, the same on every machine.

    Each call to `randn` advances the stream by one, whatever the shape. Equals the noise of a
    CUDA card only for tensors small enough for one wave of its threads (behaviour 8.4).
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed % 2**64
        self._offset = 0

    def randn(self, shape: Sequence[int]) -> npt.NDArray[np.float32]:
        """Draw standard normal float32 numbers of the given shape."""
        count = math.prod(shape)
        c0, c1 = self._words(count)
        self._offset += 1
        # In place throughout: large latents of SDE samplers take dozens of draws per step.
        radius = c0.astype(np.float64)
        radius *= 2.0**-32
        radius += 2.0**-33
        np.log(radius, out=radius)
        radius *= -2.0
        np.sqrt(radius, out=radius)
        angle = c1.astype(np.float64)
        angle *= _TWO_PI_BY_2_32
        angle += _TWO_PI_BY_2_32 / 2
        radius *= np.sin(angle, out=angle)
        return radius.astype(np.float32).reshape(tuple(shape))

    def _words(self, count: int) -> tuple[Words, Words]:
        """Return the first two of the four 32-bit words of each counter."""
        c0 = np.full(count, self._offset, np.uint64)
        c1 = np.zeros(count, np.uint64)
        c2 = np.arange(count, dtype=np.uint64)
        c3 = np.zeros(count, np.uint64)
        product0, product1 = np.empty_like(c0), np.empty_like(c0)
        key0, key1 = self._seed & _MASK32, self._seed >> 32
        low, high = np.uint64(_MASK32), np.uint64(32)
        for _ in range(_ROUNDS):
            np.multiply(c0, _MULTIPLIERS[0], out=product0)
            np.multiply(c2, _MULTIPLIERS[1], out=product1)
            np.right_shift(product1, high, out=c0)
            c0 ^= c1 ^ np.uint64(key0)
            np.right_shift(product0, high, out=c2)
            c2 ^= c3 ^ np.uint64(key1)
            np.bitwise_and(product1, low, out=c1)
            np.bitwise_and(product0, low, out=c3)
            key0, key1 = (key0 + _WEYL[0]) & _MASK32, (key1 + _WEYL[1]) & _MASK32
        return c0, c1
