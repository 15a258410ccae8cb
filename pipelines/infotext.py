"""Writing the infotext: what a picture was made from, as A1111 writes it (behaviour 10.1, 10.2).

Not recorded, because they do not change the picture or cannot be said in a line: the init image
and the mask (only its hash is), batch size and count (each picture tells its own seed), the
checkpoint as typed (its name and hash are told), and settings without effect, such as a variation
seed at strength 0.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.infotext_keys import (
    EXTRA_SLOTS,
    FIXED_SLOTS,
    HIRES_SLOTS,
    INVERSION_FIELDS,
    LAST_SLOTS,
    OUTPAINT,
    OWN_REQUEST_FIELDS,
    OWN_SLOTS,
    OWN_TUNING_FIELDS,
    REQUEST_FIELDS,
    SOFT_ENABLED,
    SOFT_FIELDS,
    START_STEP_FIELDS,
    TEXT_FIELDS,
    TUNING_FIELDS,
)
from pipelines.request import (
    Emphasis,
    Frozen,
    HiresFix,
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    Inversion,
    MaskedContent,
    NoiseSource,
    Refiner,
    RefinerPass,
    ResizeMode,
    SamplerTuning,
    StepSemantics,
    Telling,
)
from pipelines.sampler_names import find_sampler
from pipelines.version import VERSION_TAG

_NEEDS_QUOTES = re.compile(r'[,:\n\r]|^["\s]|\s$')
_USES_EMPHASIS = re.compile(r"[(\[\\]|\bBREAK\b")
_VERSION_KEY = re.compile(r"(?:, |^)Version: [^,\n]*\Z", re.MULTILINE)
_BETA_KEYS = ("Beta schedule alpha", "Beta schedule beta")


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What one picture of a job knows beyond the request.

    `index` counts from 0 over the job. The prompts are those of this picture, after styles and
    comments, with network tags. `schedule_label` is the schedule type that ran (Karras where
    Automatic meant it). `extra` adds keys, or fills slots such as "Lora hashes": a list or tuple
    holds one value per picture, None is skipped. The VAE is named only when it is an external one.
    `variant` is the network's kind: some settings act on inpainting or InstructPix2Pix ones only.
    """

    index: int
    prompt: str
    negative_prompt: str
    seed: int
    subseed: int
    model_name: str
    model_hash: str
    schedule_label: str
    sampler_name: str
    executed_steps: int
    vae_name: str | None = None
    vae_hash: str | None = None
    variant: str = "base"
    extra: Mapping[str, Any] = field(default_factory=dict)
    version: str = VERSION_TAG


def write_infotext(request: Img2ImgRequest, facts: ImageFacts) -> str:
    """The infotext of one picture: prompt, `Negative prompt: ...`, `Key: value, ...`.

    Keys and their order are A1111's. Keys of ours follow its extras, only where the job does what
    A1111 cannot say: Step semantics (with Executed steps, Start at step ...), Resize mode,
    Outpaint anchor, Mask blur x / y, Mask rounding, Overlay inpaint, Background color, Color
    correction, Comma backtrack, Quantize timesteps, Prompt comments ...; and with every mask its
    Mask hash, from `facts.extra`. Two of A1111's keys are written more often than there: Mask blur
    also when it is 0, Emphasis also when only BREAK or a backslash shows the mode.
    """
    values = {
        **_fixed(request, facts),
        **_inversion(request.inversion),
        **_inpaint(request.inpaint),
        **_hires(request, request.hires),
        **_refiner(request, request.refiner),
        **_emphasis(request, facts),
        **_tuning(request.tuning, facts.schedule_label),
        **_own(request, facts),
        **{key: _pick(value, facts.index) for key, value in facts.extra.items()},
        "Version": facts.version if request.telling.version else None,
    }
    line = ", ".join(_pair(key, values[key]) for key in _ordered(values, facts.extra))
    negative = f"\nNegative prompt: {facts.negative_prompt}" if facts.negative_prompt else ""
    return f"{facts.prompt}{negative}\n{line}".strip()


def format_value(value: Any) -> str:
    """A value as the infotext shows it: 7 for 7.0, True, 0.75."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def quote(text: str) -> str:
    """JSON quotes around a value with a comma, a colon, a line break or outer spaces."""
    return json.dumps(text, ensure_ascii=False) if _NEEDS_QUOTES.search(text) else text


def with_keys(infotext: str, keys: Mapping[str, Any]) -> str:
    """The infotext with further keys, before `Version` where there is one (behaviour 10.1)."""
    pairs = ", ".join(f"{key}: {quote(format_value(value))}" for key, value in keys.items())
    found = _VERSION_KEY.search(infotext)
    if found is None:
        return f"{infotext}, {pairs}" if infotext else pairs
    return f"{infotext[: found.start()]}, {pairs}{infotext[found.start() :]}"


def _pair(key: str, value: Any) -> str:
    text = format_value(value)
    return key if key == text else f"{key}: {quote(text)}"


def _pick(value: Any, index: int) -> Any:
    if isinstance(value, list | tuple):
        return value[index] if index < len(value) else None
    return value


def _ordered(values: Mapping[str, Any], extra: Mapping[str, Any]) -> list[str]:
    scripts = (*INVERSION_FIELDS, SOFT_ENABLED, *SOFT_FIELDS)
    after = (*scripts, *HIRES_SLOTS, *EXTRA_SLOTS, *OWN_SLOTS, *LAST_SLOTS)
    known = {*FIXED_SLOTS, *after}
    others = [key for key in extra if key not in known]
    order = [*FIXED_SLOTS, *others, *after]
    return [key for key in order if values.get(key) is not None]


def _fixed(request: Img2ImgRequest, facts: ImageFacts) -> dict[str, Any]:
    sampling, seeds, computing = request.sampling, request.seeds, request.computing
    varies = seeds.subseed_strength > 0
    is_edit, is_inpaint = facts.variant == "instruct-pix2pix", facts.variant == "inpaint"
    is_plain = request.is_txt2img and request.hires is None
    resizes = seeds.resize_from_width > 0 and seeds.resize_from_height > 0
    return {
        "Steps": sampling.steps,
        "Sampler": facts.sampler_name,
        "Schedule type": facts.schedule_label,
        "CFG scale": sampling.cfg_scale,
        "Image CFG scale": sampling.image_cfg_scale if is_edit else None,
        "Seed": facts.seed,
        "Size": f"{request.width}x{request.height}",
        **_files(request.telling, facts),
        "Variation seed": facts.subseed if varies else None,
        "Variation seed strength": seeds.subseed_strength if varies else None,
        "Seed resize from": (
            f"{seeds.resize_from_width}x{seeds.resize_from_height}" if resizes else None
        ),
        "Denoising strength": None if is_plain else sampling.denoising_strength,
        "Conditional mask weight": request.inpainting_mask_weight if is_inpaint else None,
        "Clip skip": request.clip_skip if request.clip_skip > 1 else None,
        "ENSD": seeds.ensd if _ensd_matters(request, facts.sampler_name) else None,
        "Token merging ratio": computing.merged(txt2img=request.is_txt2img) or None,
        "Token merging ratio hr": (computing.token_merging_hr or None) if request.hires else None,
        "RNG": None if seeds.source is NoiseSource.GPU else seeds.source.value,
        "Tiling": True if request.tiling else None,
    }


def _files(telling: Telling, facts: ImageFacts) -> dict[str, str | None]:
    """Names and hashes of checkpoint and VAE, as far as the settings want them told."""
    return {
        "Model hash": (facts.model_hash or None) if telling.model_hash else None,
        "Model": (facts.model_name or None) if telling.model_name else None,
        "VAE hash": facts.vae_hash if telling.vae_hash else None,
        "VAE": facts.vae_name if telling.vae_name else None,
    }


def _ensd_matters(request: Img2ImgRequest, sampler_name: str) -> bool:
    """Not without the noise that it reseeds: eta 0 of an ancestral sampler (behaviour 0.5)."""
    sampler = find_sampler(sampler_name)
    is_ancestral = sampler is not None and sampler.uses_ensd
    return request.seeds.ensd != 0 and not (is_ancestral and request.tuning.eta_ancestral == 0)


def _inversion(inversion: Inversion | None) -> dict[str, Any]:
    if inversion is None:
        return {}
    found = {key: getattr(inversion, name) for key, name in INVERSION_FIELDS.items()}
    return {key: None if value == "" else value for key, value in found.items()}


def _inpaint(inpaint: Inpaint | None) -> dict[str, Any]:
    if inpaint is None:
        return {}
    only_masked = inpaint.area is InpaintArea.ONLY_MASKED
    even = inpaint.blur_x == inpaint.blur_y
    changed = inpaint.content is not MaskedContent.ORIGINAL
    soft: dict[str, Any] = {}
    if inpaint.soft is not None:
        soft = {key: getattr(inpaint.soft, name) for key, name in SOFT_FIELDS.items()}
        soft[SOFT_ENABLED] = True
    return {
        **soft,
        "Mask mode": "Inpaint not masked" if inpaint.invert else None,
        "Mask blur": inpaint.blur_x if even else None,
        "Inpaint area": inpaint.area.label if only_masked else None,
        "Masked area padding": inpaint.padding if only_masked else None,
        "Masked content": inpaint.content.label if changed else None,
        "Mask blur x": None if even else inpaint.blur_x,
        "Mask blur y": None if even else inpaint.blur_y,
        "Mask rounding": None if inpaint.round else False,
    }


def _hires(request: Img2ImgRequest, hires: HiresFix | None) -> dict[str, Any]:
    """Keys of the second pass; what is the same as in the first is left out (behaviour 10.2)."""
    if hires is None:
        return {}
    by_scale = not hires.resize_x and not hires.resize_y
    return {
        "Hires upscale": hires.scale if by_scale else None,
        "Hires resize": None if by_scale else f"{hires.resize_x}x{hires.resize_y}",
        "Hires steps": hires.steps or None,
        "Hires upscaler": hires.upscaler,
        "Hires checkpoint": hires.checkpoint or None,
        "Hires sampler": hires.sampler or None,
        "Hires schedule type": hires.scheduler or None,
        "Hires prompt": hires.prompt or None,
        "Hires negative prompt": hires.negative_prompt or None,
    }


def _refiner(request: Img2ImgRequest, refiner: Refiner | None) -> dict[str, Any]:
    if refiner is None:
        return {}
    other_pass = request.hires is not None and refiner.hires_pass is not RefinerPass.SECOND
    return {
        "Refiner": refiner.checkpoint,
        "Refiner switch at": refiner.switch_at,
        "Hires refiner": refiner.hires_pass.value if other_pass else None,
        "Refiner switch by sampling steps": True if refiner.by_steps else None,
    }


def _emphasis(request: Img2ImgRequest, facts: ImageFacts) -> dict[str, Any]:
    if request.emphasis is Emphasis.ORIGINAL:
        return {}
    shows = _USES_EMPHASIS.search(facts.prompt) or _USES_EMPHASIS.search(facts.negative_prompt)
    return {"Emphasis": request.emphasis.value} if shows else {}


def _tuning(tuning: SamplerTuning, schedule_label: str) -> dict[str, Any]:
    values = _changed(tuning, {**TUNING_FIELDS, **OWN_TUNING_FIELDS})
    for key in _BETA_KEYS:  # told exactly when the Beta schedule uses them
        values[key] = getattr(tuning, TUNING_FIELDS[key]) if schedule_label == "Beta" else None
    return values


def _own(request: Img2ImgRequest, facts: ImageFacts) -> dict[str, Any]:
    sampling = request.sampling
    values = _changed(request, {**REQUEST_FIELDS, **OWN_REQUEST_FIELDS})
    values |= _changed(request.texts, TEXT_FIELDS)
    if sampling.semantics is not StepSemantics.A1111:
        values["Step semantics"] = sampling.semantics.value
        values["Executed steps"] = facts.executed_steps
    if sampling.semantics is StepSemantics.START_AT_STEP:
        values |= _changed(sampling, START_STEP_FIELDS)
    if request.resize_mode is not ResizeMode.JUST_RESIZE:
        values["Resize mode"] = request.resize_mode.label
    if request.outpaint is not None:
        values[OUTPAINT] = request.outpaint.label
    if request.inpaint is not None and not request.overlay_inpaint:
        values["Overlay inpaint"] = False
    return values


def _changed(model: Frozen, fields: Mapping[str, str]) -> dict[str, Any]:
    """The values that are not the default, by key."""
    defaults = type(model).model_fields
    values = {key: getattr(model, name) for key, name in fields.items()}
    return {key: value for key, value in values.items() if value != defaults[fields[key]].default}
