"""The denoise loop of one batch: a course, a guided model, a mask; steps out, one latent back.

Guidance and masks are wrapped around the network here; the sampler knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

import torch
from torch import Tensor

from pipelines.call_memo import RunMemo
from pipelines.events import PreviewContent
from pipelines.families.base import Family, ModelOutputError
from pipelines.guidance import Guidance, ImageGuidance, Predict
from pipelines.inpaint import LatentBlend
from pipelines.noise import ImageNoise
from pipelines.prompt.conditioning import Conditioning
from pipelines.sampler_types import EpsPair, StepInfo
from pipelines.samplers import Course, run_sampler
from pipelines.samplers_timestep import predicted_x0
from pipelines.steps import TRAIN_STEPS


class Interrupted(Exception):
    """Raised by `on_step` to end the loop after a step; not an error."""


@dataclass(frozen=True)
class RefinerStage:
    """The network that takes over within the loop, and when (behaviour 14.5)."""

    family: Family
    conditioning: Conditioning
    switch_at: float
    by_steps: bool = False
    extra: Tensor | None = None


@dataclass(frozen=True)
class DenoiseJob:
    """Everything one batch needs. `x` is what `course.noised` gave, (B, C, h, w)."""

    family: Family
    course: Course
    conditioning: Conditioning
    cfg_scale: float
    total_steps: int
    """The steps slider, doubled for second-order samplers."""
    mask: LatentBlend | None = None
    extra: Tensor | None = None
    """Further input channels (B, K, h, w) of inpainting and InstructPix2Pix networks."""
    image_cfg_scale: float | None = None
    """The second guidance of InstructPix2Pix networks; None for all others."""
    refiner: RefinerStage | None = None
    memo: RunMemo | None = None
    """Answers of earlier pictures' calls; None asks the network every time."""
    weights: Hashable = ()
    """What the networks' weights depend on besides their files, such as LoRAs."""
    batch_conds: bool = True
    """Prompt and negative prompt in one call of the network."""


See = Callable[[PreviewContent], Tensor]
"""Gives the latents to preview, (B, C, h, w); computed when asked for, within the step only."""


@dataclass(frozen=True)
class Denoised:
    """The end of a batch: its latents (B, C, h, w), and whether an interrupt cut it short."""

    latents: Tensor
    incomplete: bool
    refined: bool = False
    """True when the refiner has taken over."""


def denoise(
    job: DenoiseJob, x: Tensor, noise: ImageNoise, on_step: Callable[[StepInfo, See], None]
) -> Denoised:
    """Run the sampler over one batch.

    `on_step` gets the step, and what gives the latents to preview: predictions of the picture by
    the prompt alone, by the negative prompt alone, or by both (behaviour 14.2). When it raises
    Interrupted, the last prediction of the picture is the result. Raises ModelOutputError when the
    network gives NaN.
    """
    last: dict[str, Tensor] = {}
    uses_eps = job.course.sampler.family == "timestep"
    guided = _Guided(job)

    def step(info: StepInfo) -> None:
        last["denoised"] = info.denoised
        now = dict(last)

        def see(content: PreviewContent) -> Tensor:
            seen = now[content]
            if uses_eps:
                seen = _x0(now["x"], seen, info.sigma)
            return seen if job.mask is None else job.mask.during(seen, now["level"])

        on_step(info, see)

    model = _eps_model(job, guided, last) if uses_eps else _k_model(job, guided, last)
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
    latents = latents if job.mask is None else job.mask.finished(latents)
    return Denoised(latents, incomplete, guided.refined)


class _Guided:
    """The guided network of a run; it becomes the refiner's when its time has come."""

    def __init__(self, job: DenoiseJob) -> None:
        self.refined = False
        self._job = job
        self._extra = job.extra
        self._calls = 0
        sampler = job.course.sampler
        self._uses_eps = sampler.family == "timestep"
        self._all_calls = job.course.plan.executed * (2 if sampler.second_order else 1)
        image = None
        if job.image_cfg_scale is not None and job.extra is not None:
            image = ImageGuidance(job.image_cfg_scale, job.extra.shape[1])
        self._guidance = Guidance(
            self._predict(job.family),
            job.conditioning,
            job.cfg_scale * sampler.cfg_factor,
            job.course.tuning,
            job.total_steps,
            image,
            together=job.batch_conds,
        )
        # Reading a sigma back would halt a GPU at each step.
        self._compares_sigma = job.course.tuning.ngms > 0 or (
            job.refiner is not None and not job.refiner.by_steps
        )

    def __call__(self, x: Tensor, level: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Guided prediction, that of the negative prompt, and that of the prompt alone."""
        sigma = self._sigma(level) if self._compares_sigma else 0.0
        refiner = self._job.refiner
        if (
            refiner is not None
            and not self.refined
            and self._ratio(level, sigma) >= (refiner.switch_at)
        ):
            self.refined = True
            self._extra = refiner.extra
            self._guidance.swap(self._predict(refiner.family), refiner.conditioning)
        self._calls += 1
        state = x if self._extra is None else torch.cat([x, self._extra.to(x)], dim=1)
        result = self._guidance(state, level, sigma=sigma)
        return result.guided, result.uncond, result.cond

    def _sigma(self, level: Tensor) -> float:
        if not self._uses_eps:
            return float(level[0])
        return float(self._job.course.schedule.t_to_sigma(level[:1].cpu())[0])

    def _ratio(self, level: Tensor, sigma: float) -> float:
        """How far the run is, 0..1: by model calls, or by the place of sigma in the table."""
        if self._job.refiner is not None and self._job.refiner.by_steps:
            return self._calls / max(1, self._all_calls)
        if self._uses_eps:
            return (TRAIN_STEPS - 1 - float(level[0])) / TRAIN_STEPS
        table = self._job.family.schedule.sigmas
        nearest = int((table.cpu() - sigma).abs().argmin())
        return (TRAIN_STEPS - 1 - nearest) / TRAIN_STEPS

    def _predict(self, family: Family) -> Predict:
        """The bare network as guidance calls it: further channels ride behind the latent's."""
        channels = family.latent_channels
        schedule = self._job.course.schedule.to(family.device)

        def predict(x: Tensor, level: Tensor, context: Tensor) -> Tensor:
            extra = x[:, channels:] if x.shape[1] > channels else None
            state = x if extra is None else x[:, :channels]
            if self._uses_eps:
                return family.epsilon(state, level, context, extra)
            return family.denoised(state, level, schedule.sigma_to_t(level), context, extra)

        memo = self._job.memo
        if memo is None:
            return predict

        def remembered(x: Tensor, level: Tensor, context: Tensor) -> Tensor:
            t = level if self._uses_eps else schedule.sigma_to_t(level)
            inputs = (x, level, t, context)
            key = (self._uses_eps, self._job.weights)
            return memo.call(family, key, inputs, lambda: predict(x, level, context))

        return remembered


def _k_model(
    job: DenoiseJob, guided: _Guided, last: dict[str, Tensor]
) -> Callable[[Tensor, Tensor], Tensor]:
    """D(x, sigma): guided, then held to the init latent outside the mask (behaviour 5.2)."""

    def model(x: Tensor, sigma: Tensor) -> Tensor:
        denoised, uncond, cond = guided(x, sigma)
        last.update(_sides(denoised, uncond, cond), level=sigma)
        return denoised if job.mask is None else job.mask.during(denoised, sigma)

    return model


def _sides(guided: Tensor, uncond: Tensor, cond: Tensor) -> dict[str, Tensor]:
    """What a preview can show of one prediction."""
    return {
        PreviewContent.PROMPT: cond,
        PreviewContent.NEGATIVE: uncond,
        PreviewContent.COMBINED: guided,
    }


def _x0(x: Tensor, eps: Tensor, sigma: float) -> Tensor:
    """The picture that the predicted noise leaves of `x` (VP scale) at a noise level."""
    return predicted_x0(x, eps, 1.0 / (1.0 + sigma**2))


def _eps_model(
    job: DenoiseJob, guided: _Guided, last: dict[str, Tensor]
) -> Callable[[Tensor, Tensor], EpsPair]:
    """Noise prediction; the mask blends what the network sees, with the clean init latent."""

    def model(x: Tensor, t: Tensor) -> EpsPair:
        seen = x if job.mask is None else job.mask.during(x, t)
        eps, uncond, cond = guided(seen, t)
        last.update(_sides(eps, uncond, cond), x=x, level=t)
        return EpsPair(eps, uncond)

    return model
