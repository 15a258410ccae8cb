"""A worker process double: it answers when the test says so."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobs.engine import LocalEngine
from jobs.messages import (
    FromWorker,
    JobDone,
    JobFailed,
    PictureDone,
    RunJob,
    StepDone,
    ToWorker,
    WorkerConfig,
    WorkerReady,
)
from jobs.spec import JobSpec
from jobs.store import JobStore
from pipelines.request import Img2ImgRequest, Seeds


class FakeWorker:
    """Records what the engine sends; `say` and `die` play the worker's part."""

    def __init__(
        self,
        config: WorkerConfig,
        on_message: Callable[[Any, FromWorker], None],
        on_death: Callable[[Any], None],
    ) -> None:
        self.config = config
        self.sent: list[ToWorker] = []
        self.pid = 4711
        self.exit_code: int | None = None
        self.stopped = False
        self._on_message = on_message
        self._on_death = on_death

    def send(self, message: ToWorker) -> None:
        self.sent.append(message)

    def stop(self, patience: float = 3.0) -> None:
        self.stopped = True

    def ready(self) -> None:
        self.say(WorkerReady("cpu", {"torch": "test"}))

    def say(self, message: FromWorker) -> None:
        self._on_message(self, message)

    def die(self, code: int = -9) -> None:
        self.exit_code = code
        self._on_death(self)

    @property
    def jobs(self) -> list[RunJob]:
        return [message for message in self.sent if isinstance(message, RunJob)]

    def step(
        self, job_id: str, step: int, steps: int = 4, batch: int = 0, batches: int = 1
    ) -> None:
        self.say(StepDone(job_id, batch, batches, step, steps))

    def picture(self, job_id: str, position: int = 0, incomplete: bool = False) -> None:
        self.say(
            PictureDone(job_id, position, Path(f"{position}.png"), "info", 64, 64, 7, 8, incomplete)
        )

    def done(self, job_id: str, interrupted: bool = False) -> None:
        self.say(JobDone(job_id, interrupted, {"seconds": 1.0}))

    def fail(self, job_id: str, message: str = "no") -> None:
        self.say(JobFailed(job_id, message))


class Workshop:
    """An engine on a store in a folder, with fake workers; `workers[-1]` is the present one."""

    def __init__(self, folder: Path, preload: str | None = None) -> None:
        self.workers: list[FakeWorker] = []
        self.store = JobStore(folder / "jobs.sqlite")
        config = WorkerConfig(folder, folder, folder, folder)
        self.engine = LocalEngine(self.store, config, preload=preload, launch=self._launch)

    def _launch(self, *args: Any) -> Any:
        self.workers.append(FakeWorker(*args))
        return self.workers[-1]

    def start(self) -> FakeWorker:
        self.engine.start()
        self.workers[-1].ready()
        return self.workers[-1]


def spec(seed: int = 1, n_iter: int = 1, batch_size: int = 1) -> JobSpec:
    return JobSpec(
        request=Img2ImgRequest(
            width=64, height=64, n_iter=n_iter, batch_size=batch_size, seeds=Seeds(seed=seed)
        )
    )
