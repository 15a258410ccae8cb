"""The settings above all tabs (ui 2): checkpoint, VAE, clip skip; no behaviour."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.form_fill import checkpoint_choices, notice, vae_choices
from ui.services import Services
from ui.texts import LABELS
from ui.tool_button import tool


def quicksettings(services: Services, parts: dict[str, Any]) -> dict[str, Any]:
    """Build the row; both forms have its controls."""
    made: dict[str, Any] = {}
    with gr.Row(elem_id="quicksettings"):
        for name, elem_id, refresh, (choices, value), scale in (
            (
                "checkpoint",
                "sd_model_checkpoint",
                "refresh",
                checkpoint_choices(services),
                2,
            ),
            ("vae", "sd_vae", "vae_refresh", vae_choices(services), 1),
        ):
            with gr.Row(elem_classes="op-with-tool", scale=scale):
                made[name] = gr.Dropdown(
                    choices,
                    value=value,
                    label=LABELS[name],
                    elem_id=f"setting_{elem_id}",
                    min_width=120,
                    scale=1,
                )
                parts[refresh] = tool("↻", f"refresh_{elem_id}")
        made["clip_skip"] = gr.Slider(
            1,
            12,
            int(services.options.get("CLIP_stop_at_last_layers")),
            step=1,
            label=LABELS["clip_skip"],
            elem_id="setting_CLIP_stop_at_last_layers",
            scale=1,
            min_width=200,
        )
        with gr.Column(scale=3, min_width=320, elem_id="op_notice_column"):
            parts["notice"] = gr.HTML(notice(services), elem_id="op_notice")
    return made
