"""Samplers with Brownian noise against the published formulas (behaviour 7.4, 8.6)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.samplers_sde import (
    sample_dpmpp_2m_sde,
    sample_dpmpp_3m_sde,
    sample_dpmpp_sde,
)
from pipelines.schedules import build_sigmas

from . import sampler_reference as ref
from .sampler_reference import Array
from .sampler_toys import SCHEDULE, ListedNoise, ToyDenoiser, assert_close, start64, step_log

Sampler = Callable[..., Tensor]

SAMPLERS: dict[str, tuple[Sampler, Callable[..., Array], int]] = {
    "DPM++ SDE": (sample_dpmpp_sde, ref.reference_dpmpp_sde, 39),
    "DPM++ 2M SDE": (sample_dpmpp_2m_sde, ref.reference_dpmpp_2m_sde, 20),
    "DPM++ 2M SDE Heun": (
        partial(sample_dpmpp_2m_sde, solver_type="heun"),
        partial(ref.reference_dpmpp_2m_sde, heun=True),
        20,
    ),
    "DPM++ 3M SDE": (sample_dpmpp_3m_sde, ref.reference_dpmpp_3m_sde, 20),
}

SCHEDULES = {
    "karras": build_sigmas("karras", 20, SCHEDULE, SamplerTuning()),
    "exponential": build_sigmas("exponential", 20, SCHEDULE, SamplerTuning()),
    "img2img": build_sigmas("exponential", 20, SCHEDULE, SamplerTuning())[9:],
    "no final zero": build_sigmas("kl_optimal", 9, SCHEDULE, SamplerTuning()),
}


class CountedPath(ListedNoise):
    """Increments that remember where they were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[tuple[float, float]] = []

    def between(self, sigma: float, sigma_next: float) -> Tensor:
        self.queries.append((sigma, sigma_next))
        return super().between(sigma, sigma_next)


def run(
    sampler: Sampler, sigmas: Tensor, tuning: SamplerTuning | None = None
) -> tuple[Tensor, ToyDenoiser, CountedPath]:
    model, noise = ToyDenoiser(), CountedPath()
    x = torch.from_numpy(start64(float(sigmas[0]))).float()
    on_step = step_log()[1]
    tuning = tuning or SamplerTuning()
    return sampler(model, x, sigmas, noise=noise, on_step=on_step, tuning=tuning), model, noise


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("name", SAMPLERS)
def test_trajectory(name: str, schedule: str) -> None:
    sampler, reference, _ = SAMPLERS[name]
    sigmas = SCHEDULES[schedule]
    levels = sigmas.double().numpy()
    wanted = reference(ref.toy_denoiser, start64(levels[0]), levels, ListedNoise().between64)
    assert_close(run(sampler, sigmas)[0], wanted)


@pytest.mark.parametrize("name", ["DPM++ 2M SDE", "DPM++ 3M SDE"])
@pytest.mark.parametrize("eta", [0.0, 0.4])
def test_eta(name: str, eta: float) -> None:
    sampler, reference, _ = SAMPLERS[name]
    levels = SCHEDULES["karras"].double().numpy()
    path = ListedNoise().between64
    wanted = reference(ref.toy_denoiser, start64(levels[0]), levels, path, eta=eta)
    actual, _, noise = run(sampler, SCHEDULES["karras"], SamplerTuning(eta_ancestral=eta))
    assert_close(actual, wanted)
    assert len(noise.queries) == (19 if eta else 0)


@pytest.mark.parametrize("name", SAMPLERS)
def test_model_calls(name: str) -> None:
    sampler, _, calls = SAMPLERS[name]
    assert len(run(sampler, SCHEDULES["karras"])[1].sigmas) == calls


@pytest.mark.parametrize("name", SAMPLERS)
def test_one_step_gives_the_prediction(name: str) -> None:
    """Behaviour 6.3: A1111 fails here; the prediction is the sensible answer."""
    sigmas = SCHEDULES["karras"][-2:]
    x = start64(float(sigmas[0]))
    actual, model, noise = run(SAMPLERS[name][0], sigmas)
    assert_close(actual, ref.toy_denoiser(x, float(sigmas[0])))
    assert (len(model.sigmas), noise.queries) == (1, [])


@pytest.mark.parametrize("name", SAMPLERS)
def test_s_noise_0_silences_the_path(name: str) -> None:
    sampler = SAMPLERS[name][0]
    loud = run(sampler, SCHEDULES["karras"])[0]
    still = run(sampler, SCHEDULES["karras"], SamplerTuning(s_noise=0.0))[0]
    assert not torch.allclose(loud, still, atol=1e-3)


@pytest.mark.parametrize("name", [name for name in SAMPLERS if name != "DPM++ SDE"])
def test_the_path_is_asked_at_the_schedules_own_float32_sigmas(name: str) -> None:
    levels = SCHEDULES["karras"].tolist()
    queries = run(SAMPLERS[name][0], SCHEDULES["karras"])[2].queries
    assert queries == list(pairwise(levels[:-1]))


def test_dpmpp_sde_asks_twice_per_step_in_float32() -> None:
    """Behaviour 8.6: the queries go through exp(log sigma) in float32, as the reference's do."""
    sigmas = SCHEDULES["karras"]
    queries = run(sample_dpmpp_sde, sigmas)[2].queries
    there_and_back = sigmas.log().neg().neg().exp().tolist()
    assert len(queries) == 38
    assert queries[1] == (there_and_back[0], there_and_back[1])
    t, t_next = sigmas[0].log().neg(), sigmas[1].log().neg()
    assert queries[0] == (there_and_back[0], float((t + (t_next - t) / 2).neg().exp()))
