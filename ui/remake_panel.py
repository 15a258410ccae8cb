"""PNG Info's "Make again and compare": its elements, and the handler that runs and judges."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import gradio as gr

from jobs.remake import Inputs, Remake, RemakeDesk
from jobs.spec import JobState
from jobs.store import StoreError
from pipelines.pictures import open_picture
from ui import remake_view
from ui.events import WATCH
from ui.form import picture_input
from ui.services import Services
from ui.texts_remake import REMAKE_LABELS, REMAKE_MESSAGES

Parts = dict[str, Any]


def build_remake(parts: Parts) -> None:
    """The button, the pictures that may have to be given, and the place of the answer."""
    parts["remake"] = gr.Button(REMAKE_LABELS["again"], elem_id="pnginfo_remake")
    with (
        gr.Accordion(REMAKE_LABELS["inputs"], open=False, elem_id="pnginfo_remake_inputs"),
        gr.Row(),
    ):
        for name in ("init_image", "mask"):
            elem_id = f"pnginfo_remake_{name}"
            parts[f"remake_{name}"] = picture_input(REMAKE_LABELS[name], elem_id, 200)
    parts["remake_answer"] = gr.HTML(elem_id="pnginfo_remake_answer")


def wire_remake(services: Services, parts: Parts) -> None:
    """A new picture clears the old answer."""
    handlers = RemakeHandlers(services)
    answer = [parts["remake_answer"], parts["remake"]]
    picture = parts["pnginfo_image"]
    parts["remake"].click(
        handlers.again, [picture, parts["remake_init_image"], parts["remake_mask"]], answer, **WATCH
    )
    picture.change(
        None, None, parts["remake_answer"], js="() => ''", queue=False, api_visibility="private"
    )


class RemakeHandlers:
    """One object for all sessions, without state."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._desk = RemakeDesk(services.engine, services.limits, services.options.all, self._title)

    async def again(
        self, path: str | None, init_image: str | None, mask: str | None, request: gr.Request
    ) -> AsyncIterator[tuple[str, Any]]:
        """Run the picture's job again and say what came out; the button waits meanwhile."""
        if not path:
            gr.Info(REMAKE_MESSAGES["no_picture"], duration=3)
            yield "", gr.skip()
            return
        try:
            inputs = await asyncio.to_thread(self._inputs, path, init_image, mask)
            owner = self._services.owner_of(request)
            remake = await asyncio.to_thread(self._desk.plan, owner, inputs)
            job_id = await asyncio.to_thread(self._services.engine.submit, owner, remake.spec)
        except (ValueError, OSError, StoreError) as error:
            yield remake_view.refused(str(error)), gr.skip()
            return
        async for said in self._followed(remake, job_id):
            yield said, gr.update(interactive=False)
        yield gr.skip(), gr.update(interactive=True)

    async def _followed(self, remake: Remake, job_id: str) -> AsyncIterator[str]:
        async for job in self._services.engine.watch(job_id, interval=0.2):
            if not job.state.is_final:
                yield remake_view.progress(remake, job)
            elif job.state is JobState.FAILED:
                yield remake_view.refused(job.error)
            else:
                try:
                    outcome = await asyncio.to_thread(self._desk.judge, remake, job)
                    address = self._services.pictures_url
                    yield await asyncio.to_thread(remake_view.verdict, remake, outcome, address)
                except (ValueError, OSError) as error:
                    yield remake_view.refused(str(error))

    def _inputs(self, path: str, init_image: str | None, mask: str | None) -> Inputs:
        kept = [None if not one else self._keep(one) for one in (init_image, mask)]
        return Inputs(Path(path).read_bytes(), *kept)

    def _keep(self, path: str) -> str:
        data = Path(path).read_bytes()
        open_picture(data, self._services.limits)
        return self._services.assets.add(data)

    def _title(self, name: str) -> str | None:
        entry = self._services.catalog.find(name)
        return None if entry is None else entry.title
