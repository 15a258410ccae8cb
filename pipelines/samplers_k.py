"""k-diffusion-style samplers without Brownian noise: deterministic and ancestral update rules.

`sample_x(model, x, sigmas, *, noise, on_step, tuning) -> x` (behaviour 7.4): `sigmas` (n+1,) is
descending float32 on the CPU, usually ending with 0; `x` (B,C,h,w) is the picture noised to
`sigmas[0]`. A sampler knows nothing of prompts, masks or devices. Formulas are computed in double
precision on the CPU, so that no step waits for the device.
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor

from .request import SamplerTuning
from .sampler_types import Model, OnStep, StepInfo, StepNoise


def at(x: Tensor, sigma: float) -> Tensor:
    """Return `sigma` once per picture (B,), on the device of `x`."""
    return x.new_full((x.shape[0],), sigma)


def ancestral_step(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """Split a step: (sigma to go down to without noise, sigma of the noise to add after)."""
    if eta == 0 or sigma_next == 0:
        return sigma_next, 0.0
    variance = sigma_next**2 * max(sigma**2 - sigma_next**2, 0.0) / sigma**2
    up = min(sigma_next, eta * math.sqrt(variance))
    return math.sqrt(sigma_next**2 - up**2), up


def sample_euler(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Algorithm 2 of Karras et al. (2022) with Euler steps; churn off by default."""
    levels = sigmas.tolist()
    count = len(levels) - 1
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x, sigma_hat = churned(x, sigma, count, noise, tuning)
        denoised = model(x, at(x, sigma_hat))
        on_step(StepInfo(i, count, sigma, denoised))
        x = x + (x - denoised) * ((sigma_next - sigma_hat) / sigma_hat)
    return x


def sample_euler_ancestral(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Euler steps to a lower sigma, then fresh noise up to the schedule's (k-diffusion)."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        down, up = ancestral_step(sigma, sigma_next, tuning.eta_ancestral)
        x = x + (x - denoised) * ((down - sigma) / sigma)
        if sigma_next > 0:
            x = x + noise.next() * up
    return x


def sample_dpmpp_2m(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver++(2M), Algorithm 2 of Lu et al. (2022b)."""
    levels = sigmas.tolist()
    previous: tuple[Tensor, float] | None = None  # (denoised, step length) of the step before
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        if sigma_next == 0:
            return denoised
        h = math.log(sigma / sigma_next)
        target = denoised
        if previous is not None:
            older, h_last = previous
            weight = h / (2 * h_last)
            target = denoised * (1 + weight) - older * weight
        x = x * (sigma_next / sigma) - target * math.expm1(-h)
        previous = (denoised, h)
    return x


def churned(
    x: Tensor, sigma: float, count: int, noise: StepNoise, tuning: SamplerTuning
) -> tuple[Tensor, float]:
    """Raise the noise level a little first (Karras et al. 2022, Algorithm 2; off by default).

    With churn on, one draw is taken at every step, also outside s_tmin..s_tmax (behaviour 8.5).
    """
    if tuning.s_churn == 0:
        return x, sigma
    eps = noise.next()
    is_inside = tuning.s_tmin <= sigma <= (tuning.s_tmax or math.inf)
    gamma = min(tuning.s_churn / count, math.sqrt(2) - 1) if is_inside else 0.0
    if gamma == 0:
        return x, sigma
    sigma_hat = sigma * (1 + gamma)
    return x + eps * (tuning.s_noise * math.sqrt(sigma_hat**2 - sigma**2)), sigma_hat
