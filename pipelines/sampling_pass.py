"""One sampling run of one batch: texts to conditioning, the loop, its steps told to the user."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from pipelines.denoise import Denoised, DenoiseJob, Interrupted, RefinerStage, See, denoise
from pipelines.events import PreviewWish, StepEvent, StopKind
from pipelines.families.base import LATENT_SCALE
from pipelines.grid import grid_rows, make_grid
from pipelines.image_conditioning import empty_channels
from pipelines.inpaint import LatentBlend
from pipelines.job import Job
from pipelines.networks import ActiveNetworks
from pipelines.noise import ImageNoise
from pipelines.pipeline import Pipeline
from pipelines.prompt.comments import strip_comments
from pipelines.prompt.conditioning import Conditioning, EncodeSettings, PadConds
from pipelines.prompt.networks import NetworkTag, extract_networks
from pipelines.request import Img2ImgRequest
from pipelines.sampler_types import StepInfo
from pipelines.samplers import Course


@dataclass(frozen=True)
class Pass:
    """What one run over a batch starts from. `x` is what `course.noised` gave, (B, C, h, w)."""

    batch: int
    pipeline: Pipeline
    course: Course
    prompt: str
    negative_prompt: str
    steps: int
    """The steps slider of the first pass, doubled for second-order samplers."""
    noise: ImageNoise
    x: Tensor
    hires_steps: int | None = None
    """The same of the second pass, when this is it."""
    mask: LatentBlend | None = None
    extra: Tensor | None = None
    refiner: Pipeline | None = None
    steps_before: int = 0
    merged: float = 0.0
    """Share of tokens that self-attention merges."""


def run_pass(job: Job, one: Pass) -> Denoised:
    """Sample a batch. An asked stop ends it after the step; `job.interrupted` is set for "now"."""
    family, request = one.pipeline.family, job.request
    is_edit = family.variant == "instruct-pix2pix"
    work = DenoiseJob(
        family,
        one.course,
        _conditioning(job, one, one.pipeline),
        request.sampling.cfg_scale,
        one.steps if one.hires_steps is None else one.hires_steps,
        one.mask,
        _repeated(one.extra, one.x),
        request.sampling.image_cfg_scale if is_edit else None,
        _refiner(job, one),
        job.memo,
        _weights(job, one),
        request.computing.batch_conds,
    )
    refiner = () if one.refiner is None else (one.refiner.family,)
    with ExitStack() as stack:
        for each in {id(each): each for each in (family, *refiner)}.values():
            stack.enter_context(each.merging(one.merged))
        return denoise(work, one.x, one.noise, lambda info, see: _on_step(job, one, info, see))


def _conditioning(job: Job, one: Pass, pipeline: Pipeline) -> Conditioning:
    """The texts of a pass, encoded; afterwards the networks that its prompt asks for work."""
    request, count = job.request, one.x.shape[0]
    prompt, tags = _prompt(job, one.prompt)
    encoding = tags
    if one.hires_steps is not None and request.texts.first_pass_networks:
        _, encoding = _prompt(job, request.prompt)
    known = pipeline.embeddings_with(_activate(job, pipeline, encoding))
    conditioning = Conditioning.build(
        pipeline.text_encoder,
        [prompt] * count,
        [strip_comments(one.negative_prompt, on=request.texts.comments)] * count,
        steps=_edited(job, job.course, one.steps),
        hires_steps=one.hires_steps and _edited(job, one.course, one.hires_steps),
        old_editing=request.old_prompt_editing,
        settings=EncodeSettings(
            clip_skip=request.clip_skip,
            emphasis=request.emphasis,
            comma_backtrack=request.comma_backtrack,
            padding=_padding(request),
            embeddings={name: one.vectors for name, one in known.items()},
        ),
    )
    for name in conditioning.embedding_names:
        job.used_embeddings[known[name].name] = known[name].hash12
    if encoding != tags:
        _activate(job, pipeline, tags)
    return conditioning


def _prompt(job: Job, text: str) -> tuple[str, tuple[NetworkTag, ...]]:
    """The prompt without comments and network tags, and the tags."""
    return extract_networks(strip_comments(text, on=job.request.texts.comments))


def _edited(job: Job, course: Course, steps: int) -> int:
    """Steps as prompt editing counts them; `steps` are doubled for second-order samplers."""
    undoes = job.request.texts.undoubled_editing and course.sampler.second_order
    return steps // 2 if undoes else steps


def _padding(request: Img2ImgRequest) -> PadConds:
    """The older way wins where both are asked for, as in A1111."""
    if request.pad_conds_v0:
        return PadConds.V0
    return PadConds.EMPTY if request.pad_conds else PadConds.OFF


def _weights(job: Job, one: Pass) -> Hashable:
    """What is in the networks besides their files: LoRAs, tiling, ways of computing."""
    _, tags = _prompt(job, one.prompt)
    found = (*job.used_loras.items(), *job.used_hypernetworks.items())
    return tuple(map(repr, tags)), found, job.request.tiling, job.request.computing, one.merged


def _refiner(job: Job, one: Pass) -> RefinerStage | None:
    settings = job.request.refiner
    if one.refiner is None or settings is None:
        return None
    height, width = one.x.shape[-2:]
    family = one.refiner.family
    extra = one.extra
    if family.variant != one.pipeline.family.variant:
        extra = empty_channels(family, height, width)
    return RefinerStage(
        family,
        _conditioning(job, one, one.refiner),
        settings.switch_at,
        settings.by_steps,
        _repeated(extra, one.x),
    )


def _repeated(extra: Tensor | None, x: Tensor) -> Tensor | None:
    """One row for each picture of the batch."""
    if extra is None:
        return None
    rows = [k % extra.shape[0] for k in range(x.shape[0])]
    return extra[rows]


def _activate(job: Job, pipeline: Pipeline, tags: Sequence[NetworkTag]) -> ActiveNetworks:
    """The networks of this pass's prompt at work; what could not be done is said."""
    active = pipeline.activate(tags)
    for note in active.notes:
        job.note(note)
    job.used_loras |= active.lora_hashes
    job.used_hypernetworks |= active.hypernetwork_hashes
    return active


def _on_step(job: Job, one: Pass, info: StepInfo, see: See) -> None:
    all_steps = _all_steps(job, one, info)
    job.listener.on_step(
        StepEvent(
            one.batch,
            job.request.n_iter,
            one.steps_before + info.index + 1,
            all_steps,
            lambda wish: _preview(job, one, see, wish),
        )
    )
    stop = job.listener.stop_asked()
    if stop in (StopKind.NOW, StopKind.SKIP):
        job.interrupted = job.interrupted or stop is StopKind.NOW
        if one.steps_before + info.index + 1 < all_steps:
            raise Interrupted


def _preview(job: Job, one: Pass, see: See, wish: PreviewWish) -> Image.Image:
    """The first picture of the batch or all of them, each at working size."""
    height, width = one.x.shape[-2:]
    size = (width * LATENT_SCALE, height * LATENT_SCALE)
    if one.hires_steps is None:
        size = (job.request.width, job.request.height)
    latents = see(wish.content)
    images = [
        one.pipeline.family.preview(latent, wish.kind).resize(size, Image.Resampling.BILINEAR)
        for latent in (latents if wish.whole_batch else latents[:1])
    ]
    return images[0] if len(images) == 1 else make_grid(images, grid_rows(len(images)))


def _all_steps(job: Job, one: Pass, info: StepInfo) -> int:
    """Steps of all passes, as the sampler counts those of this one."""
    second = job.second_course
    if second is None:
        return info.count
    return one.steps_before + info.count + (second.plan.executed if one.hires_steps is None else 0)
