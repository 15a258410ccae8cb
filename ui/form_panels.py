"""Panels that img2img and txt2img share: sampler, batch, CFG, switches, seed; no behaviour.

Labels, ids, defaults and ranges are A1111's (ui 6). `tab` begins the ids.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from jobs.options import OptionStore
from pipelines.sampler_names import SCHEDULERS
from ui.sampler_choice import sampler_control
from ui.texts import CHOICES, LABELS
from ui.tool_button import tool


def sampler_controls(options: OptionStore, tab: str = "img2img") -> dict[str, Any]:
    """Build sampler, schedule type, steps and what the steps mean."""
    with gr.Row(elem_id=f"sampler_selection_{tab}"):
        sampler = sampler_control(options, tab)
        scheduler = gr.Dropdown(
            [info.label for info in SCHEDULERS],
            value=SCHEDULERS[0].label,
            label=LABELS["scheduler"],
            elem_id=f"{tab}_scheduler",
        )
        semantics = gr.Dropdown(
            list(CHOICES["semantics"]),
            value="a1111",
            label=LABELS["semantics"],
            elem_id=f"{tab}_step_semantics",
        )
    steps = gr.Slider(1, 150, 20, step=1, label=LABELS["steps"], elem_id=f"{tab}_steps")
    with gr.Row(visible=False) as start_row:
        start = gr.Number(
            0, precision=0, label=LABELS["start_at_step"], elem_id=f"{tab}_start_at_step"
        )
        end = gr.Number(
            10000, precision=0, label=LABELS["end_at_step"], elem_id=f"{tab}_end_at_step"
        )
        add_noise = gr.Checkbox(True, label=LABELS["add_noise"], elem_id=f"{tab}_add_noise")
        leftover = gr.Checkbox(
            False, label=LABELS["leftover_noise"], elem_id=f"{tab}_leftover_noise"
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


def size_and_batch(
    options: OptionStore, tab: str, size: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Build what `size` builds, with batch count and size beside it where the settings want so."""
    if not options.get("dimensions_and_batch_together"):
        return size()
    with gr.Row(elem_id=f"{tab}_size_and_batch", elem_classes="op-size-and-batch"):
        with gr.Column(scale=5, min_width=300, elem_id=f"{tab}_column_size"):
            made = size()
        with gr.Column(scale=3, min_width=200, elem_id=f"{tab}_column_batch"):
            return made | batch_controls(tab)


def batch_alone(options: OptionStore, tab: str) -> dict[str, Any]:
    """Build batch count and size where they do not stand beside the size."""
    return {} if options.get("dimensions_and_batch_together") else batch_controls(tab)


def batch_controls(tab: str = "img2img") -> dict[str, Any]:
    """Build batch count and size."""
    count = gr.Slider(1, 100, 1, step=1, label=LABELS["batch_count"], elem_id=f"{tab}_batch_count")
    size = gr.Slider(1, 8, 1, step=1, label=LABELS["batch_size"], elem_id=f"{tab}_batch_size")
    return {"batch_count": count, "batch_size": size}


def cfg_control(cfg: float, tab: str = "img2img") -> dict[str, Any]:
    """Build CFG scale."""
    scale = gr.Slider(1, 30, cfg, step=0.5, label=LABELS["cfg"], elem_id=f"{tab}_cfg_scale")
    return {"cfg": scale}


def strength_controls(*, edits: bool) -> dict[str, Any]:
    """Build what only img2img has; `edits`: the checkpoint is an InstructPix2Pix one."""
    image_cfg = gr.Slider(
        0,
        3,
        1.5,
        step=0.05,
        label=LABELS["image_cfg"],
        visible=edits,
        elem_id="img2img_image_cfg_scale",
    )
    denoise = gr.Slider(
        0, 1, 0.75, step=0.01, label=LABELS["denoise"], elem_id="img2img_denoising_strength"
    )
    return {"image_cfg": image_cfg, "denoise": denoise}


def override_control(tab: str = "img2img") -> dict[str, Any]:
    """Build the list of settings that a pasted infotext has and the page has no control for."""
    return {
        "override_settings": gr.Dropdown(
            [],
            value=[],
            multiselect=True,
            allow_custom_value=True,
            visible=False,
            label=LABELS["override_settings"],
            elem_id=f"{tab}_override_settings",
        )
    }


def switch_controls(tab: str, *, tiling: bool, color_correction: bool) -> dict[str, Any]:
    """Build the check boxes; txt2img has no colours to match."""
    made: dict[str, Any] = {}
    with gr.Row(elem_id=f"{tab}_checkboxes", elem_classes="op-checks"):
        made["tiling"] = gr.Checkbox(
            tiling, label=LABELS["tiling"], elem_id=f"{tab}_tiling", container=False
        )
        if tab == "img2img":
            made["color_correction"] = gr.Checkbox(
                color_correction,
                label=LABELS["color_correction"],
                elem_id="img2img_color_correction",
                container=False,
            )
    return made


def seed_controls(tab: str = "img2img") -> dict[str, Any]:
    """Build the seed row with its variations."""
    with gr.Row(elem_id=f"{tab}_seed_row"):
        seed = gr.Number(-1, precision=0, label=LABELS["seed"], elem_id=f"{tab}_seed", scale=4)
        random_seed = tool("⚄", f"{tab}_random_seed")
        reuse_seed = tool("♻", f"{tab}_reuse_seed")
        extra = gr.Checkbox(False, label=LABELS["extra"], elem_id=f"{tab}_subseed_show", scale=1)
    with gr.Column(visible=False, elem_id=f"{tab}_seed_extras") as extras, gr.Group():
        with gr.Row():
            subseed = gr.Number(
                -1, precision=0, label=LABELS["subseed"], elem_id=f"{tab}_subseed", scale=4
            )
            random_subseed = tool("⚄", f"{tab}_random_subseed")
            reuse_subseed = tool("♻", f"{tab}_reuse_subseed")
            strength = gr.Slider(
                0,
                1,
                0,
                step=0.01,
                label=LABELS["subseed_strength"],
                elem_id=f"{tab}_subseed_strength",
                scale=4,
            )
        with gr.Row():
            width = gr.Slider(
                0, 2048, 0, step=8, label=LABELS["seed_width"], elem_id=f"{tab}_seed_resize_from_w"
            )
            height = gr.Slider(
                0,
                2048,
                0,
                step=8,
                label=LABELS["seed_height"],
                elem_id=f"{tab}_seed_resize_from_h",
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
