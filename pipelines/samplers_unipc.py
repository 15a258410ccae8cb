"""UniPC, a predictor-corrector on continuous timesteps (behaviour 6.4, 7.4).

Zhao et al. (2023), "UniPC: a unified predictor-corrector framework for fast sampling of diffusion
models": multistep, predicting x0; order 3 and B1(h) ("bh1") unless the settings say otherwise. The
contract is that of samplers_timestep.py, but `timesteps` may be fractional.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import EpsModel, OnStep, StepInfo, StepNoise
from pipelines.samplers_k import at
from pipelines.samplers_timestep import predicted_x0, vp_sigma
from pipelines.tuning import UniPcSkip, UniPcVariant


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
    next step; the order is lower in the first steps, and in the last ones unless told otherwise.
    """
    path = list(timesteps[::-1])
    points = [_point(t, alphas) for t in path]
    count = len(path) - 1
    order = min(tuning.unipc_order, count)

    def predict(state: Tensor, i: int) -> _Past:
        alpha = points[i].alpha ** 2
        x0 = predicted_x0(state, eps_model(state, at(state, path[i])).guided, alpha)
        on_step(StepInfo(i, count, vp_sigma(alpha), x0))
        return _Past(points[i], x0)

    past = [predict(x, 0)]  # newest first
    for i in range(1, count + 1):
        lowered = i >= order and tuning.unipc_lower_order_final
        used = past[: min(order, i, count + 1 - i if lowered else order)]
        step = _Step(x, used, points[i], tuning.unipc_variant)
        x = step.predicted()
        if i < count:
            newest = predict(x, i)
            x = step.corrected(newest.x0)
            past = [newest, *past[: order - 1]]
    return x


def unipc_path(
    ends: tuple[float, float], steps: int, skip: UniPcSkip, alphas: Tensor
) -> tuple[float, ...]:
    """Return `steps` + 1 ascending timesteps between `ends`, both included.

    Even in time, in the square root of time (which starts at 1, not at 0), or in log SNR.
    """
    bottom, top = ends
    if skip is UniPcSkip.TIME_QUADRATIC:
        roots = np.linspace(math.sqrt(bottom + 1), math.sqrt(top + 1), steps + 1)
        return tuple((roots**2 - 1).tolist())
    if skip is UniPcSkip.TIME_UNIFORM:
        return tuple(np.linspace(bottom, top, steps + 1).tolist())
    snrs = np.linspace(_point(bottom, alphas).log_snr, _point(top, alphas).log_snr, steps + 1)
    log_alphas = -0.5 * np.logaddexp(0.0, -2.0 * snrs)
    table = 0.5 * np.log(alphas.double().numpy())
    inner = np.interp(-log_alphas[1:-1], -table, np.arange(len(table), dtype=np.float64))
    return (bottom, *inner.tolist(), top)


class _Step:
    """One step from the newest point of `past` (newest first) to `target`; order = len(past)."""

    def __init__(
        self, x: Tensor, past: Sequence[_Past], target: _Point, variant: UniPcVariant
    ) -> None:
        start = past[0].point
        self._h = target.log_snr - start.log_snr
        self._target = target
        self._variant = variant
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
        if self._variant is UniPcVariant.VARY_COEFF:
            return self._with(self._slopes, _varying(self._ratios, self._h))
        return self._with(self._slopes, self._weights(self._ratios))

    def corrected(self, x0: Tensor) -> Tensor:
        """Return the state at the target, knowing the prediction there (UniC)."""
        slopes = [*self._slopes, x0 - self._newest]
        if self._variant is UniPcVariant.VARY_COEFF:
            return self._with(slopes, _varying_corrector(self._ratios, self._h))
        return self._with(slopes, self._weights([*self._ratios, 1.0]))

    def _weights(self, ratios: Sequence[float]) -> list[float]:
        """B(h) times the paper's weights; a lone one is 1/2, where B(h) makes the difference."""
        scale = self._h if self._variant is UniPcVariant.BH1 else -math.expm1(-self._h)
        if len(ratios) == 1:
            return [0.5 * scale]
        return _solved(ratios, self._h)

    def _with(self, slopes: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
        x = self._linear
        for slope, weight in zip(slopes, weights, strict=True):
            x = x + slope * (self._target.alpha * weight)
        return x


def _phis(h: float, count: int) -> list[float]:
    """Return phi_2, phi_3 ... of the paper at -h, times -h: what e^-h leaves behind its series."""
    hh = -h
    first = math.expm1(hh)
    phis = accumulate(
        range(1, count + 1), lambda phi, k: phi / hh - 1 / math.factorial(k), initial=first
    )
    return list(phis)[1:]


def _solved(ratios: Sequence[float], h: float) -> list[float]:
    """Solve equation 5 of the paper: the weights that make a step exact for polynomials."""
    size = len(ratios)
    if not size:
        return []
    wanted = [-phi * math.factorial(k) for k, phi in enumerate(_phis(h, size), start=1)]
    powers = np.vander(np.asarray(ratios), size, increasing=True).T
    solution: list[float] = np.linalg.solve(powers, np.asarray(wanted)).tolist()
    return solution


def _derivatives(ratios: Sequence[float]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Return the matrix that turns slopes into the derivatives of the curve through them."""
    size = len(ratios)
    columns = np.vander(np.asarray(ratios), size, increasing=True)
    factorials = np.asarray([math.factorial(k + 1) for k in range(size)], dtype=np.float64)
    inverse = np.linalg.inv(columns / factorials)
    return np.asarray(inverse, dtype=np.float64)


def _varying(ratios: Sequence[float], h: float) -> list[float]:
    """Return the predictor's weights with coefficients that vary: exact for polynomials, too."""
    if not ratios:
        return []
    weights: list[float] = (-np.asarray(_phis(h, len(ratios))) @ _derivatives(ratios)).tolist()
    return weights


def _varying_corrector(ratios: Sequence[float], h: float) -> list[float]:
    """Return the corrector's weights as the authors' program computes them.

    It leaves the highest derivative out for the older slopes, and gives the new one a single
    weight, that of the last derivative kept.
    """
    matrix = _derivatives([*ratios, 1.0])
    phis = -np.asarray(_phis(h, len(ratios) + 1))
    older: list[float] = (phis[:-1] @ matrix[:-1, :-1]).tolist()
    kept = max(len(ratios) - 1, 0)
    return [*older, float(phis[-1] * matrix[kept, -1])]


def _point(t: float, alphas: Tensor) -> _Point:
    """Interpolate log alpha between the table's timesteps."""
    low = min(int(t), len(alphas) - 2)
    part = t - low
    logs = [0.5 * math.log(float(alphas[i])) for i in (low, low + 1)]
    log_alpha = logs[0] * (1 - part) + logs[1] * part
    sigma = math.sqrt(-math.expm1(2 * log_alpha))
    return _Point(math.exp(log_alpha), sigma, log_alpha - math.log(sigma))
