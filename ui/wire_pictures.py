"""Which event of the picture tabs and canvases calls which handler."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from ui.canvas_handlers import VIEW_FIELDS, CanvasHandlers
from ui.events import QUIET, flushing
from ui.form import Form
from ui.picture_tabs import COPY_TARGETS
from ui.small_handlers import SmallHandlers
from ui.tabs import CANVAS_TABS, PICTURE_FIELDS, TABS, find_tab

SIZE_SOURCES = ("tab", *PICTURE_FIELDS, "scale", "width", "height")


def wire_pictures(
    page: gr.Blocks,
    form: Form,
    parts: dict[str, Any],
    small: SmallHandlers,
    canvases: CanvasHandlers,
) -> None:
    """Tabs, uploads, keeping, restoring, copying, and what the model sees."""
    for tab in TABS:
        show = visible_tab(form, parts, tab.id)
        parts[f"{tab.id}_tab"].select(lambda show=show: show, None, list(show), **QUIET)
    for field in (form.image, form.inpaint_image, form.inpaint_mask):
        field.upload(small.check_upload, field, None, **QUIET)
    _wire_keeping(page, form, parts, small, canvases)
    _wire_copying(form, parts, small, canvases)
    view = form.pick(VIEW_FIELDS)
    controls = form.pick(name for name in VIEW_FIELDS if not _is_picture(name))
    gr.on(
        [part.change for part in controls],
        canvases.model_view,
        view,
        parts["model_view"],
        trigger_mode="always_last",
        **QUIET,
    )


def visible_tab(form: Form, parts: dict[str, Any], tab_id: str) -> dict[Any, Any]:
    """What changes when a tab comes to the front: the mode and its controls (ui 4-5)."""
    tab = find_tab(tab_id)
    return {
        form.tab: tab.id,
        parts["mask_group"]: gr.update(visible=tab.has_mask),
        form.mask_transparency: gr.update(visible=tab.id == "inpaint_sketch"),
    }


def tab_in_front(form: Form, parts: dict[str, Any], tab_id: str) -> dict[Any, Any]:
    """Bring a picture tab to the front from anywhere on the page."""
    return {
        parts["tabs"]: gr.update(selected="img2img"),
        parts["picture_tabs"]: gr.update(selected=tab_id),
        **visible_tab(form, parts, tab_id),
    }


def _is_picture(name: str) -> bool:
    return name in PICTURE_FIELDS


def _wire_keeping(
    page: gr.Blocks,
    form: Form,
    parts: dict[str, Any],
    small: SmallHandlers,
    canvases: CanvasHandlers,
) -> None:
    view = form.pick(VIEW_FIELDS)
    fields = [getattr(form, tab.field) for tab in CANVAS_TABS]
    for tab, canvas in zip(CANVAS_TABS, fields, strict=True):
        canvas.painted(canvases.keeper(tab.id), canvas, None, **QUIET)
        canvas.painted(canvases.model_view, view, parts["model_view"], **QUIET)
        canvas.painted(small.resize_line, form.pick(SIZE_SOURCES), parts["resize_line"], **QUIET)
    page.load(canvases.restore, None, fields, **QUIET)


def _wire_copying(
    form: Form, parts: dict[str, Any], small: SmallHandlers, canvases: CanvasHandlers
) -> None:
    for source in COPY_TARGETS:
        origin = getattr(form, find_tab(source).field)
        for target in COPY_TARGETS:
            if source == target:
                continue
            show = tab_in_front(form, parts, target)
            parts[f"copy_{source}_{target}"].click(
                partial(canvases.copy, source=source),
                origin,
                getattr(form, find_tab(target).field),
                js=flushing(small.static_url),
                **QUIET,
            ).success(lambda show=show: show, None, list(show), **QUIET)
