"""Interrogations in the worker: pictures from the store to the bench, its answers to facts."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from PIL.Image import Image

from interrogate.base import Workplace
from interrogate.bench import Bench, Stopped
from interrogate.report import to_facts
from jobs.messages import JobDone, RunJob, WorkerConfig
from pipelines.events import StopKind
from pipelines.geometry import Extent
from pipelines.request import ResizeMode
from pipelines.resize import resize_image


class CountListener(Protocol):
    """Who hears of a job that counts pieces instead of steps."""

    def on_count(self, done: int, total: int, text: str) -> None:
        """`done` of `total` pieces are finished, and `text` is being done."""

    def stop_asked(self) -> StopKind | None:
        """The stop that was asked for since the last call, or None."""


class InterrogationDesk:
    """The bench of one device, fed with jobs. Not thread-safe."""

    def __init__(
        self, config: WorkerConfig, device: str, open_picture: Callable[[str], Image]
    ) -> None:
        half = not (config.no_half or config.full_precision)
        place = Workplace(config.models_dir, config.data_dir, fit_square, device, half)
        self._bench = Bench(place)
        self._open = open_picture
        self._device = device

    def run(self, job: RunJob, listener: CountListener) -> JobDone:
        """Do the job; raises what went wrong. Any stop ends it and keeps what was found."""
        assert job.spec.interrogation is not None
        began = time.monotonic()

        def count(done: int, total: int, text: str) -> None:
            if listener.stop_asked() is not None:
                raise Stopped
            listener.on_count(done, total, text)

        report = self._bench.work(job.spec.interrogation, self._open, count)
        seconds = round(time.monotonic() - began, 3)
        facts = {**to_facts(report), "seconds": seconds, "device": self._device}
        return JobDone(job.job_id, report.interrupted, facts)

    def relieve(self) -> None:
        """Painting comes: make room if memory is short."""
        self._bench.relieve()

    def retire_idle(self) -> None:
        """Unload what has not been used for a while."""
        self._bench.retire_idle()


def fit_square(image: Image, side: int) -> Image:
    """Resize and fill, edge-extended, LANCZOS, RGB (behaviour 13.2)."""
    rgb = image.convert("RGB")
    return resize_image(rgb, ResizeMode.RESIZE_AND_FILL, Extent(side, side))
