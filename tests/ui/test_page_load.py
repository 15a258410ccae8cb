"""What a load of the page reads comes in one event; scripts are announced to the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ui.page import page_head
from ui.page_load import PageLoad


class Page:
    """Stands for Gradio's page: keeps what is told to happen when it is loaded."""

    def __init__(self) -> None:
        self.loads: list[tuple[Any, Any, list[str]]] = []

    def load(self, handler: Any, inputs: Any, outputs: list[str], **_: Any) -> None:
        self.loads.append((handler, inputs, outputs))


def test_everything_that_is_read_comes_in_one_event() -> None:
    page = Page()
    load = PageLoad(page)
    load.read(lambda _: "a", "one")
    load.read(lambda request: ["b", request], "two", "three")
    load.read(lambda _: "c", "one")
    load.connect()
    ((handler, inputs, outputs),) = page.loads
    assert inputs is None
    assert sorted(outputs) == ["one", "three", "two"]
    assert handler("ann") == {"one": "c", "two": "b", "three": "ann"}


def test_a_wrong_number_of_values_is_an_error() -> None:
    page = Page()
    load = PageLoad(page)
    load.read(lambda _: ["only one"], "one", "two")
    load.connect()
    with pytest.raises(ValueError, match="shorter"):
        page.loads[0][0]("ann")


def test_what_follows_a_job_has_an_event_of_its_own() -> None:
    page = Page()
    load = PageLoad(page)
    load.follow(print, ["one"])
    load.read(lambda _: "a", "two")
    load.connect()
    assert [(inputs, outputs) for _, inputs, outputs in page.loads] == [
        (None, ["one"]),
        (None, ["two"]),
    ]


def test_scripts_are_announced_but_for_those_of_closed_panels(tmp_path: Path) -> None:
    (tmp_path / "canvas").mkdir()
    for name in ("page.js", "plot.js", "page.css", "canvas/editor.js"):
        (tmp_path / name).touch()
    head = page_head("/ui-static/0", tmp_path)
    assert head.count("modulepreload") == 2
    assert 'href="/ui-static/0/canvas/editor.js"' in head
    assert 'href="/ui-static/0/page.js"' in head
