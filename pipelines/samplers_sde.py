"""DPM-Solver++ SDE samplers, whose noise is a Brownian path over sigma (behaviour 7.4, 8.6).

The contract is that of samplers_k.py, but `noise` gives the path's increments.
"""

from __future__ import annotations

import math
from functools import partial
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import Model, OnStep, PathNoise, StepInfo
from pipelines.samplers_ancestral import ancestral_step
from pipelines.samplers_k import at, euler_step


class _Past(NamedTuple):
    """A step that was made: its prediction and its length in log sigma."""

    denoised: Tensor
    h: float


def sample_dpmpp_sde(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: PathNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver++ (Lu et al. 2022b) with two noisy half steps, r = 1/2, as k-diffusion has it."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        if sigma_next == 0:
            return denoised
        start, middle, end = _query_points(sigmas[i], sigmas[i + 1])
        half = partial(_noisy_step, x, noise=noise, tuning=tuning)
        x_middle = half(denoised, (sigma, middle), (start, middle))
        denoised_2 = model(x_middle, at(x, middle))
        x = half(denoised_2, (sigma, sigma_next), (start, end))
    return x


def sample_dpmpp_2m_sde(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: PathNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
    solver_type: Literal["midpoint", "heun"] = "midpoint",
) -> Tensor:
    """SDE-DPM-Solver++(2M) (Lu et al. 2022b, section 5)."""
    levels = sigmas.tolist()
    eta = tuning.eta_ancestral
    past: _Past | None = None
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        if sigma_next == 0:
            return denoised
        h = math.log(sigma / sigma_next)
        total = h * (1 + eta)
        x = x * math.exp(-total) - denoised * math.expm1(-total)
        if past is not None:
            heun = 1 + math.expm1(-total) / total
            midpoint = -0.5 * math.expm1(-total)
            weight = heun if solver_type == "heun" else midpoint
            x = x + (denoised - past.denoised) * (weight * h / past.h)
        x = _with_noise(x, (sigma, sigma_next), h, noise, tuning)
        past = _Past(denoised, h)
    return x


def sample_dpmpp_3m_sde(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: PathNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver++(3M) SDE, the third-order multistep of k-diffusion."""
    levels = sigmas.tolist()
    past: list[_Past] = []  # newest first
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        if sigma_next == 0:
            return denoised
        h = math.log(sigma / sigma_next)
        total = h * (1 + tuning.eta_ancestral)
        x = x * math.exp(-total) - denoised * math.expm1(-total)
        x = x + _third_order_terms(denoised, past, h, total)
        x = _with_noise(x, (sigma, sigma_next), h, noise, tuning)
        past = [_Past(denoised, h), *past[:1]]
    return x


def _third_order_terms(
    denoised: Tensor, past: list[_Past], h: float, total: float
) -> Tensor | float:
    """Return what the first and second derivative of the prediction add to a step."""
    if not past:
        return 0.0
    phi_2 = math.expm1(-total) / total + 1
    r0 = past[0].h / h
    slope = (denoised - past[0].denoised) / r0
    if len(past) == 1:
        return slope * phi_2
    r1 = past[1].h / h
    bend = (slope - (past[0].denoised - past[1].denoised) / r1) / (r0 + r1)
    phi_3 = phi_2 / total - 0.5
    return (slope + bend * r0) * phi_2 - bend * phi_3


def _query_points(sigma: Tensor, sigma_next: Tensor) -> tuple[float, float, float]:
    """Return start, middle and end of a step as k-diffusion asks the Brownian path for them.

    They went through a logarithm in float32; the path is sensitive to such last bits.
    """
    t, t_next = sigma.log().neg(), sigma_next.log().neg()
    points = (t, t + (t_next - t) * 0.5, t_next)
    start, middle, end = (float(torch.exp(-point)) for point in points)
    return start, middle, end


def _noisy_step(
    x: Tensor,
    denoised: Tensor,
    span: tuple[float, float],
    points: tuple[float, float],
    *,
    noise: PathNoise,
    tuning: SamplerTuning,
) -> Tensor:
    """Go down below span[1] and back up to it with the path's increment between `points`."""
    sigma, sigma_next = span
    down, up = ancestral_step(sigma, sigma_next, tuning.eta_ancestral)
    x = euler_step(x, denoised, sigma, down)
    return x + noise.between(*points) * (tuning.s_noise * up) if up > 0 else x


def _with_noise(
    x: Tensor,
    span: tuple[float, float],
    h: float,
    noise: PathNoise,
    tuning: SamplerTuning,
) -> Tensor:
    """Add the noise of an SDE step of length `h` in log sigma."""
    eta = tuning.eta_ancestral
    if eta == 0:
        return x
    scale = span[1] * math.sqrt(-math.expm1(-2 * eta * h)) * tuning.s_noise
    return x + noise.between(*span) * scale
