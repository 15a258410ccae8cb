"""The right column of either generation page: progress, gallery and where a result can go."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.handlers import ResultParts
from ui.open_result import open_button
from ui.save_buttons import build_downloads, build_save_buttons
from ui.services import Services
from ui.texts import LABELS
from ui.widgets import JobMonitor, ResultGallery


def results_panel(
    services: Services, tab: str, parts: dict[str, Any], buttons: dict[str, Any]
) -> ResultParts:
    """Build it; `buttons` are those of `ui.form_prompts.generate_box`."""
    with gr.Column(elem_id=f"{tab}_results_panel"):
        monitor = JobMonitor(services.static_url, elem_id=f"html_log_{tab}")
        gallery = ResultGallery(services.static_url, tab, elem_id=f"{tab}_gallery")
        with gr.Row(elem_classes="op-tools"):
            build_save_buttons(tab, parts)
            for name, target in (
                ("send_img2img", "send_to_img2img"),
                ("send_inpaint", "send_to_inpaint"),
                ("send_upload", "send_to_inpaint_upload"),
            ):
                parts[name] = gr.Button(LABELS[target], size="sm", elem_id=f"{tab}_{target}")
            parts["send_extras"] = gr.Button(
                LABELS["send_to_extras"], size="sm", elem_id=f"{tab}_send_to_extras"
            )
            parts["open_result"] = open_button(tab)
        build_downloads(tab, parts)
    return ResultParts(
        gallery,
        monitor,
        buttons["generate"],
        buttons["interrupt"],
        buttons["interrupting"],
        buttons["skip"],
    )
