"""Our trajectories against independent ones in float64 (behaviour 20 B); the table in part."""

from __future__ import annotations

import math

import pytest

from benchmarks.sampler_errors import GOAL, KINDS, Case, cases, main, ours, published, worst_error
from pipelines.sampler_names import SAMPLERS
from tests.pipelines.schedule_reference import SCHEDULES, sigma_list
from tests.pipelines.test_schedules import TEN

EACH_SAMPLER = [
    Case(info.name, SCHEDULES[place % len(SCHEDULES)], kind)
    for place, info in enumerate(SAMPLERS)
    for kind in KINDS
]
EACH_SCHEDULE = [Case("DPM2 a", schedule, "inpaint 0.75", 7) for schedule in SCHEDULES]


@pytest.mark.parametrize(
    "case",
    EACH_SAMPLER + EACH_SCHEDULE,
    ids=lambda case: f"{case.sampler}-{case.schedule}-{case.kind}",
)
def test_trajectory_is_the_published_one(case: Case) -> None:
    assert worst_error(case) < GOAL


def test_another_strength_is_noticed() -> None:
    """The comparison can fail: another start, and another number of model calls."""
    run = ours(Case("Euler", "Karras", "img2img 0.5"))
    other = published(Case("Euler", "Karras", "inpaint 0.75"), run.increments)
    assert len(run.states) != len(other)
    assert max(abs(run.states[0] - other[0]).flat) > 1


@pytest.mark.parametrize("label", SCHEDULES)
def test_the_independent_schedules_are_those_of_the_specification(label: str) -> None:
    """Behaviour 7.3 [T], to the four decimals given there."""
    wanted = [float(value) for value in TEN[label.lower().replace(" ", "_")].split()]
    assert sigma_list("Euler", label, 10) == pytest.approx(wanted, abs=5.1e-5)


def test_the_whole_table_has_every_sampler_and_schedule() -> None:
    rows = cases(20)
    assert len(rows) == 16 * 11 * 3 + 4 * 3
    assert {case.sampler for case in rows} == {info.name for info in SAMPLERS}


@pytest.mark.slow
def test_the_table_is_within_the_goal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    told = capsys.readouterr().out
    assert "0 above 1e-05" in told
    assert str(math.inf) not in told
