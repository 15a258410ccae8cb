"""Samplers without Brownian noise against the published formulas (behaviour 7.4)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.samplers_k import (
    ancestral_step,
    sample_dpmpp_2m,
    sample_euler,
    sample_euler_ancestral,
)
from pipelines.schedules import build_sigmas

from . import sampler_reference as ref
from .sampler_reference import Array
from .sampler_toys import SCHEDULE, ListedNoise, ToyDenoiser, assert_close, start64, step_log

Sampler = Callable[..., Tensor]

SAMPLERS: dict[str, tuple[Sampler, Callable[..., Array]]] = {
    "Euler": (sample_euler, ref.reference_euler),
    "Euler a": (sample_euler_ancestral, ref.reference_euler_ancestral),
    "DPM++ 2M": (sample_dpmpp_2m, ref.reference_dpmpp_2m),
}

SCHEDULES = {
    "karras": build_sigmas("karras", 20, SCHEDULE, SamplerTuning()),
    "uniform": build_sigmas("uniform", 20, SCHEDULE, SamplerTuning()),
    "img2img": build_sigmas("karras", 20, SCHEDULE, SamplerTuning())[9:],
    "two steps": build_sigmas("karras", 2, SCHEDULE, SamplerTuning()),
    "one step": build_sigmas("karras", 20, SCHEDULE, SamplerTuning())[-2:],
    "no final zero": build_sigmas("kl_optimal", 9, SCHEDULE, SamplerTuning()),
}


def run(
    sampler: Sampler, sigmas: Tensor, tuning: SamplerTuning | None = None
) -> tuple[Tensor, ToyDenoiser, ListedNoise]:
    model, noise = ToyDenoiser(), ListedNoise()
    x = torch.from_numpy(start64(float(sigmas[0]))).float()
    _, on_step = step_log()
    tuning = tuning or SamplerTuning()
    return sampler(model, x, sigmas, noise=noise, on_step=on_step, tuning=tuning), model, noise


def expected(reference: Callable[..., Array], sigmas: Tensor, **kwargs: object) -> Array:
    levels = sigmas.double().numpy()
    return reference(ref.toy_denoiser, start64(levels[0]), levels, ListedNoise().stream(), **kwargs)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_trajectory(name: str, schedule: str) -> None:
    sampler, reference = SAMPLERS[name]
    sigmas = SCHEDULES[schedule]
    assert_close(run(sampler, sigmas)[0], expected(reference, sigmas))


@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_eta_of_euler_a(eta: float) -> None:
    sigmas = SCHEDULES["karras"]
    actual = run(sample_euler_ancestral, sigmas, SamplerTuning(eta_ancestral=eta))[0]
    assert_close(actual, expected(ref.reference_euler_ancestral, sigmas, eta=eta))


CHURN = {
    "everywhere": (5.0, 0.0, 0.0, 1.0),
    "window and weaker noise": (8.0, 0.5, 5.0, 0.9),
    "capped": (90.0, 0.0, 0.0, 1.0),
}


@pytest.mark.parametrize(("churn", "low", "high", "s_noise"), CHURN.values(), ids=CHURN)
def test_churn(churn: float, low: float, high: float, s_noise: float) -> None:
    sigmas = SCHEDULES["karras"]
    tuning = SamplerTuning(s_churn=churn, s_tmin=low, s_tmax=high, s_noise=s_noise)
    knobs = (churn, low, high or math.inf, s_noise)
    wanted = expected(ref.reference_euler, sigmas, churn=knobs)
    assert_close(run(sample_euler, sigmas, tuning)[0], wanted)


CALLS = {"Euler": 20, "Euler a": 20, "DPM++ 2M": 20}


@pytest.mark.parametrize("name", SAMPLERS)
def test_model_calls(name: str) -> None:
    sigmas = SCHEDULES["karras"]
    model = run(SAMPLERS[name][0], sigmas)[1]
    assert len(model.sigmas) == CALLS[name]
    assert model.sigmas[0] == pytest.approx(14.6146421)


DRAWS = {"Euler": 0, "Euler a": 19, "DPM++ 2M": 0}


@pytest.mark.parametrize("name", SAMPLERS)
def test_noise_draws(name: str) -> None:
    """Behaviour 8.5: ancestral samplers draw once per step except the last."""
    assert run(SAMPLERS[name][0], SCHEDULES["karras"])[2].taken == DRAWS[name]


def test_euler_with_churn_draws_every_step() -> None:
    tuning = SamplerTuning(s_churn=5.0, s_tmin=1.0, s_tmax=2.0)
    assert run(sample_euler, SCHEDULES["karras"], tuning)[2].taken == 20


@pytest.mark.parametrize("name", SAMPLERS)
def test_steps_are_reported(name: str) -> None:
    log, on_step = step_log()
    sigmas = SCHEDULES["img2img"]
    x = torch.from_numpy(start64(float(sigmas[0]))).float()
    SAMPLERS[name][0](
        ToyDenoiser(), x, sigmas, noise=ListedNoise(), on_step=on_step, tuning=SamplerTuning()
    )
    assert [info.index for info in log] == list(range(11))
    assert {info.count for info in log} == {11}
    assert [info.sigma for info in log] == pytest.approx(sigmas[:-1].tolist())
    assert log[0].denoised.shape == x.shape


def test_ancestral_step() -> None:
    down, up = ancestral_step(2.0, 1.0, 1.0)
    assert (down, up) == pytest.approx((0.5, math.sqrt(0.75)))
    assert ancestral_step(2.0, 1.0, 0.0) == (1.0, 0.0)
    assert ancestral_step(2.0, 0.0, 1.0) == (0.0, 0.0)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
class TestAgainstDiffusers:
    """Behaviour 7.6: what diffusers computes exactly as A1111 does."""

    @staticmethod
    def scheduler(name: str, **config: object) -> object:
        diffusers = pytest.importorskip("diffusers")
        common = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
        return getattr(diffusers, name)(**common, **config)

    @pytest.mark.parametrize(
        ("schedule", "flags"),
        [
            ("uniform", {}),
            ("karras", {"use_karras_sigmas": True}),
            ("exponential", {"use_exponential_sigmas": True}),
        ],
        ids=["uniform", "karras", "exponential"],
    )
    def test_euler(self, schedule: str, flags: dict[str, bool]) -> None:
        theirs = self.scheduler("EulerDiscreteScheduler", timestep_spacing="linspace", **flags)
        sigmas = build_sigmas(schedule, 20, SCHEDULE, SamplerTuning())
        assert_close(run(sample_euler, sigmas)[0], self.drive(theirs), 5e-6)

    @staticmethod
    def drive(scheduler: object) -> Array:
        scheduler.set_timesteps(20)  # type: ignore[attr-defined]
        x = torch.from_numpy(start64(float(scheduler.sigmas[0])))  # type: ignore[attr-defined]
        for t in scheduler.timesteps:  # type: ignore[attr-defined]
            scaled = scheduler.scale_model_input(x, t)  # type: ignore[attr-defined]
            eps = torch.from_numpy(ref.toy_eps(scaled.numpy(), float(t)))
            x = scheduler.step(eps, t, x).prev_sample  # type: ignore[attr-defined]
        return np.asarray(x.numpy())
