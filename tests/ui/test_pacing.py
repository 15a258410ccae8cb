"""Views of a job at a pace: which are passed on, and that the end never waits."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from jobs.spec import JobState, JobView
from tests.ui.test_watching import VIEW
from ui.pacing import paced


def view(version: int) -> JobView:
    return replace(VIEW, version=version)


OVER = replace(VIEW, version=9, state=JobState.DONE)


async def source(views: Sequence[JobView | None], closed: list[bool]) -> AsyncIterator[JobView]:
    """The views one after the other; at None for ever nothing."""
    try:
        for one in views:
            if one is None:
                await asyncio.Event().wait()
            else:
                yield one
                await asyncio.sleep(0)
    finally:
        closed.append(True)


def seen(views: Sequence[JobView | None], period: float, most: int = 99) -> list[int]:
    """The versions that are passed on, up to `most` of them."""
    closed: list[bool] = []

    async def watch() -> list[int]:
        told: list[int] = []
        async for one in (passing := paced(source(views, closed), period)):
            told.append(one.version)
            if len(told) == most:
                break
        await passing.aclose()  # type: ignore[attr-defined]
        return told

    told = asyncio.run(asyncio.wait_for(watch(), 20))
    assert closed == [True]
    return told


@pytest.mark.parametrize(
    ("views", "period", "told"),
    [
        pytest.param([view(1), view(2), OVER], 0.0, [1, 2, 9], id="without a period all"),
        pytest.param([view(1), view(2), view(3), OVER], 3600.0, [1, 9], id="the end at once"),
        pytest.param([view(1), view(2), view(3)], 3600.0, [1, 3], id="the newest is not lost"),
        pytest.param([], 0.1, [], id="no job"),
    ],
)
def test_what_is_passed_on(views: list[JobView], period: float, told: list[int]) -> None:
    assert seen(views, period) == told


def test_the_newest_comes_when_the_period_is_over_though_nothing_follows() -> None:
    assert seen([view(1), view(2), view(3), None], 0.02, most=2) == [1, 3]
