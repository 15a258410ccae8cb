"""Captions for many pictures: which job is submitted, what comes back, what is refused."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from interrogate.base import Description
from interrogate.options import CaptionFolder
from interrogate.report import PictureReport, Report, to_facts
from jobs.assets import AssetStore
from jobs.options import OptionStore
from jobs.spec import StopKind
from pipelines.pictures import DEFAULT_LIMITS
from scripts.folders import FolderPolicy
from tests.api.conftest import picture_file
from tests.api.doubles import FakeEngine
from ui.interrogate_captions import CaptionAsk, CaptionHandlers, captions_of

ASKER = cast("gr.Request", SimpleNamespace(username="ann"))


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, duration: said.append(text))
    return said


def made(tmp_path: Path, engine: FakeEngine, policy: FolderPolicy) -> CaptionHandlers:
    services = SimpleNamespace(
        engine=engine,
        assets=AssetStore(tmp_path / "assets"),
        options=OptionStore(tmp_path),
        limits=DEFAULT_LIMITS,
        batches=SimpleNamespace(policy=policy),
        owner_of=lambda request: request.username,
    )
    return CaptionHandlers(cast("Any", services), "status", "texts")


@pytest.fixture
def handlers(tmp_path: Path, engine: FakeEngine, warned: list[str]) -> CaptionHandlers:
    return made(tmp_path, engine, FolderPolicy((tmp_path,), shared=True))


@pytest.fixture
def uploads(tmp_path: Path) -> list[str]:
    paths = [tmp_path / name for name in ("a.png", "b.png", "b.jpg", "broken.png", "notes.txt")]
    for path in paths[:3]:
        path.write_bytes(picture_file())
    paths[3].write_bytes(b"?")
    paths[4].write_text("mine")
    return [str(path) for path in paths]


def collected(answers: AsyncIterator[dict[Any, Any]]) -> list[dict[Any, Any]]:
    async def collect() -> list[dict[Any, Any]]:
        found = []
        async for answer in answers:
            packed = answer.get("texts", {}).get("value")
            if packed:  # as Gradio does: it is gone afterwards
                with zipfile.ZipFile(packed) as archive:
                    answer["unpacked"] = {n: archive.read(n).decode() for n in archive.namelist()}
            found.append(answer)
        return found

    return asyncio.run(collect())


def test_a_folder_becomes_one_job_on_the_server(
    handlers: CaptionHandlers, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.facts |= {"written": ["a.txt", "b.txt"], "kept": 3, "problems": {"<c>.png": "broken"}}
    ask = CaptionAsk("deepbooru", source=str(tmp_path), target=str(tmp_path / "texts"))
    last = collected(handlers.write(ask, ASKER))[-1]
    spec = engine.only_job().spec.interrogation
    assert spec is not None
    assert spec.folder == CaptionFolder(
        source=str(tmp_path), target=str(tmp_path / "texts"), roots=(str(tmp_path),)
    )
    assert spec.interrogators == ("deepdanbooru",)
    assert last["status"] == (
        "<p>Captions written: 2. There already and left as they were: 3.</p>"
        "<p>&lt;c&gt;.png: broken</p>"
    )


def test_uploads_come_back_as_a_zip_without_replacing_one_another(
    handlers: CaptionHandlers, engine: FakeEngine, uploads: list[str]
) -> None:
    texts = [Description(text) for text in ("ä cat", "dog", "fox")]
    report = Report(tuple(PictureReport({"clip": text}) for text in texts), ("built-in",))
    engine.facts |= to_facts(report)
    last = collected(handlers.write(CaptionAsk("clip", uploads), ASKER))[-1]
    spec = engine.only_job().spec.interrogation
    assert spec is not None
    assert len(spec.pictures) == 3
    assert last["unpacked"] == {"a.txt": "ä cat", "b.txt": "dog", "b-2.txt": "fox"}
    assert not Path(last["texts"]["value"]).exists()
    assert "Captions written: 3" in last["status"]
    assert "broken.png: " in last["status"]
    assert "<p>built-in</p>" in last["status"]


def test_names_are_numbered_and_problems_kept() -> None:
    report = Report(
        (
            PictureReport({"clip": Description("one")}),
            PictureReport({}, "too large"),
            PictureReport({"clip": Description("three")}),
        )
    )
    found = captions_of(report, ["x.png", "y.png", "x.webp"])
    assert found.texts == {"x.txt": "one", "x-2.txt": "three"}
    assert found.problems == {"y.png": "too large"}


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (CaptionAsk("clip"), "Choose pictures, or name a folder of the server."),
        (CaptionAsk("", ["x"]), "Choose at least one interrogator."),
        (CaptionAsk("clip", source="/"), "is not below"),
        (CaptionAsk("clip", source="{}/none"), "there is no folder"),
        (CaptionAsk("clip", ["{}/broken.png"]), "broken.png: "),
    ],
    ids=["nothing", "nobody", "outside the roots", "no such folder", "only broken pictures"],
)
def test_refusals_are_said_and_nothing_is_queued(
    handlers: CaptionHandlers,
    engine: FakeEngine,
    uploads: list[str],
    tmp_path: Path,
    warned: list[str],
    ask: CaptionAsk,
    words: str,
) -> None:
    here = CaptionAsk(
        ask.who, [path.format(tmp_path) for path in ask.uploads], ask.source.format(tmp_path)
    )
    (answer,) = collected(handlers.write(here, ASKER))
    assert words in answer["status"]
    assert len(warned) == 1
    assert engine.jobs == {}


def test_a_shared_server_opens_no_folders(
    tmp_path: Path, engine: FakeEngine, warned: list[str]
) -> None:
    handlers = made(tmp_path, engine, FolderPolicy((), shared=True))
    (answer,) = collected(handlers.write(CaptionAsk("clip", source=str(tmp_path)), ASKER))
    assert "this server is shared and opens no folders" in answer["status"]


def test_a_failure_is_said(handlers: CaptionHandlers, engine: FakeEngine, tmp_path: Path) -> None:
    engine.fail = "no <model>"
    last = collected(handlers.write(CaptionAsk("clip", source=str(tmp_path)), ASKER))[-1]
    assert last == {"status": "no &lt;model&gt;"}


def test_stop_ends_the_owners_job(
    handlers: CaptionHandlers, engine: FakeEngine, tmp_path: Path
) -> None:
    engine.hold = True

    async def story() -> dict[Any, Any]:
        answers = handlers.write(CaptionAsk("clip", source=str(tmp_path)), ASKER)
        await anext(answers)
        await anext(answers)
        handlers.stop(ASKER)
        return [answer async for answer in answers][-1]

    assert "Stopped." in asyncio.run(story())["status"]
    assert engine.stops == [(engine.only_job().id, StopKind.NOW)]
