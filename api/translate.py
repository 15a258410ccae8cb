"""From the fields of a generation call to the request that a job is made of (api 2.1-2.4, 2.8)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from fastapi import HTTPException
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from api.errors import crash
from api.generation_schemas import (
    GenerationRequest,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from api.options_of_call import CallOptions
from api.passes import hires_fields, refiner_fields, soft_fields
from jobs.options import OPTIONS, request_defaults
from pipelines.comfy_workflow import WorkflowError, apply_workflow, looks_like_workflow
from pipelines.infotext_apply import Applied, apply_infotext
from pipelines.infotext_missing import missing_parts
from pipelines.infotext_networks import Localised
from pipelines.old_hires import with_old_hires
from pipelines.prompt.networks import extract_networks
from pipelines.request import Img2ImgRequest, PictureRef, StepSemantics
from pipelines.sampler_names import ResolvedNames, resolve_sampler
from pipelines.styles import Style, StylesError, apply_styles, choose_styles

_PROMPTS: Final = ("prompt", "negative_prompt")
_PLAIN: Final[Mapping[str, str]] = {
    "prompt": "prompt",
    "negative_prompt": "negative_prompt",
    "steps": "sampling.steps",
    "cfg_scale": "sampling.cfg_scale",
    "start_at_step": "sampling.start_at_step",
    "end_at_step": "sampling.end_at_step",
    "add_noise": "sampling.add_noise",
    "return_with_leftover_noise": "sampling.return_with_leftover_noise",
    "width": "width",
    "height": "height",
    "batch_size": "batch_size",
    "n_iter": "n_iter",
    "seed": "seeds.seed",
    "subseed": "seeds.subseed",
    "subseed_strength": "seeds.subseed_strength",
    "seed_resize_from_w": "seeds.resize_from_width",
    "seed_resize_from_h": "seeds.resize_from_height",
    "s_churn": "tuning.s_churn",
    "s_tmin": "tuning.s_tmin",
    "s_tmax": "tuning.s_tmax",
    "s_noise": "tuning.s_noise",
    "s_min_uncond": "tuning.ngms",
    "tiling": "tiling",
}
_IMG2IMG: Final[Mapping[str, str]] = {
    "resize_mode": "resize_mode",
    "denoising_strength": "sampling.denoising_strength",
    "image_cfg_scale": "sampling.image_cfg_scale",
    "initial_noise_multiplier": "tuning.initial_noise_multiplier",
    "outpaint_anchor": "outpaint",
}
_INPAINT: Final[Mapping[str, str]] = {
    "mask_blur_x": "inpaint.blur_x",
    "mask_blur_y": "inpaint.blur_y",
    "mask_round": "inpaint.round",
    "inpainting_fill": "inpaint.content",
    "inpaint_full_res": "inpaint.area",
    "inpaint_full_res_padding": "inpaint.padding",
    "inpainting_mask_invert": "inpaint.invert",
}
_PASSES: Final[Mapping[str, str]] = {
    "hr_scale": "hires.scale",
    "hr_resize_x": "hires.resize_x",
    "hr_resize_y": "hires.resize_y",
    "hr_upscaler": "hires.upscaler",
    "hr_second_pass_steps": "hires.steps",
    "hr_checkpoint_name": "hires.checkpoint",
    "hr_sampler_name": "hires.sampler",
    "hr_scheduler": "hires.scheduler",
    "hr_prompt": "hires.prompt",
    "hr_negative_prompt": "hires.negative_prompt",
    "refiner_checkpoint": "refiner.checkpoint",
    "refiner_switch_at": "refiner.switch_at",
    "enable_hr": "hires",
}
"""Fields whose values are translated in api/passes.py; here their names in error messages."""

_WHOLE: Final[Mapping[str, str]] = {
    "enable_hr": "hires",
    "refiner_checkpoint": "refiner",
    "alwayson_scripts": "inpaint.soft",
    "denoising_strength": "sampling.denoising_strength",
}
"""Fields that decide on a whole part of the request, also that there is none."""

_OTHERS: Final[Mapping[str, str]] = {
    "step_semantics": "sampling.semantics",
    "eta_ancestral": "tuning.eta_ancestral",
    "eta_ddim": "tuning.eta_ddim",
}
_TARGETS: Final = {**_PLAIN, **_IMG2IMG, **_INPAINT, **_OTHERS}
_WIRE_NAMES: Final[Mapping[str, str]] = {
    target: name for name, target in {**_TARGETS, **_PASSES}.items()
}


@dataclass(frozen=True)
class Here:
    """What this server has of the things that infotexts name."""

    has_model: Callable[[str], bool]
    embeddings: Collection[str] = ()
    localise: Callable[[Applied], Localised] | None = None
    """Lets network tags name what is here (`pipelines.infotext_networks`)."""


@dataclass(frozen=True)
class Translated:
    """A call, understood. `styles` are the names of those that were merged into the prompts."""

    request: Img2ImgRequest
    styles: tuple[str, ...]
    warnings: tuple[str, ...]


def translate(
    wire: GenerationRequest,
    options: CallOptions,
    images: Sequence[PictureRef] = (),
    mask: PictureRef | None = None,
    styles: Sequence[Style] = (),
    here: Here | None = None,
) -> Translated:
    """Build the request. Sampler names become today's names here, so that the worker knows them.

    `styles` are all saved ones; `here` tells what an infotext may name. Raises
    RequestValidationError (422, naming the field of the call)
    for values out of range, and A1111's 500 for more init images than the batch holds.
    """
    names = resolve_sampler(wire.sampler_name or wire.sampler_index, wire.scheduler or "")
    fields = request_defaults(options.values)
    fields["checkpoint"] = options.checkpoint.name
    _take(fields, wire, _PLAIN)
    seeds = fields["seeds"]
    for side in ("resize_from_width", "resize_from_height"):
        seeds[side] = max(0, seeds[side])
    warnings = [*names.warnings, *_sampling(fields, wire, names)]
    if isinstance(wire, StableDiffusionProcessingImg2Img):
        _img2img(fields, wire, images, mask)
        warnings += soft_fields(fields, wire) + _image_cfg(wire, options)
    elif isinstance(wire, StableDiffusionProcessingTxt2Img):
        warnings += hires_fields(fields, wire)
    refiner_fields(fields, wire, options.values)
    request = _validated(fields)
    if options.values.get("use_old_hires_fix_width_height") and not _says_first_pass(wire):
        request = with_old_hires(request)
    if wire.infotext:
        request, problems = _with_infotext(request, wire, options, here)
        warnings += problems
    chosen, unknown = choose_styles(styles, wire.styles or ())
    warnings += [f"styles: there is no style {name!r}" for name in unknown]
    request = _with_styles(request, chosen)
    if wire.disable_extra_networks:
        request = _without_networks(request)
    return Translated(request, tuple(style.name for style in chosen), tuple(warnings))


def echo(wire: GenerationRequest, request: Img2ImgRequest) -> dict[str, Any]:
    """Every field of the call for the answer's `parameters`, pictures left out unless asked for.

    What came out of `infotext` stands in the fields it filled.
    """
    fields = wire.model_dump(mode="json")
    if wire.infotext:
        values = request.model_dump(mode="json")
        for name, target in {**_PLAIN, **_IMG2IMG}.items():
            if name in fields and name not in wire.model_fields_set:
                fields[name] = _at(values, target)
        if not _names_a_sampler(wire):
            fields["sampler_name"] = request.sampling.sampler
            fields["scheduler"] = request.sampling.scheduler
    if isinstance(wire, StableDiffusionProcessingImg2Img) and not wire.include_init_images:
        fields["init_images"] = None
        fields["mask"] = None
    return fields


def _sampling(fields: dict[str, Any], wire: GenerationRequest, names: ResolvedNames) -> list[str]:
    """Sampler, schedule, step semantics and eta; a sentence where a field is of no use."""
    sampling = fields["sampling"]
    sampling["sampler"], sampling["scheduler"] = names.sampler.name, names.scheduler.label
    if wire.step_semantics:
        sampling["semantics"] = wire.step_semantics.strip().lower()
    if wire.eta is not None:
        key = "eta_ddim" if names.sampler.family == "timestep" else "eta_ancestral"
        fields["tuning"][key] = wire.eta
    idle = {"start_at_step", "end_at_step", "add_noise", "return_with_leftover_noise"}
    useless = sorted(idle & wire.model_fields_set)
    if useless and sampling["semantics"] != StepSemantics.START_AT_STEP:
        return [f"{', '.join(useless)}: used with step_semantics start_at_step only"]
    return []


def _img2img(
    fields: dict[str, Any],
    wire: StableDiffusionProcessingImg2Img,
    images: Sequence[PictureRef],
    mask: PictureRef | None,
) -> None:
    if len(images) > wire.batch_size:
        raise crash(
            "RuntimeError",
            f"bad number of images passed: {len(images)}; expecting {wire.batch_size} or less",
        )
    if len(images) > 1:
        fields["batch_size"] = len(images)
    fields["init_images"] = tuple(images)
    _take(fields, wire, _IMG2IMG)
    fields["outpaint"] = wire.outpaint_anchor or None  # empty text from a form is none
    if mask is None and not wire.outpaint_anchor:
        return
    _take(fields, wire, _INPAINT)
    inpaint = fields["inpaint"]
    inpaint |= {"mask": mask, "invert": bool(inpaint["invert"]), "area": int(inpaint["area"])}
    if wire.mask_blur is not None:
        inpaint |= {"blur_x": wire.mask_blur, "blur_y": wire.mask_blur}


def with_latent_mask(request: Img2ImgRequest, mask: PictureRef) -> Img2ImgRequest:
    """The request with a second mask, for latents and fill; its mask is there already."""
    inpaint = request.inpaint
    assert inpaint is not None
    return request.model_copy(update={"inpaint": inpaint.model_copy(update={"latent_mask": mask})})


def _says_first_pass(wire: GenerationRequest) -> bool:
    """Whether the call gives the first pass a size of its own."""
    if not isinstance(wire, StableDiffusionProcessingTxt2Img):
        return False
    return bool(wire.firstphase_width or wire.firstphase_height)


def _image_cfg(wire: StableDiffusionProcessingImg2Img, options: CallOptions) -> list[str]:
    """Clients send the usual values without meaning anything by them (api 2.2)."""
    usual = wire.image_cfg_scale in (None, 1.0, 1.5)
    if usual or "instruct-pix2pix" in options.checkpoint.label:
        return []
    return ["image_cfg_scale acts on InstructPix2Pix checkpoints only"]


def _with_infotext(
    request: Img2ImgRequest, wire: GenerationRequest, options: CallOptions, here: Here | None
) -> tuple[Img2ImgRequest, list[str]]:
    """Fill what the call left open from its infotext (api 2.8).

    The checkpoint stays unless the settings let infotexts choose it.
    """
    applied = _applied(wire.infotext or "", request, options.values)
    if here is not None and here.localise is not None:
        found = here.localise(applied)
        told = (*applied.problems, *found.problems)
        applied = replace(applied, request=found.request, problems=told)
    kept = {target for name, target in _TARGETS.items() if name in wire.model_fields_set}
    kept |= {o.target for o in OPTIONS if o.key in options.given and o.target is not None}
    if _names_a_sampler(wire):
        kept |= {"sampling.sampler", "sampling.scheduler"}
    if wire.scheduler:
        kept.add("sampling.scheduler")
    if wire.eta is not None:
        kept |= {"tuning.eta_ancestral", "tuning.eta_ddim"}
    kept |= {target for name, target in _WHOLE.items() if name in wire.model_fields_set}
    if "mask_blur" in wire.model_fields_set:
        kept |= {"inpaint.blur_x", "inpaint.blur_y"}
    fields, given = applied.request.model_dump(), request.model_dump()
    for target in kept:
        if _at(given, target) is not None or target in ("hires", "refiner"):
            _place(fields, target, _at(given, target))
    if "sd_model_checkpoint" not in options.given:
        fields["checkpoint"] = _swapped(applied, options.values, here) or request.checkpoint
    problems = [*applied.problems, *(f"infotext: unknown key {key!r}" for key in applied.unknown)]
    if here is not None:
        problems += missing_parts(applied, has_model=here.has_model, embeddings=here.embeddings)
    return _validated(fields), problems


def _swapped(applied: Applied, settings: Mapping[str, Any], here: Here | None) -> str | None:
    """The infotext's checkpoint where the settings let it choose and it is here, else None."""
    if here is None or settings.get("disable_weights_auto_swap", True):
        return None
    names = (applied.model_hash, applied.model_name)
    return next((name for name in names if name and here.has_model(name)), None)


def _applied(text: str, request: Img2ImgRequest, settings: Mapping[str, Any]) -> Applied:
    """An infotext, or a ComfyUI workflow. Raises HTTPException 422 for a workflow without use."""
    if not looks_like_workflow(text):
        return apply_infotext(
            text,
            request,
            backcompat=bool(settings.get("auto_backcompat", True)),
            skip=settings.get("infotext_skip_pasting", ()),
        )
    try:
        found = apply_workflow(text, request)
    except WorkflowError as error:
        raise HTTPException(422, f"infotext: {error}") from error
    return Applied(found.request, problems=found.problems, model_name=found.model_name)


def _with_styles(request: Img2ImgRequest, styles: Sequence[Style]) -> Img2ImgRequest:
    """Merge styles into the prompts. Raises HTTPException 422 when the result is endless."""
    if not styles:
        return request
    try:
        prompts = apply_styles(request.prompt, request.negative_prompt, styles)
    except StylesError as error:
        raise HTTPException(422, f"styles: {error}") from error
    return _validated(request.model_dump() | dict(zip(_PROMPTS, prompts, strict=True)))


def _without_networks(request: Img2ImgRequest) -> Img2ImgRequest:
    """The tags taken out of the prompts, so that the infotext does not tell of them either."""
    changes: dict[str, Any] = {"prompt": extract_networks(request.prompt)[0]}
    if request.hires is not None:
        prompt = extract_networks(request.hires.prompt)[0]
        changes["hires"] = request.hires.model_copy(update={"prompt": prompt})
    return request.model_copy(update=changes)


def _names_a_sampler(wire: GenerationRequest) -> bool:
    return bool({"sampler_name", "sampler_index"} & wire.model_fields_set)


def _take(fields: dict[str, Any], wire: GenerationRequest, targets: Mapping[str, str]) -> None:
    for name, target in targets.items():
        value = getattr(wire, name)
        if value is not None:
            _place(fields, target, value)


def _place(fields: dict[str, Any], target: str, value: Any) -> None:
    *parents, name = target.split(".")
    for parent in parents:
        fields = fields.setdefault(parent, {})
    fields[name] = value


def _at(fields: Mapping[str, Any], target: str) -> Any:
    value: Any = fields
    for name in target.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _validated(fields: Mapping[str, Any]) -> Img2ImgRequest:
    try:
        return Img2ImgRequest.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError([_located(one) for one in error.errors()]) from error


def _located(problem: Mapping[str, Any]) -> dict[str, Any]:
    """A problem of the request, told in the fields of the call."""
    path = ".".join(str(part) for part in problem["loc"])
    name = _WIRE_NAMES.get(path, path)
    loc = ("body", name) if name else ("body",)
    return {"type": problem["type"], "loc": loc, "msg": problem["msg"]}
