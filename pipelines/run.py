"""One job from request to pictures: run(request, pipeline, open_picture, listener) -> report.

The order of operations is the original's (behaviour 0.3); each operation lives in its own module.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pipelines.compose import apply_overlay, flatten
from pipelines.denoise import Denoised, DenoiseJob, Interrupted, denoise
from pipelines.events import FinishedPicture, RunListener, RunReport, StepEvent, StopKind
from pipelines.families.base import LATENT_SCALE, Family
from pipelines.geometry import Extent
from pipelines.infotext import ImageFacts, write_infotext
from pipelines.inpaint import LatentMask, with_latent_noise, with_latent_nothing
from pipelines.masks import latent_mask
from pipelines.noise import ImageNoise
from pipelines.prepare import PreparedImage, PreparedJob, finish, prepare
from pipelines.prompt.comments import strip_comments
from pipelines.prompt.conditioning import Conditioning, EncodeSettings
from pipelines.prompt.networks import extract_networks
from pipelines.request import Img2ImgRequest, MaskedContent, PictureRef, ResizeMode
from pipelines.resize import resize_image
from pipelines.sampler_names import effective_scheduler
from pipelines.sampler_types import StepInfo
from pipelines.samplers import Course, plan_course
from pipelines.text_cache import CachedTextEncoder

ENCODED_KEPT = 8
"""Init latents that are remembered: the same picture again and again is the normal case."""


class Pipeline:
    """A family with the caches that outlive one job. Owned by one worker; not thread-safe."""

    def __init__(self, family: Family, model_name: str, model_hash: str) -> None:
        self.family = family
        self.model_name = model_name
        self.model_hash = model_hash
        self.text_encoder = CachedTextEncoder(family.text_encoder)
        self._encoded: OrderedDict[bytes, Tensor] = OrderedDict()

    def encode(self, image: Image.Image) -> Tensor:
        """Latent (C, h, w) of an RGB picture, remembered by its pixels."""
        key = hashlib.sha256(image.tobytes() + repr(image.size).encode()).digest()
        if key not in self._encoded:
            self._encoded[key] = self.family.encode(image)
        self._encoded.move_to_end(key)
        if len(self._encoded) > ENCODED_KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[key]


@dataclass
class _Job:
    """The state of one run, filled once before the first batch."""

    request: Img2ImgRequest
    pipeline: Pipeline
    listener: RunListener
    course: Course
    prepared: PreparedJob | None = None
    originals: Sequence[Image.Image] = ()
    """The init images on the background colour, at their own size."""
    init: Tensor | None = None
    mask: LatentMask | None = None
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def latent_shape(self) -> tuple[int, int, int]:
        """(C, h, w) of one picture."""
        height = self.request.height // LATENT_SCALE
        return self.pipeline.family.latent_channels, height, self.request.width // LATENT_SCALE


def run(
    request: Img2ImgRequest,
    pipeline: Pipeline,
    open_picture: Callable[[PictureRef], Image.Image],
    listener: RunListener,
    *,
    first_batch: int = 0,
) -> RunReport:
    """Make the pictures of a request whose seeds are fixed; each goes to the listener when done.

    `first_batch` skips batches that an earlier attempt made; later ones are unaffected by it.
    Raises ValueError for requests that cannot be done, ModelOutputError for NaN.
    """
    course = plan_course(
        request.sampling,
        request.tuning,
        pipeline.family.schedule,
        txt2img=request.is_txt2img,
    )
    job = _Job(request, pipeline, listener, course, notes=list(course.names.warnings))
    if not request.is_txt2img:
        _prepare(job, open_picture)
    for batch in range(first_batch, request.n_iter):
        stop = listener.stop_asked()
        if stop in (StopKind.NOW, StopKind.AFTER_CURRENT):
            job.interrupted = True
            break
        _run_batch(job, batch)
        if job.interrupted:
            break
    return RunReport(
        interrupted=job.interrupted,
        sampler=course.sampler.name,
        schedule_label=_schedule_label(course),
        executed_steps=course.plan.executed,
        width=request.width,
        height=request.height,
        notes=tuple(job.notes),
    )


def _prepare(job: _Job, open_picture: Callable[[PictureRef], Image.Image]) -> None:
    """The init step, once per job: pixels, VAE encoding, latent mask (behaviour 0.3 step 4)."""
    request = job.request
    mask = open_picture(request.inpaint.mask) if request.inpaint is not None else None
    images = [open_picture(ref) for ref in request.init_images]
    job.originals = [flatten(image, request.background_color) for image in images]
    prepared = prepare(request, images, mask)
    job.notes += prepared.notes
    job.prepared = prepared
    if job.course.plan.identity:
        return
    job.listener.on_note("Encoding")
    latents = [_stretched(job.pipeline.encode(one.image), job) for one in prepared.images]
    init = torch.stack([latents[k % len(latents)] for k in range(request.batch_size)])
    job.init = init
    if prepared.image_mask is not None and request.inpaint is not None:
        job.mask = _latent_mask(job, init, prepared.image_mask)
        job.init = job.mask.init


def _stretched(latent: Tensor, job: _Job) -> Tensor:
    """The latent (C, h, w) at working size: only the latent upscale changes it (behaviour 1.2)."""
    size = job.latent_shape[1:]
    if latent.shape[1:] == size:
        return latent
    wide = functional.interpolate(latent[None], size=size, mode="bilinear", align_corners=False)
    return wide[0]


def _latent_mask(job: _Job, init: Tensor, image_mask: Image.Image) -> LatentMask:
    """The mask on the latent grid, and the masked content that lives in latents (4, 5.1)."""
    request, inpaint = job.request, job.request.inpaint
    assert inpaint is not None
    _, height, width = job.latent_shape
    grid = latent_mask(image_mask, Extent(width, height), round=inpaint.round)
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
    return LatentMask(init, repaint)


def _run_batch(job: _Job, batch: int) -> None:
    """One batch: noise, conditioning, sampling, decoding, compositing, delivery."""
    request = job.request
    chosen = slice(batch * request.batch_size, (batch + 1) * request.batch_size)
    seeds, subseeds = request.all_seeds()[chosen], request.all_subseeds()[chosen]
    if job.course.plan.identity:
        _deliver(job, batch, _untouched(job), incomplete=False)
        return
    prompt = _effective_prompt(job, request.prompt)
    total_steps = request.sampling.steps * (2 if job.course.sampler.second_order else 1)
    conditioning = Conditioning.build(
        job.pipeline.text_encoder,
        [prompt] * request.batch_size,
        [strip_comments(request.negative_prompt)] * request.batch_size,
        steps=total_steps,
        settings=EncodeSettings(
            clip_skip=request.clip_skip,
            emphasis=request.emphasis,
            comma_backtrack=request.comma_backtrack,
        ),
    )
    family = job.pipeline.family
    noise = ImageNoise(job.latent_shape, seeds, subseeds, request.seeds, family.device)
    start = noise.first() * request.tuning.initial_noise_multiplier
    x = job.course.noised(job.init, start)
    work = DenoiseJob(
        family, job.course, conditioning, request.sampling.cfg_scale, total_steps, job.mask
    )
    result = denoise(work, x, noise, lambda info, seen: _on_step(job, batch, info, seen))
    job.listener.on_note("Decoding")
    _deliver(job, batch, _decoded(job, result), incomplete=result.incomplete)


def _on_step(job: _Job, batch: int, info: StepInfo, seen: Tensor) -> None:
    job.listener.on_step(
        StepEvent(
            batch,
            job.request.n_iter,
            info.index + 1,
            info.count,
            lambda: job.pipeline.family.preview(seen[0]).resize(
                (job.request.width, job.request.height), Image.Resampling.BILINEAR
            ),
        )
    )
    stop = job.listener.stop_asked()
    if stop in (StopKind.NOW, StopKind.SKIP):
        job.interrupted = job.interrupted or stop is StopKind.NOW
        if info.index + 1 < info.count:
            raise Interrupted


def _decoded(job: _Job, result: Denoised) -> Sequence[Image.Image]:
    images = job.pipeline.family.decode(result.latents)
    if job.prepared is None:
        return images
    sources = job.prepared.images
    return [finish(image, sources[k % len(sources)], job.request) for k, image in enumerate(images)]


def _untouched(job: _Job) -> Sequence[Image.Image]:
    """Denoise 0 of the exact semantics: the prepared input, without a VAE round trip.

    "Only masked" gives the init image itself: cropping, resizing and pasting back would blur it.
    """
    prepared, request = job.prepared, job.request
    assert prepared is not None
    if prepared.only_masked:
        images = list(job.originals)
    else:
        images = [_at_working_size(one, job) for one in prepared.images]
    return [images[k % len(images)] for k in range(request.batch_size)]


def _at_working_size(one: PreparedImage, job: _Job) -> Image.Image:
    """A prepared picture at W x H; what was filled stays inside the mask also when stretched."""
    request, image = job.request, one.image
    if job.prepared is not None and job.prepared.latent_upscale:
        image = resize_image(image, ResizeMode.JUST_RESIZE, Extent(request.width, request.height))
    filled = request.inpaint is not None and request.inpaint.content is not MaskedContent.ORIGINAL
    if one.overlay is not None and filled and request.overlay_inpaint:
        return apply_overlay(image, one.overlay, None)
    return image


def _deliver(job: _Job, batch: int, images: Sequence[Image.Image], *, incomplete: bool) -> None:
    request = job.request
    for k, image in enumerate(images):
        position = batch * request.batch_size + k
        prompt = strip_comments(request.prompt)
        facts = ImageFacts(
            index=position,
            prompt=prompt,
            negative_prompt=strip_comments(request.negative_prompt),
            seed=request.all_seeds()[position],
            subseed=request.all_subseeds()[position],
            model_name=job.pipeline.model_name,
            model_hash=job.pipeline.model_hash,
            schedule_label=_schedule_label(job.course),
            sampler_name=job.course.sampler.name,
            executed_steps=job.course.plan.executed,
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
            )
        )


def _effective_prompt(job: _Job, prompt: str) -> str:
    """Comments and network tags out; networks that cannot be loaded yet are said, not ignored."""
    text, tags = extract_networks(strip_comments(prompt))
    for tag in tags:
        name = tag.positional[0] if tag.positional else ""
        note = f"<{tag.kind}:{name}> was left out: {tag.kind} networks cannot be loaded yet"
        if note not in job.notes:
            job.notes.append(note)
    return text


def _schedule_label(course: Course) -> str:
    return effective_scheduler(course.sampler, course.names.scheduler).label
