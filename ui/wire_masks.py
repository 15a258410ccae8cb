"""Which event of the mask panel calls which handler, and when masks are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components import Component

from ui.events import QUIET, flushing, unchanged
from ui.form import Form
from ui.mask_handlers import CHECKED_FIELDS, MASK_FIELDS, MaskHandlers
from ui.mask_panel import MaskPanel
from ui.page_load import PageLoad
from ui.small_handlers import SmallHandlers

Data = dict[Any, Any]
"""An event's inputs or outputs by element."""


def wire_masks(
    load: PageLoad,
    form: Form,
    parts: dict[str, Any],
    small: SmallHandlers,
    handlers: MaskHandlers,
) -> None:
    """Connect the panel with the visible tab's mask, and pasted infotexts with the mask in use."""
    panel: MaskPanel = parts["masks"]
    kept = parts["regions"].kept
    fields, flush = form.pick(MASK_FIELDS), flushing(small.static_url)
    pictures = list(form.pick(name for name in MASK_FIELDS if name != "tab"))

    def save(data: Data, request: gr.Request) -> list[Any]:
        chosen = handlers.save(form.values(data), data[panel.name], request)
        return [chosen, handlers.names(request)]

    def delete(name: str | None, request: gr.Request) -> list[Any]:
        return [handlers.delete(name, request), handlers.names(request)]

    def load_kept(data: Data, request: gr.Request) -> Data:
        found = handlers.load(form.values(data), data[panel.name], request)
        return unchanged() if found is None else form.updates(found)

    def upload(data: Data) -> Data:
        found = handlers.upload(form.values(data), data[panel.upload])
        return unchanged() if found is None else form.updates(found)

    load.read(handlers.names, panel.name)
    load.read(handlers.names, kept)
    panel.save.click(save, {*fields, panel.name}, [panel.name, kept], js=flush, **QUIET)
    panel.load.click(load_kept, {*fields, panel.name}, pictures, js=flush, **QUIET)
    panel.delete.click(delete, panel.name, [panel.name, kept], **QUIET)
    panel.upload.upload(upload, {*fields, panel.upload}, pictures, js=flush, **QUIET)
    panel.download.click(
        None,
        panel.name,
        None,
        js="async (name) => (await import("
        f"'{small.static_url}/canvas/registry.js')).painted()?.download(name)",
        queue=False,
        api_visibility="private",
    )
    _wire_checks(form, parts, small, handlers)


def _wire_checks(
    form: Form, parts: dict[str, Any], small: SmallHandlers, handlers: MaskHandlers
) -> None:
    """After every event that spreads an infotext over the form (`parts["filled_from"]`)."""
    checked = form.pick(CHECKED_FIELDS)

    def check_against(text: Component) -> Callable[[dict[Any, Any], gr.Request], None]:
        def check(data: dict[Any, Any], request: gr.Request) -> None:
            handlers.check(data[text] or "", form.values(data), request)

        return check

    for event, text in parts["filled_from"]:
        event.then(
            check_against(text), {text, *checked}, None, js=flushing(small.static_url), **QUIET
        )
