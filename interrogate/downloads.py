"""Downloads that users have asked for: one at a time, in a thread, with progress and cancel."""

from __future__ import annotations

import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from interrogate.fetch_file import DownloadError, RemoteFile, Told, fetch
from interrogate.hub import Offer, offer_of, refuse_offline, remote_files

_log = logging.getLogger("overpaint.interrogate")

SPARE = 1 << 30
"""Bytes that stay free on the disk."""

List = Callable[[Offer, Path], Sequence[RemoteFile]]
Fetch = Callable[[RemoteFile, Path, Told], None]


class DownloadState(StrEnum):
    """Life of a download."""

    IDLE = "idle"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class DownloadView:
    """The newest download: of `total` bytes (0 = not known yet) `done` are here."""

    state: DownloadState = DownloadState.IDLE
    label: str = ""
    done: int = 0
    total: int = 0
    file: str = ""
    problem: str = ""


class _Cancelled(Exception):
    """The user wants no more."""


class Downloads:
    """The downloads of one server. Any thread may call."""

    def __init__(
        self, models_dir: Path, *, listed: List = remote_files, fetched: Fetch = fetch
    ) -> None:
        self._models_dir = models_dir
        self._listed, self._fetched = listed, fetched
        self._lock = threading.Lock()
        self._view = DownloadView()
        self._cancel = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def view(self) -> DownloadView:
        """How the newest download is getting on."""
        with self._lock:
            return self._view

    def start(self, name: str) -> None:
        """Begin to fetch an offer, or go on with it. Raises DownloadError if it may not be."""
        offer = offer_of(name)
        refuse_offline(offer, self._models_dir)
        with self._lock:
            if self._view.state is DownloadState.RUNNING:
                if self._view.label == offer.label:
                    return
                raise DownloadError(f"{self._view.label} is being downloaded; wait or cancel it.")
            self._cancel.clear()
            self._view = DownloadView(DownloadState.RUNNING, offer.label)
            self._thread = threading.Thread(
                target=self._run, args=(offer,), name=f"download {offer.name}", daemon=True
            )
            self._thread.start()

    def cancel(self) -> None:
        """End the running download; what has arrived is kept for the next time."""
        self._cancel.set()

    def join(self, seconds: float | None = None) -> None:
        """Wait until the newest download is over."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def _run(self, offer: Offer) -> None:
        try:
            self._work(offer)
        except _Cancelled:
            self._now(state=DownloadState.CANCELLED)
        except DownloadError as error:
            self._now(state=DownloadState.FAILED, problem=str(error))
        except Exception as error:  # the thread's boundary: its failure must reach the page
            _log.exception("the download of %s failed", offer.repo)
            self._now(state=DownloadState.FAILED, problem=f"{type(error).__name__}: {error}")
        else:
            self._now(state=DownloadState.DONE)

    def _work(self, offer: Offer) -> None:
        files = self._listed(offer, self._models_dir)
        folder = offer.place(self._models_dir)
        folder.mkdir(parents=True, exist_ok=True)
        total = sum(file.size for file in files)
        free = shutil.disk_usage(folder).free
        here = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
        if free < total - here + SPARE:
            raise DownloadError(
                f"{folder} has {free >> 20} MiB free, and {total >> 20} MiB are to be downloaded. "
                "Make room, or start with another --models-dir."
            )
        before = 0
        for file in files:
            self._now(total=total, file=file.name)

            def told(count: int, before: int = before) -> None:
                if self._cancel.is_set():
                    raise _Cancelled
                self._now(done=before + count)

            self._fetched(file, folder, told)
            before += file.size

    def _now(self, **changes: object) -> None:
        with self._lock:
            self._view = replace(self._view, **changes)  # type: ignore[arg-type]
