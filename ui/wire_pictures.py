"""Which event of the picture tabs and canvases calls which handler."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from ui.canvas_handlers import VIEW_FIELDS, CanvasHandlers
from ui.events import QUIET, flushing
from ui.form import Form
from ui.outpainting import OUTPAINT
from ui.page_load import PageLoad
from ui.picture_tabs import COPY_TARGETS
from ui.small_handlers import SmallHandlers
from ui.tabs import BATCH_TAB, KEPT_AS, PICTURE_FIELDS, TABS, find_tab

SIZE_SOURCES = ("tab", *PICTURE_FIELDS, "scale", "width", "height")
SAID_ABOUT = tuple(dict.fromkeys((*SIZE_SOURCES, *VIEW_FIELDS, "resize_mode", "outpaint_anchor")))
"""Fields on which depends what stands below a picture: sizes, new area, what the model sees."""

Data = dict[Any, Any]
"""An event's inputs by element."""


def wire_pictures(
    load: PageLoad,
    form: Form,
    parts: dict[str, Any],
    small: SmallHandlers,
    canvases: CanvasHandlers,
) -> None:
    """Tabs, uploads, keeping, restoring, copying, and what the model sees."""
    _wire_outpainting(form, parts)
    for tab in (*TABS, BATCH_TAB):
        show = visible_tab(form, parts, tab.id)
        parts[f"{tab.id}_tab"].select(lambda show=show: show, None, list(show), **QUIET)
    _wire_keeping(load, form, parts, small, canvases)
    _wire_copying(form, parts, small, canvases)


def _wire_outpainting(form: Form, parts: dict[str, Any]) -> None:
    """The anchors and the controls of a mask's edge, on tabs without a mask as well (ui 5)."""

    def show(mode: int, tab_id: str) -> list[Any]:
        outpaints, tab = mode == OUTPAINT, find_tab(tab_id)
        return [
            gr.update(visible=outpaints),
            gr.update(visible=outpaints or tab.has_mask),
            gr.update(visible=tab.has_mask),
        ]

    shown = [parts["outpaint_group"], parts["mask_group"], form.mask_mode]
    changes = [form.resize_mode.change, form.tab.change]
    gr.on(changes, show, [form.resize_mode, form.tab], shown, **QUIET)


def visible_tab(form: Form, parts: dict[str, Any], tab_id: str) -> dict[Any, Any]:
    """What changes when a tab comes to the front: the mode and its controls (ui 4-5)."""
    tab = find_tab(tab_id)
    return {
        form.tab: tab.id,
        parts["mask_group"]: gr.update(visible=tab.has_mask),
        parts["mask_panel"]: gr.update(visible=tab.has_mask),
        parts["masks"].files: gr.update(visible=tab.canvas is not None),
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
    load: PageLoad,
    form: Form,
    parts: dict[str, Any],
    small: SmallHandlers,
    canvases: CanvasHandlers,
) -> None:
    """All that is said about a picture in one event: each costs the browser more than us."""
    said = form.pick(SAID_ABOUT)
    shown = [parts["resize_line"], parts["outpaint_line"], parts["model_view"]]

    def views(data: Data) -> list[Any]:
        return [small.resize_line(data), small.outpaint_line(data), canvases.model_view(data)]

    def keeping(field: str, name: str) -> Callable[[Data, gr.Request], list[Any]]:
        keep = canvases.keeper(name)

        def painted(data: Data, request: gr.Request) -> list[Any]:
            keep(data[getattr(form, field)], request)
            return views(data)

        return painted

    # Without "always_last" a stroke is dropped that comes while the answer to the last one is out.
    last: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    moved = [getattr(form, name).change for name in SAID_ABOUT if not _is_picture(name)]
    gr.on([parts["by_tab"].select, form.scale.release, *moved], views, said, shown, **last)
    for field, name in KEPT_AS.items():
        canvas = getattr(form, field)
        canvas.painted(keeping(field, name), {*said, canvas}, shown, **last)
    load.read(canvases.restore, *(getattr(form, field) for field in KEPT_AS))


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
