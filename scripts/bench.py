"""What a script works with: it has pictures made by the engine, looks at them, and delivers.

A script runs in a thread of the web process; the painting itself is jobs like any other.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, Protocol

import PIL.Image
from PIL.Image import Image

from interrogate.options import interrogation_of
from interrogate.report import from_facts
from jobs.assets import AssetStore
from jobs.extras import ExtrasWork
from jobs.messages import PictureDone
from jobs.new_files import save_numbered
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders, SaveRoots
from jobs.page_state import PageState
from jobs.saving_options import saving_options, sub_folder
from jobs.spec import JobSpec, JobState, JobView, StopKind
from pipelines.compose import flatten
from pipelines.events import FinishedPicture
from pipelines.extras import Extras
from pipelines.infotext import with_keys as with_keys  # noqa: PLC0414  scripts find it here
from pipelines.pictures import PictureLimits, encode_picture, open_picture
from pipelines.request import Img2ImgRequest, PictureRef
from scripts.axis import AxisContext
from scripts.plot_run import PlotRunner

MOST_BATCHES = 1000
"""Largest batch count that a request may have."""

POLL = 0.02
"""Seconds between looks at a job in work."""


class ScriptError(ValueError):
    """A script cannot run as asked for; the message is a sentence for the user."""


class ScriptFailed(RuntimeError):
    """A job of the script failed; the message is that job's."""


class Engine(Protocol):
    """The part of a job engine that scripts use; see `jobs.engine.LocalEngine`."""

    def submit(self, owner: str, spec: JobSpec, job_id: str | None = None) -> str:
        """Queue a job."""

    def view(self, job_id: str) -> JobView | None:
        """The job as it is now."""

    def latest(self, owner: str, count: int = 20) -> list[JobView]:
        """The owner's newest jobs, newest first."""

    def request_stop(self, job_id: str, kind: StopKind = StopKind.NOW) -> bool:
        """Stop a job."""

    def record(
        self, owner: str, spec: JobSpec, made: Iterable[PictureDone], facts: Mapping[str, Any]
    ) -> str:
        """Keep composed pictures as a job that is done."""


@dataclass(frozen=True)
class ScriptCall:
    """Who wants what: a request with fixed seeds, and the script's arguments by name."""

    owner: str
    request: Img2ImgRequest
    args: Mapping[str, Any]
    tab: Literal["img2img", "txt2img"] = "img2img"
    save: bool = True
    stopping: threading.Event = field(default_factory=threading.Event)
    page: PageState | None = None
    """How the page stood that asked; kept with the recorded job."""


@dataclass(frozen=True)
class Made:
    """One picture of a script's result."""

    image: Image
    infotext: str
    seed: int
    subseed: int
    path: Path | None = None
    """Where it lies already; None for pictures that are composed here."""


@dataclass(frozen=True)
class JobResult:
    """The pictures of one job. `stopped` says that the user wants no more."""

    made: tuple[Made, ...]
    stopped: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a script hands back. `grids` of `pictures`, at the front, are grids."""

    pictures: Sequence[Made]
    facts: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()
    grids: int = 0
    request: Img2ImgRequest | None = None
    """What the recorded job says it was made from; None = the call's request."""


@dataclass(frozen=True)
class Bench:
    """The collaborators of all scripts, handed over by app.py."""

    engine: Engine
    assets: AssetStore
    limits: PictureLimits
    output_dir: Path
    data_dir: Path
    context: Any
    """() -> AxisContext: what axes may name at this moment."""
    plots: PlotRunner
    upscalers: Callable[[], Sequence[str]] = tuple
    """() -> names of the upscaler files there are at this moment."""
    save_roots: SaveRoots = ()
    """See jobs.output_folders.OutputFolders."""

    def axis_context(self) -> AxisContext:
        """What axes may name now."""
        found = self.context()
        assert isinstance(found, AxisContext)
        return found

    def make(self, call: ScriptCall, request: Img2ImgRequest, *, save: bool = False) -> JobResult:
        """Have the pictures of one request made and wait for them.

        Raises ScriptFailed with the job's sentence when it failed.
        """
        job = self._done(call, JobSpec(request=request, tab=call.tab, save=save and call.save))
        made = tuple(
            Made(opened(one.path), one.infotext, one.seed, one.subseed, one.path)
            for one in job.pictures
        )
        stopped = job.interrupted or job.state is JobState.CANCELLED or call.stopping.is_set()
        return JobResult(made, stopped, job.facts)

    def enlarge(self, call: ScriptCall, image: Image, extras: Extras) -> Image | None:
        """The enlarged picture, made by the worker; None when the user wants no more.

        Raises ScriptFailed with the job's sentence when it failed.
        """
        work = ExtrasWork(extras=extras, pictures=(self.keep(image),))
        job = self._done(call, JobSpec(kind="extras", extras=work, save=False))
        return opened(job.pictures[0].path) if job.pictures else None

    def describe(self, call: ScriptCall, picture: PictureRef, interrogator: str) -> str | None:
        """What an interrogator says of a kept picture; None when the user wants no more.

        As the settings stand now. Raises ScriptFailed with a sentence when it says nothing.
        """
        settings = OptionStore(self.data_dir).all()
        asked = interrogation_of(settings, (interrogator,), pictures=(picture,))
        job = self._done(call, JobSpec(kind="interrogate", interrogation=asked, save=False))
        if job.interrupted or job.state is JobState.CANCELLED or call.stopping.is_set():
            return None
        report = from_facts(job.facts).pictures[0]
        if report.problem:
            raise ScriptFailed(report.problem)
        return next((one.text for one in report.descriptions.values()), "")

    def _done(self, call: ScriptCall, spec: JobSpec) -> JobView:
        """Submit a job and wait for it. Raises ScriptFailed."""
        job_id = self.engine.submit(call.owner, spec)
        while True:
            job = self.engine.view(job_id)
            if job is None:
                raise ScriptFailed("a job of the script is gone")
            if job.state.is_final:
                break
            if call.stopping.is_set():
                self.engine.request_stop(job_id, StopKind.NOW)
            time.sleep(POLL)
        if job.state is JobState.FAILED:
            raise ScriptFailed(job.error)
        return job

    def init_image(self, request: Img2ImgRequest) -> Image:
        """The first init image, flat RGB. Raises MissingAsset."""
        stored = open_picture(self.assets.path(request.init_images[0]), self.limits)
        return flatten(stored, request.background_color)

    def keep(self, image: Image) -> PictureRef:
        """Make a picture nameable in requests. The same pixels have the same name."""
        out = BytesIO()
        image.save(out, "PNG", compress_level=1)
        return self.assets.add(out.getvalue())

    def deliver(self, call: ScriptCall, outcome: Outcome) -> str:
        """Save what was composed, record everything as one job, and return its id."""
        made = [self._filed(call, one, place) for place, one in enumerate(outcome.pictures)]
        request = outcome.request or call.request
        changes = {
            "n_iter": min(max(1, len(made)), MOST_BATCHES),
            "batch_size": 1,
            "init_images": request.init_images[:1],
        }
        spec = JobSpec(
            request=request.model_copy(update=changes), tab=call.tab, save=False, page=call.page
        )
        facts = {
            **outcome.facts,
            "notes": [*outcome.facts.get("notes", ()), *outcome.notes],
            "all_seeds": [one.seed for one in outcome.pictures],
            "all_subseeds": [one.subseed for one in outcome.pictures],
            "grids": outcome.grids,
        }
        return self.engine.record(call.owner, spec, made, facts)

    def _filed(self, call: ScriptCall, one: Made, place: int) -> PictureDone:
        path = one.path
        if path is None:
            data = encode_picture(one.image, "png", infotext=one.infotext)
            folder = self._folder(call, one)
            path = save_numbered(data, folder, lambda n: f"{n:05d}-{one.seed}.png")
        return PictureDone(
            "",
            place,
            path,
            one.infotext,
            one.image.width,
            one.image.height,
            one.seed,
            one.subseed,
            incomplete=False,
        )

    def _folder(self, call: ScriptCall, one: Made) -> Path:
        """Where composed pictures go, as the settings stand now."""
        settings = OptionStore(self.data_dir).all()
        saving = saving_options(settings)
        if not call.save or not saving.samples:
            return self.data_dir / "results" / "scripts"
        folder = OutputFolders(self.output_dir, settings, self.save_roots).samples(call.tab)
        if not saving.folders:
            return folder
        told = FinishedPicture(0, one.image, one.infotext, call.request.prompt, one.seed, 0, False)
        return folder / sub_folder(call.request, told, saving)


def opened(path: Path) -> Image:
    """A picture that the worker wrote."""
    with PIL.Image.open(path) as image:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def shown(value: object) -> str:
    """A value a client sent, short enough for a sentence."""
    return json.dumps(value, default=str)[:60]
