"""The img2img page's form, its picture fields and mask controls; no behaviour.

Labels, ids, defaults and ranges are A1111's (ui 3-6). Panels that txt2img has too are in
`ui/form_panels.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.canvas import PaintCanvas, PictureCanvas
from ui.form_passes import soft_controls
from ui.shared_form import SharedForm
from ui.texts import CHOICES, LABELS
from ui.widgets import PictureFile


@dataclass(frozen=True)
class Form(SharedForm):
    """The shared controls and those of img2img alone."""

    image: PictureCanvas
    sketch: PaintCanvas
    inpaint: PaintCanvas
    inpaint_sketch: PaintCanvas
    inpaint_image: PictureCanvas
    inpaint_mask: PictureCanvas
    tab: gr.State
    resize_mode: gr.Radio
    outpaint_anchor: gr.Radio
    mask_blur: gr.Slider
    mask_transparency: gr.Slider
    mask_mode: gr.Radio
    masked_content: gr.Radio
    inpaint_area: gr.Radio
    padding: gr.Slider
    soft: gr.Checkbox
    soft_bias: gr.Slider
    soft_preservation: gr.Slider
    soft_contrast: gr.Slider
    soft_influence: gr.Slider
    soft_threshold: gr.Slider
    soft_difference: gr.Slider
    color_correction: gr.Checkbox
    resize_tab: gr.State
    scale: gr.Slider
    image_cfg: gr.Slider


def picture_input(label: str, elem_id: str, height: int) -> PictureFile:
    """Build a picture field that hands over the untouched file: no re-encoding, no lost chunks."""
    return PictureFile(
        label=label,
        type="filepath",
        image_mode=None,
        format="png",
        sources=["upload", "clipboard"],
        height=height,
        elem_id=elem_id,
        buttons=["fullscreen"],
    )


def outpaint_controls() -> tuple[gr.Radio, gr.HTML]:
    """Build the nine anchors, and the line that says what will be new."""
    anchor = gr.Radio(
        list(CHOICES["outpaint_anchor"]),
        value="centre",
        label=LABELS["outpaint_anchor"],
        elem_id="outpaint_anchor",
        elem_classes="op-anchors",
    )
    return anchor, gr.HTML(elem_id="outpaint_line")


def inpaint_controls() -> dict[str, Any]:
    """Build the controls that only tabs with a mask show (ui 5)."""
    blur = gr.Slider(0, 64, 4, step=1, label=LABELS["mask_blur"], elem_id="img2img_mask_blur")
    transparency = gr.Slider(
        0,
        100,
        0,
        step=1,
        label=LABELS["mask_transparency"],
        elem_id="img2img_mask_alpha",
        visible=False,
    )
    with gr.Row():
        mode = gr.Radio(
            list(CHOICES["mask_mode"]),
            value=CHOICES["mask_mode"][0],
            type="index",
            label=LABELS["mask_mode"],
            elem_id="img2img_mask_mode",
        )
        area = gr.Radio(
            list(CHOICES["inpaint_area"]),
            value=CHOICES["inpaint_area"][0],
            type="index",
            label=LABELS["inpaint_area"],
            elem_id="img2img_inpaint_full_res",
        )
    content = gr.Radio(
        list(CHOICES["masked_content"]),
        value=CHOICES["masked_content"][1],
        type="index",
        label=LABELS["masked_content"],
        elem_id="img2img_inpainting_fill",
    )
    padding = gr.Slider(
        0,
        256,
        32,
        step=4,
        label=LABELS["padding"],
        elem_id="img2img_inpaint_full_res_padding",
    )
    soft = soft_controls()
    return {
        **soft,
        "mask_blur": blur,
        "mask_transparency": transparency,
        "mask_mode": mode,
        "inpaint_area": area,
        "masked_content": content,
        "padding": padding,
    }
