"""Samplers on whole timesteps against the published formulas (behaviour 6.4, 7.4)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pipelines.request import SamplerTuning
from pipelines.samplers_timestep import sample_ddim
from pipelines.schedules import timesteps_for

from . import sampler_reference as ref
from .sampler_toys import SCHEDULE, ListedNoise, ToyEps, assert_close, start64, step_log

PATHS = {
    "txt2img": timesteps_for(20),
    "img2img 0.75": timesteps_for(20)[:15],
    "odd grid": timesteps_for(30),
    "one step": (1, 51),
}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("eta", [0.0, 0.7, 1.0])
def test_ddim(path: str, eta: float) -> None:
    timesteps = PATHS[path]
    x = torch.from_numpy(start64()).float()
    _, on_step = step_log()
    actual = sample_ddim(
        ToyEps(),
        x,
        timesteps,
        alphas=SCHEDULE.alphas,
        noise=ListedNoise(),
        on_step=on_step,
        tuning=SamplerTuning(eta_ddim=eta),
    )
    expected = ref.reference_ddim(start64(), list(timesteps), ListedNoise().stream(), eta=eta)
    assert_close(actual, expected)


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


def test_ddim_against_diffusers() -> None:
    """Behaviour 7.6: exact when the steps divide 1000 and the last timestep is left out."""
    diffusers = pytest.importorskip("diffusers")
    theirs = diffusers.DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        timestep_spacing="leading",
        steps_offset=1,
        set_alpha_to_one=False,
        clip_sample=False,
    )
    theirs.set_timesteps(20)
    x = torch.from_numpy(start64())
    for t in theirs.timesteps[:-1]:
        eps = torch.from_numpy(ref.toy_eps(x.numpy(), float(t)))
        x = theirs.step(eps, t, x).prev_sample
    actual = sample_ddim(
        ToyEps(),
        torch.from_numpy(start64()).float(),
        timesteps_for(20),
        alphas=SCHEDULE.alphas,
        noise=ListedNoise(),
        on_step=step_log()[1],
        tuning=SamplerTuning(),
    )
    assert_close(actual, x.numpy(), 5e-6)
