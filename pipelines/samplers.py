"""The one way into all samplers: which sigmas or timesteps a job runs, its start, and the run.

The update rules are in samplers_*.py; a new sampler is one function there, one entry here and one
in sampler_names.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from pipelines.brownian import BrownianNoise
from pipelines.noise import ImageNoise
from pipelines.request import SamplerTuning, Sampling
from pipelines.sampler_names import ResolvedNames, SamplerInfo, find_scheduler, resolve_sampler
from pipelines.sampler_types import EpsModel, Model, OnStep
from pipelines.samplers_ancestral import (
    sample_dpm_2_ancestral,
    sample_dpmpp_2s_ancestral,
    sample_euler_ancestral,
    sample_lcm,
    sample_restart,
)
from pipelines.samplers_dpm import sample_dpm_adaptive, sample_dpm_fast
from pipelines.samplers_k import (
    sample_dpm_2,
    sample_dpmpp_2m,
    sample_euler,
    sample_heun,
    sample_lms,
)
from pipelines.samplers_sde import sample_dpmpp_2m_sde, sample_dpmpp_3m_sde, sample_dpmpp_sde
from pipelines.samplers_timestep import sample_ddim, sample_ddim_cfgpp, sample_plms
from pipelines.samplers_unipc import sample_unipc, unipc_path
from pipelines.schedules import NoiseSchedule, schedule_for, sigmas_for, timesteps_for
from pipelines.steps import TRAIN_STEPS, StepPlan, plan_steps

_K_SAMPLERS: dict[str, Callable[..., Tensor]] = {
    "DPM++ 2M": sample_dpmpp_2m,
    "DPM++ SDE": sample_dpmpp_sde,
    "DPM++ 2M SDE": sample_dpmpp_2m_sde,
    "DPM++ 2M SDE Heun": partial(sample_dpmpp_2m_sde, solver_type="heun"),
    "DPM++ 2S a": sample_dpmpp_2s_ancestral,
    "DPM++ 3M SDE": sample_dpmpp_3m_sde,
    "Euler a": sample_euler_ancestral,
    "Euler": sample_euler,
    "LMS": sample_lms,
    "Heun": sample_heun,
    "DPM2": sample_dpm_2,
    "DPM2 a": sample_dpm_2_ancestral,
    "DPM fast": sample_dpm_fast,
    "DPM adaptive": sample_dpm_adaptive,
    "Restart": sample_restart,
    "LCM": sample_lcm,
}

_TIMESTEP_SAMPLERS: dict[str, Callable[..., Tensor]] = {
    "DDIM": sample_ddim,
    "DDIM CFG++": sample_ddim_cfgpp,
    "PLMS": sample_plms,
    "UniPC": sample_unipc,
}


@dataclass(frozen=True, eq=False)
class Course:
    """Where one sampling run starts and what it passes through; made by `plan_course`.

    `schedule` is the noise schedule as the sampler sees it: the model wrapper must use its
    `sigma_to_t` (LCM knows 50 timesteps only). For timestep samplers `sigmas` is empty and
    `timesteps` ascends, its first entry being where the run ends; for k-diffusion samplers it
    is the other way round.
    """

    names: ResolvedNames
    plan: StepPlan
    schedule: NoiseSchedule
    tuning: SamplerTuning
    full_sigmas: Tensor
    sigmas: Tensor
    timesteps: tuple[float, ...]
    start_timestep: int
    """Timestep samplers: the noise level the picture starts at."""

    @property
    def sampler(self) -> SamplerInfo:
        """The sampler that runs."""
        return self.names.sampler

    def noised(self, x0: Tensor | None, noise: Tensor) -> Tensor:
        """Return the state the sampler starts from, from the init latent and the first noise.

        Both are (B,C,h,w); x0 is None for txt2img. `noise` is used as it is: multiply it by
        `initial_noise_multiplier` before (behaviour 5.4). Extra noise is added here.
        """
        clean = torch.zeros_like(noise) if x0 is None else x0
        added = noise if self.plan.add_noise else torch.zeros_like(noise)
        if self.sampler.family == "timestep":
            return self._noised_vp(clean, added)
        sigma = float(self.sigmas[0])
        if self.schedule.is_flow:
            return clean * (1 - sigma) + added * sigma
        x = clean + added * self._noise_scale(sigma)
        return x if x0 is None else x + added * self.tuning.extra_noise

    def _noise_scale(self, sigma: float) -> float:
        is_max = sigma >= self.schedule.sigma_max * (1 - 1e-5)
        if (self.plan.max_denoise and is_max) or (
            self.plan.from_top and self.tuning.sgm_noise_multiplier
        ):
            return math.sqrt(1 + sigma**2)
        return sigma

    def _noised_vp(self, clean: Tensor, noise: Tensor) -> Tensor:
        if self.plan.from_top:
            return noise
        root = math.sqrt(self._alpha(self.start_timestep))
        x = clean * root + noise * math.sqrt(1 - root**2)
        return x + noise * (self.tuning.extra_noise * root)

    def with_leftover_noise(self, x: Tensor) -> Tensor:
        """Bring a variance-preserving state that is still noisy to the scale of latents.

        Only runs that end early leave more than timestep 1's noise; a second stage without added
        noise continues from the result (behaviour 6.6).
        """
        end = self.timesteps[0]
        return x / math.sqrt(self._alpha(end)) if end > 1 else x

    def _alpha(self, timestep: float) -> float:
        return float(self.schedule.alphas[round(timestep)])


def plan_course(
    sampling: Sampling,
    tuning: SamplerTuning,
    schedule: NoiseSchedule,
    *,
    txt2img: bool,
    is_sdxl: bool = False,
) -> Course:
    """Decide what a job runs through, from its settings and the model's noise schedule.

    Raises ValueError for settings that leave nothing to run through (see `plan_steps`,
    `build_sigmas`), and for a timestep sampler on a flow model.
    """
    names = resolve_sampler(sampling.sampler, sampling.scheduler)
    if schedule.is_flow and (names.sampler.family == "timestep" or names.sampler.name == "LCM"):
        raise ValueError(f"{names.sampler.name} does not work with flow models: use Euler")
    own = schedule_for(names.sampler, schedule, tuning)
    discard = tuning.discard_penultimate_sigma
    plan = plan_steps(sampling, txt2img=txt2img, discard_penultimate=discard)
    if names.sampler.family == "timestep":
        path, start = _timestep_path(names.sampler, plan, own, tuning)
        return Course(names, plan, own, tuning, torch.zeros(0), torch.zeros(0), path, start)
    # txt2img with samplers that use the ends only covers the model's whole range (behaviour 7.4)
    is_free = names.sampler.ends_only and txt2img
    scheduler = find_scheduler("uniform") if is_free else names.scheduler
    full = sigmas_for(
        names.sampler,
        scheduler or names.scheduler,
        plan.schedule_steps,
        own,
        tuning,
        is_sdxl=is_sdxl,
    )
    plan = plan_steps(
        sampling, txt2img=txt2img, schedule_length=len(full), discard_penultimate=discard
    )
    sigmas = full[plan.first : plan.last + 1].clone()
    if plan.force_full_denoise:
        sigmas[-1] = 0.0
    # Very fine schedules repeat entries of the table; a step of no length does nothing.
    sigmas = torch.unique_consecutive(sigmas)
    plan = replace(plan, executed=len(sigmas) - 1)
    return Course(names, plan, own, tuning, full, sigmas, (), 0)


@torch.no_grad()
def run_sampler(
    course: Course,
    model: Model | EpsModel,
    x: Tensor,
    *,
    noise: ImageNoise,
    on_step: OnStep,
) -> Tensor:
    """Run the course from `x`, the state `course.noised` returned; give the final latent.

    `model` is a `Model` (denoised) for k-diffusion samplers and an `EpsModel` for timestep
    samplers (`course.sampler.family`). `noise` must have given its first draw. An exception
    raised by `on_step` passes through unchanged. Must not be called when
    `course.plan.identity` is set: the prepared input is the result then.
    """
    if course.plan.identity:
        raise ValueError("nothing to run: the prepared input is the result")
    sampler = course.sampler
    common: dict[str, Any] = {"on_step": on_step, "tuning": course.tuning, "noise": noise}
    if sampler.family == "timestep":
        common["alphas"] = course.schedule.alphas
        x = _TIMESTEP_SAMPLERS[sampler.name](model, x, course.timesteps, **common)
        return course.with_leftover_noise(x)
    if sampler.brownian:
        common["noise"] = BrownianNoise(
            noise.shape, noise.seeds, course.full_sigmas, noise.settings.source, noise.device
        )
    if sampler.name == "LCM":
        common["timesteps"] = course.schedule.sigma_to_t(course.sigmas[:-1]).tolist()
    return _K_SAMPLERS[sampler.name](model, x, course.sigmas, **common)


def _timestep_path(
    sampler: SamplerInfo, plan: StepPlan, schedule: NoiseSchedule, tuning: SamplerTuning
) -> tuple[tuple[float, ...], int]:
    """Return the ascending timesteps to run and the one the picture is noised to."""
    discard = tuning.discard_penultimate_sigma
    grid = (0, *timesteps_for(plan.schedule_steps, discard_penultimate=discard))
    path: tuple[float, ...] = grid[plan.first : plan.last + 1]
    if sampler.continuous_time and not plan.identity:
        top = TRAIN_STEPS - 1 if plan.from_top else path[-1]
        bottom = 0 if plan.first <= 1 else path[0]
        ends = float(bottom), float(top)
        path = unipc_path(ends, plan.executed, tuning.unipc_skip, schedule.alphas)
    if plan.force_full_denoise:
        path = (0, *path[1:])
    return path, grid[plan.noise_index]
