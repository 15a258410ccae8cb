"""Panels behind a check box: soft inpainting, refiner, hires fix; no behaviour (ui 5, 6).

Closed while their box is not ticked, which is done by the style sheet: no event, no delay.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gradio as gr

from jobs.options import OptionStore
from pipelines.sampler_names import SCHEDULERS
from pipelines.upscalers import LATENT_MODES, PIXEL_UPSCALERS
from ui.sampler_choice import hides_samplers, offered_samplers
from ui.texts import CHOICES, LABELS
from ui.tool_button import tool


@contextmanager
def behind(label: str, elem_id: str, *, ticked: bool = False) -> Iterator[gr.Checkbox]:
    """A check box, and the controls made inside as its panel."""
    with gr.Column(elem_classes="op-accordion", min_width=0):
        box = gr.Checkbox(ticked, label=label, elem_id=elem_id, elem_classes="op-accordion-head")
        with gr.Column(elem_classes="op-accordion-body", min_width=0):
            yield box


def soft_controls() -> dict[str, Any]:
    """Build soft inpainting (behaviour 3.9)."""
    made: dict[str, Any] = {}
    with behind(LABELS["soft"], "soft_inpainting_enabled") as box:
        for name, elem_id, lowest, highest, value, step in (
            ("soft_bias", "mask_blend_power", 0, 8, 1, 0.1),
            ("soft_preservation", "mask_blend_scale", 0, 8, 0.5, 0.05),
            ("soft_contrast", "inpaint_detail_preservation", 1, 32, 4, 0.5),
            ("soft_influence", "composite_mask_influence", 0, 1, 0, 0.05),
            ("soft_threshold", "composite_difference_threshold", 0, 8, 0.5, 0.25),
            ("soft_difference", "composite_difference_contrast", 0, 8, 2, 0.25),
        ):
            made[name] = gr.Slider(
                lowest, highest, value, step=step, label=LABELS[name], elem_id=elem_id
            )
    return {"soft": box, **made}


def refiner_controls(tab: str, checkpoints: Sequence[str]) -> tuple[dict[str, Any], gr.Button]:
    """Build the refiner (behaviour 14.5), and the button that looks for checkpoints again."""
    with behind(LABELS["refiner"], f"{tab}_enable") as box, gr.Row():
        checkpoint = gr.Dropdown(
            list(checkpoints),
            value=None,
            label=LABELS["refiner_checkpoint"],
            elem_id=f"{tab}_checkpoint",
            allow_custom_value=True,
            scale=3,
        )
        refresh = tool("↻", f"{tab}_checkpoint_refresh")
        switch_at = gr.Slider(
            0.01,
            1,
            0.8,
            step=0.01,
            label=LABELS["refiner_switch_at"],
            elem_id=f"{tab}_switch_at",
            scale=3,
        )
    controls = {"refiner": box, "refiner_checkpoint": checkpoint, "refiner_switch_at": switch_at}
    return controls, refresh


def hires_controls(
    checkpoints: Sequence[str], options: OptionStore
) -> tuple[dict[str, Any], gr.HTML]:
    """Build hires fix (behaviour 16), and the line that tells the final size."""
    made: dict[str, Any] = {}
    with behind(LABELS["hires"], "txt2img_hr") as box:
        line = gr.HTML(elem_id="txt2img_hr_finalres")
        with gr.Row():
            made["hr_upscaler"] = gr.Dropdown(
                [*(mode.name for mode in LATENT_MODES), *PIXEL_UPSCALERS],
                value="Latent",
                label=LABELS["hr_upscaler"],
                min_width=180,
                elem_id="txt2img_hr_upscaler",
            )
            made["hr_steps"] = gr.Slider(
                0,
                150,
                0,
                step=1,
                label=LABELS["hr_steps"],
                elem_id="txt2img_hires_steps",
                min_width=180,
            )
            made["denoise"] = gr.Slider(
                0, 1, 0.7, step=0.01, label=LABELS["denoise"], elem_id="txt2img_denoising_strength"
            )
        with gr.Row():
            made["hr_scale"] = gr.Slider(
                1, 4, 2, step=0.05, label=LABELS["hr_scale"], elem_id="txt2img_hr_scale"
            )
            made["hr_width"] = gr.Slider(
                0, 2048, 0, step=8, label=LABELS["hr_width"], elem_id="txt2img_hr_resize_x"
            )
            made["hr_height"] = gr.Slider(
                0, 2048, 0, step=8, label=LABELS["hr_height"], elem_id="txt2img_hr_resize_y"
            )
        made |= _second_pass(checkpoints, options)
    return {"hires": box, **made}, line


def _second_pass(checkpoints: Sequence[str], options: OptionStore) -> dict[str, Any]:
    """What the second pass may have of its own; A1111 hides it in the settings."""
    same_checkpoint, same_sampler, same_scheduler = CHOICES["same"]
    made: dict[str, Any] = {}
    with gr.Accordion(LABELS["hr_more"], open=False, elem_id="txt2img_hr_more"):
        with gr.Row():
            for name, elem_id, same, others in (
                ("hr_checkpoint", "hr_checkpoint", same_checkpoint, checkpoints),
                ("hr_sampler", "hr_sampler", same_sampler, offered_samplers(options)),
                ("hr_scheduler", "hr_scheduler", same_scheduler, [s.label for s in SCHEDULERS]),
            ):
                made[name] = gr.Dropdown(
                    [(same, ""), *others],
                    value="",
                    label=LABELS[name],
                    elem_id=elem_id,
                    allow_custom_value=name == "hr_sampler" and hides_samplers(options),
                )
        for name, elem_id in (
            ("hr_prompt", "hires_prompt"),
            ("hr_negative_prompt", "hires_neg_prompt"),
        ):
            made[name] = gr.Textbox(
                label=LABELS[name], placeholder=LABELS["hr_same_prompt"], lines=2, elem_id=elem_id
            )
    return made
