"""A toy model in torch and repeatable noise, for the tests of the samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from pipelines.request import SamplerTuning, Sampling
from pipelines.sampler_types import EpsPair, StepInfo
from pipelines.samplers import Course, plan_course
from pipelines.schedules import NoiseSchedule

from .sampler_reference import Array

SCHEDULE = NoiseSchedule.from_betas()
SHAPE = (2, 4, 6, 5)


def torch_eps(z: Tensor, t: Tensor) -> Tensor:
    t = t.view(-1, 1, 1, 1)
    return 0.9 * z + 0.3 * torch.tanh(2 * z + t / 500) - 0.1 * torch.sin(t / 90)


def torch_uncond(z: Tensor, t: Tensor) -> Tensor:
    return 0.8 * z + 0.2 * torch.sin(z + t.view(-1, 1, 1, 1) / 300)


class ToyDenoiser:
    """`model(x, sigma)`; remembers the sigmas and timesteps it was asked for."""

    def __init__(self, schedule: NoiseSchedule = SCHEDULE) -> None:
        self.schedule = schedule
        self.sigmas: list[float] = []
        self.timesteps: list[float] = []

    def __call__(self, x: Tensor, sigma: Tensor) -> Tensor:
        assert sigma.shape == (x.shape[0],)
        t = self.schedule.sigma_to_t(sigma)
        self.sigmas.append(float(sigma[0]))
        self.timesteps.append(float(t[0]))
        wide = sigma.view(-1, 1, 1, 1)
        return x - wide * torch_eps(x / (wide**2 + 1) ** 0.5, t)


class ToyEps:
    """`eps_model(x, t)`; remembers the timesteps it was asked for."""

    def __init__(self) -> None:
        self.timesteps: list[float] = []

    def __call__(self, x: Tensor, t: Tensor) -> EpsPair:
        assert t.shape == (x.shape[0],)
        self.timesteps.append(float(t[0]))
        return EpsPair(torch_eps(x, t), torch_uncond(x, t))


class ListedNoise:
    """Draws from a fixed list, and Brownian increments from a fixed table of sines."""

    def __init__(self, seed: int = 5, count: int = 200) -> None:
        generator = np.random.default_rng(seed)
        self.draws: list[Array] = [generator.standard_normal(SHAPE) for _ in range(count)]
        self.taken = 0

    def next(self) -> Tensor:
        self.taken += 1
        return torch.from_numpy(self.draws[self.taken - 1]).float()

    def between(self, sigma: float, sigma_next: float) -> Tensor:
        return torch.from_numpy(self.between64(sigma, sigma_next)).float()

    def between64(self, sigma: float, sigma_next: float) -> Array:
        return np.asarray(np.sin(self.draws[0] * 3 + sigma) - np.cos(self.draws[1] + sigma_next))

    def stream(self) -> Iterator[Array]:
        return iter(self.draws)


def start64(scale: float = 1.0, seed: int = 2) -> Array:
    return np.asarray(np.random.default_rng(seed).standard_normal(SHAPE) * scale)


def course_for(
    sampler: str,
    *,
    txt2img: bool = False,
    tuning: SamplerTuning | None = None,
    **sampling: object,
) -> Course:
    settings = Sampling.model_validate({"sampler": sampler} | sampling)
    return plan_course(settings, tuning or SamplerTuning(), SCHEDULE, txt2img=txt2img)


def step_log() -> tuple[list[StepInfo], Callable[[StepInfo], None]]:
    log: list[StepInfo] = []
    return log, log.append


def assert_close(actual: Tensor, expected: Array, tolerance: float = 1e-5) -> None:
    """Compare in float64; the error is relative to the largest expected value."""
    error = np.abs(actual.double().numpy() - expected).max() / np.abs(expected).max()
    assert error < tolerance, f"relative error {error:.2e}"
