"""k-diffusion-style samplers that add no noise of their own: Euler, Heun, LMS, DPM2, DPM++ 2M.

`sample_x(model, x, sigmas, *, noise, on_step, tuning) -> x` (behaviour 7.4): `sigmas` (n+1,) is
descending float32 on the CPU, usually ending with 0; `x` (B,C,h,w) is the picture noised to
`sigmas[0]`. A sampler knows nothing of prompts, masks or devices. Formulas are computed in double
precision on the CPU, so that no step waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import Model, OnStep, StepInfo, StepNoise

LMS_ORDER = 4


def at(x: Tensor, sigma: float) -> Tensor:
    """Return `sigma` once per picture (B,), on the device of `x`."""
    return x.new_full((x.shape[0],), sigma)


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
        x = euler_step(x, denoised, sigma_hat, sigma_next)
    return x


def sample_heun(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Algorithm 2 of Karras et al. (2022); churn off by default."""
    levels = sigmas.tolist()
    count = len(levels) - 1
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x, sigma_hat = churned(x, sigma, count, noise, tuning)
        denoised = model(x, at(x, sigma_hat))
        on_step(StepInfo(i, count, sigma, denoised))
        x = heun_step(model, x, denoised, (sigma_hat, sigma_next))
    return x


def sample_dpm_2(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver-2 (Lu et al. 2022a) in sigma steps, as k-diffusion has it."""
    levels = sigmas.tolist()
    count = len(levels) - 1
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        x, sigma_hat = churned(x, sigma, count, noise, tuning)
        denoised = model(x, at(x, sigma_hat))
        on_step(StepInfo(i, count, sigma, denoised))
        x = midpoint_step(model, x, denoised, (sigma_hat, sigma_next))
    return x


def sample_lms(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Linear multistep (Adams-Bashforth of up to order 4) on uneven sigmas."""
    levels = sigmas.tolist()
    slopes: list[Tensor] = []  # newest first
    for i, sigma in enumerate(levels[:-1]):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        slopes = [(x - denoised) / sigma, *slopes[: LMS_ORDER - 1]]
        known = levels[i::-1][: len(slopes)]
        for weight, slope in zip(lms_weights(known, levels[i + 1]), slopes, strict=True):
            x = x + slope * weight
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


def euler_step(x: Tensor, denoised: Tensor, sigma: float, sigma_next: float) -> Tensor:
    """Follow the line from `x` at sigma through `denoised` at 0 to sigma_next."""
    return x + (x - denoised) * ((sigma_next - sigma) / sigma)


def heun_step(model: Model, x: Tensor, denoised: Tensor, span: tuple[float, float]) -> Tensor:
    """Go from span[0] to span[1] with the mean of both ends' slopes; Euler towards 0."""
    sigma, sigma_next = span
    x_euler = euler_step(x, denoised, sigma, sigma_next)
    if sigma_next == 0:
        return x_euler
    denoised_2 = model(x_euler, at(x, sigma_next))
    slopes = (x - denoised) / sigma + (x_euler - denoised_2) / sigma_next
    return x + slopes * ((sigma_next - sigma) / 2)


def midpoint_step(model: Model, x: Tensor, denoised: Tensor, span: tuple[float, float]) -> Tensor:
    """Go from span[0] to span[1] with the slope at their geometric mean; Euler towards 0."""
    sigma, sigma_next = span
    if sigma_next == 0:
        return euler_step(x, denoised, sigma, sigma_next)
    middle = math.sqrt(sigma * sigma_next)
    x_middle = euler_step(x, denoised, sigma, middle)
    slope = (x_middle - model(x_middle, at(x, middle))) / middle
    return x + slope * (sigma_next - sigma)


def lms_weights(known: Sequence[float], target: float) -> list[float]:
    """Integrate the Lagrange basis of the `known` sigmas (newest first) from the newest on.

    Gauss-Legendre with 4 nodes is exact for the cubic polynomials of order 4.
    """
    nodes, node_weights = np.polynomial.legendre.leggauss(LMS_ORDER)
    half = (target - known[0]) / 2
    points = known[0] + half * (nodes + 1)
    weights = []
    for j, own in enumerate(known):
        others = [other for k, other in enumerate(known) if k != j]
        basis = np.prod([(points - other) / (own - other) for other in others], axis=0)
        weights.append(float(half * np.sum(node_weights * basis)))
    return weights
