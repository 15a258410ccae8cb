"""Live previews of a running job: how they are made, how often, and that they cost little."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any

from pipelines.events import PreviewKind, StepEvent

INTERVAL = 0.2
"""Seconds between live previews; more would cost more than anybody can see."""
SHARE = 0.2
"""Previews may take this share of a job's time: those by a large VAE come more seldom."""


class Previews:
    """The previews of one job. `kind` is the setting `show_progress_type` (behaviour 14.2)."""

    def __init__(self, kind: PreviewKind = PreviewKind.APPROX_NN, *, enabled: bool = True) -> None:
        self._kind = kind
        self._next = 0.0 if enabled else float("inf")

    def of(self, event: StepEvent) -> bytes | None:
        """A JPEG of this step when it is time for one."""
        began = time.monotonic()
        if began < self._next:
            return None
        buffer = io.BytesIO()
        event.preview(self._kind).save(buffer, "JPEG", quality=80)
        took = time.monotonic() - began
        self._next = began + max(INTERVAL, took / SHARE)
        return buffer.getvalue()


def previews_of(options: Mapping[str, Any], *, of_plot: bool = False) -> Previews:
    """As the settings of `OptionStore.all()` want them; none for the cells of a plot.

    A plot shows its cells when they are done: previews, up to a fifth of its time, nobody sees.
    """
    return Previews(
        PreviewKind(options["show_progress_type"]),
        enabled=bool(options["live_previews_enable"]) and not of_plot,
    )
