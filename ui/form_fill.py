"""The other direction: requests, infotexts and the catalog to values the form shows."""

from __future__ import annotations

from html import escape
from typing import Any

from pipelines.infotext_apply import Applied
from ui.services import Services
from ui.texts import CHOICES, MESSAGES


def checkpoint_choices(services: Services) -> tuple[list[str], str]:
    """Titles for the drop-down, and the selected one."""
    selected = str(services.options.get("sd_model_checkpoint") or "")
    titles = [entry.title for entry in services.catalog.entries]
    return titles, services.catalog.default(selected).title


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
        "resize_mode": request.resize_mode.label,
        "seed": seeds.seed,
        "extra": is_varied,
        "subseed": seeds.subseed,
        "subseed_strength": seeds.subseed_strength,
        "seed_width": seeds.resize_from_width,
        "seed_height": seeds.resize_from_height,
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
