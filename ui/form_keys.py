"""Which key of an infotext fills which control, for keys that the user wants left out (ui 10.2)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any

from pipelines.infotext_keys import SOFT_ENABLED
from pipelines.infotext_skip import left_out

KEYS: Mapping[str, str] = MappingProxyType(
    {
        "prompt": "Prompt",
        "negative_prompt": "Negative prompt",
        "styles": "Prompt",
        "sampler": "Sampler",
        "scheduler": "Schedule type",
        "steps": "Steps",
        "cfg": "CFG scale",
        "denoise": "Denoising strength",
        "semantics": "Step semantics",
        "start_at_step": "Start at step",
        "end_at_step": "End at step",
        "add_noise": "Add noise",
        "leftover_noise": "Leftover noise",
        "width": "Size",
        "height": "Size",
        "resize_mode": "Resize mode",
        "outpaint_anchor": "Outpaint anchor",
        "seed": "Seed",
        "extra": "Variation seed strength",
        "subseed": "Variation seed",
        "subseed_strength": "Variation seed strength",
        "seed_width": "Seed resize from",
        "seed_height": "Seed resize from",
        "image_cfg": "Image CFG scale",
        "tiling": "Tiling",
        "color_correction": "Color correction",
        "refiner": "Refiner",
        "refiner_checkpoint": "Refiner",
        "refiner_switch_at": "Refiner switch at",
        "hires": "Hires upscaler",
        "hr_scale": "Hires upscale",
        "hr_width": "Hires resize",
        "hr_height": "Hires resize",
        "hr_upscaler": "Hires upscaler",
        "hr_steps": "Hires steps",
        "hr_checkpoint": "Hires checkpoint",
        "hr_sampler": "Hires sampler",
        "hr_scheduler": "Hires schedule type",
        "hr_prompt": "Hires prompt",
        "hr_negative_prompt": "Hires negative prompt",
        "soft": SOFT_ENABLED,
        "soft_bias": "Soft inpainting schedule bias",
        "soft_preservation": "Soft inpainting preservation strength",
        "soft_contrast": "Soft inpainting transition contrast boost",
        "soft_influence": "Soft inpainting mask influence",
        "soft_threshold": "Soft inpainting difference threshold",
        "soft_difference": "Soft inpainting difference contrast",
        "mask_blur": "Mask blur",
        "mask_mode": "Mask mode",
        "masked_content": "Masked content",
        "inpaint_area": "Inpaint area",
        "padding": "Masked area padding",
    }
)
"""Control -> infotext key. Everything that `form_values` fills is here."""


def without_left_out(values: Mapping[str, Any], skip: Collection[str]) -> dict[str, Any]:
    """The values of those controls whose key is not in `skip` (`infotext_skip_pasting`)."""
    return {
        name: value
        for name, value in values.items()
        if name not in KEYS or not left_out(KEYS[name], skip)
    }
