"""From the values of the form to a request, and the sentences when they do not make one.

Nothing here knows Gradio; values come by control name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from pipelines.geometry import Extent
from pipelines.prepare import outpaint_problem
from pipelines.request import (
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    MaskedContent,
    PictureRef,
    RefinerPass,
    ResizeMode,
    Sampling,
    Seeds,
    SoftInpaint,
    StepSemantics,
)
from ui.outpainting import OUTPAINT, outpaint_of
from ui.painted import TabPictures
from ui.painting import Painting
from ui.tabs import tab_of
from ui.texts import CHOICES, FIELD_LABELS, LABELS, MESSAGES


class FormError(ValueError):
    """The form does not make a request; the text says which field, which rule, what to do."""


def build_request(
    values: Mapping[str, Any],
    take: Callable[[Mapping[str, Any]], TabPictures],
    size_of: Callable[[str], Extent],
    base: Mapping[str, Any],
) -> Img2ImgRequest:
    """Make the request of the visible tab.

    `take` keeps the tab's pictures and names them, `size_of` measures a file; both raise ValueError
    for files that are no pictures. `base` are fields that come from the settings. Raises FormError.
    """
    tab = tab_of(values)
    if active_image(values) is None:
        raise FormError(MESSAGES["no_image"].format(tab=LABELS[f"tab_{tab.id}"]))
    try:
        _inpaint(values, "0" * 64)  # a wrong number is said before pictures are worked on
        image, mask = take(values)
        width, height = working_size(values, size_of)
        request = Img2ImgRequest.model_validate(
            {
                **base,
                "init_images": (image,),
                "inpaint": _inpaint(values, mask),
                **_resizing(values),
                "width": width,
                "height": height,
                "color_correction": bool(values["color_correction"]),
                **shared_fields(values, base),
            }
        )
        _check_outpaint(request, values, size_of)
        return request
    except ValidationError as error:
        raise FormError(explain(error)) from error


def shared_fields(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that the img2img and the txt2img form have alike."""
    return {
        "prompt": values["prompt"] or "",
        "negative_prompt": values["negative_prompt"] or "",
        "sampling": _sampling(values, base.get("sampling", {})),
        "seeds": _seeds(values, base.get("seeds", {})),
        "batch_size": whole(values, "batch_size"),
        "n_iter": whole(values, "batch_count"),
        "checkpoint": values["checkpoint"] or "",
        "vae": values["vae"] or "Automatic",
        "clip_skip": whole(values, "clip_skip"),
        "tiling": bool(values["tiling"]),
        "refiner": _refiner(values),
    }


def refined_as_set(request: Img2ImgRequest, options: Mapping[str, Any]) -> Img2ImgRequest:
    """The request with what the settings say about its refiner."""
    if request.refiner is None:
        return request
    changes = {
        "by_steps": bool(options["refiner_switch_by_sample_steps"]),
        "hires_pass": RefinerPass(options["hires_fix_refiner_pass"]),
    }
    return request.model_copy(update={"refiner": request.refiner.model_copy(update=changes)})


def active_image(values: Mapping[str, Any]) -> str | None:
    """Path of the picture on the visible tab, or None."""
    picture = values.get(tab_of(values).field)
    return picture.image if isinstance(picture, Painting) else picture or None


def active_size(values: Mapping[str, Any], size_of: Callable[[str], Extent]) -> Extent | None:
    """Size of the visible tab's picture in pixels; as the browser measured it where it could."""
    picture = values.get(tab_of(values).field)
    if isinstance(picture, Painting) and picture.width and picture.height:
        return Extent(picture.width, picture.height)
    path = active_image(values)
    return None if path is None else size_of(path)


def working_size(values: Mapping[str, Any], size_of: Callable[[str], Extent]) -> Extent:
    """Width and height of the job: as set, or the picture's times the scale (behaviour 1.4)."""
    size = active_size(values, size_of) if values["resize_tab"] == "by" else None
    if size is None:
        return Extent(whole(values, "width"), whole(values, "height"))
    scale = number(values, "scale")
    return Extent(int(size.width * scale), int(size.height * scale))


def sampling_of(values: Mapping[str, Any]) -> Sampling | None:
    """The sampling part alone, for the "will run N steps" line; None while it is not valid."""
    try:
        return Sampling.model_validate(_sampling(values, {}))
    except (ValidationError, FormError):
        return None


def explain(error: ValidationError) -> str:
    """Pydantic's findings as one sentence per field, with the page's labels."""
    lines = []
    for found in error.errors():
        path = ".".join(str(part) for part in found["loc"])
        label = FIELD_LABELS.get(path, path)
        problem = found["msg"].removeprefix("Value error, ")
        given = found.get("input")
        if isinstance(given, int | float | str) and not isinstance(given, bool) and label:
            problem += f" (got {str(given)[:40]})"
        lines.append(
            MESSAGES["field_error"].format(label=label, problem=problem) if label else problem
        )
    return "\n".join(lines)


def _sampling(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    semantics = StepSemantics(values["semantics"])
    sampling: dict[str, Any] = {
        **base,
        "sampler": values["sampler"],
        "scheduler": values["scheduler"],
        "steps": whole(values, "steps"),
        "cfg_scale": number(values, "cfg"),
        "denoising_strength": number(values, "denoise"),
    }
    if values.get("image_cfg") is not None:
        sampling["image_cfg_scale"] = number(values, "image_cfg")
    if semantics is not StepSemantics.A1111 or "semantics" not in base:
        sampling["semantics"] = semantics
    if semantics is StepSemantics.START_AT_STEP:
        sampling["start_at_step"] = whole(values, "start_at_step")
        sampling["end_at_step"] = whole(values, "end_at_step")
        sampling["add_noise"] = bool(values["add_noise"])
        sampling["return_with_leftover_noise"] = bool(values["leftover_noise"])
    return sampling


def _seeds(values: Mapping[str, Any], base: Mapping[str, Any]) -> dict[str, Any]:
    """Variation counts only while "Extra" is ticked (behaviour 8.1)."""
    seeds: dict[str, Any] = {**base, "seed": _seed(values, "seed")}
    if not values["extra"]:
        return seeds
    seeds["subseed"] = _seed(values, "subseed")
    seeds["subseed_strength"] = number(values, "subseed_strength")
    width, height = whole(values, "seed_width"), whole(values, "seed_height")
    if width > 0 and height > 0:
        seeds |= {"resize_from_width": width, "resize_from_height": height}
    Seeds.model_validate(seeds)
    return seeds


def _resizing(values: Mapping[str, Any]) -> dict[str, Any]:
    anchor = outpaint_of(values)
    mode = ResizeMode.JUST_RESIZE if anchor else ResizeMode(values["resize_mode"])
    return {"resize_mode": mode, "outpaint": anchor}


def _check_outpaint(
    request: Img2ImgRequest, values: Mapping[str, Any], size_of: Callable[[str], Extent]
) -> None:
    """Say before the job what cannot be outpainted. Raises FormError."""
    if request.outpaint is None:
        return
    size = active_size(values, size_of)
    problem = None if size is None else outpaint_problem(request, [size])
    if problem is not None:
        raise FormError(f"{CHOICES['resize_mode'][OUTPAINT]}: {problem}")


def _inpaint(values: Mapping[str, Any], mask: PictureRef | None) -> Inpaint | None:
    """The mask and its use. Outpainting has an edge to blur and a content also without one."""
    if not tab_of(values).has_mask:
        mask = None
    if mask is None and outpaint_of(values) is None:
        return None
    blur = whole(values, "mask_blur")
    return Inpaint(
        mask=mask,
        blur_x=blur,
        blur_y=blur,
        invert=mask is not None and values["mask_mode"] == 1,
        content=MaskedContent(values["masked_content"]),
        area=InpaintArea(values["inpaint_area"]),
        padding=whole(values, "padding"),
        soft=_soft(values),
    )


def _soft(values: Mapping[str, Any]) -> SoftInpaint | None:
    """Soft inpainting while its box is ticked."""
    if not values["soft"]:
        return None
    return SoftInpaint(
        schedule_bias=number(values, "soft_bias"),
        preservation_strength=number(values, "soft_preservation"),
        transition_contrast_boost=number(values, "soft_contrast"),
        mask_influence=number(values, "soft_influence"),
        difference_threshold=number(values, "soft_threshold"),
        difference_contrast=number(values, "soft_difference"),
    )


def _refiner(values: Mapping[str, Any]) -> dict[str, Any] | None:
    """The refiner while its box is ticked."""
    if not values["refiner"]:
        return None
    if not values["refiner_checkpoint"]:
        raise FormError(MESSAGES["no_refiner"])
    return {
        "checkpoint": values["refiner_checkpoint"],
        "switch_at": number(values, "refiner_switch_at"),
    }


def _seed(values: Mapping[str, Any], name: str) -> int:
    """An empty seed field means random (behaviour 8.1)."""
    return -1 if values[name] is None else whole(values, name)


def whole(values: Mapping[str, Any], name: str) -> int:
    """A whole number of the form. Raises FormError."""
    found = number(values, name)
    if found != int(found):
        raise FormError(f"{LABELS[name]}: {found:g} is not a whole number")
    return int(found)


def number(values: Mapping[str, Any], name: str) -> float:
    """A finite number of the form. Raises FormError."""
    value = values[name]
    if isinstance(value, int | float) and abs(float(value)) < float("inf"):
        return value
    raise FormError(f"{LABELS[name]}: {value!r} is not a number; type one")
