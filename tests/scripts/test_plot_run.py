"""Plots run as jobs: nothing is made twice, nothing finished is lost (users.md 4 item 2)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.request import Img2ImgRequest, Seeds
from scripts.plan import AxisChoice, PlanError
from scripts.plot_view import CellState, PlotView
from scripts.run_store import RunState
from tests.scripts.making import plot, request
from tests.scripts.shop import Fate, Shop

WAIT = 20.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(tmp_path, lambda view: {"cells": len(view.cells)})
    yield shop
    shop.close()


def over(shop: Shop, plot_id: str) -> PlotView:
    view = shop.plots.wait(plot_id, WAIT)
    assert view is not None
    assert view.is_over
    return view


def steps_made(shop: Shop) -> list[int]:
    return [made.sampling.steps for made in shop.made]


def test_each_cell_is_a_job_and_the_result_is_kept(shop: Shop) -> None:
    spec = plot("Steps", "1,2,3", y=AxisChoice(type="CFG Scale", values="5,6"))
    view = over(shop, shop.plots.submit("ann", spec))
    assert (view.row.state, view.row.result) == (RunState.DONE, {"cells": 6})
    assert steps_made(shop) == [1, 2, 3, 1, 2, 3]
    assert [cell.state for cell in view.cells] == [CellState.DONE] * 6
    assert [len(cell.pictures) for cell in view.cells] == [1] * 6
    assert all(cell.job is not None and cell.job.spec.shares_calls for cell in view.cells)
    assert view.at(2, 1, 0).cell.request.sampling.cfg_scale == 6


def test_equal_cells_share_one_job(shop: Shop) -> None:
    view = over(shop, shop.plots.submit("ann", plot("Steps", "4,4,4")))
    assert steps_made(shop) == [4]
    assert view.count(CellState.DONE) == 3


def test_random_seeds_are_fixed_for_the_whole_plot(shop: Shop) -> None:
    spec = plot("Steps", "1,2", base=request(seeds=Seeds()))
    over(shop, shop.plots.submit("ann", spec))
    assert len({made.seeds.seed for made in shop.made}) == 1


def test_a_failed_cell_is_one_failed_cell(shop: Shop) -> None:
    shop.fate = lambda request: "the model gave NaN" if request.sampling.steps == 2 else ""
    view = over(shop, shop.plots.submit("ann", plot("Steps", "1,2,3")))
    assert view.row.state is RunState.DONE
    assert [cell.state.value for cell in view.cells] == ["done", "failed", "done"]
    assert view.cells[1].error == "the model gave NaN"


def test_resume_makes_only_what_failed(shop: Shop) -> None:
    shop.fate = lambda request: "no" if request.sampling.steps == 2 else ""
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2,3"))
    over(shop, plot_id)
    shop.fate = lambda _: ""
    shop.plots.resume(plot_id)
    assert over(shop, plot_id).count(CellState.DONE) == 3
    assert steps_made(shop) == [1, 3, 2]


def test_extend_makes_only_the_new_value(shop: Shop) -> None:
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2"))
    over(shop, plot_id)
    shop.plots.extend(plot_id, "x", "7")
    view = over(shop, plot_id)
    assert steps_made(shop) == [1, 2, 7]
    assert (view.plan.axes[0].values, view.row.result) == ((1, 2, 7), {"cells": 3})


def test_redo_makes_one_cell_again(shop: Shop) -> None:
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2,3"))
    first = over(shop, plot_id).at(1, 0, 0).job
    shop.plots.redo(plot_id, 1, 0, 0)
    second = over(shop, plot_id).at(1, 0, 0).job
    assert steps_made(shop) == [1, 2, 3, 2]
    assert first is not None
    assert second is not None
    assert first.id != second.id


def hang_at(steps: int) -> Fate:
    def fate(request: Img2ImgRequest) -> str:
        return "hang" if request.sampling.steps == steps else ""

    return fate


def test_interrupt_keeps_what_exists_and_resume_goes_on(shop: Shop) -> None:
    shop.fate = hang_at(2)
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2,3,4"))
    assert shop.hangs.wait(WAIT)
    shop.plots.stop(plot_id)
    view = over(shop, plot_id)
    assert view.row.state is RunState.STOPPED
    assert view.at(0, 0, 0).state is CellState.DONE
    assert view.count(CellState.DONE) == 1
    shop.fate = lambda _: ""
    shop.plots.resume(plot_id)
    assert over(shop, plot_id).count(CellState.DONE) == 4
    assert steps_made(shop) == [1, 2, 3, 4]


def test_interrupting_a_cell_elsewhere_stops_its_plot(shop: Shop) -> None:
    shop.fate = hang_at(2)
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2,3,4"))
    assert shop.hangs.wait(WAIT)
    running = shop.engine.running()
    assert running is not None
    shop.engine.request_stop(running.id)
    assert over(shop, plot_id).row.state is RunState.STOPPED


def test_a_dead_worker_loses_no_cell_and_repeats_none(shop: Shop) -> None:
    died: list[int] = []

    def fate(request: Img2ImgRequest) -> str:
        if request.sampling.steps == 2 and not died:
            died.append(1)
            return "die"
        return ""

    shop.fate = fate
    view = over(shop, shop.plots.submit("ann", plot("Steps", "1,2,3")))
    assert view.count(CellState.DONE) == 3
    assert steps_made(shop) == [1, 2, 3]


def test_a_restarted_server_goes_on_where_it_was(shop: Shop) -> None:
    shop.fate = hang_at(3)
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2,3,4"))
    assert shop.hangs.wait(WAIT)
    shop.close()
    shop.fate = lambda _: ""
    shop.open()
    view = over(shop, plot_id)
    assert [cell.state.value for cell in view.cells] == ["done"] * 4
    assert steps_made(shop) == [1, 2, 3, 4]


def test_nothing_of_a_bad_plot_is_kept(shop: Shop) -> None:
    with pytest.raises(PlanError, match="no values"):
        shop.plots.submit("ann", plot("Steps", ""))
    assert shop.plots.latest("ann") == []
    assert shop.made == []


def test_a_running_plot_cannot_be_changed(shop: Shop) -> None:
    shop.fate = hang_at(1)
    plot_id = shop.plots.submit("ann", plot("Steps", "1,2"))
    assert shop.hangs.wait(WAIT)
    with pytest.raises(PlanError, match="still running"):
        shop.plots.extend(plot_id, "x", "9")


def test_bad_values_do_not_extend(shop: Shop) -> None:
    plot_id = shop.plots.submit("ann", plot("Steps", "1"))
    over(shop, plot_id)
    with pytest.raises(PlanError, match="not a whole number"):
        shop.plots.extend(plot_id, "x", "many")
    view = shop.plots.view(plot_id)
    assert view is not None
    assert view.row.spec.x.values == "1"


def test_a_failure_of_composing_is_told(tmp_path: Path) -> None:
    def compose(_: PlotView) -> dict[str, object]:
        raise OSError("the disk is full")

    shop = Shop(tmp_path, compose)
    view = over(shop, shop.plots.submit("ann", plot("Steps", "1")))
    shop.close()
    assert (view.row.state, view.row.error) == (RunState.FAILED, "the disk is full")


def test_expected_time_comes_from_the_last_jobs(shop: Shop) -> None:
    plan = shop.plots.plan(plot("Steps", "8"))
    assert shop.plots.expected_seconds("ann", plan) is None
    over(shop, shop.plots.submit("ann", plot("Steps", "8")))
    assert shop.plots.expected_seconds("ann", plan) == pytest.approx(0.5)
    twice = shop.plots.plan(plot("Steps", "8", base=request(n_iter=2)))
    assert shop.plots.expected_seconds("ann", twice) == pytest.approx(1.0)
