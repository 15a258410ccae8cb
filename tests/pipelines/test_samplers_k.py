"""Samplers without Brownian noise against the published formulas (behaviour 7.4)."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.samplers_ancestral import (
    ancestral_step,
    restart_pairs,
    sample_dpm_2_ancestral,
    sample_dpmpp_2s_ancestral,
    sample_euler_ancestral,
    sample_lcm,
    sample_restart,
)
from pipelines.samplers_k import (
    sample_dpm_2,
    sample_dpmpp_2m,
    sample_euler,
    sample_heun,
    sample_lms,
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
    "Heun": (sample_heun, ref.reference_heun),
    "LMS": (sample_lms, ref.reference_lms),
    "DPM2": (sample_dpm_2, ref.reference_dpm_2),
    "DPM2 a": (sample_dpm_2_ancestral, partial(ref.reference_dpm_2, ancestral=True)),
    "DPM++ 2S a": (sample_dpmpp_2s_ancestral, ref.reference_dpmpp_2s_ancestral),
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


CALLS = {
    "Euler": 20,
    "Euler a": 20,
    "DPM++ 2M": 20,
    "Heun": 39,
    "LMS": 20,
    "DPM2": 39,
    "DPM2 a": 39,
    "DPM++ 2S a": 39,
}


@pytest.mark.parametrize("name", SAMPLERS)
def test_model_calls(name: str) -> None:
    sigmas = SCHEDULES["karras"]
    model = run(SAMPLERS[name][0], sigmas)[1]
    assert len(model.sigmas) == CALLS[name]
    assert model.sigmas[0] == pytest.approx(14.6146421)


DRAWS = {"Euler a": 19, "DPM2 a": 19, "DPM++ 2S a": 19}


@pytest.mark.parametrize("name", SAMPLERS)
def test_noise_draws(name: str) -> None:
    """Behaviour 8.5: ancestral samplers draw once per step except the last."""
    assert run(SAMPLERS[name][0], SCHEDULES["karras"])[2].taken == DRAWS.get(name, 0)


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


@pytest.mark.parametrize("name", ["Euler a", "DPM2 a", "DPM++ 2S a"])
def test_without_eta_ancestral_samplers_are_deterministic(name: str) -> None:
    sampler = SAMPLERS[name][0]
    tuning = SamplerTuning(eta_ancestral=0.0)
    calm = [
        sampler(
            ToyDenoiser(),
            start(),
            SCHEDULES["karras"],
            noise=ListedNoise(seed),
            on_step=step_log()[1],
            tuning=tuning,
        )
        for seed in (1, 2)
    ]
    assert torch.equal(*calm)


@pytest.mark.parametrize("name", ["DPM2 a", "DPM++ 2S a"])
def test_s_noise_scales_the_noise(name: str) -> None:
    """Behaviour 7.4: s_noise counts for these two, not for Euler a."""
    still = run(SAMPLERS[name][0], SCHEDULES["two steps"], SamplerTuning(s_noise=0.0))[0]
    loud = run(SAMPLERS[name][0], SCHEDULES["two steps"])[0]
    assert not torch.allclose(still, loud)


def test_s_noise_does_not_change_euler_a() -> None:
    still = run(sample_euler_ancestral, SCHEDULES["two steps"], SamplerTuning(s_noise=0.0))[0]
    assert torch.equal(still, run(sample_euler_ancestral, SCHEDULES["two steps"])[0])


def start() -> Tensor:
    return torch.from_numpy(start64(14.6)).float()


class TestRestart:
    """Behaviour 7.4 [T]."""

    @pytest.mark.parametrize(("n", "calls"), [(19, 37), (20, 39), (36, 71), (40, 79)])
    def test_model_calls(self, n: int, calls: int) -> None:
        sigmas = build_sigmas("karras", n, SCHEDULE, SamplerTuning())
        model, noise = run(sample_restart, sigmas)[1:]
        assert len(model.sigmas) == calls
        assert noise.taken == (0 if n < 20 else 1 if n < 36 else 2)

    def test_jump(self) -> None:
        """The reference's 0.0740 and 2.2320 belong to a slightly different sigma range."""
        pairs = restart_pairs(SCHEDULES["karras"].tolist())
        before, after = next((a, b) for a, b in pairwise(pairs) if b[0] > a[1] * 1.01)
        assert (before[1], after[0]) == pytest.approx((0.07436, 2.23216), abs=5e-6)
        assert (before[1], after[0]) == pytest.approx((0.0740, 2.2320), abs=5e-4)
        assert pairs[-1][1] == 0

    @pytest.mark.parametrize("n", [20, 40])
    def test_trajectory(self, n: int) -> None:
        sigmas = build_sigmas("karras", n, SCHEDULE, SamplerTuning())
        pairs = restart_pairs(sigmas.tolist())
        levels = [pairs[0][0]]
        for sigma, sigma_next in pairs:
            levels += [sigma, sigma_next] if sigma > levels[-1] * 1.01 else [sigma_next]
        wanted = ref.reference_restart(
            ref.toy_denoiser, start64(levels[0]), np.array(levels), ListedNoise().stream()
        )
        assert_close(run(sample_restart, sigmas)[0], wanted)

    def test_few_steps_are_heun(self) -> None:
        sigmas = build_sigmas("uniform", 12, SCHEDULE, SamplerTuning())
        assert torch.equal(run(sample_restart, sigmas)[0], run(sample_heun, sigmas)[0])

    def test_low_sigmas_leave_nothing_to_restart(self) -> None:
        sigmas = build_sigmas("karras", 400, SCHEDULE, SamplerTuning())[380:]
        assert len(restart_pairs(sigmas.tolist())) == 11


class TestLcm:
    """Behaviour 7.4."""

    lcm = SCHEDULE.for_lcm()
    sigmas = build_sigmas("automatic", 4, SCHEDULE.for_lcm(), SamplerTuning())

    def test_trajectory(self) -> None:
        timesteps = [999.0, 679.0, 339.0, 19.0]
        model, noise = ToyDenoiser(self.lcm), ListedNoise()
        actual = sample_lcm(
            model,
            torch.from_numpy(start64(float(self.sigmas[0]))).float(),
            self.sigmas,
            noise=noise,
            on_step=step_log()[1],
            tuning=SamplerTuning(),
            timesteps=timesteps,
        )
        assert model.timesteps == timesteps
        assert noise.taken == 3
        levels = self.sigmas.double().numpy()
        known = dict(zip(levels.tolist(), timesteps, strict=False))

        def denoiser(x: Array, sigma: float) -> Array:
            eps = ref.toy_eps(x / math.sqrt(sigma**2 + 1), known[sigma])
            return np.asarray(x - sigma * eps)

        wanted = ref.reference_lcm(
            denoiser, start64(levels[0]), levels, ListedNoise().stream(), timesteps=timesteps
        )
        assert_close(actual, wanted)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
class TestAgainstDiffusers:
    """Behaviour 7.6: what diffusers computes exactly as A1111 does."""

    @staticmethod
    def scheduler(name: str, **config: object) -> Any:
        diffusers = pytest.importorskip("diffusers")
        common = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
        return getattr(diffusers, name)(**common, **config)

    FLAGS: ClassVar[dict[str, dict[str, bool]]] = {
        "uniform": {},
        "karras": {"use_karras_sigmas": True},
        "exponential": {"use_exponential_sigmas": True},
    }

    @pytest.mark.parametrize("schedule", FLAGS)
    @pytest.mark.parametrize(
        ("sampler", "name"),
        [
            (sample_euler, "EulerDiscreteScheduler"),
            (sample_heun, "HeunDiscreteScheduler"),
            (sample_lms, "LMSDiscreteScheduler"),
        ],
        ids=["Euler", "Heun", "LMS"],
    )
    def test_float_exact(self, sampler: Sampler, name: str, schedule: str) -> None:
        flags = self.FLAGS[schedule]
        theirs = self.scheduler(name, timestep_spacing="linspace", **flags)
        sigmas = build_sigmas(schedule, 20, SCHEDULE, SamplerTuning())
        assert_close(run(sampler, sigmas)[0], self.drive(theirs), 5e-6)

    def test_leading_spacing_is_another_schedule(self) -> None:
        """Behaviour 7.6 [T]: why checkpoints' own scheduler settings are never inherited."""
        theirs = self.scheduler(
            "EulerDiscreteScheduler",
            timestep_spacing="leading",
            steps_offset=1,
            use_karras_sigmas=True,
        )
        theirs.set_timesteps(20)
        assert float(theirs.sigmas[0]) == pytest.approx(11.03, abs=5e-3)

    def test_dpmpp_2m_karras(self) -> None:
        """diffusers rounds timesteps, so only about 6e-5 can be asked for."""
        theirs = self.scheduler(
            "DPMSolverMultistepScheduler",
            use_karras_sigmas=True,
            final_sigmas_type="zero",
        )
        sigmas = build_sigmas("karras", 20, SCHEDULE, SamplerTuning())
        x = start64(float(sigmas[0]))
        theirs.set_timesteps(20)
        z = torch.from_numpy(x / math.sqrt(1 + float(sigmas[0]) ** 2))
        for t in theirs.timesteps:
            z = theirs.step(torch.from_numpy(ref.toy_eps(z.numpy(), float(t))), t, z).prev_sample
        assert_close(run(sample_dpmpp_2m, sigmas)[0], z.numpy(), 5e-4)

    @staticmethod
    def drive(scheduler: Any) -> Array:
        scheduler.set_timesteps(20)
        x = torch.from_numpy(start64(float(scheduler.sigmas[0])))
        for t in scheduler.timesteps:
            scaled = scheduler.scale_model_input(x, t)
            eps = torch.from_numpy(ref.toy_eps(scaled.numpy(), float(t)))
            x = scheduler.step(eps, t, x).prev_sample
        return np.asarray(x.numpy())
