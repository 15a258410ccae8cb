"""The tabs with the pictures (ui 4): fields, canvases and "copy image to"; no behaviour."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.batch_elements import build_batch
from ui.canvas import PaintCanvas, PictureCanvas
from ui.mask_panel import build_mask_panel
from ui.model_view_line import ModelViewLine
from ui.region_elements import build_regions
from ui.services import Services
from ui.tabs import BATCH_TAB, KEPT_AS, MASK_FILE, TABS, PictureTab, TabId
from ui.texts import LABELS
from ui.texts_batch import BATCH

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
                if tab.id == "inpaint":
                    parts["regions"] = build_regions(services.static_url)
                if tab.id in COPY_TARGETS:
                    _copy_row(tab, parts)
            parts[f"{tab.id}_tab"] = shown
        with gr.Tab(BATCH["tab"], id=BATCH_TAB.id, elem_id=BATCH_TAB.elem_id) as shown:
            parts["batch"] = build_batch(services.batches.policy)
        parts[f"{BATCH_TAB.id}_tab"] = shown
    with gr.Column(visible=False, elem_id="img2img_mask_panel") as parts["mask_panel"]:
        parts["masks"] = build_mask_panel()
    parts["model_view"] = ModelViewLine(services.static_url, elem_id="img2img_model_view")
    return made


def _fields(services: Services, tab: PictureTab) -> dict[str, Any]:
    if tab.canvas is not None:
        return {tab.field: _canvas(services, tab)}
    if tab.id == "inpaint_upload":
        return {
            tab.field: _picture(services, tab.field, LABELS["inpaint_base"], tab.field_id, 320),
            MASK_FILE: _picture(
                services, MASK_FILE, LABELS["inpaint_mask"], "img_inpaint_mask", 320
            ),
        }
    return {tab.field: _picture(services, tab.field, LABELS["image"], tab.field_id, 480)}


def _picture(
    services: Services, field: str, label: str, elem_id: str, height: int
) -> PictureCanvas:
    return PictureCanvas(
        services.static_url, KEPT_AS[field], label=label, height=height, elem_id=elem_id
    )


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
        sees=tab.has_mask,
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
