"""The controls of the generation page: labels, ranges, defaults and ids; no behaviour.

Labels, ids, defaults and ranges are A1111's (ui 3-6).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import gradio as gr

from pipelines.sampler_names import SAMPLERS, SCHEDULERS
from ui.canvas import PaintCanvas
from ui.texts import CHOICES, LABELS
from ui.widgets import PictureFile


@dataclass(frozen=True)
class Form:
    """Every control whose value makes up a request, by name."""

    prompt: gr.Textbox
    negative_prompt: gr.Textbox
    image: PictureFile
    sketch: PaintCanvas
    inpaint: PaintCanvas
    inpaint_sketch: PaintCanvas
    inpaint_image: PictureFile
    inpaint_mask: PictureFile
    tab: gr.State
    resize_mode: gr.Radio
    mask_blur: gr.Slider
    mask_transparency: gr.Slider
    mask_mode: gr.Radio
    masked_content: gr.Radio
    inpaint_area: gr.Radio
    padding: gr.Slider
    sampler: gr.Dropdown
    scheduler: gr.Dropdown
    steps: gr.Slider
    semantics: gr.Dropdown
    start_at_step: gr.Number
    end_at_step: gr.Number
    add_noise: gr.Checkbox
    leftover_noise: gr.Checkbox
    resize_tab: gr.State
    width: gr.Slider
    height: gr.Slider
    scale: gr.Slider
    batch_count: gr.Slider
    batch_size: gr.Slider
    cfg: gr.Slider
    denoise: gr.Slider
    seed: gr.Number
    extra: gr.Checkbox
    subseed: gr.Number
    subseed_strength: gr.Slider
    seed_width: gr.Slider
    seed_height: gr.Slider
    override_settings: gr.Dropdown
    checkpoint: gr.Dropdown

    def components(self) -> set[Any]:
        """All controls, as an event's inputs."""
        return {getattr(self, entry.name) for entry in fields(self)}

    def values(self, data: dict[Any, Any]) -> dict[str, Any]:
        """An event's data by control name instead of by control."""
        return {
            entry.name: data[getattr(self, entry.name)]
            for entry in fields(self)
            if getattr(self, entry.name) in data
        }

    def updates(self, values: dict[str, Any]) -> dict[Any, Any]:
        """The other way round: values by name to an event's outputs."""
        return {getattr(self, name): value for name, value in values.items()}

    def pick(self, names: Iterable[str]) -> set[Any]:
        """Some of the controls, as an event's inputs or outputs."""
        return {getattr(self, name) for name in names}


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


def tool(icon: str, elem_id: str, **kwargs: Any) -> gr.Button:
    """Build a small square button; its meaning is in the tooltip table."""
    return gr.Button(icon, elem_id=elem_id, elem_classes="op-tool", min_width=38, **kwargs)


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
    return {
        "mask_blur": blur,
        "mask_transparency": transparency,
        "mask_mode": mode,
        "inpaint_area": area,
        "masked_content": content,
        "padding": padding,
    }


def sampler_controls() -> dict[str, Any]:
    """Build sampler, schedule type, steps and what the steps mean."""
    with gr.Row(elem_id="sampler_selection_img2img"):
        sampler = gr.Dropdown(
            [info.name for info in SAMPLERS],
            value=SAMPLERS[0].name,
            label=LABELS["sampler"],
            elem_id="img2img_sampling",
        )
        scheduler = gr.Dropdown(
            [info.label for info in SCHEDULERS],
            value=SCHEDULERS[0].label,
            label=LABELS["scheduler"],
            elem_id="img2img_scheduler",
        )
        semantics = gr.Dropdown(
            list(CHOICES["semantics"]),
            value="a1111",
            label=LABELS["semantics"],
            elem_id="img2img_step_semantics",
        )
    steps = gr.Slider(1, 150, 20, step=1, label=LABELS["steps"], elem_id="img2img_steps")
    with gr.Row(visible=False) as start_row:
        start = gr.Number(
            0, precision=0, label=LABELS["start_at_step"], elem_id="img2img_start_at_step"
        )
        end = gr.Number(
            10000, precision=0, label=LABELS["end_at_step"], elem_id="img2img_end_at_step"
        )
        add_noise = gr.Checkbox(True, label=LABELS["add_noise"], elem_id="img2img_add_noise")
        leftover = gr.Checkbox(
            False, label=LABELS["leftover_noise"], elem_id="img2img_leftover_noise"
        )
    return {
        "sampler": sampler,
        "scheduler": scheduler,
        "semantics": semantics,
        "steps": steps,
        "start_at_step": start,
        "end_at_step": end,
        "add_noise": add_noise,
        "leftover_noise": leftover,
        "start_row": start_row,
    }


def batch_controls() -> dict[str, Any]:
    """Build batch count and size."""
    count = gr.Slider(1, 100, 1, step=1, label=LABELS["batch_count"], elem_id="img2img_batch_count")
    size = gr.Slider(1, 8, 1, step=1, label=LABELS["batch_size"], elem_id="img2img_batch_size")
    return {"batch_count": count, "batch_size": size}


def strength_controls(cfg: float) -> dict[str, Any]:
    """Build CFG scale and denoising strength."""
    scale = gr.Slider(1, 30, cfg, step=0.5, label=LABELS["cfg"], elem_id="img2img_cfg_scale")
    denoise = gr.Slider(
        0, 1, 0.75, step=0.01, label=LABELS["denoise"], elem_id="img2img_denoising_strength"
    )
    return {"cfg": scale, "denoise": denoise}


def seed_controls() -> dict[str, Any]:
    """Build the seed row with its variations."""
    with gr.Row(elem_id="img2img_seed_row"):
        seed = gr.Number(-1, precision=0, label=LABELS["seed"], elem_id="img2img_seed", scale=4)
        random_seed = tool("⚄", "img2img_random_seed")
        reuse_seed = tool("♻", "img2img_reuse_seed")
        extra = gr.Checkbox(False, label=LABELS["extra"], elem_id="img2img_subseed_show", scale=1)
    with gr.Column(visible=False, elem_id="img2img_seed_extras") as extras, gr.Group():
        with gr.Row():
            subseed = gr.Number(
                -1, precision=0, label=LABELS["subseed"], elem_id="img2img_subseed", scale=4
            )
            random_subseed = tool("⚄", "img2img_random_subseed")
            reuse_subseed = tool("♻", "img2img_reuse_subseed")
            strength = gr.Slider(
                0,
                1,
                0,
                step=0.01,
                label=LABELS["subseed_strength"],
                elem_id="img2img_subseed_strength",
                scale=4,
            )
        with gr.Row():
            width = gr.Slider(
                0, 2048, 0, step=8, label=LABELS["seed_width"], elem_id="img2img_seed_resize_from_w"
            )
            height = gr.Slider(
                0,
                2048,
                0,
                step=8,
                label=LABELS["seed_height"],
                elem_id="img2img_seed_resize_from_h",
            )
    return {
        "seed": seed,
        "random_seed": random_seed,
        "reuse_seed": reuse_seed,
        "extra": extra,
        "extras": extras,
        "subseed": subseed,
        "random_subseed": random_subseed,
        "reuse_subseed": reuse_subseed,
        "subseed_strength": strength,
        "seed_width": width,
        "seed_height": height,
    }
