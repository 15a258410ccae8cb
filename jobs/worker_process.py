"""The engine's handle on one worker process: start, send, listen, notice its death.

It runs in the web process and never imports torch; the other end is jobs/worker.py.
"""

from __future__ import annotations

import logging
import multiprocessing
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from jobs.messages import FromWorker, Shutdown, ToWorker, WorkerConfig

_log = logging.getLogger("overpaint.jobs")


def _worker_main(config: WorkerConfig, connection: Connection) -> None:
    """Entry point of the child process; imports torch only there."""
    from jobs.worker import serve  # noqa: PLC0415

    serve(config, connection)


class WorkerProcess:
    """One running worker. `on_message` and `on_death` are called from its listening thread."""

    def __init__(
        self,
        config: WorkerConfig,
        on_message: Callable[[WorkerProcess, FromWorker], None],
        on_death: Callable[[WorkerProcess], None],
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, child = context.Pipe()
        self._process: BaseProcess = context.Process(
            target=_worker_main, args=(config, child), name="overpaint-worker", daemon=True
        )
        self._process.start()
        child.close()
        self._send_lock = threading.Lock()
        self._on_message = on_message
        self._on_death = on_death
        self._listener = threading.Thread(target=self._listen, name="worker-listener", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int | None:
        """Process id, for tests and for the log."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit code once the process is over; negative = killed by that signal."""
        return self._process.exitcode

    def send(self, message: ToWorker) -> None:
        """Hand a message over; a dead worker is noticed by the listener, not here."""
        try:
            with self._send_lock:
                self._connection.send(message)
        except OSError:
            _log.debug("worker %s is gone; %s was not sent", self.pid, type(message).__name__)

    def stop(self, patience: float = 3.0) -> None:
        """End the process: politely, then by force after `patience` seconds.

        What it said before its end has been handed over when this returns.
        """
        self.send(Shutdown())
        self._process.join(patience)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._listener.join(patience)

    def _listen(self) -> None:
        while True:
            try:
                message: FromWorker = self._connection.recv()
            except (EOFError, OSError):
                break
            self._on_message(self, message)
        self._process.join()
        self._on_death(self)


def exit_text(code: int | None) -> str:
    """An exit code as a person would say it."""
    if code is not None and code < 0:
        return f"killed by signal {-code}; out of memory is the usual cause"
    return f"exit code {code}"
