"""Samplers on whole timesteps against the published formulas (behaviour 6.4, 7.4)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.samplers_timestep import sample_ddim, sample_ddim_cfgpp, sample_plms
from pipelines.samplers_unipc import sample_unipc
from pipelines.schedules import timesteps_for

from . import sampler_reference as ref
from .sampler_reference import Array
from .sampler_toys import SCHEDULE, ListedNoise, ToyEps, assert_close, start64, step_log
from .solver_reference import reference_unipc

PATHS = {
    "txt2img": timesteps_for(20),
    "img2img 0.75": timesteps_for(20)[:15],
    "odd grid": timesteps_for(30),
    "one step": (1, 51),
}


def run(
    sampler: Callable[..., Tensor], timesteps: Sequence[float], eta: float = 0.0
) -> tuple[Tensor, ToyEps]:
    model = ToyEps()
    x = sampler(
        model,
        torch.from_numpy(start64()).float(),
        timesteps,
        alphas=SCHEDULE.alphas,
        noise=ListedNoise(),
        on_step=step_log()[1],
        tuning=SamplerTuning(eta_ddim=eta),
    )
    return x, model


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
def test_ddim(path: str, eta: float) -> None:
    timesteps = PATHS[path]
    expected = ref.reference_ddim(start64(), list(timesteps), ListedNoise().stream(), eta=eta)
    assert_close(run(sample_ddim, timesteps, eta)[0], expected)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("eta", [0.0, 1.0])
def test_ddim_cfgpp(path: str, eta: float) -> None:
    timesteps = PATHS[path]
    expected = ref.reference_ddim(
        start64(), list(timesteps), ListedNoise().stream(), eta=eta, cfg_pp=True
    )
    assert_close(run(sample_ddim_cfgpp, timesteps, eta)[0], expected)


@pytest.mark.parametrize("path", PATHS)
def test_plms(path: str) -> None:
    timesteps = PATHS[path]
    actual, model = run(sample_plms, timesteps)
    assert_close(actual, ref.reference_plms(start64(), list(timesteps)))
    assert len(model.timesteps) == len(timesteps)  # one more than steps


TIMES = {
    "txt2img": np.linspace(0, 999, 21).tolist(),
    "img2img 0.75": np.linspace(0, 701, 16).tolist(),
    "three steps": [0.0, 300.0, 600.0, 999.0],
    "two steps": [0.0, 50.5, 101.0],
    "one step": [0.0, 51.0],
}


@pytest.mark.parametrize("name", TIMES)
def test_unipc(name: str) -> None:
    times = TIMES[name]
    actual, model = run(sample_unipc, times)
    assert_close(actual, reference_unipc(start64(), times))
    assert model.timesteps == pytest.approx(times[:0:-1])


def test_ddim_reports_predicted_x0() -> None:
    log, on_step = step_log()
    x = torch.from_numpy(start64()).float()
    sample_ddim(
        ToyEps(),
        x,
        (1, 501, 951),
        alphas=SCHEDULE.alphas,
        noise=ListedNoise(),
        on_step=on_step,
        tuning=SamplerTuning(),
    )
    assert [(info.index, info.count) for info in log] == [(0, 2), (1, 2)]
    assert log[0].sigma == pytest.approx(float(SCHEDULE.sigmas[951]), rel=1e-5)
    alpha = ref.ALPHAS[951]
    eps = ref.toy_eps(start64(), 951.0)
    assert_close(log[0].denoised, (start64() - np.sqrt(1 - alpha) * eps) / np.sqrt(alpha))


COMMON = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1, "set_alpha_to_one": False}


def drive(scheduler: Any, timesteps: Sequence[Any]) -> Array:
    x = torch.from_numpy(start64())
    for t in timesteps:
        x = scheduler.step(torch.from_numpy(ref.toy_eps(x.numpy(), float(t))), t, x).prev_sample
    return np.asarray(x.numpy())


@pytest.mark.slow
class TestAgainstDiffusers:
    """Behaviour 7.6: exact when the steps divide 1000 and the last timestep is left out."""

    def test_ddim(self) -> None:
        diffusers = pytest.importorskip("diffusers")
        theirs = diffusers.DDIMScheduler(**COMMON, **LEADING, clip_sample=False)
        theirs.set_timesteps(20)
        wanted = drive(theirs, theirs.timesteps[:-1])
        assert_close(run(sample_ddim, timesteps_for(20))[0], wanted, 5e-6)

    def test_plms(self) -> None:
        diffusers = pytest.importorskip("diffusers")
        theirs = diffusers.PNDMScheduler(**COMMON, **LEADING, skip_prk_steps=True)
        theirs.set_timesteps(20)
        wanted = drive(theirs, theirs.timesteps[:-1])
        assert_close(run(sample_plms, timesteps_for(20))[0], wanted, 5e-6)

    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    def test_unipc(self) -> None:
        """diffusers rounds the timesteps."""
        diffusers = pytest.importorskip("diffusers")
        theirs = diffusers.UniPCMultistepScheduler(
            **COMMON,
            solver_order=3,
            solver_type="bh1",
            timestep_spacing="linspace",
            final_sigmas_type="sigma_min",
        )
        theirs.set_timesteps(20)
        wanted = drive(theirs, theirs.timesteps)
        assert_close(run(sample_unipc, TIMES["txt2img"])[0], wanted, 2e-3)
