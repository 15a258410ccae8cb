"""All axes of the plot: A1111's (behaviour 12.1) that a request can express, and ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

from pipelines.outpaint import Anchor
from pipelines.prompt.networks import extract_networks, lora_tag, with_lora_weight
from pipelines.request import (
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    MaskedContent,
    NoiseSource,
    ResizeMode,
    StepSemantics,
)
from pipelines.sampler_names import SAMPLERS, SCHEDULERS, find_sampler, find_scheduler
from pipelines.styles import apply_styles, choose_styles
from scripts import axis_names
from scripts.axis import Apply, Axis, AxisContext, Check, Choices, Tab, Value, with_fields
from scripts.values import ValuesError, read_bool

_IMG2IMG: Final[tuple[Tab, ...]] = ("img2img",)
_SIZE = re.compile(r"\s*(\d{1,5})\s*[xX×]\s*(\d{1,5})\s*", re.ASCII)


def _to(*fields: str) -> Apply:
    """Put the value into these fields of the request."""

    def apply(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
        return with_fields(request, dict.fromkeys(fields, value))

    return apply


def _to_flag(field: str) -> Apply:
    def apply(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
        return with_fields(request, {field: read_bool(str(value))})

    return apply


def _fixed(*names: str) -> Choices:
    return lambda _: names


def _choice_of(names: Sequence[str]) -> Check:
    """Accept these names in any letter case."""
    known = {name.lower(): name for name in names}

    def check(value: Value, _: AxisContext) -> Value:
        found = known.get(str(value).strip().lower())
        if found is None:
            raise ValuesError(f"{value!r} is none of {', '.join(names)}")
        return found

    return check


def _labelled(field: str, kind: type[Any]) -> tuple[Apply, Choices, Check]:
    """An enumeration that is chosen by its label, as the page shows it."""
    by_label: dict[str, Enum] = {member.label: member for member in kind}
    labels = tuple(by_label)

    def apply(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
        return with_fields(request, {field: by_label[str(value)]})

    return apply, _fixed(*labels), _choice_of(labels)


def _nothing(request: Img2ImgRequest, _value: Value, _: AxisContext) -> Img2ImgRequest:
    return request


def _replace(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    """Prompt S/R. Raises ValuesError when neither prompt has the text."""
    assert isinstance(value, tuple)
    old, new = value
    if not old:
        raise ValuesError("the first value is the text to search for, and must not be empty")
    if old not in request.prompt and old not in request.negative_prompt:
        raise ValuesError(
            f"the text {old!r} is neither in the prompt nor in the negative prompt; the first "
            "value must stand there exactly so"
        )
    return with_fields(
        request,
        {
            "prompt": request.prompt.replace(old, new),
            "negative_prompt": request.negative_prompt.replace(old, new),
        },
    )


def _order(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    """Put the tokens, in this order, at the places where tokens stand in the prompt."""
    assert isinstance(value, tuple)
    prompt = request.prompt
    missing = [token for token in value if token not in prompt or not token]
    if missing:
        raise ValuesError(f"{missing[0]!r} is not in the prompt")
    places = sorted((prompt.index(token), token) for token in value)
    parts: list[str] = []
    end = 0
    for (start, old), new in zip(places, value, strict=True):
        parts += [prompt[end:start], new]
        end = max(end, start + len(old))
    return with_fields(request, {"prompt": "".join([*parts, prompt[end:]])})


def _lora_weight(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    """Give all LoRAs of the prompts this weight. Raises ValuesError when there is none."""
    assert isinstance(value, float)
    changes = {"prompt": with_lora_weight(request.prompt, value)}
    if request.hires is not None:
        changes["hires.prompt"] = with_lora_weight(request.hires.prompt, value)
    if not any(lora_tag(tag) for tag in extract_networks(request.prompt)[1]):
        raise ValuesError("there is no <lora:name:1> tag in the prompt")
    return with_fields(request, changes)


def _sampler(value: Value, _: AxisContext) -> Value:
    found = find_sampler(str(value))
    if found is None:
        raise ValuesError(f"there is no sampler {value!r}")
    return found.name


def _scheduler(value: Value, _: AxisContext) -> Value:
    found = find_scheduler(str(value))
    if found is None:
        raise ValuesError(f"there is no schedule type {value!r}")
    return found.label


def _pair(value: Value, context: AxisContext) -> Value:
    """`Euler a + Karras`: sampler and schedule type."""
    left, plus, right = (part.strip() for part in str(value).rpartition("+"))
    # A name of its own may hold a plus sign: "DPM++ 2M".
    if not plus or find_sampler(left) is None:
        return f"{_sampler(value, context)} + {SCHEDULERS[0].label}"
    return f"{_sampler(left, context)} + {_scheduler(right, context)}"


def _pairs(_: AxisContext) -> tuple[str, ...]:
    return tuple(f"{s.name} + {t.label}" for s in SAMPLERS for t in SCHEDULERS)


def _apply_pair(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    sampler, _plus, scheduler = str(value).rpartition(" + ")
    return with_fields(request, {"sampling.sampler": sampler, "sampling.scheduler": scheduler})


def _refiner(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    if value == "None":
        return with_fields(request, {"refiner": None})
    kept = {} if request.refiner is None else request.refiner.model_dump()
    return with_fields(request, {"refiner": kept | {"checkpoint": value}})


def _refiner_switch(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    if request.refiner is None:
        raise ValuesError("no refiner is chosen, so there is nothing to switch to")
    return with_fields(request, {"refiner.switch_at": value})


def _of_strength(field: str) -> Apply:
    """In txt2img these act on the hires pass alone. Raises ValuesError when there is none."""
    put = _to(field)

    def apply(request: Img2ImgRequest, value: Value, context: AxisContext) -> Img2ImgRequest:
        if request.is_txt2img and request.hires is None:
            raise ValuesError("in txt2img it acts on the hires pass, which is off")
        return put(request, value, context)

    return apply


def _unipc_order(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    """At most one less than the steps, as in A1111 (behaviour 12.1)."""
    assert isinstance(value, int)
    order = max(1, min(value, request.sampling.steps - 1)) if value > 0 else value
    return with_fields(request, {"tuning.unipc_order": order})


def _styles(request: Img2ImgRequest, value: Value, context: AxisContext) -> Img2ImgRequest:
    """Add the styles of a comma list, whose members were checked before."""
    names = [name.strip() for name in str(value).split(",")]
    chosen, _unknown = choose_styles(context.styles, [name for name in names if name])
    prompt, negative = apply_styles(request.prompt, request.negative_prompt, chosen)
    return with_fields(request, {"prompt": prompt, "negative_prompt": negative})


def _size(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    found = _SIZE.fullmatch(str(value))
    if found is None:
        raise ValuesError(f"{value!r} is no size; write width x height, as 512x768")
    return with_fields(request, {"width": int(found[1]), "height": int(found[2])})


def _init_image(request: Img2ImgRequest, value: Value, context: AxisContext) -> Img2ImgRequest:
    return with_fields(request, {"init_images": (context.pictures[str(value)],)})


def _mask(request: Img2ImgRequest, value: Value, context: AxisContext) -> Img2ImgRequest:
    return with_fields(request, {"inpaint.mask": context.pictures[str(value)]})


def _picture(value: Value, context: AxisContext) -> Value:
    if value not in context.pictures:
        given = ", ".join(context.pictures) or "none so far"
        raise ValuesError(f"no picture named {value!r} was handed in (there are: {given})")
    return value


def _start_at(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    return with_fields(
        request,
        {"sampling.start_at_step": value, "sampling.semantics": StepSemantics.START_AT_STEP},
    )


def _table() -> tuple[Axis, ...]:
    samplers = _fixed(*(sampler.name for sampler in SAMPLERS))
    hires: dict[str, Any] = {"tabs": ("txt2img",), "needs_hires": True}
    return (
        Axis("Nothing", "nothing", _nothing),
        Axis("Seed", "int", _to("seeds.seed"), fixes_seeds=True),
        Axis("Var. seed", "int", _to("seeds.subseed"), fixes_seeds=True),
        Axis("Var. strength", "float", _to("seeds.subseed_strength")),
        Axis("Steps", "int", _to("sampling.steps")),
        Axis("Hires steps", "int", _to("hires.steps"), **hires),
        Axis("CFG Scale", "float", _to("sampling.cfg_scale")),
        Axis("Image CFG Scale", "float", _to("sampling.image_cfg_scale"), tabs=_IMG2IMG),
        Axis("Prompt S/R", "replace", _replace, bare=True),
        Axis("Prompt order", "order", _order, bare=True),
        Axis("Sampler", "str", _to("sampling.sampler"), samplers, _sampler, bare=True),
        Axis("Hires sampler", "str", _to("hires.sampler"), samplers, _sampler, **hires),
        Axis(
            "Checkpoint name",
            "str",
            _to("checkpoint"),
            axis_names.checkpoints,
            axis_names.checkpoint,
            cost=1.0,
        ),
        *_sampler_axes(),
        Axis("Clip skip", "int", _to("clip_skip")),
        Axis("Denoising", "float", _of_strength("sampling.denoising_strength")),
        Axis("Initial noise multiplier", "float", _to("tuning.initial_noise_multiplier")),
        Axis("Extra noise", "float", _of_strength("tuning.extra_noise")),
        Axis(
            "Hires upscaler",
            "str",
            _to("hires.upscaler"),
            axis_names.hires_upscalers,
            axis_names.hires_upscaler,
            **hires,
        ),
        *_model_axes(hires),
        *_own(),
    )


def _model_axes(hires: dict[str, Any]) -> tuple[Axis, ...]:
    """VAE, styles and what follows them in A1111's menu."""
    flag, sources = ("False", "True"), tuple(NoiseSource)
    merging = "computing.token_merging"
    return (
        Axis("Cond. Image Mask Weight", "float", _to("inpainting_mask_weight"), tabs=_IMG2IMG),
        Axis("VAE", "str", _to("vae"), axis_names.vaes, axis_names.vae, cost=0.7),
        Axis(
            "Styles",
            "str",
            _styles,
            lambda context: tuple(style.name for style in context.styles),
            axis_names.style_list,
        ),
        Axis("UniPC Order", "int", _unipc_order, cost=0.5),
        Axis("Token merging ratio", "float", _to(merging, f"{merging}_img2img")),
        Axis("Token merging ratio high-res", "float", _to(f"{merging}_hr"), **hires),
        Axis(
            "Always discard next-to-last sigma",
            "str",
            _to_flag("tuning.discard_penultimate_sigma"),
            _fixed(*flag),
            _choice_of(flag),
        ),
        Axis(
            "SGM noise multiplier",
            "str",
            _to_flag("tuning.sgm_noise_multiplier"),
            _fixed(*flag),
            _choice_of(flag),
        ),
        Axis(
            "Refiner checkpoint",
            "str",
            _refiner,
            lambda context: ("None", *context.checkpoints),
            axis_names.refiner,
            cost=1.0,
        ),
        Axis("Refiner switch at", "float", _refiner_switch),
        Axis("RNG source", "str", _to("seeds.source"), _fixed(*sources), _choice_of(sources)),
        Axis("Size", "str", _size),
    )


def _sampler_axes() -> tuple[Axis, ...]:
    """Guidance minimum, sigmas, schedule and eta: A1111 lists them in a row."""
    schedulers = _fixed(*(scheduler.label for scheduler in SCHEDULERS))
    number = [
        ("Sigma Churn", "s_churn"),
        ("Sigma min", "s_tmin"),
        ("Sigma max", "s_tmax"),
        ("Sigma noise", "s_noise"),
    ]
    schedule = [
        ("Schedule min sigma", "sigma_min"),
        ("Schedule max sigma", "sigma_max"),
        ("Schedule rho", "rho"),
        ("Beta schedule alpha", "beta_alpha"),
        ("Beta schedule beta", "beta_beta"),
    ]
    return (
        Axis("Negative Guidance minimum sigma", "float", _to("tuning.ngms")),
        *(Axis(label, "float", _to(f"tuning.{name}")) for label, name in number),
        Axis("Schedule type", "str", _to("sampling.scheduler"), schedulers, _scheduler),
        *(Axis(label, "float", _to(f"tuning.{name}")) for label, name in schedule),
        Axis("Eta", "float", _to("tuning.eta_ancestral", "tuning.eta_ddim")),
    )


def _outpaint(request: Img2ImgRequest, value: Value, _: AxisContext) -> Img2ImgRequest:
    """Keep the picture's size and paint around it; without a mask of its own the new area is it."""
    inpaint = request.inpaint or Inpaint(content=MaskedContent.FILL)
    return with_fields(
        request,
        {
            "outpaint": value,
            "inpaint": inpaint.model_dump(),
            "resize_mode": ResizeMode.JUST_RESIZE,
        },
    )


def _anchor(value: Value, _: AxisContext) -> Value:
    try:
        return Anchor(str(value)).value
    except ValueError as error:
        raise ValuesError(f"{value!r} is none of {', '.join(Anchor)}") from error


def _own() -> tuple[Axis, ...]:
    """Axes that A1111 lacks (issue: mask, steps, pictures)."""
    meanings = tuple(StepSemantics)
    blur = _to("inpaint.blur_x", "inpaint.blur_y")
    content = _labelled("inpaint.content", MaskedContent)
    area = _labelled("inpaint.area", InpaintArea)
    mode = _labelled("resize_mode", ResizeMode)
    names: Choices = lambda context: tuple(context.pictures)  # noqa: E731  a column of the table
    masked: dict[str, Any] = {"tabs": _IMG2IMG, "needs_mask": True, "own": True}
    plain: dict[str, Any] = {"tabs": _IMG2IMG, "own": True}
    return (
        Axis("LoRA weight", "float", _lora_weight, cost=0.5, own=True),
        Axis("Sampler + schedule", "str", _apply_pair, _pairs, _pair, bare=True, own=True),
        Axis("Init image", "str", _init_image, names, _picture, **plain),
        Axis("Resize mode", "str", *mode, **plain),
        Axis("Outpaint anchor", "str", _outpaint, _fixed(*Anchor), _anchor, **plain),
        Axis(
            "Step semantics",
            "str",
            _to("sampling.semantics"),
            _fixed(*meanings),
            _choice_of(meanings),
            **plain,
        ),
        Axis("Start at step", "int", _start_at, **plain),
        Axis("Mask", "str", _mask, names, _picture, **masked),
        Axis("Mask blur", "int", blur, **masked),
        Axis("Masked content", "str", *content, **masked),
        Axis("Inpaint area", "str", *area, **masked),
        Axis("Only masked padding", "int", _to("inpaint.padding"), **masked),
    )


AXES: Final = _table()
"""In the order of the page: A1111's in its own order, then ours."""
