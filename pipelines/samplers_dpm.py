"""DPM-Solver with single steps of order 1 to 3: DPM fast and DPM adaptive (behaviour 7.4).

Lu et al. (2022), "DPM-Solver: a fast ODE solver for diffusion probabilistic model sampling in
around 10 steps". Both use only the ends of `sigmas` and stop at the smallest positive one; time
is t = -log sigma. The contract is that of samplers_k.py.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import Model, OnStep, StepInfo, StepNoise
from pipelines.samplers_ancestral import ancestral_step
from pipelines.samplers_k import at

RELATIVE_TOLERANCE = 0.05
ABSOLUTE_TOLERANCE = 0.0078
FIRST_STEP = 0.05
ACCEPT_SAFETY = 0.81


def sample_dpm_fast(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver-fast: as many model calls as `sigmas` has steps, mostly in steps of order 3."""
    t_start, t_end = _time_span(sigmas)
    calls = len(sigmas) - 1
    if t_end <= t_start:
        return _single_prediction(model, x, float(sigmas[0]), on_step)
    orders = fast_orders(calls)
    times = np.linspace(t_start, t_end, len(orders) + 1).tolist()
    for i, order in enumerate(orders):
        t, t_next = times[i], times[i + 1]
        target, up = _noisy_target(t, t_next, t_end, tuning.eta_ancestral)
        step = SingleStep(model, x, t)
        on_step(StepInfo(i, len(orders), math.exp(-t), step.denoised))
        x = (step.first, step.second, step.third)[order - 1](target)
        if up > 0:
            x = x + noise.next() * (tuning.s_noise * up)
    return x


def sample_dpm_adaptive(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver-23: orders 2 and 3 are compared to choose each step's length.

    The error is measured over the whole batch, as in k-diffusion: this is the one sampler whose
    pictures depend on the batch they are in. Progress is reported in per cent. A prediction that
    is not finite ends the run, and shows in the result as with every other sampler.
    """
    t_start, t_end = _time_span(sigmas)
    if t_end <= t_start:
        return _single_prediction(model, x, float(sigmas[0]), on_step)
    eta = tuning.eta_ancestral
    control = StepControl(FIRST_STEP, order=1.5 if eta > 0 else 3.0)
    t, x_before = t_start, x
    while t < t_end - 1e-5:
        t_next = min(t_end, t + control.h)
        target, up = _noisy_target(t, t_next, t_end, eta)
        step = SingleStep(model, x, t)
        percent = int(100 * (t - t_start) / (t_end - t_start))
        on_step(StepInfo(percent, 100, math.exp(-t), step.denoised))
        x_low, x_high = step.second(target, r1=1 / 3), step.third(target)
        error = _error(x_low, x_high, x_before)
        if not math.isfinite(error):
            return x_high
        if control.accepts(error):
            x_before = x_low
            x = x_high + noise.next() * up if up > 0 else x_high
            t = t_next
    return x


class SingleStep:
    """One DPM-Solver step from time `t`: predictions made so far are shared by all orders."""

    def __init__(self, model: Model, x: Tensor, t: float) -> None:
        self._model = model
        self._x = x
        self._t = t
        self._cache: dict[float, Tensor] = {}
        self.denoised = model(x, at(x, math.exp(-t)))
        self._eps = (x - self.denoised) / math.exp(-t)

    def first(self, t_next: float) -> Tensor:
        """DPM-Solver-1, which is DDIM."""
        h = t_next - self._t
        return self._x - self._eps * (math.exp(-t_next) * math.expm1(h))

    def second(self, t_next: float, r1: float = 0.5) -> Tensor:
        """DPM-Solver-2 with its middle point at the part `r1` of the step."""
        h = t_next - self._t
        change = self._change_at(r1, h)
        return self.first(t_next) - change * (math.exp(-t_next) * math.expm1(h) / (2 * r1))

    def third(self, t_next: float, r1: float = 1 / 3, r2: float = 2 / 3) -> Tensor:
        """DPM-Solver-3 with middle points at the parts `r1` and `r2` of the step."""
        h = t_next - self._t
        middle = self._t + r2 * h
        change = self._change_at(r1, h)
        bend = math.exp(-middle) * (r2 / r1) * (math.expm1(r2 * h) / (r2 * h) - 1)
        change_2 = self._eps_at(middle, self.first(middle) - change * bend) - self._eps
        scale = math.exp(-t_next) / r2 * (math.expm1(h) / h - 1)
        return self.first(t_next) - change_2 * scale

    def _change_at(self, r1: float, h: float) -> Tensor:
        """Return how the noise prediction differs at the part `r1` of a step of length `h`."""
        middle = self._t + r1 * h
        if middle not in self._cache:
            self._cache[middle] = self._eps_at(middle, self.first(middle)) - self._eps
        return self._cache[middle]

    def _eps_at(self, t: float, x: Tensor) -> Tensor:
        sigma = math.exp(-t)
        return (x - self._model(x, at(x, sigma))) / sigma


class StepControl:
    """The integral step size controller of k-diffusion's DPM adaptive."""

    def __init__(self, h: float, order: float) -> None:
        self.h = h
        self._power = 1 / order

    def accepts(self, error: float) -> bool:
        """Adapt the next step's length to the error of this one; say whether it may stand."""
        factor = 1 + math.atan((1 / (error + 1e-8)) ** self._power - 1)
        self.h *= factor
        return factor >= ACCEPT_SAFETY


def fast_orders(calls: int) -> list[int]:
    """Divide model calls into steps of order 3, the rest last."""
    steps = calls // 3 + 1
    if calls % 3 == 0:
        return [3] * (steps - 2) + [2, 1]
    return [3] * (steps - 1) + [calls % 3]


def _time_span(sigmas: Tensor) -> tuple[float, float]:
    """Return -log of the largest and of the smallest positive sigma."""
    return -math.log(float(sigmas[0])), -math.log(float(sigmas[sigmas > 0][-1]))


def _noisy_target(t: float, t_next: float, t_end: float, eta: float) -> tuple[float, float]:
    """Return the time to step to, at or below t_next's sigma, and the sigma of the noise back."""
    if eta == 0:
        return t_next, 0.0
    down, _ = ancestral_step(math.exp(-t), math.exp(-t_next), eta)
    target = min(t_end, -math.log(down))
    return target, math.sqrt(max(math.exp(-2 * t_next) - math.exp(-2 * target), 0.0))


def _single_prediction(model: Model, x: Tensor, sigma: float, on_step: OnStep) -> Tensor:
    denoised = model(x, at(x, sigma))
    on_step(StepInfo(0, 1, sigma, denoised))
    return denoised


def _error(low: Tensor, high: Tensor, before: Tensor) -> float:
    """Return the root mean square difference in units of the tolerance."""
    size = torch.maximum(low.abs(), before.abs()) * RELATIVE_TOLERANCE
    allowed = size.clamp(min=ABSOLUTE_TOLERANCE)
    return float(torch.linalg.vector_norm((low - high) / allowed)) / math.sqrt(low.numel())
