"""Prompt styles on the page: the drop-down, applying them, and the editor (ui 3.3).

The styles lie in A1111's styles.csv, one for the server; what merging means is in
`pipelines.styles`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.prompt.comments import strip_comments
from pipelines.request import Img2ImgRequest
from pipelines.styles import (
    Style,
    StylesError,
    apply_styles,
    choose_styles,
    read_styles,
    write_styles,
)
from ui.events import QUIET
from ui.page_load import PageLoad
from ui.services import Services
from ui.texts import LABELS, MESSAGES
from ui.tool_button import tool


@dataclass(frozen=True)
class StyleParts:
    """The drop-down of a page and its editor."""

    chosen: gr.Dropdown
    open: gr.Button
    apply: gr.Button
    dialog: gr.Column
    name: gr.Dropdown
    refresh: gr.Button
    apply_here: gr.Button
    copy: gr.Button
    prompt: gr.Textbox
    negative_prompt: gr.Textbox
    save: gr.Button
    delete: gr.Button
    close: gr.Button
    note: gr.HTML


def style_names(services: Services) -> list[str]:
    """The saved styles by name; none while the file cannot be used, which the editor says."""
    try:
        return [style.name for style in read_styles(services.styles)]
    except (StylesError, OSError):
        return []


def with_styles(request: Img2ImgRequest, names: Sequence[str], file: Path) -> Img2ImgRequest:
    """The request with the chosen styles in its prompts. Raises ValueError with a sentence."""
    if not names:
        return request
    chosen, gone = choose_styles(_read(file), names)
    if gone:
        raise ValueError(MESSAGES["style_gone"].format(name=gone[0]))
    prompt, negative = apply_styles(request.prompt, request.negative_prompt, chosen)
    return request.model_copy(update={"prompt": prompt, "negative_prompt": negative})


def style_row(services: Services, tab: str) -> tuple[gr.Dropdown, gr.Button]:
    """The drop-down under the tools, and the button that opens the editor."""
    with gr.Row(elem_id=f"{tab}_styles_row", elem_classes="op-styles-row"):
        chosen = gr.Dropdown(
            style_names(services),
            value=[],
            multiselect=True,
            show_label=False,
            label=LABELS["styles"],
            container=False,
            min_width=120,
            elem_id=f"{tab}_styles",
        )
        return chosen, tool("✎", f"{tab}_styles_edit_button")


def build_styles(tab: str, row: tuple[gr.Dropdown, gr.Button], apply: gr.Button) -> StyleParts:
    """The editor, closed; it lies over the page."""
    box = f"{tab}_styles_dialog"
    with gr.Column(visible=False, elem_id=box, elem_classes="op-dialog") as dialog:
        gr.HTML(f"<h2>{escape(LABELS['styles_editor'])}</h2>")
        with gr.Row(elem_classes="op-tools"):
            name = gr.Dropdown(
                [],
                value=None,
                allow_custom_value=True,
                label=LABELS["style_name"],
                info=LABELS["style_name_info"],
                elem_id=f"{tab}_styles_edit_select",
                scale=4,
            )
            refresh = tool("↻", f"refresh_{tab}_styles")
        prompt = gr.Textbox(label=LABELS["prompt"], lines=3, elem_id=f"{tab}_edit_style_prompt")
        negative = gr.Textbox(
            label=LABELS["negative_prompt"], lines=3, elem_id=f"{tab}_edit_style_neg_prompt"
        )
        note = gr.HTML(elem_id=f"{tab}_styles_note", elem_classes="op-line")
        with gr.Row(elem_classes="op-tools"):
            copy = gr.Button(LABELS["style_copy"], size="sm", elem_id=f"{tab}_style_copy")
            apply_here = gr.Button(
                LABELS["style_apply_dialog"], size="sm", elem_id=f"{tab}_style_apply_dialog"
            )
        with gr.Row(elem_classes="op-tools"):
            save = gr.Button(
                LABELS["style_save"], variant="primary", elem_id=f"{tab}_edit_style_save"
            )
            delete = gr.Button(
                LABELS["style_delete"], visible=False, elem_id=f"{tab}_edit_style_delete"
            )
            close = gr.Button(LABELS["style_close"], elem_id=f"{tab}_edit_style_close")
    return StyleParts(
        row[0], row[1], apply, dialog, name, refresh, apply_here, copy, prompt, negative, save,
        delete, close, note,
    )  # fmt: skip


class StyleHandlers:
    """Event handlers of the drop-down and the editor, without state."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def names(self) -> Any:
        """The drop-down's choices as they are now."""
        return gr.update(choices=style_names(self._services))

    def open(self, chosen: list[str] | None) -> list[Any]:
        """Show the editor with the first chosen style."""
        styles, problem = self._styles()
        first = next(iter(chosen or ()), None)
        name = gr.update(choices=[style.name for style in styles], value=first)
        return [gr.update(visible=True), name, *self._texts(styles, first), problem]

    def pick(self, name: str | None) -> list[Any]:
        """The texts of a style; a new name leaves what is written."""
        styles, problem = self._styles()
        if name not in {style.name for style in styles}:
            return [gr.skip(), gr.skip(), gr.update(visible=False), problem]
        return [*self._texts(styles, name), problem]

    def save(
        self, name: str | None, prompt: str, negative_prompt: str, request: gr.Request
    ) -> list[Any]:
        """Create or replace a style; answers are lists of names, Delete, and a sentence."""
        name = (name or "").strip()
        if not name:
            return self._kept(MESSAGES["style_needs_name"])
        if name.startswith("#") or name == "None":
            return self._kept(MESSAGES["style_bad_name"])
        style = Style(name, prompt or "", negative_prompt or "")

        def put(styles: tuple[Style, ...]) -> list[Style]:
            if name in {one.name for one in styles}:
                return [style if one.name == name else one for one in styles]
            return [*styles, style]

        return self._write(put, request, name, MESSAGES["style_saved"].format(name=name))

    def delete(self, name: str | None, request: gr.Request) -> list[Any]:
        """Delete a style."""
        name = (name or "").strip()

        def drop(styles: tuple[Style, ...]) -> list[Style]:
            return [style for style in styles if style.name != name]

        return self._write(drop, request, None, MESSAGES["style_deleted"].format(name=name))

    def apply(self, prompt: str, negative_prompt: str, names: list[str] | None) -> list[Any]:
        """Write the chosen styles into both prompts and choose none (ui 3.2)."""
        if not names:
            gr.Info(MESSAGES["style_none"], duration=3)
            return [gr.skip(), gr.skip(), gr.skip()]
        try:
            chosen, gone = choose_styles(_read(self._services.styles), names)
            made = apply_styles(prompt or "", negative_prompt or "", chosen)
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return [gr.skip(), gr.skip(), gr.skip()]
        for name in gone:
            gr.Warning(escape(MESSAGES["style_gone"].format(name=name)), duration=6)
        if self._services.options.get("enable_prompt_comments"):
            made = (strip_comments(made[0]), strip_comments(made[1]))
        return [*made, []]

    def _write(
        self, change: Any, request: gr.Request, name: str | None, sentence: str
    ) -> list[Any]:
        services = self._services
        if not services.is_admin(request):
            return self._kept(MESSAGES["style_admins"])
        try:
            styles = change(read_styles(services.styles))
            services.styles.parent.mkdir(parents=True, exist_ok=True)
            write_styles(services.styles, styles)
        except (StylesError, OSError) as error:
            return self._kept(MESSAGES["style_file"].format(reason=error))
        names = [style.name for style in styles]
        return [
            gr.update(choices=names, value=name),
            gr.update(choices=names),
            gr.update(visible=name is not None),
            escape(sentence),
        ]

    def _kept(self, sentence: str) -> list[Any]:
        return [gr.skip(), gr.skip(), gr.skip(), escape(sentence)]

    def _styles(self) -> tuple[tuple[Style, ...], str]:
        """The saved styles, and a sentence when their file cannot be used."""
        try:
            return read_styles(self._services.styles), ""
        except (StylesError, OSError) as error:
            return (), escape(MESSAGES["style_file"].format(reason=error))

    def _texts(self, styles: Sequence[Style], name: str | None) -> list[Any]:
        found = next((style for style in styles if style.name == name), Style(""))
        is_known = found.name != ""
        return [found.prompt, found.negative_prompt, gr.update(visible=is_known)]


def wire_styles(load: PageLoad, services: Services, form: Any, parts: StyleParts) -> None:
    """Connect the drop-down and the editor with a form's prompts."""
    handlers = StyleHandlers(services)
    texts = [parts.prompt, parts.negative_prompt]
    prompts = [form.prompt, form.negative_prompt]
    load.read(lambda _: handlers.names(), parts.chosen)
    parts.open.click(
        handlers.open,
        parts.chosen,
        [parts.dialog, parts.name, *texts, parts.delete, parts.note],
        **QUIET,
    )
    parts.close.click(lambda: gr.update(visible=False), None, parts.dialog, **QUIET)
    parts.name.input(handlers.pick, parts.name, [*texts, parts.delete, parts.note], **QUIET)
    changed = [parts.name, parts.chosen, parts.delete, parts.note]
    parts.save.click(handlers.save, [parts.name, *texts], changed, **QUIET)
    parts.delete.click(handlers.delete, parts.name, changed, **QUIET)
    parts.copy.click(
        None, prompts, texts, js="(p, n) => [p, n]", queue=False, api_visibility="private"
    )
    for button in (parts.apply, parts.apply_here):
        button.click(handlers.apply, [*prompts, parts.chosen], [*prompts, parts.chosen], **QUIET)
    parts.refresh.click(handlers.names, None, parts.chosen, **QUIET).then(
        handlers.names, None, parts.name, **QUIET
    )


def _read(file: Path) -> tuple[Style, ...]:
    """Raises ValueError with a sentence when the file cannot be used."""
    try:
        return read_styles(file)
    except (StylesError, OSError) as error:
        raise ValueError(MESSAGES["style_file"].format(reason=error)) from error
