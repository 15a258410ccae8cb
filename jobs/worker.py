"""The worker process: one device, one job at a time. Only here does the job engine touch torch.

It reads messages on a thread of its own, so that a stop is seen while the device works.
"""

from __future__ import annotations

import io
import logging
import os
import queue
import signal
import threading
import time
from multiprocessing.connection import Connection

from jobs.messages import (
    FromWorker,
    JobDone,
    JobFailed,
    PictureDone,
    Preload,
    RunJob,
    Shutdown,
    StepDone,
    StopJob,
    ToWorker,
    WorkerConfig,
    WorkerReady,
)
from jobs.saving import PictureSaver
from pipelines.events import FinishedPicture, StepEvent, StopKind

_log = logging.getLogger("overpaint.worker")

IDLE_CHECK = 15.0
"""Seconds without work after which the studio is asked whether it can free something."""

PREVIEW_INTERVAL = 0.2
"""Seconds between live previews; more would cost more than anybody can see."""


class Stops:
    """How jobs were asked to stop. What was asked once is not undone by a later, milder wish."""

    def __init__(self) -> None:
        self._asked: dict[str, set[StopKind]] = {}
        self._lock = threading.Lock()

    def ask(self, job_id: str, kind: StopKind) -> None:
        """Note a wish, from any thread."""
        with self._lock:
            self._asked.setdefault(job_id, set()).add(kind)

    def take(self, job_id: str) -> StopKind | None:
        """The most urgent wish; a skip is forgotten once it was taken."""
        with self._lock:
            kinds = self._asked.get(job_id, set())
            if StopKind.NOW in kinds:
                return StopKind.NOW
            if StopKind.SKIP in kinds:
                kinds.discard(StopKind.SKIP)
                return StopKind.SKIP
            return StopKind.AFTER_CURRENT if kinds else None


class Mailbox:
    """Messages from the engine: stops take effect at once, everything else waits its turn."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: queue.SimpleQueue[ToWorker] = queue.SimpleQueue()
        self.stops = Stops()
        self._lock = threading.Lock()
        threading.Thread(target=self._read, name="mailbox", daemon=True).start()

    def next(self, patience: float | None = None) -> ToWorker | None:
        """Wait for the next piece of work, or for `patience` seconds: then it is None."""
        try:
            return self._waiting.get(timeout=patience)
        except queue.Empty:
            return None

    def send(self, message: FromWorker) -> None:
        """Tell the engine."""
        with self._lock:
            self._connection.send(message)

    def _read(self) -> None:
        while True:
            try:
                message: ToWorker = self._connection.recv()
            except (EOFError, OSError):
                # The server is gone; what it had stored, its successor goes on with.
                os._exit(0)
            if isinstance(message, StopJob):
                self.stops.ask(message.job_id, message.kind)
            else:
                self._waiting.put(message)


class JobListener:
    """Turns the events of one run into messages to the engine and files on disk."""

    def __init__(self, mailbox: Mailbox, job: RunJob, saver: PictureSaver) -> None:
        self._mailbox = mailbox
        self._job = job
        self._saver = saver
        self._last_preview = 0.0
        self._last = StepDone(job.job_id, 0, job.spec.request.n_iter, 0, 0)

    def on_note(self, text: str) -> None:
        """See RunListener."""
        last = self._last
        self._send(StepDone(last.job_id, last.batch, last.batches, last.step, last.steps, text))

    def on_count(self, done: int, total: int, text: str) -> None:
        """See jobs.worker_interrogation.CountListener."""
        self._send(StepDone(self._job.job_id, done, total, 0, 0, text))

    def on_step(self, event: StepEvent) -> None:
        """See RunListener."""
        preview = None
        now = time.monotonic()
        if now - self._last_preview >= PREVIEW_INTERVAL:
            self._last_preview = now
            buffer = io.BytesIO()
            event.preview().save(buffer, "JPEG", quality=80)
            preview = buffer.getvalue()
        self._send(
            StepDone(
                self._job.job_id,
                event.batch,
                event.batches,
                event.step,
                event.steps,
                preview=preview,
            )
        )

    def on_picture(self, picture: FinishedPicture) -> None:
        """See RunListener. Raises OSError when the disk is full.

        A batch that an earlier attempt kept in part is made again; what was kept stays as it is.
        """
        if picture.position < self._job.done:
            return
        path = self._saver.save(self._job, picture)
        self._mailbox.send(
            PictureDone(
                self._job.job_id,
                picture.position,
                path,
                picture.infotext,
                picture.image.width,
                picture.image.height,
                picture.seed,
                picture.subseed,
                picture.incomplete,
            )
        )

    def stop_asked(self) -> StopKind | None:
        """See RunListener."""
        return self._mailbox.stops.take(self._job.job_id)

    def _send(self, message: StepDone) -> None:
        self._last = message
        self._mailbox.send(message)


def serve(config: WorkerConfig, connection: Connection) -> None:
    """Run until the engine says Shutdown or goes away."""
    # Ctrl+C reaches the whole process group; the server decides when the worker ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s")
    mailbox = Mailbox(connection)
    from jobs.worker_studio import Studio  # noqa: PLC0415  torch comes in here, after the mailbox

    studio = Studio(config)
    saver = PictureSaver(config.output_dir, config.data_dir)
    mailbox.send(WorkerReady(studio.device, studio.versions))
    while True:
        message = mailbox.next(IDLE_CHECK)
        if message is None:
            studio.idle()
        if isinstance(message, Shutdown):
            return
        if isinstance(message, Preload):
            _preload(studio, message)
        if isinstance(message, RunJob):
            mailbox.send(_run(studio, saver, mailbox, message))


def _preload(studio: object, message: Preload) -> None:
    """Load ahead of the first job. What goes wrong here, that job will tell its user."""
    from jobs.worker_studio import Studio  # noqa: PLC0415

    assert isinstance(studio, Studio)
    try:
        studio.preload(message.checkpoint)
    except Exception as error:  # the boundary: a bad file must not end the worker again and again
        _log.warning("%s was not loaded ahead: %s", message.checkpoint or "the checkpoint", error)


def _run(studio: object, saver: PictureSaver, mailbox: Mailbox, job: RunJob) -> JobDone | JobFailed:
    """Do one job. Whatever goes wrong becomes a sentence; the worker lives on."""
    from jobs.worker_errors import explain  # noqa: PLC0415
    from jobs.worker_studio import Studio  # noqa: PLC0415

    assert isinstance(studio, Studio)
    listener = JobListener(mailbox, job, saver)
    try:
        if job.spec.interrogation is not None:
            return studio.interrogate(job, listener)
        return studio.run(job, listener)
    except Exception as error:  # the boundary: one job's failure must not end the worker
        return JobFailed(job.job_id, explain(error, job.spec.request))
