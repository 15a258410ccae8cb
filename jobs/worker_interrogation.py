"""Interrogations in the worker: pictures from the store to the bench, its answers to facts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PIL.Image import Image

from interrogate.base import Description, Workplace
from interrogate.bench import Bench, Count, NoneReadable, Stopped
from interrogate.caption_files import plan_captions, write_caption
from interrogate.options import CaptionFolder, Interrogation
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
        self,
        config: WorkerConfig,
        device: str,
        open_picture: Callable[[str], Image],
        open_file: Callable[[Path], Image],
    ) -> None:
        half = not (config.no_half or config.full_precision)
        place = Workplace(config.models_dir, config.data_dir, fit_square, device, half)
        self._bench = Bench(place)
        self._open = open_picture
        self._open_file = open_file
        self._device = device

    def run(self, job: RunJob, listener: CountListener) -> JobDone:
        """Do the job; raises what went wrong. Any stop ends it and keeps what was found."""
        asked = job.spec.interrogation
        assert asked is not None
        began = time.monotonic()

        def count(done: int, total: int, text: str) -> None:
            if listener.stop_asked() is not None:
                raise Stopped
            listener.on_count(done, total, text)

        if asked.folder is not None:
            facts, interrupted = self._caption_folder(asked, asked.folder, count)
        else:
            report = self._bench.work(asked, self._open, count)
            facts, interrupted = to_facts(report), report.interrupted
        facts |= {"seconds": round(time.monotonic() - began, 3), "device": self._device}
        return JobDone(job.job_id, interrupted, facts)

    def _caption_folder(
        self, asked: Interrogation, folder: CaptionFolder, count: Count
    ) -> tuple[dict[str, Any], bool]:
        """Write a caption for each picture of a folder that has none; what was done, as facts."""
        target = Path(folder.target) if folder.target else None
        plan = plan_captions(Path(folder.source), target, [Path(root) for root in folder.roots])
        written: list[str] = []

        def write(place: int, found: Description) -> None:
            path = plan.caption_of(plan.pictures[place])
            if write_caption(path, found.text):
                written.append(path.name)

        facts: dict[str, Any] = {"written": written, "kept": plan.kept, "problems": {}, "notes": []}
        if not plan.pictures:
            return facts, False
        names = tuple(str(path) for path in plan.pictures)
        work = asked.model_copy(update={"pictures": names, "folder": None})
        try:
            report = self._bench.work(work, lambda name: self._open_file(Path(name)), count, write)
        except NoneReadable as error:  # the others may have their captions already
            facts["problems"] = {plan.pictures[k].name: why for k, why in error.problems.items()}
            return facts, False
        facts["problems"] = {
            path.name: one.problem
            for path, one in zip(plan.pictures, report.pictures, strict=True)
            if one.problem
        }
        facts["notes"] = list(report.notes)
        return facts, report.interrupted

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
