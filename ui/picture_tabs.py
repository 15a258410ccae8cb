"""The tabs with the pictures (ui 4): fields, canvases and "copy image to"; no behaviour."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.canvas import PaintCanvas
from ui.form import picture_input
from ui.model_view_line import ModelViewLine
from ui.services import Services
from ui.tabs import TABS, PictureTab, TabId
from ui.texts import LABELS

COPY_TARGETS: tuple[TabId, ...] = ("img2img", "sketch", "inpaint", "inpaint_sketch")
DEFAULT_COLOUR = "#ffffff"
HEIGHT_LIMITS = (240, 1600)


def picture_tabs(services: Services, parts: dict[str, Any]) -> dict[str, Any]:
    """Build all tabs; returns the form's fields by name."""
    made: dict[str, Any] = {}
    with gr.Tabs(elem_id="mode_img2img", selected="img2img", overflow_behavior="wrap") as tabs:
        parts["picture_tabs"] = tabs
        for tab in TABS:
            with gr.Tab(LABELS[f"tab_{tab.id}"], id=tab.id, elem_id=tab.elem_id) as shown:
                made |= _fields(services, tab)
                if tab.id in COPY_TARGETS:
                    _copy_row(tab, parts)
            parts[f"{tab.id}_tab"] = shown
    parts["model_view"] = ModelViewLine(services.static_url, elem_id="img2img_model_view")
    return made


def _fields(services: Services, tab: PictureTab) -> dict[str, Any]:
    if tab.canvas is not None:
        return {tab.field: _canvas(services, tab)}
    if tab.id == "inpaint_upload":
        return {
            tab.field: picture_input(LABELS["inpaint_base"], tab.field_id, 320),
            "inpaint_mask": picture_input(LABELS["inpaint_mask"], "img_inpaint_mask", 320),
        }
    return {tab.field: picture_input(LABELS["image"], tab.field_id, 480)}


def _canvas(services: Services, tab: PictureTab) -> PaintCanvas:
    colour = str(services.options.get(tab.colour_option))
    lowest, highest = HEIGHT_LIMITS
    height = int(services.options.get("img2img_editor_height"))
    assert tab.canvas is not None
    return PaintCanvas(
        services.static_url,
        tab.id,
        kind=tab.canvas,
        height=max(lowest, min(highest, height)),
        colour=tab.colour if colour.lower() == DEFAULT_COLOUR else colour,
        elem_id=tab.field_id,
    )


def _copy_row(tab: PictureTab, parts: dict[str, Any]) -> None:
    with gr.Row(elem_id=f"img2img_copy_to_{tab.id}", elem_classes="op-copy"):
        gr.HTML(LABELS["copy_to"], elem_classes="op-copy-label")
        for target in COPY_TARGETS:
            parts[f"copy_{tab.id}_{target}"] = gr.Button(
                LABELS[f"copy_to_{target}"],
                size="sm",
                min_width=60,
                interactive=target != tab.id,
                elem_id=f"img2img_copy_{tab.id}_to_{target}",
            )
