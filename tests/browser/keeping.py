"""Waiting for what the server keeps of a page, instead of for a time that may be too short."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.browser.canvas import Canvas
from tests.serving import Server

PATIENCE = 60.0
"""Seconds until something that should happen counts as not happening."""


def eventually(holds: Callable[[], bool], what: str) -> None:
    """Wait until `holds()`; `what` says in the failure what did not happen."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"never came true: {what}"
        time.sleep(0.1)


def kept(canvas: Canvas, server: Server) -> None:
    """Wait until the server keeps what is on the canvas now; it is sent after a second's rest."""
    drawn = canvas.drawing()
    assert drawn is not None

    def is_kept() -> bool:
        saved = of_tab(server, canvas.name)
        if saved is None or saved["drawing"] is None:
            return False
        with Image.open(asset(server, saved["drawing"])) as file:
            return np.array_equal(np.asarray(file), drawn)

    eventually(is_kept, f"the drawing of {canvas.name} is kept")


def forgotten(name: str, server: Server) -> None:
    """Wait until the server knows that the picture of a tab was removed."""
    eventually(lambda: of_tab(server, name) is None, f"the picture of {name} is forgotten")


def of_tab(server: Server, name: str) -> dict[str, Any] | None:
    """What is kept of a tab of the only owner, or None."""
    return _only(server, f"*/{name}.json")


def regions(server: Server) -> list[dict[str, Any]]:
    """The kept list of regions."""
    saved = _only(server, "*/regions/list.json")
    return saved["regions"] if saved else []


def asset(server: Server, ref: str) -> Path:
    return server.folder / "data" / "assets" / ref[:2] / ref


def _only(server: Server, pattern: str) -> dict[str, Any] | None:
    places = list((server.folder / "data" / "drawings").glob(pattern))
    assert len(places) <= 1
    try:
        return json.loads(places[0].read_text()) if places else None
    except FileNotFoundError:
        return None
