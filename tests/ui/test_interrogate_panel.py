"""The panel's handlers on an engine double: which job they submit, what they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import gradio as gr
import pytest

from interrogate import places
from interrogate.base import Description, Tag
from interrogate.report import PictureReport, Report, to_facts
from jobs.assets import AssetStore
from jobs.options import OptionStore
from jobs.spec import JobState, StopKind
from pipelines.pictures import DEFAULT_LIMITS
from tests.api.conftest import picture_file
from tests.api.doubles import FakeEngine
from ui.interrogate_lists import InterrogatorLists
from ui.interrogate_panel import InterrogateHandlers

PANEL = SimpleNamespace(who="who", score="score", status="status", results="results", parts="parts")
ASKER = cast("gr.Request", SimpleNamespace(username="ann"))


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No built-in models and no hub cache, whatever ships."""
    monkeypatch.setattr(places, "BUILTIN", tmp_path / "builtin")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


class PlainForm:
    """Controls are their own names."""

    prompt = "prompt"
    tab = "tab"

    def values(self, data: dict[Any, Any]) -> dict[Any, Any]:
        return data


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return FakeEngine(tmp_path)


@pytest.fixture
def warned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    said: list[str] = []
    monkeypatch.setattr(gr, "Warning", lambda text, duration: said.append(text))
    monkeypatch.setattr(gr, "Info", lambda text, duration: said.append(text))
    return said


@pytest.fixture
def handlers(tmp_path: Path, engine: FakeEngine, warned: list[str]) -> InterrogateHandlers:
    services = SimpleNamespace(
        engine=engine,
        assets=AssetStore(tmp_path / "assets"),
        options=OptionStore(tmp_path),
        limits=DEFAULT_LIMITS,
        models_dir=tmp_path / "models",
        owner_of=lambda request: request.username,
    )
    return InterrogateHandlers(cast("Any", services), cast("Any", PlainForm()), cast("Any", PANEL))


@pytest.fixture
def data(tmp_path: Path) -> dict[Any, Any]:
    path = tmp_path / "cat.png"
    path.write_bytes(picture_file())
    chosen = ["clip", "deepdanbooru"]
    return {"tab": "img2img", "image": str(path), "who": chosen, "score": True}


def collected(answers: AsyncIterator[dict[Any, Any]]) -> list[dict[Any, Any]]:
    async def collect() -> list[dict[Any, Any]]:
        return [answer async for answer in answers]

    return asyncio.run(collect())


def finds(engine: FakeEngine, **descriptions: Description) -> None:
    engine.facts |= to_facts(Report((PictureReport(descriptions),)))


def test_panel_asks_all_that_are_chosen(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any]
) -> None:
    finds(engine, clip=Description("a cat, oil", (Tag("oil", 0.25),)))
    last = collected(handlers.describe(data, ASKER))[-1]
    job = engine.only_job()
    assert (job.owner, job.spec.kind) == ("ann", "interrogate")
    assert job.spec.interrogation is not None
    assert job.spec.interrogation.interrogators == ("clip", "deepdanbooru")
    assert job.spec.interrogation.score
    assert last["parts"]["choices"] == [("a cat", "a cat"), ("oil  0.25", "oil")]
    assert last["parts"]["value"] == []
    assert "<h4>CLIP</h4>" in last["results"]


@pytest.mark.parametrize(
    ("name", "key"), [("clip_prompt", "clip"), ("deepbooru_prompt", "deepdanbooru")]
)
def test_buttons_replace_the_prompt(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any], name: str, key: str
) -> None:
    finds(engine, **{key: Description("a cat")})
    answers = collected(getattr(handlers, name)(data, ASKER))
    assert answers[-1] == {"status": "", "prompt": "a cat"}


def test_on_the_batch_tab_the_buttons_leave_the_prompt(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any]
) -> None:
    (answer,) = collected(handlers.clip_prompt({**data, "tab": "batch"}, ASKER))
    assert "prompt" not in answer
    assert engine.jobs == {}


def test_a_failure_leaves_the_prompt_and_is_said(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any], warned: list[str]
) -> None:
    engine.fail = "DeepBooru needs <its> model"
    answers = collected(handlers.deepbooru_prompt(data, ASKER))
    assert answers[-1] == {"status": "DeepBooru needs &lt;its&gt; model"}
    assert warned == ["DeepBooru needs &lt;its&gt; model"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image": None}, "Choose a picture first"),
        ({"tab": "batch"}, "Captions for many pictures"),
        ({"who": []}, "at least one interrogator"),
        ({"image": __file__}, "test_interrogate_panel.py|no picture|not a picture|picture"),
    ],
    ids=["no picture", "batch tab", "nobody", "no picture file"],
)
def test_what_is_missing_is_said_and_nothing_is_queued(
    handlers: InterrogateHandlers,
    engine: FakeEngine,
    data: dict[Any, Any],
    warned: list[str],
    changes: dict[str, Any],
    words: str,
) -> None:
    (answer,) = collected(handlers.describe({**data, **changes}, ASKER))
    assert any(word in answer["status"] for word in words.split("|"))
    assert engine.jobs == {}
    assert len(warned) == 1


def test_stop_ends_the_owners_interrogation(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any]
) -> None:
    engine.hold = True

    async def story() -> None:
        answers = handlers.describe(data, ASKER)
        first = await anext(answers)
        assert first == {"status": "Starting..."}
        handlers.stop(cast("gr.Request", SimpleNamespace(username="bob")))
        assert engine.stops == []
        handlers.stop(ASKER)
        last = [answer async for answer in answers][-1]
        assert last["status"] == "Stopped."

    asyncio.run(story())
    assert engine.stops == [(engine.only_job().id, StopKind.NOW)]
    assert engine.only_job().state is JobState.CANCELLED


def test_ticked_pieces_go_into_the_prompt(handlers: InterrogateHandlers, warned: list[str]) -> None:
    assert handlers.replace("old", ["cat"]) == "cat"
    assert handlers.append("old", ["cat"]) == "old, cat"
    assert handlers.append("old", []) == "old"
    assert warned == ["Tick at least one term first."]


@pytest.fixture
def builtin_tagger(bare: Path) -> None:
    path = bare / "builtin" / "tagger" / "tagger.safetensors"
    path.parent.mkdir(parents=True)
    path.touch()


@pytest.mark.usefixtures("builtin_tagger")
def test_a_prompt_of_the_built_in_tagger_says_so(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any], warned: list[str]
) -> None:
    engine.facts |= to_facts(
        Report((PictureReport({"deepdanbooru": Description("1girl")}),), ("little <known>",))
    )
    answers = collected(handlers.deepbooru_prompt(data, ASKER))
    assert answers[-1] == {"status": "<p>little &lt;known&gt;</p>", "prompt": "1girl"}
    assert len(warned) == 1
    assert warned[0].startswith("DeepBooru (built-in) knows what the built-in checkpoint draws")


@pytest.mark.usefixtures("builtin_tagger")
def test_cards_name_the_built_in_tagger(
    handlers: InterrogateHandlers, engine: FakeEngine, data: dict[Any, Any]
) -> None:
    finds(engine, deepdanbooru=Description("1girl"))
    last = collected(handlers.describe(data, ASKER))[-1]
    assert "<h4>DeepBooru (built-in)</h4>" in last["results"]


def test_an_opened_page_learns_what_is_available(tmp_path: Path) -> None:
    many, one, notes = InterrogatorLists("many", "one", "notes").now(tmp_path)
    assert many["value"] == []
    assert one["choices"] == many["choices"]
    assert "value" not in one  # who is chosen to write captions stays chosen
    assert "DeepBooru needs its model" in notes
