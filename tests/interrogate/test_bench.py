"""The bench: batches, problems, stops, memory, idle models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from PIL.Image import Image

from interrogate import bench as bench_module
from interrogate import registry
from interrogate.base import Availability, Description, Interrogator, MissingFiles, Say, Workplace
from interrogate.bench import Bench, NotEnoughMemory, Stopped
from interrogate.options import ClipOptions, Interrogation, InterrogationOptions
from interrogate.registry import UnknownInterrogator
from interrogate.report import Report, from_facts, to_facts
from models.errors import ModelError
from tests.interrogate.networks import picture, tiny_tagger, workplace, write_pt


class Counter:
    """An interrogator that writes down what happens to it."""

    name: ClassVar[str] = "counter"
    label: ClassVar[str] = "Counter"
    aliases: ClassVar[tuple[str, ...]] = ()
    log: ClassVar[list[Any]]
    room: ClassVar[int] = 100
    missing: ClassVar[bool] = False

    def __init__(self, workplace: Workplace) -> None:
        self.log.append("new")

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        return Availability(True, "")

    def load(self) -> None:
        if self.missing:
            raise MissingFiles("counter is not there")
        self.log.append("load")

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        if len(images) > self.room:
            raise torch.OutOfMemoryError("too many")
        self.log.append(len(images))
        return [Description(f"{image.width} wide") for image in images]

    def unload(self) -> None:
        self.log.append("unload")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the counter did; `find` knows it."""
    entries: list[Any] = []
    monkeypatch.setattr(Counter, "log", entries, raising=False)
    monkeypatch.setattr(Counter, "room", 100)
    monkeypatch.setattr(Counter, "missing", False)
    real = registry.find

    def find(name: str) -> type[Interrogator]:
        return Counter if name == "counter" else real(name)

    monkeypatch.setattr(bench_module, "find", find)
    return entries


def ref(number: int) -> str:
    return f"{number:064x}"


def asked(count: int = 1, *names: str, **more: Any) -> Interrogation:
    return Interrogation(
        pictures=tuple(map(ref, range(count))), interrogators=names or ("counter",), **more
    )


def open_picture(name: str) -> Image:
    number = int(name, 16)
    if number == 13:
        raise ValueError("picture 13 is broken")
    return picture(size=(number + 1, 5))


def quiet(done: int, total: int, text: str) -> None: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bench(tmp_path: Path, clock: Clock, log: list[Any]) -> Bench:
    return Bench(workplace(tmp_path), clock=clock, is_short=lambda _: False)


def texts(report: Report, name: str = "counter") -> list[str]:
    return [one.descriptions[name].text for one in report.pictures if name in one.descriptions]


def test_pictures_go_in_batches_and_keep_their_order(bench: Bench, log: list[Any]) -> None:
    report = bench.work(asked(7, batch_size=3), open_picture, quiet)
    assert log == ["new", "load", 3, 3, 1]
    assert texts(report) == [f"{k} wide" for k in range(1, 8)]


def test_models_stay_for_the_next_job(bench: Bench, log: list[Any]) -> None:
    for _ in range(2):
        bench.work(asked(), open_picture, quiet)
    assert log == ["new", "load", 1, "load", 1]


def test_progress_counts_pieces(bench: Bench) -> None:
    heard: list[tuple[int, int, str]] = []
    bench.work(asked(5, batch_size=2), open_picture, lambda *told: heard.append(told))
    assert heard == [
        (0, 5, "Loading Counter"),
        (0, 5, "Counter"),
        (2, 5, "Counter"),
        (4, 5, "Counter"),
    ]


def test_a_stop_keeps_what_was_found(bench: Bench) -> None:
    def count(done: int, total: int, text: str) -> None:
        if done == 2:
            raise Stopped

    report = bench.work(asked(5, batch_size=2), open_picture, count)
    assert report.interrupted
    assert texts(report) == ["1 wide", "2 wide"]


def test_one_bad_picture_does_not_stop_the_others(bench: Bench, log: list[Any]) -> None:
    report = bench.work(asked(15, batch_size=8), open_picture, quiet)
    assert log[2:] == [8, 6]
    assert report.pictures[13].problem == "picture 13 is broken"
    assert report.pictures[13].descriptions == {}
    assert len(texts(report)) == 14


def test_nothing_but_bad_pictures_is_an_error(bench: Bench) -> None:
    only = Interrogation(pictures=(ref(13),), interrogators=("counter",))
    with pytest.raises(ModelError, match="picture 13 is broken"):
        bench.work(only, open_picture, quiet)


def test_batches_are_halved_when_memory_does_not_suffice(
    bench: Bench, log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counter, "room", 2)
    report = bench.work(asked(10, batch_size=8), open_picture, quiet)
    assert log[2:] == [2, 2, 2, 2, 2]
    assert len(texts(report)) == 10


def test_too_little_memory_for_one_picture_is_a_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Counter, "room", 0)
    with pytest.raises(NotEnoughMemory, match="memory does not suffice for Counter on cpu"):
        bench.work(asked(2), open_picture, quiet)


def test_too_little_memory_for_the_model_is_a_sentence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(self: Counter) -> None:
        raise MemoryError

    monkeypatch.setattr(Counter, "load", load)
    with pytest.raises(NotEnoughMemory, match="memory does not suffice for Counter on cpu"):
        bench.work(asked(), open_picture, quiet)
    assert bench.loaded == ()


def test_idle_models_leave(bench: Bench, log: list[Any], clock: Clock) -> None:
    bench.work(asked(), open_picture, quiet)
    clock.now = 299.0
    bench.retire_idle()
    assert bench.loaded == ("counter",)
    clock.now = 300.0
    bench.retire_idle()
    assert log[-1] == "unload"
    assert len(bench.loaded) == 0


def test_models_to_be_kept_stay_though_idle(bench: Bench, clock: Clock) -> None:
    bench.work(asked(keep_loaded=True), open_picture, quiet)
    clock.now = 1e6
    bench.retire_idle()
    assert bench.loaded == ("counter",)


@pytest.mark.parametrize("short", [False, True])
def test_models_leave_when_memory_is_short(tmp_path: Path, log: list[Any], short: bool) -> None:
    bench = Bench(workplace(tmp_path), is_short=lambda device: short and device == "cpu")
    bench.work(asked(keep_loaded=True), open_picture, quiet)
    bench.relieve()
    assert bench.loaded == (() if short else ("counter",))


def test_a_missing_model_is_noted_and_the_others_work(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = bench.work(asked(1, "deepbooru", "counter"), open_picture, quiet)
    assert texts(report) == ["1 wide"]
    assert report.notes[0].startswith("DeepBooru needs its model, and no built-in one ships")
    monkeypatch.setattr(Counter, "missing", True)
    with pytest.raises(ModelError, match="counter is not there"):
        bench.work(asked(), open_picture, quiet)
    assert bench.loaded == ()


def test_unknown_names_are_refused_at_once(bench: Bench) -> None:
    with pytest.raises(UnknownInterrogator, match="'gpt'; choose one of clip, deepdanbooru"):
        bench.work(asked(1, "counter", "gpt"), open_picture, quiet)


def test_texts_are_scored_by_clip(models: Path, tmp_path: Path, bench: Bench) -> None:
    write_pt(models / "deepbooru" / "model-resnet_custom_v3.pt", tiny_tagger())
    options = InterrogationOptions(clip=ClipOptions(min_length=8, max_length=10, dict_limit=4))
    job = asked(2, "clip", "deepdanbooru", score=True, options=options)
    report = bench.work(job, open_picture, quiet)
    assert bench.loaded == ("clip", "deepdanbooru")
    for one in report.pictures:
        assert set(one.descriptions) == {"clip", "deepdanbooru"}
        for found in one.descriptions.values():
            assert found.likeness is not None
            assert -1 <= found.likeness <= 1


def test_without_clip_nothing_is_scored_and_that_is_said(bench: Bench) -> None:
    report = bench.work(asked(1, score=True), open_picture, quiet)
    assert report.notes[0].startswith("texts are not scored: ranking needs CLIP")
    assert report.pictures[0].descriptions["counter"].likeness is None


def test_reports_survive_the_store(bench: Bench) -> None:
    import json

    report = bench.work(asked(15), open_picture, quiet)
    assert from_facts(json.loads(json.dumps(to_facts(report)))) == report
    assert from_facts({"seconds": 1.0}) == Report(())
