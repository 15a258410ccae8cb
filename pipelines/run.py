"""One job from request to pictures: run(request, pipeline, open_picture, listener) -> report.

The order of operations is the original's (behaviour 0.3); each operation lives in its own module.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pipelines.batch import run_batch, schedule_label
from pipelines.call_memo import CallMemo
from pipelines.compose import flatten
from pipelines.events import RunListener, RunReport, StopKind
from pipelines.geometry import Extent
from pipelines.hires import hires_sampling
from pipelines.image_conditioning import empty_channels, picture_channels
from pipelines.inpaint import (
    LatentBlend,
    LatentMask,
    SoftLatentMask,
    with_latent_noise,
    with_latent_nothing,
)
from pipelines.job import Job, LoadPipeline
from pipelines.masks import fingerprint, latent_mask
from pipelines.noise import ImageNoise
from pipelines.pipeline import ENCODED_KEPT, Pipeline
from pipelines.prepare import prepare, with_colours_of
from pipelines.request import Img2ImgRequest, MaskedContent, PictureRef
from pipelines.samplers import plan_course
from pipelines.upscalers import PixelUpscalers, UpscaleStopped, latent_mode

__all__ = ["ENCODED_KEPT", "Pipeline", "run"]

OpenPicture = Callable[[PictureRef], Image.Image]


def run(
    request: Img2ImgRequest,
    pipeline: Pipeline,
    open_picture: OpenPicture,
    listener: RunListener,
    *,
    first_batch: int = 0,
    load: LoadPipeline | None = None,
    upscalers: PixelUpscalers | None = None,
    memo: CallMemo | None = None,
) -> RunReport:
    """Make the pictures of a request whose seeds are fixed; each goes to the listener when done.

    `first_batch` skips batches that an earlier attempt made; later ones are unaffected by it.
    `load` gives the checkpoints of refiner and hires pass, `upscalers` the pixel upscalers. `memo`
    answers calls that an earlier run with it made on the very same input. Raises
    ValueError for requests that cannot be done, ModelOutputError for NaN.
    """
    course = plan_course(
        request.sampling, request.tuning, pipeline.family.schedule, txt2img=request.is_txt2img
    )
    job = Job(request, pipeline, listener, course, notes=list(course.names.warnings))
    job.upscalers = upscalers or job.upscalers
    job.memo = None if memo is None else memo.begin()
    _add_companions(job, load)
    pipelines = [one for one in (pipeline, job.second_pipeline, job.refiner) if one]
    if not request.computing.keep_texts:
        for one in pipelines:
            one.text_encoder.clear()
    with ExitStack() as stack:
        for family in {id(one.family): one.family for one in pipelines}.values():
            stack.enter_context(family.tiled(request.tiling))
            stack.enter_context(family.computing(request.computing))
        if request.is_txt2img:
            job.extra = empty_channels(pipeline.family, *job.latent_shape[1:])
        else:
            _prepared(job, open_picture)
        _run_batches(job, first_batch)
    return RunReport(
        interrupted=job.interrupted,
        sampler=course.sampler.name,
        schedule_label=schedule_label(course),
        executed_steps=job.executed_steps,
        width=request.width,
        height=request.height,
        notes=tuple(job.notes),
        facts={
            "variant": pipeline.family.variant,
            "shared_calls": 0 if job.memo is None else job.memo.shared,
        },
    )


def _run_batches(job: Job, first_batch: int) -> None:
    for batch in range(first_batch, job.request.n_iter):
        if job.listener.stop_asked() in (StopKind.NOW, StopKind.AFTER_CURRENT):
            job.interrupted = True
        if not job.interrupted:
            run_batch(job, batch)
        if job.interrupted:
            return


def _add_companions(job: Job, load: LoadPipeline | None) -> None:
    """The hires pass's course and the other checkpoints, all before the first step."""
    request, base = job.request, job.pipeline
    if request.refiner is not None:
        job.refiner = _loaded(request.refiner.checkpoint, load)
        _check_latents(base, job.refiner)
    hires = request.hires
    if hires is None:
        return
    if hires.checkpoint:
        job.second_pipeline = _loaded(hires.checkpoint, load)
        if latent_mode(hires.upscaler):
            _check_latents(base, job.second_pipeline)
    if not latent_mode(hires.upscaler):
        job.upscale(hires.upscaler)
    schedule = (job.second_pipeline or base).family.schedule
    sampling = hires_sampling(request.sampling, hires)
    job.second_course = plan_course(sampling, request.tuning, schedule, txt2img=False)
    for warning in job.second_course.names.warnings:
        job.note(warning)


def _loaded(checkpoint: str, load: LoadPipeline | None) -> Pipeline:
    if load is None:
        raise ValueError(f"the checkpoint {checkpoint!r} cannot be loaded beside the first one")
    return load(checkpoint)


def _check_latents(one: Pipeline, other: Pipeline) -> None:
    """Latents may only go from one model to the other when both mean the same by them."""
    first, second = one.family, other.family
    if (first.latent_channels, first.latent_scale) != (
        second.latent_channels,
        second.latent_scale,
    ):
        raise ValueError(
            f"{other.model_name} has other latents than {one.model_name}, so it cannot take over "
            "within a picture: choose a checkpoint of the same family, or for the hires pass a "
            "pixel upscaler"
        )


def _prepared(job: Job, open_picture: OpenPicture) -> None:
    """The init step, unless the user stops it."""
    try:
        _prepare(job, open_picture)
    except UpscaleStopped:
        job.interrupted = True


def _prepare(job: Job, open_picture: OpenPicture) -> None:
    """The init step, once per job: pixels, VAE encoding, latent mask (behaviour 0.3 step 4)."""
    request = job.request
    first = None if request.inpaint is None else request.inpaint.mask
    mask = None if first is None else open_picture(first)
    second = None if request.inpaint is None else request.inpaint.latent_mask
    latent_mask = None if second is None else open_picture(second)
    job.mask_hash = None if mask is None else fingerprint(mask)
    images = [open_picture(ref) for ref in request.init_images]
    prepared = prepare(
        request, images, mask, latent_mask=latent_mask, upscale=job.upscale(request.upscaler)
    )
    if request.color_correction and request.color_reference is not None:
        reference = flatten(open_picture(request.color_reference), request.background_color)
        prepared = with_colours_of(prepared, reference)
    job.notes += prepared.notes
    job.prepared = prepared
    if job.course.plan.identity:
        return
    job.listener.on_note("Encoding")
    pipeline, tiling = job.pipeline, request.tiling
    encoded = (pipeline.encode(one.image, tiling=tiling) for one in prepared.images)
    latents = [_stretched(latent, job) for latent in encoded]
    init = torch.stack([latents[k % len(latents)] for k in range(request.batch_size)])
    job.init = init
    pictures = [one.image for one in prepared.images]
    job.extra = picture_channels(pipeline.family, request, pictures, prepared.image_mask)
    if prepared.image_mask is not None and request.inpaint is not None:
        job.mask = _latent_mask(job, init, prepared.latent_mask or prepared.image_mask)
        job.init = job.mask.init


def _stretched(latent: Tensor, job: Job) -> Tensor:
    """The latent (C, h, w) at working size: only the latent upscale changes it (behaviour 1.2)."""
    size = job.latent_shape[1:]
    if latent.shape[1:] == size:
        return latent
    wide = functional.interpolate(latent[None], size=size, mode="bilinear", align_corners=False)
    return wide[0]


def _latent_mask(job: Job, init: Tensor, image_mask: Image.Image) -> LatentBlend:
    """The mask on the latent grid, and the masked content that lives in latents (4, 5.1)."""
    request, inpaint = job.request, job.request.inpaint
    assert inpaint is not None
    _, height, width = job.latent_shape
    grid = latent_mask(image_mask, Extent(width, height), round=inpaint.rounds)
    repaint = torch.from_numpy(grid).to(init)[None, None]
    if inpaint.content is MaskedContent.LATENT_NOISE:
        # The same seeds and first draw as the sampling noise of the first batch (behaviour 4.2).
        plain = request.seeds.model_copy(
            update={"subseed_strength": 0.0, "resize_from_width": 0, "resize_from_height": 0}
        )
        seeds = request.all_seeds()[: request.batch_size]
        noise = ImageNoise(job.latent_shape, seeds, seeds, plain, init.device).first()
        init = with_latent_noise(init, repaint, noise)
    elif inpaint.content is MaskedContent.LATENT_NOTHING:
        init = with_latent_nothing(init, repaint)
    if inpaint.soft is not None:
        return SoftLatentMask(init, repaint, inpaint.soft)
    return LatentMask(init, repaint)
