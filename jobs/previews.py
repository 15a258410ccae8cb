"""Live previews of a running job: how they are made, how often, and that they cost little."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image

from pipelines.events import (
    FinishedPicture,
    PreviewContent,
    PreviewKind,
    PreviewWish,
    StepEvent,
)
from pipelines.grid import grid_rows, make_grid

INTERVAL = 0.2
"""Seconds between live previews; more would cost more than anybody can see."""
SHARE = 0.2
"""Previews may take this share of a job's time: those by a large VAE come more seldom."""

AS_OFTEN_AS_IS_CHEAP, AFTER_BATCH = 0, -1
"""Values of `show_progress_every_n_steps` that are no number of steps."""

_ENCODING: Final[Mapping[str, Mapping[str, Any]]] = {
    "png": {"format": "PNG", "compress_level": 1},
    "jpeg": {"format": "JPEG", "quality": 80},
    "webp": {"format": "WEBP", "quality": 80, "method": 0},
}


@dataclass(frozen=True)
class PreviewSettings:
    """What the settings say of previews (behaviour 14.2, ui 8.5).

    `every` is a number of steps, AS_OFTEN_AS_IS_CHEAP or AFTER_BATCH; `encoding` one of png, jpeg
    and webp; `when_interrupted` how pictures are drawn that a stop cut short, None = as others.
    """

    wish: PreviewWish = field(default_factory=PreviewWish)
    every: int = AS_OFTEN_AS_IS_CHEAP
    encoding: str = "jpeg"
    enabled: bool = True
    when_interrupted: PreviewKind | None = None


class Previews:
    """The previews of one job."""

    def __init__(self, settings: PreviewSettings | None = None) -> None:
        self._settings = settings or PreviewSettings()
        self._next = 0.0
        self._shown = (0, 0)
        self._batch: list[Image.Image] = []

    @property
    def when_interrupted(self) -> PreviewKind | None:
        """See PreviewSettings."""
        return self._settings.when_interrupted

    def of(self, event: StepEvent) -> bytes | None:
        """An encoded preview of this step when it is time for one."""
        settings = self._settings
        began = time.monotonic()
        if not settings.enabled or not self._is_time(event, began):
            return None
        encoded = self._encoded(event.preview(settings.wish))
        took = time.monotonic() - began
        self._next = began + max(INTERVAL, took / SHARE)
        return encoded

    def of_finished(self, picture: FinishedPicture, batch_size: int) -> bytes | None:
        """A preview of a batch whose last picture this is, where batches are what is shown."""
        settings = self._settings
        if not settings.enabled or settings.every != AFTER_BATCH:
            return None
        if picture.position % batch_size == 0:
            self._batch.clear()
        self._batch.append(picture.image)
        if (picture.position + 1) % batch_size:
            return None
        images = self._batch if settings.wish.whole_batch else self._batch[:1]
        whole = len(images) > 1
        return self._encoded(make_grid(images, grid_rows(len(images))) if whole else images[0])

    def _is_time(self, event: StepEvent, now: float) -> bool:
        every = self._settings.every
        if every == AS_OFTEN_AS_IS_CHEAP:
            return now >= self._next
        if event.batch != self._shown[0]:
            self._shown = (event.batch, 0)
        # DPM adaptive counts per cent and leaves some out.
        if every < 0 or event.step - self._shown[1] < every:
            return False
        self._shown = (event.batch, event.step)
        return True

    def _encoded(self, image: Image.Image) -> bytes:
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, **_ENCODING[self._settings.encoding])
        return buffer.getvalue()


def previews_of(options: Mapping[str, Any], *, of_plot: bool = False) -> Previews:
    """As the settings of `OptionStore.all()` want them; none for the cells of a plot.

    A plot shows its cells when they are done: previews, up to a fifth of its time, nobody sees.
    """
    kind = PreviewKind(options["show_progress_type"])
    return Previews(
        PreviewSettings(
            PreviewWish(
                kind,
                PreviewContent(options["live_preview_content"]),
                whole_batch=bool(options["show_progress_grid"]),
            ),
            every=int(options["show_progress_every_n_steps"]),
            encoding=str(options["live_previews_image_format"]),
            enabled=bool(options["live_previews_enable"]) and not of_plot,
            when_interrupted=kind if options["live_preview_fast_interrupt"] else None,
        )
    )
