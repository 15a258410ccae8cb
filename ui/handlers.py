"""What Generate, Interrupt and Skip do, and how a page finds its job again: submit, watch, fetch.

The job runs in the engine. A closed tab ends the watching, never the job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr

from jobs.options import request_defaults
from jobs.saving_options import SavingOptions, saving_options
from jobs.spec import JobSpec, JobState, JobView, StopKind
from jobs.store import StoreError
from pipelines.geometry import Extent
from ui import watching
from ui.controls import Controls
from ui.events import unchanged
from ui.form_request import build_request, refined_as_set
from ui.overrides import apply_entries
from ui.pacing import paced
from ui.page_state import state_of
from ui.painted import PictureTaker
from ui.picture_files import size_of
from ui.services import Services
from ui.styles_panel import with_styles
from ui.tabs import BATCH_TAB
from ui.texts import MESSAGES
from ui.widgets import JobMonitor, ResultGallery


@dataclass(frozen=True)
class ResultParts:
    """The elements that show a job."""

    gallery: ResultGallery
    monitor: JobMonitor
    generate: gr.Button
    interrupt: gr.Button
    interrupting: gr.Button
    skip: gr.Button

    def components(self) -> list[Any]:
        """All of them, as an event's outputs."""
        return [
            self.gallery,
            self.monitor,
            self.generate,
            self.interrupt,
            self.interrupting,
            self.skip,
        ]


Updates = dict[Any, Any]


class GenerateHandlers:
    """Event handlers of the generation page; one object for all sessions, without state."""

    def __init__(self, services: Services, form: Controls, parts: ResultParts) -> None:
        self._services = services
        self._form = form
        self.parts = parts

    async def generate(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Queue a job from the form and show it until it is over; a batch is not run here."""
        if self._form.values(data).get("tab") == BATCH_TAB.id:
            yield unchanged()
            return
        async for updates in self.start(self._form.values(data), request):
            yield updates

    async def start(self, values: dict[str, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Queue the job that the form's values make, and show it until it is over."""
        try:
            spec = self.spec(values)
            job_id = self._services.engine.submit(self._services.owner_of(request), spec)
        except (ValueError, StoreError) as error:
            gr.Warning(str(error), duration=12)
            yield {self.parts.monitor: {"error": str(error)}}
            return
        async for updates in self._show(job_id):
            yield updates

    async def restore(self, request: gr.Request) -> AsyncIterator[Updates]:
        """A page was opened: show the owner's unfinished job, or else his last results."""
        latest = [
            view
            for view in self._services.engine.latest(self._services.owner_of(request))
            if self._is_mine(view)
        ]
        unfinished = [view for view in latest if not view.state.is_final]
        if unfinished:
            async for updates in self._show(unfinished[-1].id):
                yield updates
            return
        done = next((view for view in latest if view.pictures), None)
        yield {self.parts.gallery: self._gallery(done)}

    def interrupt(self, request: gr.Request) -> Updates:
        """First finish the picture in work when more would follow; a second press stops at once."""
        view = self._unfinished(request)
        if view is None:
            return self._buttons(watching.IDLE)
        engine = self._services.engine
        first = engine.stopping(view.id) is None
        more = view.spec.request.n_iter > 1 and view.state is JobState.RUNNING
        gentle = first and more and bool(self._services.options.get("interrupt_after_current"))
        engine.request_stop(view.id, StopKind.AFTER_CURRENT if gentle else StopKind.NOW)
        if gentle:
            gr.Info(MESSAGES["first_interrupt"], duration=4)
        return self._buttons(watching.buttons(view, StopKind.NOW))

    def skip(self, request: gr.Request) -> None:
        """Leave the current batch as it is and go on with the next."""
        view = self._unfinished(request)
        if view is not None:
            self._services.engine.request_stop(view.id, StopKind.SKIP)

    def spec(self, values: dict[str, Any]) -> JobSpec:
        """The job that the form's values make. Raises ValueError with a sentence."""
        services = self._services

        def measure(path: str) -> Extent:
            return size_of(path, services.limits)

        defaults = request_defaults(services.options.all())
        background = str(services.options.get("img2img_background_color"))
        taker = PictureTaker(services.assets, services.limits, background)
        request = build_request(values, taker.take, measure, defaults)
        request = refined_as_set(request, services.options.all())
        request = with_styles(request, values.get("styles") or (), services.styles)
        request = apply_entries(values["override_settings"] or (), request)
        page = state_of(values, services.assets)
        return JobSpec(request=request, page=page, has_grid=True, saving=self._saving(values))

    def _saving(self, values: dict[str, Any]) -> SavingOptions:
        """How the pictures are kept, as the settings stand now."""
        options = self._services.options.all()
        return saving_options(options, values.get("styles") or (), values["prompt"] or "")

    def _is_mine(self, view: JobView) -> bool:
        """Whether this page shows the job."""
        spec = view.spec
        return spec.kind == "generate" and spec.tab == "img2img" and spec.shown

    async def _show(self, job_id: str) -> AsyncIterator[Updates]:
        """Follow a job; only what changed is sent."""
        shown_buttons: watching.Buttons | None = None
        shown_pictures: tuple[str, ...] | None = None
        shown_monitor: dict[str, Any] | None = None
        period = int(self._services.options.get("live_preview_refresh_period")) / 1000
        views = self._services.engine.watch(job_id, interval=min(period, 0.1) / 2)
        async for view in paced(views, period):
            updates: Updates = {}
            now = watching.buttons(view, self._services.engine.stopping(job_id))
            if now != shown_buttons:
                shown_buttons = now
                updates |= self._buttons(now)
            pictures = tuple(picture.id for picture in view.pictures)
            if pictures != shown_pictures and pictures:
                shown_pictures = pictures
                updates[self.parts.gallery] = self._gallery(view)
            monitor = watching.monitor(view)
            if monitor != shown_monitor:
                shown_monitor = monitor
                updates[self.parts.monitor] = monitor
            if view.state is JobState.FAILED:
                gr.Warning(view.error, duration=12)
            if updates:
                yield updates

    def _gallery(self, view: JobView | None) -> dict[str, Any]:
        services = self._services
        shown = watching.gallery(view, services.pictures_url, services.proofs_url)
        if services.options.get("do_not_show_images"):
            shown |= {"pictures": [], "hint": MESSAGES["results_not_shown"]}
        return shown

    def _buttons(self, shown: watching.Buttons) -> Updates:
        return {
            getattr(self.parts, name): gr.update(visible=is_seen)
            for name, is_seen in asdict(shown).items()
        }

    def _unfinished(self, request: gr.Request) -> JobView | None:
        """The owner's running job, or his newest waiting one."""
        mine = [
            view
            for view in self._services.engine.latest(self._services.owner_of(request))
            if not view.state.is_final and self._is_mine(view)
        ]
        running = [view for view in mine if view.state is JobState.RUNNING]
        return next(iter(running or mine), None)
