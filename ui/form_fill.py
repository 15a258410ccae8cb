"""The other direction: requests, infotexts and the catalog to values the form shows."""

from __future__ import annotations

from html import escape
from typing import Any

from models.vae import AUTOMATIC, NONE
from pipelines.infotext_apply import Applied
from pipelines.request import HiresFix, Refiner, SoftInpaint
from ui.services import Services
from ui.texts import CHOICES, MESSAGES


def checkpoint_choices(services: Services) -> tuple[list[str], str]:
    """Titles for the drop-down, and the selected one."""
    selected = str(services.options.get("sd_model_checkpoint") or "")
    titles = [entry.title for entry in services.catalog.entries]
    return titles, services.catalog.default(selected).title


def vae_choices(services: Services) -> tuple[list[str], str]:
    """Values of the VAE drop-down, and the selected one; a file that is gone stays in the list."""
    selected = str(services.options.get("sd_vae"))
    names = [AUTOMATIC, NONE, *(vae.name for vae in services.catalog.vaes())]
    return names if selected in names else [*names, selected], selected


def notice(services: Services) -> str:
    """A line of HTML that says when the built-in checkpoint is all there is, and the way out."""
    entries = services.catalog.entries
    if any(entry.kind != "builtin" for entry in entries):
        return ""
    defaults = entries[-1].defaults
    text = MESSAGES["builtin"].format(
        folder=services.models_dir / "Stable-diffusion",
        width=defaults.width,
        height=defaults.height,
    )
    return f'<div class="op-note">{escape(text)}</div>'


def form_values(applied: Applied) -> dict[str, Any]:
    """Values for the controls after an infotext was read; pictures stay as they are."""
    request = applied.request
    sampling, seeds = request.sampling, request.seeds
    is_varied = seeds.subseed_strength > 0 or seeds.resize_from_width > 0
    values: dict[str, Any] = {
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "sampler": sampling.sampler,
        "scheduler": sampling.scheduler,
        "steps": sampling.steps,
        "cfg": sampling.cfg_scale,
        "denoise": sampling.denoising_strength,
        "semantics": sampling.semantics.value,
        "start_at_step": sampling.start_at_step,
        "end_at_step": sampling.end_at_step,
        "add_noise": sampling.add_noise,
        "leftover_noise": sampling.return_with_leftover_noise,
        "width": request.width,
        "height": request.height,
        **_resizing(applied),
        "seed": seeds.seed,
        "extra": is_varied,
        "subseed": seeds.subseed,
        "subseed_strength": seeds.subseed_strength,
        "seed_width": seeds.resize_from_width,
        "seed_height": seeds.resize_from_height,
        "image_cfg": sampling.image_cfg_scale,
        "tiling": request.tiling,
        "color_correction": request.color_correction,
        **_refiner(request.refiner),
        **_hires(request.hires),
        **_soft(applied.inpaint.get("soft")),
    }
    inpaint = applied.inpaint
    if inpaint:
        values |= {
            "mask_blur": inpaint["blur_x"],
            "mask_mode": CHOICES["mask_mode"][int(inpaint["invert"])],
            "masked_content": inpaint["content"].label,
            "inpaint_area": inpaint["area"].label,
            "padding": inpaint["padding"],
        }
    return values


def _resizing(applied: Applied) -> dict[str, Any]:
    if applied.outpaint is None:
        return {"resize_mode": applied.request.resize_mode.label}
    return {
        "resize_mode": CHOICES["resize_mode"][-1],
        "outpaint_anchor": applied.outpaint.name.lower(),
    }


def _refiner(refiner: Refiner | None) -> dict[str, Any]:
    if refiner is None:
        return {"refiner": False}
    return {
        "refiner": True,
        "refiner_checkpoint": refiner.checkpoint,
        "refiner_switch_at": refiner.switch_at,
    }


def _hires(hires: HiresFix | None) -> dict[str, Any]:
    if hires is None:
        return {"hires": False}
    return {
        "hires": True,
        "hr_scale": hires.scale,
        "hr_width": hires.resize_x,
        "hr_height": hires.resize_y,
        "hr_upscaler": hires.upscaler,
        "hr_steps": hires.steps,
        "hr_checkpoint": hires.checkpoint,
        "hr_sampler": hires.sampler,
        "hr_scheduler": hires.scheduler,
        "hr_prompt": hires.prompt,
        "hr_negative_prompt": hires.negative_prompt,
    }


def _soft(soft: SoftInpaint | None) -> dict[str, Any]:
    if soft is None:
        return {"soft": False}
    return {
        "soft": True,
        "soft_bias": soft.schedule_bias,
        "soft_preservation": soft.preservation_strength,
        "soft_contrast": soft.transition_contrast_boost,
        "soft_influence": soft.mask_influence,
        "soft_threshold": soft.difference_threshold,
        "soft_difference": soft.difference_contrast,
    }
