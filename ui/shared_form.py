"""The controls that the pages img2img and txt2img have in common, by name."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from ui.controls import Controls


@dataclass(frozen=True)
class SharedForm(Controls):
    """Controls whose values make up a request on either page (ui 3, 6)."""

    prompt: gr.Textbox
    negative_prompt: gr.Textbox
    styles: gr.Dropdown
    sampler: gr.Dropdown
    scheduler: gr.Dropdown
    steps: gr.Slider
    semantics: gr.Dropdown
    start_at_step: gr.Number
    end_at_step: gr.Number
    add_noise: gr.Checkbox
    leftover_noise: gr.Checkbox
    refiner: gr.Checkbox
    refiner_checkpoint: gr.Dropdown
    refiner_switch_at: gr.Slider
    tiling: gr.Checkbox
    width: gr.Slider
    height: gr.Slider
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
    vae: gr.Dropdown
    clip_skip: gr.Slider
