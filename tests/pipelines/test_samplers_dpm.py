"""DPM fast and DPM adaptive against the published formulas (behaviour 7.4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.samplers_dpm import (
    StepControl,
    fast_orders,
    sample_dpm_adaptive,
    sample_dpm_fast,
)
from pipelines.schedules import build_sigmas

from . import sampler_reference as ref
from .sampler_toys import SCHEDULE, ListedNoise, ToyDenoiser, assert_close, start64, step_log
from .solver_reference import reference_dpm_adaptive, reference_dpm_fast

Sampler = Callable[..., Tensor]


def levels(n: int) -> Tensor:
    return build_sigmas("uniform", n, SCHEDULE, SamplerTuning())


def run(
    sampler: Sampler, sigmas: Tensor, eta: float = 1.0
) -> tuple[Tensor, ToyDenoiser, ListedNoise]:
    model, noise = ToyDenoiser(), ListedNoise()
    x = torch.from_numpy(start64(float(sigmas[0]))).float()
    tuning = SamplerTuning(eta_ancestral=eta)
    actual = sampler(model, x, sigmas, noise=noise, on_step=step_log()[1], tuning=tuning)
    return actual, model, noise


ORDERS = {
    1: [1],
    2: [2],
    3: [2, 1],
    4: [3, 1],
    5: [3, 2],
    6: [3, 2, 1],
    16: [3, 3, 3, 3, 3, 1],
    20: [3, 3, 3, 3, 3, 3, 2],
}


@pytest.mark.parametrize("n", ORDERS)
def test_orders_of_dpm_fast(n: int) -> None:
    assert fast_orders(n) == ORDERS[n]


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n", [2, 3, 4, 16, 20])
def test_dpm_fast(n: int, eta: float) -> None:
    sigmas = levels(n)
    wanted = reference_dpm_fast(
        ref.toy_denoiser,
        start64(float(sigmas[0])),
        sigmas.double().numpy(),
        ListedNoise().stream(),
        eta=eta,
    )
    actual, model, _ = run(sample_dpm_fast, sigmas, eta)
    assert_close(actual, wanted)
    assert len(model.sigmas) == n


@pytest.mark.parametrize("eta", [0.0, 1.0])
@pytest.mark.parametrize("first", [0, 9], ids=["txt2img", "img2img"])
def test_dpm_adaptive(first: int, eta: float) -> None:
    sigmas = levels(20)[first:]
    wanted = reference_dpm_adaptive(
        ref.toy_denoiser,
        start64(float(sigmas[0])),
        sigmas.double().numpy(),
        ListedNoise().stream(),
        eta=eta,
    )
    actual, model, noise = run(sample_dpm_adaptive, sigmas, eta)
    assert_close(actual, wanted, 5e-5)  # small errors steer the step lengths
    assert len(model.sigmas) % 3 == 0
    assert (noise.taken > 0) == (eta > 0)


def test_dpm_adaptive_does_not_look_at_the_step_count() -> None:
    short, long = (run(sample_dpm_adaptive, levels(n))[0] for n in (5, 50))
    assert torch.equal(short, long)


@pytest.mark.parametrize("sampler", [sample_dpm_fast, sample_dpm_adaptive])
def test_one_step_gives_the_prediction(sampler: Sampler) -> None:
    """Behaviour 6.3."""
    sigmas = levels(20)[-2:]
    actual, model, _ = run(sampler, sigmas)
    assert_close(actual, ref.toy_denoiser(start64(float(sigmas[0])), float(sigmas[0])))
    assert len(model.sigmas) == 1


def test_dpm_adaptive_ends_at_numbers_that_are_not_finite() -> None:
    result = sample_dpm_adaptive(
        lambda x, sigma: x * torch.nan,
        torch.from_numpy(start64(14.6)).float(),
        levels(20),
        noise=ListedNoise(),
        on_step=step_log()[1],
        tuning=SamplerTuning(),
    )
    assert not bool(torch.isfinite(result).any())


def test_progress_of_dpm_adaptive_is_in_per_cent() -> None:
    log, on_step = step_log()
    x = torch.from_numpy(start64(14.6)).float()
    sample_dpm_adaptive(
        ToyDenoiser(), x, levels(20), noise=ListedNoise(), on_step=on_step, tuning=SamplerTuning()
    )
    percents = [info.index for info in log]
    assert percents == sorted(percents)
    assert (percents[0], {info.count for info in log}) == (0, {100})
    assert 50 < percents[-1] < 100


def test_step_control() -> None:
    control = StepControl(0.05, order=1.5)
    assert control.accepts(1.0)
    assert control.h == pytest.approx(0.05)
    assert not control.accepts(2.0)
    assert control.h < 0.05
