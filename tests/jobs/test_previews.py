"""Live previews: which kind is asked for, how often, and that they can be turned off."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from jobs.options import OptionStore
from jobs.previews import INTERVAL, SHARE, Previews, previews_of
from pipelines.events import PreviewKind, StepEvent


class Clock:
    """A clock that drawing moves on by `cost` seconds."""

    def __init__(self, cost: float = 0.0) -> None:
        self.now, self.cost = 100.0, cost
        self.kinds: list[PreviewKind] = []

    def step(self) -> StepEvent:
        def draw(kind: PreviewKind) -> Image.Image:
            self.kinds.append(kind)
            self.now += self.cost
            return Image.new("RGB", (8, 8))

        return StepEvent(0, 1, 1, 9, draw)


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


@pytest.mark.parametrize("kind", PreviewKind)
def test_the_kind_is_the_setting(tmp_path: Path, kind: PreviewKind) -> None:
    options = OptionStore(tmp_path)
    options.set_many({"show_progress_type": kind.value.upper()})
    clock = Clock()
    assert previews_of(options.all()).of(clock.step()) is not None
    assert clock.kinds == [kind]


def test_the_usual_kind_is_a1111s() -> None:
    clock = Clock()
    Previews().of(clock.step())
    assert clock.kinds == [PreviewKind.APPROX_NN]


def test_none_are_drawn_for_the_cells_of_a_plot(tmp_path: Path) -> None:
    clock = Clock()
    assert previews_of(OptionStore(tmp_path).all(), of_plot=True).of(clock.step()) is None
    assert clock.kinds == []


def test_none_are_drawn_when_they_are_off(tmp_path: Path) -> None:
    options = OptionStore(tmp_path)
    options.set_many({"live_previews_enable": False})
    clock = Clock()
    assert previews_of(options.all()).of(clock.step()) is None
    assert clock.kinds == []


def test_cheap_ones_come_at_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = times(Clock(), Previews(), monkeypatch)
    assert INTERVAL == 0.2
    assert begun[:3] == [0.0, 0.25, 0.5]


def test_dear_ones_take_no_more_than_their_share(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = times(Clock(cost=1.0), Previews(PreviewKind.FULL), monkeypatch)
    assert SHARE == 0.2
    assert begun == [0.0, 5.0, 10.0]
