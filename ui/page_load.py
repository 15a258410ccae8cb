"""What every load of the page reads anew, in as few events as there can be.

Each event costs the browser a request and three messages while it still builds the page. What
follows a job keeps an event of its own, since that may last as long as the job.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from ui.events import QUIET, WATCH

Read = Callable[[gr.Request], Any]
"""Gives an output's value, or a list of them for several outputs."""


class PageLoad:
    """Collects what is read; `connect` makes one event of it when the page is wired."""

    def __init__(self, page: gr.Blocks) -> None:
        self._page = page
        self._reads: list[tuple[Read, tuple[Any, ...]]] = []

    def read(self, handler: Read, *outputs: Any) -> None:
        """Let `handler` fill `outputs` whenever the page is opened; it answers at once."""
        self._reads.append((handler, outputs))

    def follow(self, handler: Callable[..., Any], outputs: list[Any]) -> None:
        """Let `handler`, a generator, attach an opened page to what may be running."""
        self._page.load(handler, None, outputs, **WATCH)

    def connect(self) -> None:
        """Make the event of everything that is to be read."""
        outputs = {output for _, filled in self._reads for output in filled}
        self._page.load(self._now, None, list(outputs), **QUIET)

    def _now(self, request: gr.Request) -> dict[Any, Any]:
        updates: dict[Any, Any] = {}
        for handler, outputs in self._reads:
            found = handler(request)
            values = found if len(outputs) > 1 else [found]
            updates |= dict(zip(outputs, values, strict=True))
        return updates
