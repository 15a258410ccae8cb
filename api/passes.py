"""Hires pass, refiner and soft inpainting: from a call's fields to those of the request (api 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import HTTPException

from api.generation_schemas import GenerationRequest, StableDiffusionProcessingTxt2Img
from api.unsupported import SOFT_INPAINTING
from pipelines.request import SoftInpaint
from pipelines.sampler_names import resolve_sampler

DEFAULT_STRENGTH: Final = 0.75
"""A1111 fails when a hires call leaves it out (api 2.3)."""

_OFF = frozenset({"", "none"})
_SOFT_NAMES: Final = tuple(SoftInpaint.model_fields)
"""Settings in the order of the script's arguments after `enabled` (api 2.6)."""


def same_as_first(name: str | None, words: str) -> str:
    """A name, or "" where the call says "the same as in the first pass"."""
    name = (name or "").strip()
    return "" if name.lower() in ("", words) else name


def hires_fields(fields: dict[str, Any], wire: StableDiffusionProcessingTxt2Img) -> list[str]:
    """Set `hires` and what goes with it; sentences about names that had to be guessed."""
    strength = wire.denoising_strength
    fields["sampling"]["denoising_strength"] = DEFAULT_STRENGTH if strength is None else strength
    if not wire.enable_hr:
        return []
    size = wire.hr_resize_x, wire.hr_resize_y
    if wire.firstphase_width or wire.firstphase_height:
        size = fields["width"], fields["height"]
        fields["width"] = wire.firstphase_width or fields["width"]
        fields["height"] = wire.firstphase_height or fields["height"]
    sampler = same_as_first(wire.hr_sampler_name, "use same sampler")
    scheduler = same_as_first(wire.hr_scheduler, "use same scheduler")
    names = resolve_sampler(sampler or fields["sampling"]["sampler"], scheduler)
    fields["hires"] = {
        "scale": wire.hr_scale,
        "resize_x": size[0],
        "resize_y": size[1],
        "upscaler": wire.hr_upscaler or "Latent",
        "steps": wire.hr_second_pass_steps,
        "checkpoint": same_as_first(wire.hr_checkpoint_name, "use same checkpoint"),
        "sampler": names.sampler.name if sampler else "",
        "scheduler": names.scheduler.label if scheduler or _has_suffix(sampler) else "",
        "prompt": wire.hr_prompt,
        "negative_prompt": wire.hr_negative_prompt,
    }
    return [f"hires pass: {warning}" for warning in names.warnings]


def refiner_fields(
    fields: dict[str, Any], wire: GenerationRequest, options: Mapping[str, Any]
) -> None:
    """Set `refiner` where the call names a checkpoint for it (api 2.1)."""
    name = (wire.refiner_checkpoint or "").strip()
    if name.lower() in _OFF:
        return
    switch_at = wire.refiner_switch_at
    fields["refiner"] = {
        "checkpoint": name,
        "switch_at": 0.8 if switch_at is None else switch_at,
        "by_steps": bool(options.get("refiner_switch_by_sample_steps", False)),
        "hires_pass": options.get("hires_fix_refiner_pass", "second pass"),
    }


def soft_fields(fields: dict[str, Any], wire: GenerationRequest) -> list[str]:
    """Set `inpaint.soft` from the always-on script "Soft Inpainting" (api 2.6).

    Missing arguments have their defaults, surplus ones are cut off. Raises HTTPException 422 for
    arguments that are no list.
    """
    for title, script in wire.alwayson_scripts.items():
        if title.strip().lower() != SOFT_INPAINTING:
            continue
        given = script.get("args", []) if isinstance(script, Mapping) else script
        if not isinstance(given, list):
            raise HTTPException(422, f"{title}: args must be a list of values")
        if not given or not _is_on(given[0]):
            return []
        if "inpaint" not in fields:
            return ["Soft Inpainting needs a mask; there is none, so it does nothing"]
        fields["inpaint"]["soft"] = dict(zip(_SOFT_NAMES, given[1:], strict=False))
    return []


def _has_suffix(sampler: str) -> bool:
    """Whether the name carries a schedule type ("DPM++ 2M Karras")."""
    return bool(sampler) and resolve_sampler(sampler).scheduler.name != "automatic"


def _is_on(value: Any) -> bool:
    return (
        value.strip().lower() in ("true", "1", "yes", "on")
        if isinstance(value, str)
        else bool(value)
    )
