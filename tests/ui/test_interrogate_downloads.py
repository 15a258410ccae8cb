"""The download controls on a double: who may, what is shown, what the panel learns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from interrogate import places
from interrogate.downloads import DownloadState, DownloadView
from interrogate.fetch_file import DownloadError
from ui.interrogate_downloads import DownloadHandlers, progress_line
from ui.interrogate_lists import InterrogatorLists

PANEL = SimpleNamespace(status="status")
ADMIN = cast("gr.Request", SimpleNamespace(admin=True))
GUEST = cast("gr.Request", SimpleNamespace(admin=False))
RUNNING = DownloadView(DownloadState.RUNNING, "BLIP", 500_000_000, 1_000_000_000, "model")


class Double:
    """Plays a row of views; `problem` is raised at the start."""

    def __init__(self) -> None:
        self.views = [DownloadView()]
        self.problem = ""
        self.calls: list[str] = []

    @property
    def view(self) -> DownloadView:
        return self.views.pop(0) if len(self.views) > 1 else self.views[0]

    def start(self, name: str) -> None:
        if self.problem:
            raise DownloadError(self.problem)
        self.calls.append(name)

    def cancel(self) -> None:
        self.calls.append("cancel")


@pytest.fixture
def double() -> Double:
    return Double()


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, duration: said.append(text))
    return said


@pytest.fixture
def handlers(
    tmp_path: Path, double: Double, warned: list[str], monkeypatch: pytest.MonkeyPatch
) -> DownloadHandlers:
    monkeypatch.setattr(places, "BUILTIN", tmp_path / "builtin")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("ui.interrogate_downloads._INTERVAL", 0.0)
    services = SimpleNamespace(
        downloads=double, models_dir=tmp_path, is_admin=lambda request: request.admin
    )
    lists = InterrogatorLists("many", "one", "notes")
    return DownloadHandlers(cast("Any", services), cast("Any", PANEL), lists)


def collected(answers: AsyncIterator[dict[Any, Any]]) -> list[dict[Any, Any]]:
    async def collect() -> list[dict[Any, Any]]:
        return [answer async for answer in answers]

    return asyncio.run(collect())


def test_progress_is_shown_and_the_panel_learns_what_came(
    handlers: DownloadHandlers, double: Double
) -> None:
    listing = DownloadView(DownloadState.RUNNING, "BLIP")
    double.views = [listing, RUNNING, DownloadView(DownloadState.DONE, "BLIP")]
    answers = collected(handlers.start("blip", ADMIN))
    assert double.calls == ["blip"]
    assert [answer["status"] for answer in answers] == [
        "BLIP: asking the hub...",
        "BLIP: 500 of 1000 MB (50%), model"
        '<progress class="op-fetching" value="500000000" max="1000000000"></progress>',
        "BLIP: here, checked, and ready for use.",
    ]
    assert set(answers[-1]) == {"status", "many", "one", "notes"}


def test_only_the_admin_may_start_or_cancel(
    handlers: DownloadHandlers, double: Double, warned: list[str]
) -> None:
    sentence = "Only whoever runs this server may download models."
    assert collected(handlers.start("blip", GUEST)) == [{"status": sentence}]
    handlers.cancel(GUEST)
    assert double.calls == []
    assert warned == [sentence, sentence]
    handlers.cancel(ADMIN)
    assert double.calls == ["cancel"]


def test_a_refusal_is_said_and_escaped(
    handlers: DownloadHandlers, double: Double, warned: list[str]
) -> None:
    double.problem = "put <it> there"
    assert collected(handlers.start("blip", ADMIN)) == [{"status": "put &lt;it&gt; there"}]
    assert warned == ["put &lt;it&gt; there"]


def test_an_opened_page_shows_nothing_when_nothing_runs(handlers: DownloadHandlers) -> None:
    assert collected(handlers.follow()) == [{"status": ""}]


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (DownloadView(DownloadState.FAILED, "BLIP", problem="no"), "no"),
        (DownloadView(DownloadState.CANCELLED, "BLIP"), "Cancelled. What has arrived is kept"),
    ],
    ids=["failed", "cancelled"],
)
def test_endings(view: DownloadView, line: str) -> None:
    assert progress_line(view).startswith(line)
