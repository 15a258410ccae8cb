"""What the Regions panel does: add the drawn mask, run all, run one alone, keep the list."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from html import escape
from typing import Any

import gradio as gr

from jobs.spec import JobView
from pipelines.geometry import Extent
from pipelines.pictures import encode_picture, open_picture
from scripts.bench import ScriptCall
from scripts.catalogue import find_script, run_script
from scripts.regions import FACT, TITLE
from ui import watching
from ui.canvas import served_copy
from ui.events import QUIET, WATCH, flushing
from ui.form import Form
from ui.handlers import GenerateHandlers
from ui.mask_handlers import MaskHandlers
from ui.mask_reading import fitted
from ui.page_load import PageLoad
from ui.page_state import state_of
from ui.painted import PictureTaker
from ui.painting import Painting
from ui.picture_files import take_upload
from ui.region_elements import RegionPanel
from ui.region_store import is_region, thumbnail
from ui.services import Services
from ui.tabs import find_tab
from ui.texts_regions import REGIONS

Updates = dict[Any, Any]
LOOK = 0.25
"""Seconds between looks at the region in work."""

AT_ONCE = 8
"""Runs of all users that may be under way; each holds a thread that mostly waits."""


class RegionError(ValueError):
    """The panel cannot do what was asked; the message is a sentence for the user."""


class RegionHandlers:
    """Event handlers of the panel; one object for all sessions, without state of theirs."""

    def __init__(
        self, services: Services, form: Form, panel: RegionPanel, jobs: GenerateHandlers
    ) -> None:
        self._services = services
        self._form = form
        self._panel = panel
        self._jobs = jobs
        self._masks = MaskHandlers(services, form)
        self.parts = jobs.parts
        self._threads = ThreadPoolExecutor(AT_ONCE, "page-regions")

    def add(self, painting: Painting | None) -> Any:
        """The mask on the canvas as a new region; the browser then clears the canvas."""
        services = self._services
        try:
            if painting is None:
                raise RegionError(REGIONS["no_picture"])
            taker = PictureTaker(services.assets, services.limits, "#ffffff")
            mask = taker.drawn(painting, find_tab("inpaint"))
            if mask is None or mask.getbbox() is None or painting.drawing is None:
                raise RegionError(REGIONS["no_mask"])
            ref = take_upload(painting.drawing, services.assets, services.limits)
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return gr.skip()
        return {"add": {"id": uuid.uuid4().hex, "mask": ref, "thumb": thumbnail(mask)}}

    def add_kept(
        self, painting: Painting | None, names: list[str] | None, request: gr.Request
    ) -> list[Any]:
        """Kept masks as new regions, at the picture's size; then none is chosen any more."""
        try:
            if painting is None:
                raise RegionError(REGIONS["no_picture"])
            if not names:
                raise RegionError(REGIONS["no_kept"])
            added = [self._kept_region(painting, name, request) for name in names]
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return [gr.skip(), gr.skip()]
        return [{"more": added}, []]

    def _kept_region(self, painting: Painting, name: str, request: gr.Request) -> dict[str, Any]:
        services = self._services
        kept = self._masks.find(name, request)
        drawn = open_picture(services.assets.path(kept.mask), services.limits).convert("L")
        mask, _ = fitted(drawn, Extent(painting.width, painting.height))
        ref = services.assets.add(encode_picture(mask, "png", infotext=None))
        return {"id": uuid.uuid4().hex, "mask": ref, "thumb": thumbnail(mask)}

    def pick(self, painting: Painting | None, value: dict[str, Any]) -> Any:
        """Put the chosen region's mask on the canvas."""
        services = self._services
        try:
            if painting is None:
                raise RegionError(REGIONS["no_picture"])
            chosen = _regions(value)[_place(value)]
            drawn = open_picture(services.assets.path(chosen["mask"]), services.limits)
            mask, _ = fitted(drawn.convert("L"), Extent(painting.width, painting.height))
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return gr.skip()
        drawing = served_copy(encode_picture(mask, "png", infotext=None), "drawing.png")
        return Painting(painting.image, drawing, painting.width, painting.height)

    def keep(self, value: dict[str, Any], request: gr.Request) -> None:
        """The list was changed: keep it."""
        found = [entry for entry in value.get("regions") or () if is_region(entry)]
        self._services.drawings.regions.save(self._services.owner_of(request), found)

    def restore(self, request: gr.Request) -> dict[str, Any]:
        """The owner's list as he left it."""
        return {"regions": self._services.drawings.regions.load(self._services.owner_of(request))}

    async def run_all(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Run every region in order."""
        async for updates in self._run(data, request, alone=False):
            yield updates

    async def run_alone(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Run the chosen region on what the last run has left."""
        async for updates in self._run(data, request, alone=True):
            yield updates

    async def _run(
        self, data: dict[Any, Any], request: gr.Request, *, alone: bool
    ) -> AsyncIterator[Updates]:
        parts, owner, begun = self.parts, self._services.owner_of(request), time.monotonic()
        try:
            call = await asyncio.to_thread(self._call, data, owner, alone)
            script = find_script(TITLE, "img2img")
            assert script is not None
            loop = asyncio.get_running_loop()
            bench = self._services.bench
            work = loop.run_in_executor(self._threads, run_script, script, call, bench)
            while not work.done():
                await asyncio.wait({work}, timeout=LOOK)
                view = await asyncio.to_thread(self._in_work, owner)
                if view is not None and not work.done():
                    stopping = self._services.engine.stopping(view.id)
                    shown = self._buttons(watching.buttons(view, stopping))
                    yield {parts.monitor: watching.monitor(view), **shown}
            job = await asyncio.to_thread(self._services.engine.view, await work)
        except (ValueError, RuntimeError) as error:
            gr.Warning(escape(str(error)), duration=12)
            yield {parts.monitor: {"error": str(error)}, **self._buttons(watching.IDLE)}
            return
        yield self._result(job, time.monotonic() - begun)

    def _result(self, job: JobView | None, seconds: float) -> Updates:
        parts, services = self.parts, self._services
        updates = self._buttons(watching.IDLE)
        if job is None or not job.pictures:
            return {**updates, parts.monitor: {}}
        done = REGIONS["done"].format(count=len(job.pictures), seconds=seconds)
        seeds = {entry["id"]: str(entry["seed"]) for entry in job.facts[FACT]["list"]}
        return {
            **updates,
            parts.monitor: {"log": "\n".join([done, *job.facts.get("notes", ())])},
            parts.gallery: watching.gallery(job, services.pictures_url, services.proofs_url),
            self._panel.regions: {"seeds": seeds},
        }

    def _call(self, data: dict[Any, Any], owner: str, alone: bool) -> ScriptCall:
        """Raises ValueError with a sentence."""
        value = data[self._panel.regions]
        values = self._form.values({k: v for k, v in data.items() if k is not self._panel.regions})
        regions, painting = _regions(value), values["inpaint"]
        if painting is None:
            raise RegionError(REGIONS["no_picture"])
        mask = str(self._services.assets.path(regions[0]["mask"]))
        values |= {"tab": "inpaint"}
        page = state_of(values, self._services.assets)
        masked = Painting(painting.image, mask, painting.width, painting.height)
        spec = self._jobs.spec({**values, "inpaint": masked})
        script = find_script(TITLE, "img2img")
        assert script is not None
        redo = _place(value) + 1 if alone else 0
        args = script.read_args([[argument(entry) for entry in regions], redo])
        return ScriptCall(owner, spec.request, args, spec.tab, page=page)

    def _in_work(self, owner: str) -> JobView | None:
        """The owner's unfinished job: the region that is being painted, or waits its turn."""
        jobs = self._services.engine.latest(owner)
        mine = [one for one in jobs if not one.state.is_final and one.spec.kind == "generate"]
        return mine[-1] if mine else None

    def _buttons(self, shown: watching.Buttons) -> Updates:
        return {
            getattr(self.parts, name): gr.update(visible=is_seen)
            for name, is_seen in asdict(shown).items()
        }


def wire_regions(
    load: PageLoad, form: Form, panel: RegionPanel, handlers: RegionHandlers, url: str
) -> None:
    """Connect the panel. `url` is the address of our own scripts."""
    flush, regions = flushing(url), panel.regions
    panel.add.click(handlers.add, form.inpaint, regions, js=flush, **QUIET)
    named = [form.inpaint, panel.kept]
    panel.add_kept.click(handlers.add_kept, named, [regions, panel.kept], js=flush, **QUIET)
    both = [form.inpaint, regions]
    regions.pick(handlers.pick, both, form.inpaint, js=flush, **QUIET)
    regions.edited(handlers.keep, regions, None, trigger_mode="always_last", **QUIET)
    load.read(handlers.restore, regions)
    inputs = form.components() | {regions}
    shown = [*handlers.parts.components(), regions]
    panel.run.click(handlers.run_all, inputs, shown, js=flush, **WATCH)
    regions.alone(handlers.run_alone, inputs, shown, js=flush, **WATCH)


def _regions(value: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = [entry for entry in value.get("regions") or () if is_region(entry)]
    if not found:
        raise RegionError(REGIONS["no_list"])
    return found


def _place(value: Mapping[str, Any]) -> int:
    """Where the chosen region is in the list."""
    for place, entry in enumerate(_regions(value)):
        if entry["id"] == value.get("chosen"):
            return place
    raise RegionError(REGIONS["gone"])


def argument(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A region of the page as the script wants it."""
    seed, strength, content = entry.get("seed"), entry.get("strength"), entry.get("content")
    return {
        "id": entry["id"],
        "mask": entry["mask"],
        "prompt": entry.get("prompt") or "",
        "seed": -1 if seed in (None, "") else seed,
        "denoising_strength": None if strength in (None, "") else strength,
        "masked_content": 1 if content is None else content,
    }
