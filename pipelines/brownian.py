"""Brownian noise of the SDE samplers: one path per picture, whatever the steps (behaviour 8.6).

The path is the virtual Brownian tree of Li et al. (2020), "Scalable gradients for stochastic
differential equations", with the seeds and the arithmetic of torchsde 0.2.6's BrownianTree, so
that the numbers are the same. Own code, because the draws must come from a chosen noise source
and torchsde offers no place for that.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pipelines.noise import Shape, noise_stream
from pipelines.request import NoiseSource

_DIGITS = 6
"""Times are resolved to 1e-6."""
_POOL_SIZE = 24
_CACHED_NODES = 64


class BrownianPath:
    """One path W over [start, end]; increments depend on the seed only, not on the queries."""

    def __init__(
        self,
        seed: int,
        shape: Shape,
        interval: tuple[float, float],
        source: NoiseSource,
        device: torch.device,
    ) -> None:
        self._entropy = seed % 2**64
        self._shape = shape
        self._source = source
        self._device = device
        self._start, self._end = (round(time, _DIGITS) for time in interval)
        seeds = np.random.SeedSequence(entropy=self._entropy, pool_size=_POOL_SIZE)
        self._total = self._draw(int(seeds.generate_state(1)[0])) * math.sqrt(
            interval[1] - interval[0]
        )
        self._halves: OrderedDict[tuple[int, int], Tensor] = OrderedDict()

    def increment(self, start: float, end: float) -> Tensor:
        """Return W(end) - W(start), (C,h,w); times outside the interval are moved to its ends."""
        low, high = (
            round(min(max(time, self._start), self._end), _DIGITS) for time in (start, end)
        )
        if low >= high:
            return torch.zeros(self._shape, device=self._device)
        return self._sum(low, high, (self._start, self._end), (0, 0), self._total)

    def _sum(
        self,
        low: float,
        high: float,
        node: tuple[float, float],
        key: tuple[int, int],
        whole: Tensor,
    ) -> Tensor:
        """Return the increment over [low, high] within a tree node whose own increment is known."""
        start, end = node
        if (low, high) == node:
            return whole
        middle = round(0.5 * (end + start), _DIGITS)
        left = self._left_half(start, middle, end, key, whole)
        index, depth = key
        parts = []
        if low < middle:
            below = (start, middle)
            parts.append(self._sum(low, min(high, middle), below, (2 * index, depth + 1), left))
        if high > middle:
            above, right = (middle, end), whole - left
            parts.append(
                self._sum(max(low, middle), high, above, (2 * index + 1, depth + 1), right)
            )
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _left_half(
        self, start: float, middle: float, end: float, key: tuple[int, int], whole: Tensor
    ) -> Tensor:
        """Split a node: its lower half's increment given the whole (a Brownian bridge)."""
        if key in self._halves:
            self._halves.move_to_end(key)
            return self._halves[key]
        scale = 1 / (end - start)
        lower, upper = middle - start, end - middle
        seeds = np.random.SeedSequence(entropy=self._entropy, spawn_key=key, pool_size=_POOL_SIZE)
        draw = self._draw(int(seeds.generate_state(1)[0]))
        left = lower * whole * scale + math.sqrt(lower * upper * scale) * draw
        self._halves[key] = left
        if len(self._halves) > _CACHED_NODES:
            self._halves.popitem(last=False)
        return left

    def _draw(self, seed: int) -> Tensor:
        return noise_stream(seed, self._source, self._device).draw(self._shape)


class BrownianNoise:
    """The paths of one batch, over the whole schedule even where only its end runs.

    `sigmas` is the full schedule (descending, unsliced, after the discard trick): the paths span
    its smallest positive to its largest value. ENSD and variation seeds play no part.
    """

    def __init__(
        self,
        shape: Shape,
        seeds: Sequence[int],
        sigmas: Tensor,
        source: NoiseSource,
        device: torch.device | str = "cpu",
    ) -> None:
        positive = sigmas[sigmas > 0]
        interval = (float(positive.min()), float(positive.max()))
        target = torch.device(device)
        self._paths = [BrownianPath(seed, shape, interval, source, target) for seed in seeds]

    def between(self, sigma: float, sigma_next: float) -> Tensor:
        """Return (W(sigma_next) - W(sigma)) / sqrt(|difference|), (B,C,h,w), unit variance.

        Pass values of float32 tensors: a sigma that is off by 1e-7 changes the noise by 1e-3.
        """
        low, high = sorted((sigma, sigma_next))
        sign = 1.0 if sigma < sigma_next else -1.0
        increments = torch.stack([path.increment(low, high) for path in self._paths])
        length = np.sqrt(np.float32(high) - np.float32(low))
        return increments * (sign / float(length))
