"""The answer to a generation call: pictures as base64, the request's fields, `info` (api 2.7)."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import PIL.Image

from api.errors import refusal
from jobs.spec import JobView, Picture
from pipelines.geometry import Extent
from pipelines.grid import grid_rows, make_grid
from pipelines.infotext import ImageFacts, write_infotext
from pipelines.infotext_keys import FIXED_SLOTS
from pipelines.infotext_parse import parse_infotext
from pipelines.pictures import PictureFormat, encode_picture, storable_format
from pipelines.prompt.comments import strip_comments
from pipelines.request import Img2ImgRequest

_FORMATS: Mapping[str, PictureFormat] = {
    "png": "png",
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "webp": "webp",
    "avif": "avif",
}
_PNG = b"\x89PNG\r\n\x1a\n"
_NO_EXTRAS = frozenset(
    {key for slot in FIXED_SLOTS for key in (slot, f"{slot}-1", f"{slot}-2")} | {"Version"}
) - {"Schedule type", "Denoising strength", "Conditional mask weight"}


@dataclass(frozen=True)
class AnswerPlan:
    """What an answer is made of besides the job. `options` are the call's settings.

    `picture_format` is the call's own wish, or None for the files as they are.
    """

    options: Mapping[str, Any]
    parameters: Mapping[str, Any]
    warnings: Sequence[str]
    version: str
    send_images: bool
    grid: bool
    styles: tuple[str, ...] = ()
    picture_format: PictureFormat | None = None


def wished_format(name: str) -> PictureFormat:
    """The format behind a `samples_format` override. Raises A1111's 500 for unknown ones."""
    found = _FORMATS.get(name.strip().lower())
    if found is None:
        raise refusal(500, "Invalid image format")
    return found


def build_answer(job: JobView, plan: AnswerPlan) -> tuple[bytes, list[str]]:
    """The body as JSON bytes, and all warnings. Reads and encodes files: not for the event loop."""
    warnings = [*plan.warnings, *job.facts.get("notes", ())]
    there = [picture for picture in job.pictures if picture.path.is_file()]
    kept = _with_their_masks(there, job.spec.request.picture_count)
    if len(there) < len(job.pictures):
        warnings.append(f"{len(job.pictures) - len(kept)} pictures are no longer on the disk")
    if not kept:
        warnings.append("the job was stopped before its first picture was done")
    texts = [picture.infotext for picture in kept] or [_job_infotext(job)]
    images = [_encoded(picture, plan) for picture in kept] if plan.send_images else []
    grid_size = 0
    own = [one for one in kept if one.position < job.spec.request.picture_count]
    if plan.grid and _wants_grid(own, plan.options):
        texts.insert(0, texts[0])
        grid_size = 1
        if plan.send_images:
            images.insert(0, _grid(own, job.spec.request, plan))
    first = job.facts.get("grids", grid_size)
    info = build_info(job, texts, first, plan, warnings)
    body = {
        "images": images,
        "parameters": dict(plan.parameters),
        "info": json.dumps(info, ensure_ascii=False),
    }
    return json.dumps(body).encode("ascii"), warnings


def build_info(
    job: JobView, infotexts: Sequence[str], first: int, plan: AnswerPlan, warnings: Sequence[str]
) -> dict[str, Any]:
    """The object that `info` holds as text: the keys of api 2.7, executed_steps and warnings."""
    request, facts = job.spec.request, job.facts
    has_strength = not request.is_txt2img or request.hires is not None
    # Pictures of a script have seeds of their own.
    seeds = facts.get("all_seeds", request.all_seeds())
    subseeds = facts.get("all_subseeds", request.all_subseeds())
    count = len(seeds)
    prompt, negative = (
        strip_comments(text, on=request.texts.comments)
        for text in (request.prompt, request.negative_prompt)
    )
    params = parse_infotext(infotexts[0], fill_defaults=False).params
    return {
        "prompt": prompt,
        "all_prompts": [prompt] * count,
        "negative_prompt": negative,
        "all_negative_prompts": [negative] * count,
        "seed": seeds[0] if seeds else request.seeds.seed,
        "all_seeds": list(seeds),
        "subseed": request.seeds.subseed,
        "all_subseeds": list(subseeds),
        "subseed_strength": request.seeds.subseed_strength,
        "width": facts.get("width", request.width),
        "height": facts.get("height", request.height),
        "sampler_name": facts.get("sampler", request.sampling.sampler),
        "cfg_scale": request.sampling.cfg_scale,
        "steps": request.sampling.steps,
        "batch_size": request.batch_size,
        "restore_faces": False,
        "face_restoration_model": None,
        "sd_model_name": facts.get("model", request.checkpoint),
        "sd_model_hash": facts.get("model_hash", ""),
        "sd_vae_name": facts.get("vae_name"),
        "sd_vae_hash": facts.get("vae_hash"),
        "seed_resize_from_w": request.seeds.resize_from_width or -1,
        "seed_resize_from_h": request.seeds.resize_from_height or -1,
        "denoising_strength": request.sampling.denoising_strength if has_strength else None,
        "extra_generation_params": {k: v for k, v in params.items() if k not in _NO_EXTRAS},
        "index_of_first_image": first,
        "infotexts": list(infotexts),
        "styles": list(plan.styles),
        "job_timestamp": timestamp(job.started or job.created),
        "clip_skip": request.clip_skip,
        "is_using_inpainting_conditioning": facts.get("variant") == "inpaint",
        "version": plan.version,
        "executed_steps": facts.get("executed_steps", 0),
        "warnings": list(warnings),
    }


def timestamp(moment: float) -> str:
    """A POSIX time as A1111 writes it, local time YYYYMMDDHHMMSS."""
    return time.strftime("%Y%m%d%H%M%S", time.localtime(moment))


def _with_their_masks(pictures: Sequence[Picture], count: int) -> list[Picture]:
    """Masks and cut-outs, which are kept behind the job's pictures, follow each its own (5.7)."""

    def place(picture: Picture) -> tuple[int, int]:
        extra = picture.position - count
        return (picture.position, 0) if extra < 0 else (extra // 2, 1 + extra % 2)

    return sorted(pictures, key=place)


def _wants_grid(pictures: Sequence[Picture], options: Mapping[str, Any]) -> bool:
    fewest = 2 if options["grid_only_if_multiple"] else 1
    return bool(options["return_grid"]) and len(pictures) >= fewest


def _encoded(picture: Picture, plan: AnswerPlan) -> str:
    data = picture.path.read_bytes()
    # Many clients label whatever comes as PNG, so only the call itself may ask for more (api 2.7).
    if plan.picture_format is not None or not data.startswith(_PNG):
        with PIL.Image.open(BytesIO(data)) as image:
            image.load()
            wanted = plan.picture_format or "png"
            fmt = storable_format(wanted, Extent.of(image), picture.infotext)
            quality = plan.options["jpeg_quality"]
            data = encode_picture(image, fmt, infotext=picture.infotext, quality=quality)
    return base64.b64encode(data).decode("ascii")


def _grid(pictures: Sequence[Picture], request: Img2ImgRequest, plan: AnswerPlan) -> str:
    """All pictures in one PNG with the first one's infotext."""
    options = plan.options
    rows = grid_rows(
        len(pictures),
        wanted=options["n_rows"],
        batch_size=request.batch_size,
        prevent_empty=options["grid_prevent_empty_spots"],
    )
    images = []
    for picture in pictures:
        with PIL.Image.open(picture.path) as image:
            images.append(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    grid = make_grid(images, rows, options["grid_background_color"])
    data = encode_picture(grid, "png", infotext=pictures[0].infotext)
    return base64.b64encode(data).decode("ascii")


def _job_infotext(job: JobView) -> str:
    """The infotext that the first picture would have had; `infotexts` is never empty (api 2.7)."""
    request, facts = job.spec.request, job.facts
    return write_infotext(
        request,
        ImageFacts(
            index=0,
            prompt=strip_comments(request.prompt, on=request.texts.comments),
            negative_prompt=strip_comments(request.negative_prompt, on=request.texts.comments),
            seed=request.seeds.seed,
            subseed=request.seeds.subseed,
            model_name=facts.get("model", request.checkpoint),
            model_hash=facts.get("model_hash", ""),
            schedule_label=facts.get("scheduler", request.sampling.scheduler),
            sampler_name=facts.get("sampler", request.sampling.sampler),
            executed_steps=facts.get("executed_steps", 0),
        ),
    )
