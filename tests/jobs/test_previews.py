"""Live previews: which are asked for, how often, in which format, and that they can be off."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.options import OptionStore
from jobs.previews import INTERVAL, SHARE, Previews, PreviewSettings, previews_of
from jobs.spec import Preview
from pipelines.events import FinishedPicture, PreviewContent, PreviewKind, PreviewWish, StepEvent


class Clock:
    """A clock that drawing moves on by `cost` seconds."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now, self.cost = 100.0, cost
        self.wishes: list[PreviewWish] = []

    def step(self, step: int = 1, batch: int = 0) -> StepEvent:
        def draw(wish: PreviewWish) -> Image.Image:
            self.wishes.append(wish)
            self.now += self.cost
            return Image.new("RGB", (8, 8))

        return StepEvent(batch, 2, step, 9, draw)


def times(clock: Clock, previews: Previews, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When previews were begun within twelve seconds, a step each eighth of one."""
    monkeypatch.setattr("jobs.previews.time.monotonic", lambda: clock.now)
    begun = []
    while clock.now < 112.0:
        began = clock.now
        if previews.of(clock.step()) is not None:
            begun.append(round(began - 100.0, 3))
        clock.now += 0.125
    return begun


def chosen(folder: Path, **settings: Any) -> Previews:
    """The previews that these settings make."""
    options = OptionStore(folder)
    options.set_many(settings)
    return previews_of(options.all())


def finished(position: int, colour: str = "red") -> FinishedPicture:
    return FinishedPicture(position, Image.new("RGB", (16, 8), colour), "", "", 1, 1, False)


@pytest.mark.parametrize("kind", PreviewKind)
def test_the_kind_is_the_setting(tmp_path: Path, kind: PreviewKind) -> None:
    clock = Clock()
    previews = chosen(tmp_path, show_progress_type=kind.value.upper())
    assert previews.of(clock.step()) is not None
    assert [wish.kind for wish in clock.wishes] == [kind]


@pytest.mark.parametrize("content", PreviewContent)
def test_the_content_is_the_setting(tmp_path: Path, content: PreviewContent) -> None:
    clock = Clock()
    chosen(tmp_path, live_preview_content=content.value).of(clock.step())
    assert [wish.content for wish in clock.wishes] == [content]


@pytest.mark.parametrize("whole", [True, False])
def test_a_batch_is_a_grid_or_its_first_picture(tmp_path: Path, whole: bool) -> None:
    clock = Clock()
    chosen(tmp_path, show_progress_grid=whole).of(clock.step())
    assert [wish.whole_batch for wish in clock.wishes] == [whole]


def test_what_is_usual_is_a1111s() -> None:
    clock = Clock()
    Previews().of(clock.step())
    assert clock.wishes == [PreviewWish(PreviewKind.APPROX_NN, PreviewContent.PROMPT, True)]


@pytest.mark.parametrize(
    ("value", "encoded", "mime"),
    [
        ("jpeg", "JPEG", "image/jpeg"),
        ("png", "PNG", "image/png"),
        ("webp", "WEBP", "image/webp"),
    ],
)
def test_the_format_is_the_setting(tmp_path: Path, value: str, encoded: str, mime: str) -> None:
    data = chosen(tmp_path, live_previews_image_format=value).of(Clock().step())
    assert data is not None
    assert Image.open(io.BytesIO(data)).format == encoded
    assert Preview(1, data).mime == mime


def test_none_are_drawn_for_the_cells_of_a_plot(tmp_path: Path) -> None:
    clock = Clock()
    assert previews_of(OptionStore(tmp_path).all(), of_plot=True).of(clock.step()) is None
    assert clock.wishes == []


@pytest.mark.parametrize("every", [-1, 0, 1])
def test_none_are_drawn_when_they_are_off(tmp_path: Path, every: int) -> None:
    clock = Clock()
    previews = chosen(tmp_path, live_previews_enable=False, show_progress_every_n_steps=every)
    assert previews.of(clock.step()) is None
    assert previews.of_finished(finished(0), 1) is None
    assert clock.wishes == []


@pytest.mark.parametrize(
    ("every", "steps", "shown"),
    [
        pytest.param(1, [1, 2, 3], [1, 2, 3], id="each step"),
        pytest.param(3, range(1, 10), [3, 6, 9], id="every third"),
        pytest.param(10, range(1, 10), [], id="fewer steps than that"),
        pytest.param(10, [4, 11, 19, 22, 40], [11, 22, 40], id="DPM adaptive leaves some out"),
        pytest.param(-1, [1, 9], [], id="after the batch only"),
    ],
)
def test_every_n_steps(tmp_path: Path, every: int, steps: list[int], shown: list[int]) -> None:
    clock = Clock(cost=9.0)
    previews = chosen(tmp_path, show_progress_every_n_steps=every)
    assert [n for n in steps if previews.of(clock.step(n)) is not None] == shown


def test_steps_are_counted_anew_in_each_batch(tmp_path: Path) -> None:
    clock = Clock()
    previews = chosen(tmp_path, show_progress_every_n_steps=3)
    both = [(batch, n) for batch in (0, 1) for n in range(1, 6)]
    drawn = [at for at in both if previews.of(clock.step(at[1], at[0])) is not None]
    assert drawn == [(0, 3), (1, 3)]


@pytest.mark.parametrize(("whole", "size"), [(True, (32, 8)), (False, (16, 8))])
def test_after_each_batch(tmp_path: Path, whole: bool, size: tuple[int, int]) -> None:
    previews = chosen(tmp_path, show_progress_every_n_steps=-1, show_progress_grid=whole)
    told = [previews.of_finished(finished(place), 2) for place in range(4)]
    assert [data is not None for data in told] == [False, True, False, True]
    shown = [Image.open(io.BytesIO(data)).size for data in told if data is not None]
    assert shown == [size, size]


def test_finished_batches_are_no_previews_otherwise() -> None:
    assert Previews().of_finished(finished(0), 1) is None


@pytest.mark.parametrize(
    ("settings", "drawn"),
    [
        ({}, None),
        ({"live_preview_fast_interrupt": True}, PreviewKind.APPROX_NN),
        (
            {"live_preview_fast_interrupt": True, "show_progress_type": "Approx cheap"},
            PreviewKind.APPROX_CHEAP,
        ),
    ],
    ids=["usual", "fast", "fast and cheap"],
)
def test_how_stopped_pictures_are_drawn(
    tmp_path: Path, settings: dict[str, Any], drawn: PreviewKind | None
) -> None:
    assert chosen(tmp_path, **settings).when_interrupted == drawn


def test_cheap_ones_come_at_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = times(Clock(), Previews(), monkeypatch)
    assert INTERVAL == 0.2
    assert begun[:3] == [0.0, 0.25, 0.5]


def test_dear_ones_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    full = Previews(PreviewSettings(PreviewWish(PreviewKind.FULL)))
    begun = times(Clock(cost=1.0), full, monkeypatch)
    assert SHARE == 0.2
    assert begun == [0.0, 5.0, 10.0]
