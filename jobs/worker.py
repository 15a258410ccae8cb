"""The worker process: one device, one job at a time. Only here does the job engine touch torch.

It reads messages on a thread of its own, so that a stop is seen while the device works.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from dataclasses import replace
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
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders
from jobs.previews import Previews, previews_of
from jobs.saving import PictureSaver, picture_done
from jobs.spec import Picture
from pipelines.events import FinishedPicture, PreviewKind, StepEvent, StopKind

_log = logging.getLogger("overpaint.worker")

IDLE_CHECK = 15.0
"""Seconds without work after which the studio is asked whether it can free something."""


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

    def __init__(
        self,
        mailbox: Mailbox,
        job: RunJob,
        saver: PictureSaver,
        previews: Previews | None = None,
    ) -> None:
        self._mailbox = mailbox
        self._job = job
        self._saver = saver
        self._previews = previews or Previews()
        self._last = StepDone(job.job_id, 0, job.spec.request.n_iter, 0, 0)
        self._kept: list[Picture | PictureDone] = list(job.kept)

    def on_note(self, text: str) -> None:
        """See RunListener."""
        last = self._last
        self._send(StepDone(last.job_id, last.batch, last.batches, last.step, last.steps, text))

    def on_count(self, done: int, total: int, text: str) -> None:
        """See jobs.worker_interrogation.CountListener."""
        self._send(StepDone(self._job.job_id, done, total, 0, 0, text))

    def on_tile(self, place: int, places: int, done: int, total: int) -> None:
        """See jobs.worker_extras.TileListener."""
        self._send(StepDone(self._job.job_id, place, places, done, total))

    def on_step(self, event: StepEvent) -> None:
        """See RunListener."""
        self._send(
            StepDone(
                self._job.job_id,
                event.batch,
                event.batches,
                event.step,
                event.steps,
                preview=self._previews.of(event),
            )
        )

    def on_picture(self, picture: FinishedPicture) -> None:
        """See RunListener. Raises OSError when the disk is full.

        A batch that an earlier attempt kept in part is made again; what was kept stays as it is.
        """
        if picture.position < self._job.done:
            return
        picture = self._saver.told(self._job, picture)
        path = self._saver.save(self._job, picture)
        made = picture_done(self._job, picture, path)
        masks = self._saver.masks(self._job, picture, path)
        self._kept.append(made)
        for done in (made, *(replace(made, **mask._asdict()) for mask in masks)):
            self._mailbox.send(done)
        preview = self._previews.of_finished(picture, self._job.spec.request.batch_size)
        if preview is not None:
            self._send(replace(self._last, preview=preview))

    def interrupted_as(self) -> PreviewKind | None:
        """See RunListener."""
        return self._previews.when_interrupted

    def finished(self, done: JobDone) -> JobDone:
        """Save the grid of a job that is over. Where that fails its pictures are kept, and a note.

        A kill between the grid and the job's end leaves a second grid behind, and loses nothing.
        """
        try:
            self._saver.grid(self._job, self._kept)
        except (OSError, ValueError) as error:
            notes = [*done.facts.get("notes", ()), f"the grid was not saved: {error}"]
            return replace(done, facts={**done.facts, "notes": notes})
        return done

    def stop_asked(self) -> StopKind | None:
        """See RunListener."""
        return self._mailbox.stops.take(self._job.job_id)

    def _send(self, message: StepDone) -> None:
        self._last = replace(message, preview=None)
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
    folders = OutputFolders.of_server(config.output_dir, config.data_dir, config.save_roots)
    place = (config.output_dir, config.data_dir)
    saver = PictureSaver(*place, studio.versions, studio.device, folders)
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
            settings, is_cell = OptionStore(config.data_dir).all(), message.spec.shares_calls
            previews = previews_of(settings, of_plot=is_cell)
            listener = JobListener(mailbox, message, saver, previews)
            mailbox.send(_run(studio, listener, message))


def _preload(studio: object, message: Preload) -> None:
    """Load ahead of the first job. What goes wrong here, that job will tell its user."""
    from jobs.worker_studio import Studio  # noqa: PLC0415

    assert isinstance(studio, Studio)
    try:
        studio.preload(message.checkpoint)
    except Exception as error:  # the boundary: a bad file must not end the worker again and again
        _log.warning("%s was not loaded ahead: %s", message.checkpoint or "the checkpoint", error)


def _run(studio: object, listener: JobListener, job: RunJob) -> JobDone | JobFailed:
    """Do one job. Whatever goes wrong becomes a sentence; the worker lives on."""
    from jobs.worker_errors import explain  # noqa: PLC0415
    from jobs.worker_studio import Studio  # noqa: PLC0415

    assert isinstance(studio, Studio)
    try:
        if job.spec.interrogation is not None:
            return studio.interrogate(job, listener)
        if job.spec.extras is not None:
            return studio.enlarge(job, listener)
        return listener.finished(studio.run(job, listener))
    except Exception as error:  # the boundary: one job's failure must not end the worker
        return JobFailed(job.job_id, explain(error, job.spec.request))
