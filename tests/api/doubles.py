"""An engine that paints nothing: it records jobs and finishes them as the test says."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import PIL.Image

from jobs.assets import AssetStore
from jobs.messages import RunJob
from jobs.spec import JobSpec, JobState, JobView, Picture, Preview, Progress, StopKind
from jobs.worker_extras import ExtrasDesk
from pipelines.events import FinishedPicture
from pipelines.infotext import ImageFacts, write_infotext
from pipelines.pictures import PictureLimits, encode_picture
from pipelines.upscalers import Filters

FACTS: dict[str, Any] = {
    "model": "overpaint-tiny",
    "model_title": "overpaint-tiny",
    "model_hash": "0123456789",
    "sampler": "Euler a",
    "scheduler": "Automatic",
    "executed_steps": 3,
    "notes": [],
    "seconds": 0.1,
}


class FakeEngine:
    """Keeps jobs in memory. A job ends at once unless `hold` is set; then the test moves it on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.assets = AssetStore(folder.parent / "data" / "assets")
        """Where the API of `tests.api.conftest` keeps its uploads."""
        self.hold = False
        self.fail: str = ""
        self.facts = dict(FACTS)
        self.jobs: dict[str, JobView] = {}
        self.stops: list[tuple[str, StopKind]] = []
        self.stop_kinds: dict[str, StopKind] = {}
        self.on_submit: Callable[[str], None] = lambda job_id: None

    def submit(self, owner: str, spec: JobSpec, job_id: str | None = None) -> str:
        job_id = job_id or uuid.uuid4().hex
        request = spec.request.with_fixed_seeds(random.Random(len(self.jobs)))
        spec = spec.model_copy(update={"request": request})
        self.jobs[job_id] = JobView(
            id=job_id,
            owner=owner,
            spec=spec,
            state=JobState.QUEUED,
            created=time.time(),
            started=None,
            finished=None,
            version=0,
        )
        self.on_submit(job_id)
        if not self.hold:
            self.start(job_id)
            self.finish(job_id)
        return job_id

    def start(self, job_id: str, **changes: Any) -> None:
        self.change(job_id, state=JobState.RUNNING, started=time.time(), **changes)

    def finish(self, job_id: str, count: int | None = None, *, interrupted: bool = False) -> None:
        job = self.jobs[job_id]
        if self.fail:
            self.change(job_id, state=JobState.FAILED, finished=time.time(), error=self.fail)
            return
        if job.spec.extras is not None:
            self._finish_extras(job)
            return
        request = job.spec.request
        wanted = request.picture_count if count is None else count
        made = range(0 if job.spec.kind == "load" else wanted)
        self.change(
            job_id,
            state=JobState.DONE,
            finished=time.time(),
            interrupted=interrupted,
            progress=Progress(),
            pictures=tuple(self._picture(job, k) for k in made),
            facts=self.facts | {"width": request.width, "height": request.height},
        )

    def _finish_extras(self, job: JobView) -> None:
        """As a worker without upscaler files does it."""
        made: list[FinishedPicture] = []
        desk = ExtrasDesk(self.assets, Filters(), PictureLimits())
        listener: Any = SimpleNamespace(
            on_tile=lambda *_: None, on_picture=made.append, stop_asked=lambda: None
        )
        done = desk.run(RunJob(job.id, job.spec), listener)
        pictures = []
        for one in made:
            path = self.folder / f"{job.id}-{one.position}.png"
            path.write_bytes(encode_picture(one.image, "png", infotext=None, texts=one.texts))
            pictures.append(
                Picture(uuid.uuid4().hex, job.id, one.position, path, "", *one.image.size, 0, 0)
            )
        self.change(
            job.id,
            state=JobState.DONE,
            finished=time.time(),
            pictures=tuple(pictures),
            facts=done.facts,
        )

    def change(self, job_id: str, **changes: Any) -> None:
        job = self.jobs[job_id]
        self.jobs[job_id] = replace(job, version=job.version + 1, **changes)

    def only_job(self) -> JobView:
        (job,) = self.jobs.values()
        return job

    def view(self, job_id: str) -> JobView | None:
        placed = {job.id: job for job in self.queued()}
        return placed.get(job_id) or self.jobs.get(job_id)

    def latest(self, owner: str, count: int = 20) -> list[JobView]:
        mine = [job for job in self.jobs.values() if job.owner == owner]
        return mine[::-1][:count]

    def made_with(self, owner: str, infotext: str) -> tuple[JobView, Picture] | None:
        for job in self.latest(owner, 100):
            for picture in job.pictures:
                if picture.infotext == infotext:
                    return job, picture
        return None

    def running(self) -> JobView | None:
        return next((j for j in self.jobs.values() if j.state is JobState.RUNNING), None)

    def queued(self) -> list[JobView]:
        waiting = [job for job in self.jobs.values() if job.state is JobState.QUEUED]
        return [
            replace(job, queue_position=k + 1, queue_length=len(waiting))
            for k, job in enumerate(waiting)
        ]

    def request_stop(self, job_id: str, kind: StopKind = StopKind.NOW) -> bool:
        self.stops.append((job_id, kind))
        if self.jobs[job_id].state is JobState.QUEUED:
            self.change(job_id, state=JobState.CANCELLED, finished=time.time())
        else:
            self.stop_kinds[job_id] = kind
        return True

    def stopping(self, job_id: str) -> StopKind | None:
        return self.stop_kinds.get(job_id)

    async def watch(self, job_id: str, interval: float = 0.05) -> AsyncIterator[JobView]:
        seen = -1
        while True:
            job = self.jobs[job_id]
            if job.version > seen:
                seen = job.version
                yield job
            if job.state.is_final:
                return
            await asyncio.sleep(0.005)

    def _picture(self, job: JobView, position: int) -> Picture:
        request = job.spec.request
        seed, subseed = request.all_seeds()[position], request.all_subseeds()[position]
        facts = ImageFacts(
            index=position,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            seed=seed,
            subseed=subseed,
            model_name=self.facts["model"],
            model_hash=self.facts["model_hash"],
            schedule_label=self.facts["scheduler"],
            sampler_name=request.sampling.sampler,
            executed_steps=self.facts["executed_steps"],
        )
        infotext = write_infotext(request, facts)
        image = PIL.Image.new("RGB", (request.width, request.height), (position * 20, 90, 160))
        path = self.folder / f"{job.id}-{position}.png"
        path.write_bytes(encode_picture(image, "png", infotext=infotext))
        return Picture(
            id=uuid.uuid4().hex,
            job_id=job.id,
            position=position,
            path=path,
            infotext=infotext,
            width=image.width,
            height=image.height,
            seed=seed,
            subseed=subseed,
        )


def preview(number: int = 1) -> Preview:
    return Preview(number, b"\xff\xd8\xff jpeg")
