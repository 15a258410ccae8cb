"""The job engine of one machine: takes jobs, hands them to worker processes, tells who watches.

Turn order and durability are the store's, pictures are made in the worker. A worker that dies is
replaced and its job tried again, at most MAX_ATTEMPTS times in all, so that a job that kills its
worker cannot loop for ever.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from jobs.claims import ClaimLedger
from jobs.live import Live
from jobs.messages import (
    FromWorker,
    JobDone,
    JobFailed,
    PictureDone,
    Preload,
    RunJob,
    StepDone,
    StopJob,
    WorkerConfig,
    WorkerReady,
)
from jobs.spec import JobSpec, JobState, JobView, Picture, StopKind
from jobs.store import JobRow, JobStore, StoreError, named
from jobs.worker_process import WorkerProcess, exit_text

_log = logging.getLogger("overpaint.jobs")

MAX_ATTEMPTS = 3
"""One try and at most two retries after the worker died."""

DEATHS_BEFORE_PAUSE = 3
"""Workers that die before they are ready, in a row, until the engine stops starting new ones."""

RETRY_AFTER = 5.0
"""Seconds until the store is tried again after it could not be written."""


class LocalEngine:
    """Jobs on this machine. All methods may be called from any thread."""

    def __init__(
        self,
        store: JobStore,
        config: WorkerConfig,
        *,
        preload: str | None = "",
        launch: Callable[..., WorkerProcess] = WorkerProcess,
    ) -> None:
        self._store = store
        self._config = config
        self._claims = ClaimLedger(config.data_dir)
        self._preload = preload
        self._launch = launch
        self._lock = threading.RLock()
        self._worker: WorkerProcess | None = None
        self._ready: WorkerReady | None = None
        self._live: Live | None = None
        self._unwritten: dict[str, str] = {}  # failed jobs that a full disk kept out of the store
        self._retry: threading.Timer | None = None
        self._deaths = 0
        self._stopped = True
        self._versions: dict[str, int] = {}
        self._watchers: dict[str, set[Callable[[], None]]] = {}
        self._random = random.SystemRandom()

    def start(self) -> None:
        """Start the worker; jobs that a killed server left running go back into the line."""
        for row in self._store.running():
            self._give_back(row, "the server stopped while this job ran")
        with self._lock:
            self._stopped = False
            self._start_worker()

    def stop(self) -> None:
        """End the worker. A job in progress stays queued and is done after the next start.

        Pictures that the worker finishes in its last seconds are still kept.
        """
        with self._lock:
            self._stopped = True
            self._cancel_retry()
            worker = self._worker
        if worker is not None:
            worker.stop()
        with self._lock:
            self._worker = None
            live, self._live = self._live, None
        if live is not None:
            self._claims.settle(live.job_id, self._store)
            self._store.requeue(live.job_id, counts=False)

    @property
    def worker_pid(self) -> int | None:
        """Process id of the worker, or None."""
        worker = self._worker
        return worker.pid if worker is not None else None

    @property
    def ready(self) -> WorkerReady | None:
        """What the worker said when it was ready (device, versions), or None before."""
        return self._ready

    def submit(self, owner: str, spec: JobSpec, job_id: str | None = None) -> str:
        """Queue a job, with its random seeds fixed now, and return its id."""
        fixed = spec.model_copy(update={"request": spec.request.with_fixed_seeds(self._random)})
        with self._lock:
            job_id = self._store.add(owner, fixed, job_id)
            if self._worker is None and not self._stopped:
                self._start_worker()
            self._dispatch()
            self._touch_queue()
        return job_id

    def record(
        self, owner: str, spec: JobSpec, made: Iterable[PictureDone], facts: Mapping[str, Any]
    ) -> str:
        """Keep pictures that were composed here (a grid, merged tiles) as a job that is done."""
        return self._store.record(owner, spec, made, facts)

    def view(self, job_id: str) -> JobView | None:
        """The job as it is now, or None if there is no such job."""
        with self._lock:
            row = self._store.get(job_id)
            return None if row is None else self._view(row)

    def latest(self, owner: str, count: int = 20) -> list[JobView]:
        """The owner's newest jobs, newest first."""
        with self._lock:
            return [self._view(row) for row in self._store.latest(owner, count)]

    def picture(self, owner: str, picture_id: str) -> Picture | None:
        """A finished picture, if it exists and belongs to `owner`."""
        return self._store.picture(owner, picture_id)

    def made_with(self, owner: str, infotext: str) -> tuple[JobView, Picture] | None:
        """The owner's newest picture with this infotext that a worker made, and its job."""
        picture = self._store.made_with(owner, infotext)
        view = None if picture is None else self.view(picture.job_id)
        return None if picture is None or view is None else (view, picture)

    def running(self) -> JobView | None:
        """The job that runs at this moment, whoever owns it."""
        with self._lock:
            live = self._live
            return None if live is None else self.view(live.job_id)

    def queued(self) -> list[JobView]:
        """Waiting jobs of everybody, in turn order."""
        with self._lock:
            rows = [self._store.get(job_id) for job_id in self._store.line()]
            return [self._view(row) for row in rows if row is not None]

    def request_stop(self, job_id: str, kind: StopKind = StopKind.NOW) -> bool:
        """Stop or skip a running job, or take a waiting one out of the line.

        Returns False when the job is over or unknown. A waiting job cannot be skipped.
        """
        with self._lock:
            if self._live is not None and self._live.job_id == job_id:
                if kind is not StopKind.SKIP:
                    self._live.stopping = kind
                self._live.worker.send(StopJob(job_id, kind))
                self._touch(job_id)
                return True
            row = self._store.get(job_id)
            if row is None or row.state is not JobState.QUEUED or kind is StopKind.SKIP:
                return False
            self._store.finish(job_id, JobState.CANCELLED)
            self._touch(job_id)
            self._touch_queue()
            return True

    def stopping(self, job_id: str) -> StopKind | None:
        """How the running job was asked to stop, or None."""
        live = self._live
        return live.stopping if live is not None and live.job_id == job_id else None

    async def watch(self, job_id: str, interval: float = 0.05) -> AsyncIterator[JobView]:
        """The job now and after every change until it is over; changes within `interval` s merge.

        Leaving the loop early does not touch the job.
        """
        loop = asyncio.get_running_loop()
        changed = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(changed.set)

        with self._lock:
            self._watchers.setdefault(job_id, set()).add(wake)
        try:
            while True:
                changed.clear()
                view = await asyncio.to_thread(self.view, job_id)
                if view is None:
                    return
                yield view
                if view.state.is_final:
                    return
                await changed.wait()
                await asyncio.sleep(interval)
        finally:
            with self._lock:
                watchers = self._watchers.get(job_id, set())
                watchers.discard(wake)
                if not watchers:
                    self._watchers.pop(job_id, None)

    def _start_worker(self) -> None:
        self._ready = None
        self._worker = self._launch(self._config, self._on_message, self._on_death)
        _log.info("worker %s starts", self._worker.pid)

    def _dispatch(self) -> None:
        if self._stopped or self._live is not None or self._ready is None or self._worker is None:
            return
        line = self._store.line()
        row = self._store.get(line[0]) if line else None
        if row is None:
            return
        self._store.mark_running(row.id)
        self._live = Live(row.id, self._worker)
        made, kept = self._store.made(row), self._store.pictures(row.id)
        self._worker.send(RunJob(row.id, row.spec, made, kept, named(row.owner)))
        self._touch(row.id)
        self._touch_queue()

    def _on_message(self, worker: WorkerProcess, message: FromWorker) -> None:
        with self._lock:
            if worker is not self._worker:
                return
            try:
                self._hear(worker, message)
            except StoreError as error:
                live, self._live = self._live, None
                self._let_go(
                    live, message.message if isinstance(message, JobFailed) else str(error)
                )

    def _hear(self, worker: WorkerProcess, message: FromWorker) -> None:
        if isinstance(message, WorkerReady):
            self._on_ready(worker, message)
            return
        live = self._live
        if live is None or live.job_id != message.job_id:
            return
        if isinstance(message, StepDone):
            live.hear(message)
        elif isinstance(message, PictureDone):
            self._store.add_picture(message)
        elif isinstance(message, JobDone):
            self._end(live, JobState.DONE, message)
        elif isinstance(message, JobFailed):
            self._end(live, JobState.FAILED, message)
        self._touch(message.job_id)

    def _on_ready(self, worker: WorkerProcess, message: WorkerReady) -> None:
        self._ready = message
        self._deaths = 0
        _log.info("worker %s is ready on %s", worker.pid, message.device)
        self._dispatch()
        if self._live is None and self._preload is not None:
            worker.send(Preload(self._preload))

    def _end(self, live: Live, state: JobState, message: JobDone | JobFailed) -> None:
        if isinstance(message, JobDone):
            self._store.finish(
                live.job_id, state, interrupted=message.interrupted, facts=message.facts
            )
        else:
            self._store.finish(live.job_id, state, error=message.message)
        self._claims.clear(live.job_id)
        self._live = None
        self._dispatch()
        self._touch_queue()

    def _on_death(self, worker: WorkerProcess) -> None:
        with self._lock:
            if worker is not self._worker or self._stopped:
                return
            _log.warning("worker %s died (exit code %s)", worker.pid, worker.exit_code)
            was_ready = self._ready is not None
            self._worker, self._ready = None, None
            live, self._live = self._live, None
            try:
                self._after_death(live, f"the worker process died ({exit_text(worker.exit_code)})")
            except StoreError as error:
                self._let_go(live, str(error))
            self._deaths = 0 if was_ready else self._deaths + 1
            if self._deaths >= DEATHS_BEFORE_PAUSE:
                self._fail_all("the worker process does not start; see the server's log")
                return
            self._start_worker()

    def _after_death(self, live: Live | None, why: str) -> None:
        """What becomes of the job of a dead worker. One that was to stop has stopped."""
        row = self._store.get(live.job_id) if live is not None else None
        if row is None or live is None:
            return
        if live.stopping is None:
            self._give_back(row, why)
        else:
            self._claims.settle(row.id, self._store)
            self._store.finish(row.id, JobState.DONE, interrupted=True)
            self._touch(row.id)

    def _let_go(self, live: Live | None, why: str) -> None:
        """The store cannot be written: the job has failed, and the rest waits until it can be."""
        _log.error("%s", why)
        if live is not None:
            live.worker.send(StopJob(live.job_id, StopKind.NOW))
            self._unwritten[live.job_id] = why
            self._touch(live.job_id)
        if self._retry is None and not self._stopped:
            self._retry = threading.Timer(RETRY_AFTER, self.resume)
            self._retry.daemon = True
            self._retry.start()

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None

    def resume(self) -> None:
        """Write down what could not be written, and go on with the queue."""
        with self._lock:
            self._cancel_retry()
            try:
                for job_id, why in tuple(self._unwritten.items()):
                    self._store.finish(job_id, JobState.FAILED, error=why)
                    self._claims.clear(job_id)
                    del self._unwritten[job_id]
                self._dispatch()
            except StoreError as error:
                self._let_go(None, str(error))

    def _give_back(self, row: JobRow, why: str) -> None:
        """Queue a job again after its worker was lost, or give it up after too many attempts."""
        self._claims.settle(row.id, self._store)
        if row.attempts < MAX_ATTEMPTS:
            self._store.requeue(row.id)
        else:
            self._store.finish(
                row.id,
                JobState.FAILED,
                error=f"{why}, {row.attempts} times in a row; the job is not tried again",
            )
        self._touch(row.id)

    def _fail_all(self, why: str) -> None:
        for job_id in self._store.line():
            self._store.finish(job_id, JobState.FAILED, error=why)
            self._touch(job_id)

    def _view(self, row: JobRow) -> JobView:
        live = self._live if self._live is not None and self._live.job_id == row.id else None
        line = [] if row.state.is_final else self._store.line()
        view = JobView(
            id=row.id,
            owner=row.owner,
            spec=row.spec,
            state=row.state,
            created=row.created,
            started=row.started,
            finished=row.finished,
            version=self._versions.get(row.id, 0),
            queue_position=line.index(row.id) + 1 if row.id in line else 0,
            queue_length=len(line),
            pictures=self._store.pictures(row.id),
            error=row.error,
            interrupted=row.interrupted,
            attempts=row.attempts,
            facts=row.facts,
        )
        if row.id in self._unwritten:
            return replace(view, state=JobState.FAILED, error=self._unwritten[row.id])
        if live is None:
            return view
        return replace(view, progress=live.progress, preview=live.preview, eta=live.eta)

    def _touch(self, job_id: str) -> None:
        self._versions[job_id] = self._versions.get(job_id, 0) + 1
        for wake in tuple(self._watchers.get(job_id, ())):
            wake()

    def _touch_queue(self) -> None:
        """Places in the line have changed: wake whoever watches a job."""
        for job_id in tuple(self._watchers):
            self._touch(job_id)
