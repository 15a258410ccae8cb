"""The txt2img page's form, and from its values to a request; knows no events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr
from pydantic import ValidationError

from pipelines.request import HiresFix, Img2ImgRequest
from ui.form_request import FormError, explain, number, shared_fields, whole
from ui.shared_form import SharedForm


@dataclass(frozen=True)
class TextForm(SharedForm):
    """The shared controls and those of txt2img alone."""

    hires: gr.Checkbox
    hr_upscaler: gr.Dropdown
    hr_steps: gr.Slider
    hr_scale: gr.Slider
    hr_width: gr.Slider
    hr_height: gr.Slider
    hr_checkpoint: gr.Dropdown
    hr_sampler: gr.Dropdown
    hr_scheduler: gr.Dropdown
    hr_prompt: gr.Textbox
    hr_negative_prompt: gr.Textbox


def build_text_request(values: Mapping[str, Any], base: Mapping[str, Any]) -> Img2ImgRequest:
    """Make the request of the txt2img form; `base` are fields from the settings.

    Raises FormError with a sentence.
    """
    try:
        return Img2ImgRequest.model_validate(
            {
                **base,
                **shared_fields(values, base),
                "width": whole(values, "width"),
                "height": whole(values, "height"),
                "hires": hires_of(values),
            }
        )
    except ValidationError as error:
        raise FormError(explain(error)) from error


def hires_of(values: Mapping[str, Any]) -> HiresFix | None:
    """The second pass while its box is ticked. Raises FormError or ValidationError."""
    if not values["hires"]:
        return None
    return HiresFix(
        scale=number(values, "hr_scale"),
        resize_x=whole(values, "hr_width"),
        resize_y=whole(values, "hr_height"),
        upscaler=values["hr_upscaler"] or "Latent",
        steps=whole(values, "hr_steps"),
        checkpoint=values["hr_checkpoint"] or "",
        sampler=values["hr_sampler"] or "",
        scheduler=values["hr_scheduler"] or "",
        prompt=values["hr_prompt"] or "",
        negative_prompt=values["hr_negative_prompt"] or "",
    )


def final_size(values: Mapping[str, Any]) -> tuple[int, int] | None:
    """Size of the finished picture, or None while the numbers do not make one."""
    try:
        hires = hires_of({**values, "hires": True})
        width, height = whole(values, "width"), whole(values, "height")
    except (FormError, ValidationError):
        return None
    if hires is None or hires.problem(width, height):
        return None
    x, y = hires.upscaled(width, height)
    if hires.resize_x and hires.resize_y:
        x, y = hires.resize_x, hires.resize_y
    return x // 8 * 8, y // 8 * 8
