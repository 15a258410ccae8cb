"""Extras jobs in the worker: pictures from store or folder, enlarged one after the other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Protocol

from PIL.Image import Image

from jobs.assets import AssetStore
from jobs.extras import ExtrasWork
from jobs.messages import JobDone, RunJob
from pipelines.events import FinishedPicture, StopKind
from pipelines.extras import Extras, ExtrasError, check_extras, describe, enlarge
from pipelines.geometry import Extent
from pipelines.infotext import with_keys
from pipelines.picture_text import PARAMETERS
from pipelines.pictures import PictureError, PictureLimits, open_picture, read_metadata
from pipelines.upscalers import PixelUpscalers, UpscaleStopped

SECTION = "extras"
"""The PNG text chunk in which A1111 tells what was done to a finished picture."""


class TileListener(Protocol):
    """Who hears of a job that works in tiles."""

    def on_tile(self, place: int, places: int, done: int, total: int) -> None:
        """`done` of `total` tiles of picture `place` (from 0) of `places` are finished."""

    def on_picture(self, picture: FinishedPicture) -> None:
        """A picture is done."""

    def stop_asked(self) -> StopKind | None:
        """The stop that was asked for since the last call, or None."""


@dataclass(frozen=True)
class _Source:
    place: int
    path: Path
    name: str


class ExtrasDesk:
    """Enlarges the pictures of jobs. Not thread-safe."""

    def __init__(
        self, assets: AssetStore, upscalers: PixelUpscalers, limits: PictureLimits
    ) -> None:
        self._assets = assets
        self._upscalers = upscalers
        self._limits = limits

    def run(self, job: RunJob, listener: TileListener) -> JobDone:
        """Do the job; what an earlier attempt made is not made again.

        A picture that cannot be used is told of in the facts and does not end a job of several.
        Raises what went wrong with the only picture, or with an upscaler.
        """
        work = job.spec.extras
        assert work is not None
        began, position, problems = time.monotonic(), 0, dict[str, str]()
        stopped: StopKind | None = None
        for source in self._sources(work):
            stopped = listener.stop_asked()
            if stopped in (StopKind.NOW, StopKind.AFTER_CURRENT):
                break
            try:
                image = self._opened(source, work.extras)
                if position >= job.done:
                    listener.on_picture(self._made(image, source, work, position, listener))
                position += 1
            except UpscaleStopped as error:
                stopped = error.kind
                if stopped is StopKind.NOW:
                    break
            except (ExtrasError, PictureError) as error:
                if work.count == 1:
                    raise
                problems[source.name or str(source.place + 1)] = str(error)
        facts: dict[str, Any] = {
            "notes": [f"{name}: {problem}" for name, problem in problems.items()],
            "seconds": round(time.monotonic() - began, 3),
        }
        return JobDone(job.job_id, stopped in (StopKind.NOW, StopKind.AFTER_CURRENT), facts)

    def _sources(self, work: ExtrasWork) -> Iterator[_Source]:
        for place, ref in enumerate(work.pictures):
            name = work.names[place] if work.names else ""
            yield _Source(place, self._assets.path(ref), name)
        for place, file in enumerate(work.files):
            yield _Source(place, Path(file), PurePath(file).name)

    def _opened(self, source: _Source, extras: Extras) -> Image:
        """The picture, if it may become as large as is wished. Raises PictureError, ExtrasError."""
        image = open_picture(source.path, self._limits)
        check_extras(extras, Extent.of(image), self._limits.max_pixels)
        return image

    def _made(
        self,
        image: Image,
        source: _Source,
        work: ExtrasWork,
        position: int,
        listener: TileListener,
    ) -> FinishedPicture:
        def on_tile(done: int, total: int) -> None:
            asked = listener.stop_asked()
            if asked in (StopKind.NOW, StopKind.SKIP):
                raise UpscaleStopped(asked)
            listener.on_tile(source.place, work.count, done, total)

        large = enlarge(image, work.extras, self._upscalers, self._limits.max_pixels, on_tile)
        listener.on_tile(source.place, work.count, 1, 1)
        texts = read_metadata(source.path, self._limits)
        told = describe(work.extras)
        done = ", ".join(f"{key}: {value}" for key, value in told.items())
        return FinishedPicture(
            position,
            large,
            with_keys(texts.get(PARAMETERS, ""), told),
            prompt="",
            seed=0,
            subseed=0,
            incomplete=False,
            texts={PARAMETERS: "", **texts, **({SECTION: done} if done else {})},
            name=PurePath(source.name).stem if work.keep_names else "",
        )
