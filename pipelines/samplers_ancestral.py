"""k-diffusion-style samplers that add fresh noise between steps, drawn from the pictures' seeds.

The contract is that of samplers_k.py; samplers with Brownian noise are in samplers_sde.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import Model, OnStep, StepInfo, StepNoise
from pipelines.samplers_k import at, euler_step, heun_step, midpoint_step
from pipelines.schedules import karras_sigmas

RESTART_FROM, RESTART_TO = 0.1, 2.0
"""Restart jumps up from the sigma nearest to the first to the one nearest to the second."""


def ancestral_step(sigma: float, sigma_next: float, eta: float) -> tuple[float, float]:
    """Split a step: (sigma to go down to without noise, sigma of the noise to add after)."""
    if eta == 0 or sigma_next == 0:
        return sigma_next, 0.0
    variance = sigma_next**2 * max(sigma**2 - sigma_next**2, 0.0) / sigma**2
    up = min(sigma_next, eta * math.sqrt(variance))
    return math.sqrt(sigma_next**2 - up**2), up


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
        x = euler_step(x, denoised, sigma, down)
        if sigma_next > 0:
            x = x + noise.next() * up
    return x


def sample_dpm_2_ancestral(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver-2 steps to a lower sigma, then fresh noise up to the schedule's."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        down, up = ancestral_step(sigma, sigma_next, tuning.eta_ancestral)
        x = midpoint_step(model, x, denoised, (sigma, down))
        if down > 0:
            x = x + noise.next() * (tuning.s_noise * up)
    return x


def sample_dpmpp_2s_ancestral(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DPM-Solver++(2S) (Lu et al. 2022b, Algorithm 1) with ancestral steps."""
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        down, up = ancestral_step(sigma, sigma_next, tuning.eta_ancestral)
        if down > 0:
            # One step of exponential integrator to the middle of log sigma, one with its slope.
            middle = math.sqrt(sigma * down)
            x_middle = euler_step(x, denoised, sigma, middle)
            denoised = model(x_middle, at(x, middle))
        x = euler_step(x, denoised, sigma, down)
        if sigma_next > 0:
            x = x + noise.next() * (tuning.s_noise * up)
    return x


def sample_restart(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Heun steps that jump back up once or twice (Xu et al. 2023, "Restart sampling")."""
    pairs = restart_pairs(sigmas.tolist())
    reached = pairs[0][0]
    for i, (sigma, sigma_next) in enumerate(pairs):
        if sigma > reached * (1 + 1e-5):  # a segment's end meets the schedule but for rounding
            x = x + noise.next() * math.sqrt(sigma**2 - reached**2)
        denoised = model(x, at(x, sigma))
        on_step(StepInfo(i, len(pairs), sigma, denoised))
        x = heun_step(model, x, denoised, (sigma, sigma_next))
        reached = sigma_next
    return x


def sample_lcm(
    model: Model,
    x: Tensor,
    sigmas: Tensor,
    *,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
    timesteps: Sequence[float],
) -> Tensor:
    """Multistep consistency sampling (Luo et al. 2023): predict the picture, noise it again.

    `timesteps` has the timestep of every sigma but the last; the boundary condition of the
    consistency function depends on it.
    """
    levels = sigmas.tolist()
    for i, (sigma, sigma_next) in enumerate(pairwise(levels)):
        scaled = 10.0 * timesteps[i]
        skip = 0.25 / (scaled**2 + 0.25)
        out = scaled / math.sqrt(scaled**2 + 0.25)
        denoised = model(x, at(x, sigma)) * out + x * skip
        on_step(StepInfo(i, len(levels) - 1, sigma, denoised))
        x = denoised + noise.next() * sigma_next if sigma_next > 0 else denoised
    return x


def restart_pairs(levels: list[float]) -> list[tuple[float, float]]:
    """Return the (sigma, sigma_next) of all steps, restarts included (behaviour 7.4, Restart).

    From 20 steps on, part of the steps is set aside for a second pass over the middle sigmas,
    from 36 on for two; the schedule is Karras' then, between the ends of the given one.
    """
    count = len(levels) - 1
    if count < 20:
        return list(pairwise(levels))
    again, times = (count // 4, 2) if count >= 36 else (9, 1)
    base = karras_sigmas(count - again * times, levels[-2], levels[0]).tolist()
    base = [*base, 0.0]
    bottom = _nearest(base, RESTART_FROM)
    top = _nearest(base, RESTART_TO)
    pairs = list(pairwise(base))
    if top >= bottom:
        return pairs
    segment = list(pairwise(karras_sigmas(again + 1, base[bottom], base[top]).tolist()))
    return pairs[:bottom] + segment * times + pairs[bottom:]


def _nearest(levels: Sequence[float], wanted: float) -> int:
    return min(range(len(levels)), key=lambda i: abs(levels[i] - wanted))
