"""UniPC, a predictor-corrector on continuous timesteps (behaviour 6.4, 7.4).

Zhao et al. (2023), "UniPC: a unified predictor-corrector framework for fast sampling of diffusion
models": multistep, order 3, B1(h) ("bh1"), predicting x0. The contract is that of
samplers_timestep.py, but `timesteps` may be fractional.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import EpsModel, OnStep, StepInfo, StepNoise
from pipelines.samplers_k import at
from pipelines.samplers_timestep import predicted_x0, vp_sigma

ORDER = 3


class _Point(NamedTuple):
    """A timestep's signal scale, noise scale and half log signal-to-noise ratio."""

    alpha: float
    sigma: float
    log_snr: float


class _Past(NamedTuple):
    """A prediction that was made, and where."""

    point: _Point
    x0: Tensor


def sample_unipc(
    eps_model: EpsModel,
    x: Tensor,
    timesteps: Sequence[float],
    *,
    alphas: Tensor,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Run `timesteps` from the last to the first, which is not evaluated.

    Every step but the last is corrected with the prediction at its end, which then serves the
    next step; the order is lower in the first and in the last steps.
    """
    path = list(timesteps[::-1])
    points = [_point(t, alphas) for t in path]
    count = len(path) - 1
    order = min(ORDER, count)

    def predict(state: Tensor, i: int) -> _Past:
        alpha = points[i].alpha ** 2
        x0 = predicted_x0(state, eps_model(state, at(state, path[i])).guided, alpha)
        on_step(StepInfo(i, count, vp_sigma(alpha), x0))
        return _Past(points[i], x0)

    past = [predict(x, 0)]  # newest first
    for i in range(1, count + 1):
        used = past[: min(order, i, count + 1 - i)]
        step = _Step(x, used, points[i])
        x = step.predicted()
        if i < count:
            newest = predict(x, i)
            x = step.corrected(newest.x0)
            past = [newest, *past[: ORDER - 1]]
    return x


class _Step:
    """One step from the newest point of `past` (newest first) to `target`; order = len(past)."""

    def __init__(self, x: Tensor, past: Sequence[_Past], target: _Point) -> None:
        start = past[0].point
        self._h = target.log_snr - start.log_snr
        self._target = target
        self._newest = past[0].x0
        shrink = math.expm1(-self._h)
        self._linear = x * (target.sigma / start.sigma) - self._newest * (target.alpha * shrink)
        self._ratios = [(old.point.log_snr - start.log_snr) / self._h for old in past[1:]]
        self._slopes = [
            (old.x0 - self._newest) / ratio
            for old, ratio in zip(past[1:], self._ratios, strict=True)
        ]

    def predicted(self) -> Tensor:
        """Return the state at the target from older predictions only (UniP)."""
        if len(self._slopes) == 1:
            return self._with(self._slopes, [0.5])
        return self._with(self._slopes, _weights(self._ratios, self._h))

    def corrected(self, x0: Tensor) -> Tensor:
        """Return the state at the target, knowing the prediction there (UniC)."""
        slopes = [*self._slopes, x0 - self._newest]
        if len(slopes) == 1:
            return self._with(slopes, [0.5])
        return self._with(slopes, _weights([*self._ratios, 1.0], self._h))

    def _with(self, slopes: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
        x = self._linear
        for slope, weight in zip(slopes, weights, strict=True):
            x = x + slope * (self._target.alpha * self._h * weight)
        return x


def _weights(ratios: Sequence[float], h: float) -> list[float]:
    """Solve equation 5 of the paper: the weights that make a step exact for polynomials."""
    if not ratios:
        return []
    hh = -h
    size = len(ratios)
    phi = math.expm1(hh) / hh - 1
    wanted = []
    for k in range(1, size + 1):
        wanted.append(phi * math.factorial(k) / hh)
        phi = phi / hh - 1 / math.factorial(k + 1)
    powers = np.vander(np.asarray(ratios), size, increasing=True).T
    solution: list[float] = np.linalg.solve(powers, np.asarray(wanted)).tolist()
    return solution


def _point(t: float, alphas: Tensor) -> _Point:
    """Interpolate log alpha between the table's timesteps."""
    low = min(int(t), len(alphas) - 2)
    part = t - low
    logs = [0.5 * math.log(float(alphas[i])) for i in (low, low + 1)]
    log_alpha = logs[0] * (1 - part) + logs[1] * part
    sigma = math.sqrt(-math.expm1(2 * log_alpha))
    return _Point(math.exp(log_alpha), sigma, log_alpha - math.log(sigma))
