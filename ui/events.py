"""Settings of events that several wiring modules share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import gradio as gr

_NO_PROGRESS: Final[Mapping[str, Any]] = {"show_progress": "hidden", "show_progress_on": ()}
"""Nothing of Gradio's own progress. Its page would otherwise send each state of every event to all
outputs of all events so far, even hidden: most of the time that a load of the page took."""

QUIET: Final[Mapping[str, Any]] = {
    **_NO_PROGRESS,
    "concurrency_limit": None,
    "api_visibility": "private",
}
"""For handlers that answer at once. They go through Gradio's queue all the same: outside of it
gr.Info and gr.Warning reach nobody."""

WATCH: Final[Mapping[str, Any]] = {
    **_NO_PROGRESS,
    "concurrency_limit": None,
    "api_visibility": "private",
}
"""For handlers that follow a job: they cost nothing while they wait."""


def flushing(static_url: str) -> str:
    """Script that uploads changed drawings before an event with canvases is sent."""
    return f"async (...inputs) => (await import('{static_url}/canvas/registry.js')).flush(inputs)"


def unchanged() -> dict[Any, Any]:
    """An answer that changes none of an event's outputs; an empty dict would be an error."""
    skipped: dict[Any, Any] = gr.skip()
    return skipped
