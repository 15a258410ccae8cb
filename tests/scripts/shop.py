"""A plot runner over a real engine and store, with a worker double that makes plain pictures."""

import queue
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PIL import Image

from interrogate.base import Description
from interrogate.report import PictureReport, Report, to_facts
from jobs.engine import LocalEngine
from jobs.extras import ExtrasWork
from jobs.messages import (
    FromWorker,
    JobDone,
    JobFailed,
    PictureDone,
    RunJob,
    StopJob,
    ToWorker,
    WorkerConfig,
    WorkerReady,
)
from jobs.store import JobStore
from pipelines.extras import Extras
from pipelines.geometry import Extent
from pipelines.request import Img2ImgRequest
from scripts.plot_run import PlotRunner
from scripts.plot_store import PlotStore
from scripts.plot_view import PlotView
from tests.scripts.making import CONTEXT

Fate = Callable[[Img2ImgRequest], str]
"""What becomes of a job: "" done, "die", "hang" until it is stopped, else the failure's words."""


class PaintingWorker:
    """Answers on a thread of its own, as a real worker does: one flat picture per job."""

    def __init__(
        self, shop: "Shop", on_message: Callable[[Any, FromWorker], None], on_death: Any
    ) -> None:
        self.pid, self.exit_code = 1, -9
        self._shop, self._on_message, self._on_death = shop, on_message, on_death
        self._inbox: queue.SimpleQueue[ToWorker | None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._shut = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def send(self, message: ToWorker) -> None:
        if isinstance(message, StopJob):
            self._stopped.set()
        else:
            self._inbox.put(message)

    def stop(self, patience: float = 3.0) -> None:
        self._shut = True
        self._inbox.put(None)
        self._stopped.set()
        self._thread.join(patience)

    def _work(self) -> None:
        self._on_message(self, WorkerReady("cpu", {}))
        while isinstance(message := self._inbox.get(), RunJob):
            if not self._do(message):
                return

    def _do(self, job: RunJob) -> bool:
        request = job.spec.request
        if job.spec.interrogation is not None:
            self._on_message(self, JobDone(job.job_id, False, self._shop.described(job)))
            return True
        if job.spec.extras is not None:
            self._enlarge(job, job.spec.extras)
            return True
        fate = self._shop.fate(request)
        if fate == "die":
            self._on_death(self)
            return False
        if fate == "hang":
            self._shop.hangs.set()
            self._stopped.wait(10)
            if self._shut:
                return False
            self._on_message(self, JobDone(job.job_id, True, {}))
        elif fate:
            self._on_message(self, JobFailed(job.job_id, fate))
        else:
            self._shop.made.append(request)
            self._paint(job)
            self._on_message(self, JobDone(job.job_id, False, {"seconds": 0.5, "model": "m"}))
        return True

    def _enlarge(self, job: RunJob, work: ExtrasWork) -> None:
        """A red picture of the size that was asked for."""
        self._shop.enlarged.append(work.extras)
        if work.extras.upscaler_1 == "stopped":
            self._on_message(self, JobDone(job.job_id, True, {}))
            return
        path = self._shop.folder / f"{job.job_id}.png"
        size = work.extras.upscaled(Extent(64, 64))
        Image.new("RGB", size, (255, 0, 0)).save(path)
        self._on_message(self, PictureDone(job.job_id, 0, path, "", *size, 0, 0, False))
        self._on_message(self, JobDone(job.job_id, False, {}))

    def _paint(self, job: RunJob) -> None:
        request = job.spec.request
        for position in range(request.picture_count):
            path = self._shop.folder / f"{job.job_id}-{position}.png"
            level = request.sampling.steps * 10 % 256
            Image.new("RGB", (request.width, request.height), (level, 0, 0)).save(path)
            seed = request.all_seeds()[position]
            done = PictureDone(
                job.job_id, position, path, "info", request.width, request.height, seed, 0, False
            )
            self._on_message(self, done)


class Shop:
    """Engine, plot store and runner in one folder. `fate` decides what becomes of each job."""

    def __init__(self, folder: Path, compose: Callable[[PlotView], Mapping[str, Any]]) -> None:
        self.folder = folder
        self.fate: Fate = lambda _: ""
        self.hangs = threading.Event()
        self.made: list[Img2ImgRequest] = []
        self.enlarged: list[Extras] = []
        self.asked: list[str] = []
        """What interrogators were asked about; they call every picture "a barn"."""
        self._compose = compose
        self.context = CONTEXT
        self.open()

    def open(self) -> None:
        """Start, as a server does: first the engine, then the plots."""
        self.store = JobStore(self.folder / "jobs.sqlite")
        config = WorkerConfig(self.folder, self.folder, self.folder, self.folder)
        self.engine = LocalEngine(self.store, config, preload=None, launch=self._launch)
        self.engine.start()
        self.plots = PlotRunner(
            self.engine,
            PlotStore(self.folder / "plots.sqlite"),
            lambda: self.context,
            self._compose,
        )
        self.plots.start()

    def described(self, job: RunJob) -> dict[str, Any]:
        """What every interrogator says, as the facts of its job."""
        asked = job.spec.interrogation
        assert asked is not None
        self.asked += asked.pictures
        said = {name: Description("a barn", (), 0.1) for name in asked.interrogators}
        return to_facts(Report((PictureReport(said),)))

    def close(self) -> None:
        """Stop without finishing anything, as a killed server would."""
        self.plots.close()
        self.engine.stop()

    def _launch(self, _config: WorkerConfig, on_message: Any, on_death: Any) -> Any:
        return PaintingWorker(self, on_message, on_death)
