"""What Generate, Interrupt and Skip do, and how a page finds its job again: submit, watch, fetch.

The job runs in the engine. A closed tab ends the watching, never the job.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import gradio as gr
from PIL.Image import Image

from jobs.options import request_defaults
from jobs.spec import JobSpec, JobState, JobView, StopKind
from jobs.store import StoreError
from pipelines.geometry import Extent
from pipelines.pictures import open_picture
from pipelines.request import PictureRef
from ui import watching
from ui.form import Form
from ui.form_request import build_request
from ui.overrides import apply_entries
from ui.painted import PictureTaker
from ui.picture_files import size_of
from ui.proof import is_provable, prove
from ui.services import Services
from ui.texts import MESSAGES
from ui.widgets import JobMonitor, ResultGallery

_log = logging.getLogger("overpaint.ui")


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

    def __init__(self, services: Services, form: Form, parts: ResultParts) -> None:
        self._services = services
        self._form = form
        self.parts = parts

    async def generate(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Queue a job from the form and show it until it is over."""
        values = self._form.values(data)
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
            if view.spec.kind == "generate"
        ]
        unfinished = [view for view in latest if not view.state.is_final]
        if unfinished:
            async for updates in self._show(unfinished[-1].id):
                yield updates
            return
        done = next((view for view in latest if view.pictures), None)
        yield {self.parts.gallery: await self._gallery(done)}

    def interrupt(self, request: gr.Request) -> Updates:
        """First finish the picture in work when more would follow; a second press stops at once."""
        view = self._unfinished(request)
        if view is None:
            return self._buttons(watching.IDLE)
        engine = self._services.engine
        first = engine.stopping(view.id) is None
        gentle = first and view.spec.request.n_iter > 1 and view.state is JobState.RUNNING
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
        return JobSpec(request=apply_entries(values["override_settings"] or (), request))

    async def _show(self, job_id: str) -> AsyncIterator[Updates]:
        """Follow a job; only what changed is sent."""
        shown_buttons: watching.Buttons | None = None
        shown_pictures: tuple[str, ...] | None = None
        shown_monitor: dict[str, Any] | None = None
        async for view in self._services.engine.watch(job_id, interval=0.1):
            updates: Updates = {}
            now = watching.buttons(view, self._services.engine.stopping(job_id))
            if now != shown_buttons:
                shown_buttons = now
                updates |= self._buttons(now)
            pictures = tuple(picture.id for picture in view.pictures)
            shown = (*pictures, "done") if view.state.is_final else pictures
            if shown != shown_pictures and shown:
                shown_pictures = shown
                updates[self.parts.gallery] = await self._gallery(view)
            monitor = watching.monitor(view)
            if monitor != shown_monitor:
                shown_monitor = monitor
                updates[self.parts.monitor] = monitor
            if view.state is JobState.FAILED:
                gr.Warning(view.error, duration=12)
            if updates:
                yield updates

    async def _gallery(self, view: JobView | None) -> dict[str, Any]:
        """The results; of a finished inpaint job with the proof that the rest was left alone."""
        proofs: dict[str, str] = {}
        if view is not None and view.state.is_final and is_provable(view.spec.request):
            proofs = await asyncio.to_thread(self._proofs, view)
        return watching.gallery(view, self._services.pictures_url, proofs)

    def _proofs(self, view: JobView) -> dict[str, str]:
        """A sentence per picture; none where a file is gone."""
        request, services = view.spec.request, self._services
        assert request.inpaint is not None

        def asset(ref: PictureRef) -> Image:
            return open_picture(services.assets.path(ref), services.limits)

        found: dict[str, str] = {}
        try:
            source, mask = asset(request.init_images[0]), asset(request.inpaint.mask)
            for picture in view.pictures:
                if not picture.incomplete:
                    result = open_picture(picture.path, services.limits)
                    proof = prove(request, source, mask, result)
                    found |= {picture.id: proof.sentence} if proof else {}
        except (OSError, ValueError) as error:
            _log.info("no proof for job %s: %s", view.id, error)
        return found

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
            if not view.state.is_final and view.spec.kind == "generate"
        ]
        running = [view for view in mine if view.state is JobState.RUNNING]
        return next(iter(running or mine), None)
