"""The denoise loop of one batch: a course, a guided model, a mask; steps out, one latent back.

Guidance and masks are wrapped around the network here; the sampler knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipelines.families.base import Family, ModelOutputError
from pipelines.guidance import Guidance
from pipelines.inpaint import LatentMask
from pipelines.noise import ImageNoise
from pipelines.prompt.conditioning import Conditioning
from pipelines.sampler_types import EpsPair, StepInfo
from pipelines.samplers import Course, run_sampler
from pipelines.samplers_timestep import predicted_x0


class Interrupted(Exception):
    """Raised by `on_step` to end the loop after a step; not an error."""


@dataclass(frozen=True)
class DenoiseJob:
    """Everything one batch needs. `x` is what `course.noised` gave, (B, C, h, w)."""

    family: Family
    course: Course
    conditioning: Conditioning
    cfg_scale: float
    total_steps: int
    """The steps slider, doubled for second-order samplers."""
    mask: LatentMask | None = None


@dataclass(frozen=True)
class Denoised:
    """The end of a batch: its latents (B, C, h, w), and whether an interrupt cut it short."""

    latents: Tensor
    incomplete: bool


def denoise(
    job: DenoiseJob, x: Tensor, noise: ImageNoise, on_step: Callable[[StepInfo, Tensor], None]
) -> Denoised:
    """Run the sampler over one batch.

    `on_step` gets the step and the latents to preview, (B, C, h, w): the prediction of the prompt
    alone. When it raises Interrupted, the last prediction of the picture is the result. Raises
    ModelOutputError when the network gives NaN.
    """
    last: dict[str, Tensor] = {}
    uses_eps = job.course.sampler.family == "timestep"

    def step(info: StepInfo) -> None:
        last["denoised"] = info.denoised
        seen = last["cond"]
        if uses_eps:
            seen = _x0(last["x"], seen, info.sigma)
        on_step(info, seen if job.mask is None else job.mask.blend(seen))

    model = _eps_model(job, last) if uses_eps else _k_model(job, last)
    try:
        latents = run_sampler(job.course, model, x, noise=noise, on_step=step)
        incomplete = False
    except Interrupted:
        latents, incomplete = last["denoised"], True
    if not torch.isfinite(latents).all():
        raise ModelOutputError(
            "the model gave NaN, so there is no picture; a lower CFG scale, another sampler or "
            "--no-half may help"
        )
    return Denoised(latents if job.mask is None else job.mask.blend(latents), incomplete)


def _k_model(job: DenoiseJob, last: dict[str, Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """D(x, sigma): guided, then held to the init latent outside the mask (behaviour 5.2)."""
    schedule = job.course.schedule.to(job.family.device)

    def predict(x: Tensor, sigma: Tensor, context: Tensor) -> Tensor:
        return job.family.denoised(x, sigma, schedule.sigma_to_t(sigma), context)

    guidance = Guidance(
        predict, job.conditioning, job.cfg_scale, job.course.tuning, job.total_steps
    )
    compares_sigma = job.course.tuning.ngms > 0  # reading a sigma back would halt a GPU each step

    def model(x: Tensor, sigma: Tensor) -> Tensor:
        result = guidance(x, sigma, sigma=float(sigma[0]) if compares_sigma else 0.0)
        last["cond"] = result.cond
        return result.guided if job.mask is None else job.mask.blend(result.guided)

    return model


def _x0(x: Tensor, eps: Tensor, sigma: float) -> Tensor:
    """The picture that the predicted noise leaves of `x` (VP scale) at a noise level."""
    return predicted_x0(x, eps, 1.0 / (1.0 + sigma**2))


def _eps_model(job: DenoiseJob, last: dict[str, Tensor]) -> Callable[[Tensor, Tensor], EpsPair]:
    """Noise prediction; the mask blends what the network sees, with the clean init latent."""
    schedule, factor = job.course.schedule, job.course.sampler.cfg_factor
    compares_sigma = job.course.tuning.ngms > 0  # reading a sigma back would halt a GPU each step
    guidance = Guidance(
        job.family.epsilon,
        job.conditioning,
        job.cfg_scale * factor,
        job.course.tuning,
        job.total_steps,
    )

    def model(x: Tensor, t: Tensor) -> EpsPair:
        seen = x if job.mask is None else job.mask.blend(x)
        sigma = float(schedule.t_to_sigma(t[:1].cpu())[0]) if compares_sigma else 0.0
        result = guidance(seen, t, sigma=sigma)
        last["x"], last["cond"] = x, result.cond
        return EpsPair(result.guided, result.uncond)

    return model
