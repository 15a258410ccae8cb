"""The noise that leads to a picture: Euler steps up the noise levels instead of down (12.6).

The idea is DDIM inversion (Song et al. 2021, section 4.3) in sigma terms. Which noise a run starts
from otherwise is in `pipelines.noise`.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor

from pipelines.events import StopKind
from pipelines.guidance import Guidance
from pipelines.job import Job
from pipelines.prompt.comments import strip_comments
from pipelines.prompt.conditioning import Conditioning, EncodeSettings
from pipelines.prompt.networks import extract_networks
from pipelines.request import Inversion, SamplerTuning
from pipelines.sampler_names import SAMPLERS, SCHEDULERS
from pipelines.schedules import sigmas_for

Denoiser = Callable[[Tensor, float], Tensor]
"""(x (B, C, h, w), sigma) -> the picture that the model sees in x."""

_PLAIN = SamplerTuning()


def inverted_start(job: Job, random: Tensor) -> Tensor:
    """The start noise (B, C, h, w) of a batch whose request has an inversion.

    `random` is the noise it would have started from. The result is such that init latent plus
    sigma_max times the result is sigma_max times the found noise. A stop ends the search early.
    """
    asked = job.request.inversion
    assert asked is not None
    assert job.init is not None
    init = job.init
    found = found_noise(init, _denoiser(job, asked), _levels(job, asked), adjusted=asked.adjusted)
    mixed = mixed_noise(found, random, asked.randomness)
    return mixed - init / job.pipeline.family.schedule.sigma_max


def found_noise(
    init: Tensor, denoiser: Denoiser, levels: tuple[float, ...], *, adjusted: bool
) -> Tensor:
    """Unit noise (B, C, h, w) that Euler steps down `levels` would turn into `init`.

    `levels` ascend from 0 to the largest sigma. Plain: each slope is taken at the level that the
    step goes to, and the end is divided by its own deviation. Adjusted: at the level it comes from,
    and divided by the largest sigma; the first step then changes nothing, because at level 0 the
    model sees the picture itself.
    """
    x = init
    for place, (low, high) in enumerate(pairwise(levels)):
        at = low if adjusted else high
        if adjusted and place == 0:
            continue
        x = x + (x - denoiser(x, at)) / at * (high - low)
    return x / levels[-1] if adjusted else x / x.std()


def mixed_noise(found: Tensor, random: Tensor, randomness: float) -> Tensor:
    """Both noises in the ratio (1 - r) : r, scaled back to unit variance."""
    share = 1.0 - randomness
    return (share * found + randomness * random) / sqrt(share**2 + randomness**2)


def _levels(job: Job, asked: Inversion) -> tuple[float, ...]:
    """The uniform schedule from 0 up."""
    euler = next(info for info in SAMPLERS if info.name == "Euler")
    uniform = next(info for info in SCHEDULERS if info.name == "uniform")
    sigmas = sigmas_for(euler, uniform, asked.steps, job.pipeline.family.schedule, _PLAIN)
    return tuple(sigmas.flip(0).tolist())


def _denoiser(job: Job, asked: Inversion) -> Denoiser:
    """The guided model on the prompts that describe the init image."""
    family, request = job.pipeline.family, job.request
    schedule = family.schedule.to(family.device)
    count = request.batch_size
    comments = request.texts.comments
    prompt, _ = extract_networks(strip_comments(asked.prompt, on=comments))
    _, tags = extract_networks(strip_comments(request.prompt, on=comments))
    known = job.pipeline.embeddings_with(job.pipeline.activate(tags))
    conditioning = Conditioning.build(
        job.pipeline.text_encoder,
        [prompt] * count,
        [strip_comments(asked.negative_prompt, on=comments)] * count,
        steps=asked.steps,
        settings=EncodeSettings(
            clip_skip=request.clip_skip,
            emphasis=request.emphasis,
            comma_backtrack=request.comma_backtrack,
            embeddings={ids: one.vectors for ids, one in known.items()},
        ),
    )
    channels = family.latent_channels

    def predict(x: Tensor, level: Tensor, context: Tensor) -> Tensor:
        extra = x[:, channels:] if x.shape[1] > channels else None
        t = schedule.sigma_to_t(level)
        return family.denoised(x[:, :channels], level, t, context, extra)

    together = request.computing.batch_conds
    guidance = Guidance(
        predict, conditioning, asked.cfg_scale, _PLAIN, asked.steps, together=together
    )
    done, stopped = 0, False

    def denoiser(x: Tensor, sigma: float) -> Tensor:
        nonlocal done, stopped
        done += 1
        asked_to = None if stopped else job.listener.stop_asked()
        job.interrupted = job.interrupted or asked_to is StopKind.NOW
        stopped = stopped or asked_to in (StopKind.NOW, StopKind.SKIP)
        if stopped:
            return x  # no slope: the rest of the way costs nothing
        job.listener.on_note(f"Finding the noise, step {done} of {asked.steps}")
        state = x
        if job.extra is not None:
            rows = [k % job.extra.shape[0] for k in range(x.shape[0])]
            state = torch.cat([x, job.extra[rows].to(x)], dim=1)
        return guidance(state, x.new_full((count,), sigma), sigma=sigma).guided

    return denoiser
