"""Settings of events that several wiring modules share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import gradio as gr

QUIET: Final[Mapping[str, Any]] = {
    "show_progress": "hidden",
    "queue": False,
    "api_visibility": "private",
}
"""For handlers that answer at once."""

WATCH: Final[Mapping[str, Any]] = {
    "show_progress": "hidden",
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
