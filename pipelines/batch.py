"""One batch of a job: noise, one or two sampling passes, decoding, compositing, delivery."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial

from PIL import Image

from pipelines.compose import apply_overlay, build_overlay, overlay_mask
from pipelines.denoise import Denoised
from pipelines.events import BEFORE_COLOURS, BEFORE_HIRES, FinishedPicture
from pipelines.families.base import LATENT_SCALE, Family
from pipelines.geometry import Extent
from pipelines.hires import enlarged, hires_size
from pipelines.image_conditioning import hires_channels
from pipelines.infotext import ImageFacts, write_infotext
from pipelines.infotext_keys import MASK_HASH
from pipelines.inversion import inverted_start
from pipelines.job import Job
from pipelines.noise import ImageNoise
from pipelines.pipeline import Pipeline
from pipelines.prepare import PreparedImage, finish
from pipelines.prompt.comments import strip_comments
from pipelines.request import MaskedContent, Refiner, RefinerPass, ResizeMode
from pipelines.resize import resize_image
from pipelines.sampler_names import effective_scheduler
from pipelines.samplers import Course
from pipelines.sampling_pass import Pass, run_pass
from pipelines.soft_overlay import difference_mask, placed_mask
from pipelines.upscalers import UpscaleStopped, latent_mode

_Mask = Image.Image | None
"""The mask (L, white = new paint) of a picture's overlay; None without inpainting."""


_Stages = Mapping[str, Callable[[], Image.Image]]
"""See FinishedPicture.stages."""


@dataclass(frozen=True)
class _Latents:
    """What sampling gave, and whose VAE decodes it; `first` is the pass before a hires pass."""

    result: Denoised
    family: Family
    first: _Latents | None = None


def run_batch(job: Job, batch: int) -> None:
    """Make the pictures of one batch and hand them to the listener."""
    if job.course.plan.identity:
        untouched: Sequence[_Stages] = [{}] * job.request.batch_size
        _deliver(job, batch, _untouched(job), _masks(job), untouched, incomplete=False)
        return
    made = _first_pass(job, batch)
    stopped = made.result.incomplete or job.interrupted
    if job.second_course is not None and stopped:
        made = replace(made, result=replace(made.result, incomplete=True))
    elif job.second_course is not None:
        made = replace(_second_pass(job, batch, made, job.second_course), first=made)
    job.listener.on_note("Decoding")
    _deliver(job, batch, *_decoded(job, made), incomplete=made.result.incomplete)


def schedule_label(course: Course) -> str:
    """The schedule type that ran, as the infotext names it (behaviour 10.2)."""
    return effective_scheduler(course.sampler, course.names.scheduler).label


def _seeds(job: Job, batch: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    request = job.request
    chosen = slice(batch * request.batch_size, (batch + 1) * request.batch_size)
    return request.all_seeds()[chosen], request.all_subseeds()[chosen]


def _first_pass(job: Job, batch: int) -> _Latents:
    request, family = job.request, job.pipeline.family
    noise = ImageNoise(job.latent_shape, *_seeds(job, batch), request.seeds, family.device)
    start = noise.first()
    if request.inversion is not None:
        start = inverted_start(job, start)
    elif not request.is_txt2img:
        start = start * request.tuning.initial_noise_multiplier
    refiner = job.refiner if _refines(job, RefinerPass.FIRST) else None
    result = run_pass(
        job,
        Pass(
            batch,
            job.pipeline,
            job.course,
            request.prompt,
            request.negative_prompt,
            _counted(job.course, request.sampling.steps),
            noise,
            job.course.noised(job.init, start),
            mask=job.mask,
            extra=job.extra,
            refiner=refiner,
            merged=request.computing.merged(txt2img=request.is_txt2img),
        ),
    )
    return _Latents(result, _decoder(result, job.pipeline, refiner))


def _second_pass(job: Job, batch: int, first: _Latents, course: Course) -> _Latents:
    """The hires pass (behaviour 16)."""
    request, hires = job.request, job.request.hires
    assert hires is not None
    pipeline = job.second_pipeline or job.pipeline
    family = pipeline.family
    job.listener.on_note("Upscaling")
    size = hires_size(request, hires)
    try:
        upscale = None if latent_mode(hires.upscaler) else job.upscale(hires.upscaler)
        latents = enlarged(first.result.latents, hires, size, first.family, family, upscale)
    except UpscaleStopped:
        return replace(first, result=replace(first.result, incomplete=True))
    if course.plan.identity:
        return _Latents(Denoised(latents, incomplete=False), family)
    channels, height, width = latents.shape[1:]
    noise = ImageNoise((channels, height, width), *_seeds(job, batch), request.seeds, family.device)
    refiner = job.refiner if _refines(job, RefinerPass.SECOND) else None
    result = run_pass(
        job,
        Pass(
            batch,
            pipeline,
            course,
            hires.prompt or request.prompt,
            hires.negative_prompt or request.negative_prompt,
            _counted(job.course, request.sampling.steps),
            noise,
            course.noised(latents, noise.first()),
            hires_steps=_counted(course, hires.steps or request.sampling.steps),
            extra=hires_channels(family, request, latents),
            refiner=refiner,
            steps_before=job.course.plan.executed,
            merged=request.computing.merged_in_hires,
        ),
    )
    return _Latents(result, _decoder(result, pipeline, refiner))


def _counted(course: Course, steps: int) -> int:
    """Steps as prompt editing counts them (behaviour 7.1)."""
    return steps * (2 if course.sampler.second_order else 1)


def _refines(job: Job, which: RefinerPass) -> bool:
    settings: Refiner | None = job.request.refiner
    if settings is None or job.request.hires is None:
        return settings is not None
    return settings.hires_pass in (which, RefinerPass.BOTH)


def _decoder(result: Denoised, pipeline: Pipeline, refiner: Pipeline | None) -> Family:
    """The model that is in use at the end decodes (behaviour 14.5)."""
    return refiner.family if result.refined and refiner is not None else pipeline.family


def _decoded(
    job: Job, made: _Latents
) -> tuple[Sequence[Image.Image], Sequence[_Mask], Sequence[_Stages]]:
    """The finished pictures, the masks of their overlays, and their earlier stages."""
    images = _pictures(job, made)
    if job.prepared is None:
        return images, [None] * len(images), _before_hires(made.first, len(images))
    sources = job.prepared.images
    finished, masks, stages = [], [], list[_Stages]()
    for k, image in enumerate(images):
        source = sources[k % len(sources)]
        if job.request.inpaint is not None and job.request.inpaint.soft is not None:
            source = _with_soft_overlay(job, source, made.result, k)
        finished.append(finish(image, source, job.request))
        masks.append(_mask(source))
        stages.append({})
        if source.colour_target is not None:
            plain = replace(source, colour_target=None)
            stages[k] = {BEFORE_COLOURS: partial(finish, image, plain, job.request)}
    return finished, masks, stages


def _before_hires(first: _Latents | None, count: int) -> Sequence[_Stages]:
    """The pictures of the first pass; all of a batch are decoded once, when one is asked for."""
    if first is None:
        return [{}] * count

    @cache
    def decoded() -> Sequence[Image.Image]:
        return first.family.decode(first.result.latents)

    return [{BEFORE_HIRES: partial(_drawn, decoded, k)} for k in range(count)]


def _drawn(decoded: Callable[[], Sequence[Image.Image]], place: int) -> Image.Image:
    return decoded()[place]


def _pictures(job: Job, made: _Latents) -> Sequence[Image.Image]:
    """The decoded pictures; of a batch that was cut short previews, where those are wanted."""
    kind = job.listener.interrupted_as() if made.result.incomplete else None
    if kind is None:
        return made.family.decode(made.result.latents)
    height, width = made.result.latents.shape[-2:]
    size = (width * LATENT_SCALE, height * LATENT_SCALE)
    return [
        made.family.preview(latent, kind).resize(size, Image.Resampling.BILINEAR)
        for latent in made.result.latents
    ]


def _mask(source: PreparedImage) -> _Mask:
    return None if source.overlay is None else overlay_mask(source.overlay)


def _masks(job: Job) -> Sequence[_Mask]:
    """The masks of a batch that nothing ran on."""
    assert job.prepared is not None
    sources = job.prepared.images
    return [_mask(sources[k % len(sources)]) for k in range(job.request.batch_size)]


def _with_soft_overlay(job: Job, source: PreparedImage, made: Denoised, k: int) -> PreparedImage:
    """The overlay of soft inpainting: what hardly changed is put back (behaviour 3.9)."""
    inpaint = job.request.inpaint
    if job.mask is None or inpaint is None or inpaint.soft is None or source.base is None:
        return source
    mask = difference_mask(
        job.mask.init[k].float().cpu().numpy(),
        made.latents[k].float().cpu().numpy(),
        job.mask.repaint[0, 0].float().cpu().numpy(),
        inpaint.soft,
    )
    working = Extent(job.request.width, job.request.height)
    placed = placed_mask(mask, working, source.paste_to, Extent.of(source.base))
    return replace(source, overlay=build_overlay(source.base, placed))


def _untouched(job: Job) -> Sequence[Image.Image]:
    """Denoise 0 of the exact semantics: the prepared input, without a VAE round trip.

    "Only masked" gives the init image itself: cropping, resizing and pasting back would blur it.
    """
    prepared, request = job.prepared, job.request
    assert prepared is not None
    if prepared.only_masked:
        images = [one.base or one.image for one in prepared.images]
    else:
        images = [_at_working_size(one, job) for one in prepared.images]
    return [images[k % len(images)] for k in range(request.batch_size)]


def _at_working_size(one: PreparedImage, job: Job) -> Image.Image:
    """A prepared picture at W x H; what was filled stays inside the mask also when stretched."""
    request, image = job.request, one.image
    if job.prepared is not None and job.prepared.latent_upscale:
        image = resize_image(image, ResizeMode.JUST_RESIZE, Extent(request.width, request.height))
    filled = request.inpaint is not None and request.inpaint.content is not MaskedContent.ORIGINAL
    if one.overlay is not None and filled and request.overlay_inpaint:
        return apply_overlay(image, one.overlay, None)
    return image


def _deliver(
    job: Job,
    batch: int,
    images: Sequence[Image.Image],
    masks: Sequence[_Mask],
    stages: Sequence[_Stages],
    *,
    incomplete: bool,
) -> None:
    request, comments = job.request, job.request.texts.comments
    for k, (image, mask, earlier) in enumerate(zip(images, masks, stages, strict=True)):
        position = batch * request.batch_size + k
        prompt = strip_comments(request.prompt, on=comments)
        facts = ImageFacts(
            index=position,
            prompt=prompt,
            negative_prompt=strip_comments(request.negative_prompt, on=comments),
            seed=request.all_seeds()[position],
            subseed=request.all_subseeds()[position],
            model_name=job.pipeline.model_name,
            model_hash=job.pipeline.model_hash,
            schedule_label=schedule_label(job.course),
            sampler_name=job.course.sampler.name,
            executed_steps=job.executed_steps,
            vae_name=job.pipeline.vae_name,
            vae_hash=job.pipeline.vae_hash,
            variant=job.pipeline.family.variant,
            extra={**_network_hashes(job), MASK_HASH: job.mask_hash},
        )
        job.listener.on_picture(
            FinishedPicture(
                position,
                image,
                write_infotext(request, facts),
                prompt,
                facts.seed,
                facts.subseed,
                incomplete,
                model_name=facts.model_name,
                model_hash=facts.model_hash,
                vae_name=facts.vae_name or "",
                mask=mask,
                stages=earlier,
            )
        )


def _network_hashes(job: Job) -> dict[str, str | None]:
    """`name: hash, name: hash` of what the prompts used (behaviour 10.3)."""
    used = {
        "Lora hashes": job.used_loras,
        "Hypernet hashes": job.used_hypernetworks,
        "TI hashes": job.used_embeddings,
    }
    return {
        key: ", ".join(f"{re.sub('[:,]', '', name)}: {digest}" for name, digest in hashes.items())
        or None
        for key, hashes in used.items()
    }
