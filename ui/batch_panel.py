"""What the Batch tab does: dry run, run, watch, interrupt, resume (ui 4.3).

The batch runs in `scripts.batch_run`; a closed page ends nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from interrogate.options import options_of_settings
from interrogate.registry import listing
from jobs.saving_options import saving_options
from scripts.batch_plan import MAX_CAPTION, BatchAsk
from scripts.batch_run import BatchRunner
from scripts.batch_spec import BatchFile
from scripts.batch_view import BatchView, RowState, planned
from ui import watching
from ui.batch_elements import BatchPanel
from ui.batch_html import plan_text, state_text, table_html
from ui.batch_request import batch_base
from ui.events import QUIET, WATCH, unchanged
from ui.form import Form
from ui.form_request import FormError, number
from ui.handlers import GenerateHandlers, ResultParts
from ui.page_load import PageLoad
from ui.services import Services
from ui.tabs import BATCH_TAB, PICTURE_FIELDS
from ui.texts_batch import BATCH

Updates = dict[Any, Any]

LOOK = 0.5
"""Seconds between looks at a running batch."""

MOST_SHOWN = 500
"""Pictures in the gallery when the setting says all."""


class BatchHandlers:
    """Event handlers of the tab; one object for all sessions, without state."""

    def __init__(
        self, services: Services, panel: BatchPanel, form: Form, results: ResultParts
    ) -> None:
        self._services = services
        self._batches: BatchRunner = services.batches
        self._panel = panel
        self._form = form
        self._results = results

    async def check(self, data: dict[Any, Any]) -> Updates:
        """The dry run: what would be made of each file."""
        panel = self._panel
        try:
            spec = await asyncio.to_thread(lambda: self._batches.plan(self._ask(data)))
        except ValueError as error:
            return {panel.told: _problem(error)}
        table = table_html(spec, planned(spec), self._services.pictures_url, is_plan=True)
        return {panel.told: _said(plan_text(spec)), panel.table: table}

    async def generate(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Generate was pressed: nothing is done unless the Batch tab is in front."""
        if data[self._form.tab] != BATCH_TAB.id:
            yield unchanged()
            return
        owner = self._services.owner_of(request)
        try:
            batch_id = await asyncio.to_thread(lambda: self._batches.submit(owner, self._ask(data)))
        except ValueError as error:
            gr.Warning(escape(str(error)), duration=12)
            yield {self._panel.told: _problem(error)}
            return
        async for updates in self._follow(batch_id, owner):
            yield updates

    async def resume(self, request: gr.Request) -> AsyncIterator[Updates]:
        """Make what is missing or failed in the newest batch."""
        owner = self._services.owner_of(request)
        batch_id = self._newest(owner)
        try:
            if batch_id is None:
                raise ValueError(BATCH["none_yet"])
            await asyncio.to_thread(self._batches.resume, batch_id)
        except ValueError as error:
            yield {self._panel.told: _problem(error)}
            return
        async for updates in self._follow(batch_id, owner):
            yield updates

    async def restore(self, request: gr.Request) -> AsyncIterator[Updates]:
        """A page was opened: show the owner's newest batch, in its own tab only."""
        batch_id = self._newest(self._services.owner_of(request))
        if batch_id is None:
            yield unchanged()
            return
        async for view in self._watch(batch_id):
            yield self._shown(view)

    def interrupt(self, request: gr.Request) -> None:
        """Stop the newest batch; what is done stays."""
        batch_id = self._newest(self._services.owner_of(request))
        if batch_id is not None:
            self._batches.stop(batch_id)

    async def _follow(self, batch_id: str, owner: str) -> AsyncIterator[Updates]:
        """Show a batch in its tab and in the results, with the buttons of a running job."""
        parts, pictures = self._results, -1
        yield self._buttons(watching.Buttons(False, True, False, True))
        async for view in self._watch(batch_id):
            updates = self._shown(view)
            updates[parts.monitor] = self._monitor(view, owner)
            if len(view.pictures) != pictures:
                pictures = len(view.pictures)
                updates[parts.gallery] = await asyncio.to_thread(self._gallery, view)
            yield updates
        yield self._buttons(watching.IDLE)

    async def _watch(self, batch_id: str) -> AsyncIterator[BatchView]:
        """The batch now and while it goes on."""
        while True:
            view = await asyncio.to_thread(self._batches.view, batch_id)
            if view is None:
                return
            yield view
            if view.is_over:
                return
            await asyncio.sleep(LOOK)

    def _shown(self, view: BatchView) -> Updates:
        table = table_html(view.run.spec, view.rows, self._services.pictures_url)
        return {self._panel.told: _said(state_text(view)), self._panel.table: table}

    def _monitor(self, view: BatchView, owner: str) -> dict[str, Any]:
        """The bar over all files, with the preview of the one in work."""
        if view.is_over:
            return {"log": state_text(view)}
        done = sum(row.state.is_final for row in view.rows)
        running = self._services.engine.running()
        now = {} if running is None or running.owner != owner else watching.monitor(running)
        count = len(view.rows) - view.count(RowState.SKIPPED)
        done -= view.count(RowState.SKIPPED)
        text = BATCH["progress"].format(done=done, count=count)
        shown = {"active": True, "fraction": done / max(1, count), "text": text, "eta": ""}
        return shown | ({"preview": now["preview"]} if "preview" in now else {})

    def _gallery(self, view: BatchView) -> dict[str, Any]:
        """The first finished pictures, as many as the setting says (behaviour 11)."""
        services, limit = self._services, self._shown_at_most()
        jobs = dict.fromkeys(picture.job_id for picture in view.pictures[:limit])
        pictures: list[Any] = []
        for job_id in jobs:
            job = services.engine.view(job_id)
            value = watching.gallery(job, services.pictures_url, services.proofs_url)
            pictures += value["pictures"]
        return {"job": view.run.id, "selected": 0, "pictures": pictures[:limit]}

    def _shown_at_most(self) -> int:
        limit = int(self._services.options.get("img2img_batch_show_results_limit"))
        return MOST_SHOWN if limit < 0 else min(limit, MOST_SHOWN)

    def _buttons(self, shown: watching.Buttons) -> Updates:
        parts = self._results
        return {
            parts.generate: gr.update(visible=shown.generate),
            parts.interrupt: gr.update(visible=shown.interrupt),
            parts.interrupting: gr.update(visible=shown.interrupting),
            parts.skip: gr.update(visible=shown.skip),
        }

    def _newest(self, owner: str) -> str | None:
        runs = self._batches.latest(owner, 1)
        return runs[0].id if runs else None

    def _ask(self, data: dict[Any, Any]) -> BatchAsk:
        """The batch that the tab and the form describe. Raises ValueError with a sentence."""
        panel, services = self._panel, self._services
        settings = services.options.all()
        values = self._form.values(data)
        is_upload = data[panel.source] == "upload"
        files, texts = self._uploaded(data[panel.files] or () if is_upload else ())
        masks, _ = self._uploaded(data[panel.masks] or () if is_upload else ())
        if is_upload and not files:
            raise FormError(BATCH["no_files"])
        if not is_upload and not (data[panel.input_dir] or "").strip():
            raise FormError(BATCH["no_folder"])
        self._check_captions(data[panel.captions] or "none")
        mask_dir = "" if is_upload else data[panel.mask_dir] or ""
        return BatchAsk(
            base=batch_base(values, services, has_masks=bool(masks or mask_dir.strip())),
            scale=number(values, "scale") if values["resize_tab"] == "by" else None,
            files=files,
            input_dir="" if is_upload else data[panel.input_dir] or "",
            output_dir=data[panel.output_dir] or "",
            masks=masks,
            mask_dir=mask_dir,
            png_info=bool(data[panel.png_info]),
            png_info_dir=data[panel.png_info_dir] or "",
            png_info_fields=tuple(data[panel.png_info_fields] or ()),
            captions=data[panel.captions] or "none",
            texts=texts,
            interrogation=options_of_settings(settings),
            saving=saving_options(settings),
        )

    def _check_captions(self, source: str) -> None:
        """Say now that an interrogator's files are missing, not with every file of the batch."""
        for row in listing(self._services.models_dir):
            if row.name == source and not row.available:
                raise FormError(f"{row.label}: {row.note}")

    def _uploaded(self, paths: Sequence[str]) -> tuple[list[BatchFile], dict[str, str]]:
        """Uploaded pictures, kept byte for byte, and uploaded captions by base name."""
        files, texts = [], {}
        for path in map(Path, paths):
            if path.suffix.lower() == ".txt":
                texts[path.stem] = path.read_bytes()[:MAX_CAPTION].decode("utf-8", "replace")
            else:
                ref = self._services.assets.add(path.read_bytes())
                files.append(BatchFile(name=path.name, ref=ref))
        return files, texts


def wire_batch(
    load: PageLoad, services: Services, panel: BatchPanel, form: Form, jobs: GenerateHandlers
) -> None:
    """Connect the tab, and Generate and Interrupt while it is in front."""
    results = jobs.parts
    handlers = BatchHandlers(services, panel, form, results)
    # Pictures of the other tabs stay out: a batch needs none of them, and they would be uploaded.
    fields = form.components() - form.pick((*PICTURE_FIELDS, "inpaint_mask"))
    inputs = fields | panel.settings()
    shown = [panel.told, panel.table]
    for tab, name in zip(panel.source_tabs, ("upload", "folder"), strict=True):
        tab.select(lambda name=name: name, None, panel.source, **QUIET)
    panel.check.click(handlers.check, inputs, shown, **QUIET)
    everything = [*shown, *results.components()]
    results.generate.click(handlers.generate, inputs, everything, **WATCH)
    panel.resume.click(handlers.resume, None, everything, **WATCH)
    for button in (panel.interrupt, results.interrupt):
        button.click(handlers.interrupt, None, None, **QUIET)
    load.follow(handlers.restore, shown)


def _said(text: str) -> str:
    return f'<p role="status">{escape(text)}</p>'


def _problem(error: ValueError) -> str:
    return f'<p role="alert" class="op-plot-problem">{escape(str(error))}</p>'
