"""The interrogators on the page: two buttons beside Generate and a panel to compare and choose.

`build_buttons` and `build_panel` make the elements where the page wants them, `wire_interrogation`
connects them: one call each. Nothing runs here; jobs are submitted and watched.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from interrogate.options import interrogation_of
from interrogate.registry import find, listing
from interrogate.report import PictureReport, Report, from_facts
from jobs.spec import JobSpec, JobState, JobView
from pipelines.pictures import encode_picture
from pipelines.request import PictureRef
from ui.batch_elements import BatchPanel
from ui.events import QUIET, WATCH, flushing, unchanged
from ui.form import Form
from ui.form_request import active_image
from ui.interrogate_captions import (
    CaptionPanel,
    build_captions,
    stop_interrogations,
    wire_batch_captions,
    wire_captions,
)
from ui.interrogate_downloads import DownloadPanel, build_downloads, wire_downloads
from ui.interrogate_lists import InterrogatorLists
from ui.interrogate_view import (
    cards,
    choices,
    joined,
    label_of,
    notes_on,
    parts_of,
    state_text,
)
from ui.page_load import PageLoad
from ui.painted import PictureTaker
from ui.painting import Painting
from ui.picture_files import take_upload
from ui.services import Services
from ui.tabs import BATCH_TAB, PICTURE_FIELDS, tab_of
from ui.texts_interrogate import INTERROGATE
from ui.tool_button import tool

Updates = dict[Any, Any]


@dataclass(frozen=True)
class InterrogateButtons:
    """A1111's two buttons (ui 3): the text replaces the prompt at once."""

    clip: gr.Button
    deepbooru: gr.Button


@dataclass(frozen=True)
class InterrogatePanel:
    """The elements of the panel."""

    who: gr.CheckboxGroup
    score: gr.Checkbox
    describe: gr.Button
    stop: gr.Button
    status: gr.HTML
    results: gr.HTML
    parts: gr.CheckboxGroup
    replace: gr.Button
    append: gr.Button
    captions: CaptionPanel
    downloads: DownloadPanel


def build_buttons() -> InterrogateButtons:
    """Make the two buttons where this is called."""
    return InterrogateButtons(
        tool("CLIP", "img2img_interrogate"), tool("DeepBooru", "img2img_deepbooru")
    )


def build_panel(services: Services) -> InterrogatePanel:
    """Make the panel where this is called, closed."""
    rows = listing(services.models_dir)
    ready = [row.name for row in rows if row.available]
    with gr.Accordion(INTERROGATE["panel"], open=False, elem_id="img2img_interrogate_panel"):
        who = gr.CheckboxGroup(
            choices(rows), value=ready, label=INTERROGATE["who"], elem_id="interrogate_who"
        )
        with gr.Row(elem_classes="op-interrogate-ask"):
            score = gr.Checkbox(False, label=INTERROGATE["score"], elem_id="interrogate_score")
            describe = gr.Button(
                INTERROGATE["describe"], variant="primary", elem_id="interrogate_describe"
            )
            stop = gr.Button(INTERROGATE["stop"], elem_id="interrogate_stop", min_width=70)
        status = gr.HTML(notes_on(rows), elem_id="interrogate_status")
        results = gr.HTML(elem_id="interrogate_results")
        parts = gr.CheckboxGroup(
            [],
            label=INTERROGATE["parts"],
            visible=False,
            show_select_all=True,
            elem_id="interrogate_parts",
        )
        with gr.Row():
            replace = gr.Button(INTERROGATE["replace"], size="sm", elem_id="interrogate_replace")
            append = gr.Button(INTERROGATE["append"], size="sm", elem_id="interrogate_append")
        captions = build_captions(rows, services.batches.policy)
        downloads = build_downloads()
    return InterrogatePanel(
        who, score, describe, stop, status, results, parts, replace, append, captions, downloads
    )


def wire_interrogation(
    load: PageLoad,
    services: Services,
    form: Form,
    parts: Mapping[str, Any],
    panel: InterrogatePanel,
) -> None:
    """Connect the panel and the page's parts `interrogate` and `batch` with the form."""
    buttons: InterrogateButtons = parts["interrogate"]
    batch: BatchPanel = parts["batch"]
    handlers = InterrogateHandlers(services, form, panel)
    pictures = form.pick(("tab", *PICTURE_FIELDS))
    flush = flushing(services.static_url)
    for button, handler in (
        (buttons.clip, handlers.clip_prompt),
        (buttons.deepbooru, handlers.deepbooru_prompt),
    ):
        button.click(handler, pictures, [form.prompt, panel.status], js=flush, **WATCH)
    panel.describe.click(
        handlers.describe,
        {*pictures, panel.who, panel.score},
        [panel.status, panel.results, panel.parts],
        js=flush,
        **WATCH,
    )
    panel.stop.click(handlers.stop, None, None, **QUIET)
    chosen = [form.prompt, panel.parts]
    panel.replace.click(handlers.replace, chosen, form.prompt, **QUIET)
    panel.append.click(handlers.append, chosen, form.prompt, **QUIET)
    wire_captions(services, panel.captions)
    by_name = {"clip": buttons.clip, "deepdanbooru": buttons.deepbooru}
    wire_batch_captions(services, by_name, form.tab, batch, panel.captions)
    lists = InterrogatorLists(panel.who, panel.captions.who, panel.status)
    wire_downloads(load, services, panel.downloads, lists)
    load.read(lambda _: lists.now(services.models_dir), *lists.outputs)


class InterrogateHandlers:
    """Event handlers of buttons and panel; one object for all sessions, without state."""

    def __init__(self, services: Services, form: Form, panel: InterrogatePanel) -> None:
        self._services = services
        self._form = form
        self._panel = panel

    async def clip_prompt(
        self, data: dict[Any, Any], request: gr.Request
    ) -> AsyncIterator[Updates]:
        """CLIP's text becomes the prompt."""
        async for updates in self._to_prompt(data, "clip", request):
            yield updates

    async def deepbooru_prompt(
        self, data: dict[Any, Any], request: gr.Request
    ) -> AsyncIterator[Updates]:
        """DeepBooru's tags become the prompt."""
        async for updates in self._to_prompt(data, "deepdanbooru", request):
            yield updates

    async def describe(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Ask all chosen interrogators and show what they say side by side."""
        panel = self._panel
        try:
            spec = self._spec(data, data[panel.who] or (), score=bool(data[panel.score]))
        except ValueError as error:
            yield {panel.status: _warned(str(error))}
            return
        async for view in self._follow(spec, request):
            if view.state.is_final:
                yield self._shown(view)
            else:
                yield {panel.status: escape(state_text(view))}

    def stop(self, request: gr.Request) -> None:
        """End the owner's interrogations; what was found so far is shown."""
        stop_interrogations(self._services, request)

    def replace(self, prompt: str, ticked: Sequence[str] | None) -> str:
        """The ticked pieces instead of the prompt."""
        return self._inserted(prompt, ticked, append=False)

    def append(self, prompt: str, ticked: Sequence[str] | None) -> str:
        """The prompt and the ticked pieces."""
        return self._inserted(prompt, ticked, append=True)

    async def _to_prompt(
        self, data: dict[Any, Any], name: str, request: gr.Request
    ) -> AsyncIterator[Updates]:
        status = self._panel.status
        if data[self._form.tab] == BATCH_TAB.id:  # see wire_batch_captions
            yield unchanged()
            return
        try:
            spec = self._spec(data, (name,))
        except ValueError as error:
            yield {status: _warned(str(error))}
            return
        async for view in self._follow(spec, request):
            if not view.state.is_final:
                yield {status: escape(state_text(view))}
                continue
            found = self._first(view).descriptions.get(name)
            said = {status: _ending(view) or _notes(view)}
            if found and found.text:
                self._say_builtin(name)
                said[self._form.prompt] = found.text
            yield said

    def _say_builtin(self, name: str) -> None:
        """Say where the prompt is from; the panel, where the rest is told, may be closed."""
        rows = [row for row in listing(self._services.models_dir) if row.name == name]
        if any(row.builtin for row in rows):
            gr.Info(escape(INTERROGATE["from_builtin"].format(label=label_of(rows[0]))), duration=6)

    async def _follow(self, spec: JobSpec, request: gr.Request) -> AsyncIterator[JobView]:
        engine = self._services.engine
        job_id = engine.submit(self._services.owner_of(request), spec)
        async for view in engine.watch(job_id, interval=0.1):
            yield view

    def _spec(self, data: dict[Any, Any], names: Sequence[str], *, score: bool = False) -> JobSpec:
        """The job. Raises ValueError with a sentence."""
        if not names:
            raise ValueError(INTERROGATE["nobody"])
        asked = interrogation_of(
            self._services.options.all(),
            [find(name).name for name in names],
            pictures=(self._picture(self._form.values(data)),),
            score=score,
        )
        return JobSpec(kind="interrogate", interrogation=asked, save=False)

    def _picture(self, values: dict[str, Any]) -> PictureRef:
        """The visible tab's picture, with what was drawn on it in colour."""
        services = self._services
        path = active_image(values)
        if path is None:
            is_batch = values["tab"] == BATCH_TAB.id
            raise ValueError(INTERROGATE["batch_hint" if is_batch else "no_image"])
        tab = tab_of(values)
        picture = values[tab.field]
        if tab.canvas != "colour" or not isinstance(picture, Painting):
            return take_upload(path, services.assets, services.limits)
        background = str(services.options.get("img2img_background_color"))
        taker = PictureTaker(services.assets, services.limits, background)
        return services.assets.add(encode_picture(taker.flattened(picture), "png", infotext=None))

    def _shown(self, view: JobView) -> Updates:
        panel = self._panel
        if view.state is JobState.FAILED:
            return {panel.status: _ending(view)}
        found = parts_of(self._first(view))
        ticks = gr.update(
            choices=[(part.label, part.text) for part in found], value=[], visible=bool(found)
        )
        rows = listing(self._services.models_dir)
        results = cards(_report(view), {row.name: label_of(row) for row in rows})
        return {panel.status: _ending(view), panel.results: results, panel.parts: ticks}

    def _first(self, view: JobView) -> PictureReport:
        pictures = _report(view).pictures
        return pictures[0] if pictures else PictureReport()

    def _inserted(self, prompt: str, ticked: Sequence[str] | None, *, append: bool) -> str:
        if not ticked:
            gr.Info(INTERROGATE["nothing_ticked"], duration=4)
            return prompt
        return joined(prompt or "", ticked, append=append)


def _report(view: JobView) -> Report:
    return from_facts(view.facts)


def _ending(view: JobView) -> str:
    if view.state is JobState.FAILED:
        return _warned(view.error)
    if view.interrupted or view.state is JobState.CANCELLED:
        return INTERROGATE["stopped"]
    return ""


def _notes(view: JobView) -> str:
    return "".join(f"<p>{escape(note)}</p>" for note in _report(view).notes)


def _warned(problem: str) -> str:
    """Show a sentence over the page, and hand it back as HTML."""
    gr.Warning(escape(problem), duration=12)
    return escape(problem)
