"""Running plots: each cell is a job of the engine, and whatever exists is never made again.

A plot survives the end of page, worker and server: its record is in `scripts.plot_store`, its cells
are in the job store under names made from their requests.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from jobs.spec import JobSpec, JobState, JobView, StopKind
from scripts.axis import AxisContext
from scripts.feeding import Feeder, Live, Work
from scripts.plan import Cell, Plan, PlanError, PlotSpec, check_pictures, make_plan, work
from scripts.plot_store import PlotRow, PlotStore
from scripts.plot_view import (
    CellState,
    CellView,
    PlotView,
    cell_job_id,
    look,
    was_interrupted,
)
from scripts.run_store import RunState
from scripts.values import ValuesError

_log = logging.getLogger("overpaint.plots")


class CellEngine(Protocol):
    """The part of a job engine that plots use; see `jobs.engine.LocalEngine`."""

    def submit(self, owner: str, spec: JobSpec, job_id: str | None = None) -> str:
        """Queue a job under this id."""

    def view(self, job_id: str) -> JobView | None:
        """The job as it is now."""

    def latest(self, owner: str, count: int = 20) -> list[JobView]:
        """The owner's newest jobs, newest first."""

    def request_stop(self, job_id: str, kind: StopKind = StopKind.NOW) -> bool:
        """Stop a job or take it out of the line."""


Compose = Callable[[PlotView], Mapping[str, Any]]
"""Makes grid, table and files of a plot and returns what its record keeps."""


class PlotRunner:
    """All plots of this server. Methods may be called from any thread."""

    def __init__(
        self,
        engine: CellEngine,
        store: PlotStore,
        context: Callable[[], AxisContext],
        compose: Compose,
    ) -> None:
        self._engine = engine
        self._store = store
        self._context = context
        self._compose = compose
        self._feeder = Feeder("plot")
        self._random = random.SystemRandom()

    def start(self) -> None:
        """Go on with the plots that a stopped or killed server left running."""
        for row in self._store.running():
            self._feeder.launch(row.id, self._work)

    def close(self) -> None:
        """Stop feeding the engine; plots stay running and go on after the next start."""
        self._feeder.close()

    def plan(self, spec: PlotSpec) -> Plan:
        """The plot as it would run. Raises PlanError for what cannot run."""
        context = self._context()
        plan = make_plan(spec, context)
        check_pictures(plan, context)
        return plan

    def expected_seconds(self, owner: str, plan: Plan) -> float | None:
        """Time for the plan at the speed of the owner's last jobs, or None when there are none."""
        per_unit = _measured(self._engine.latest(owner))
        return None if per_unit is None else plan.seconds(per_unit)

    def submit(self, owner: str, spec: PlotSpec) -> str:
        """Check a plot, keep it, begin with it, and return its id. Raises PlanError."""
        if not spec.keep_random_seeds:
            fixed = spec.base.with_fixed_seeds(self._random)
            spec = spec.model_copy(update={"base": fixed})
        self.plan(spec)
        plot_id = self._store.add(owner, spec)
        self._feeder.launch(plot_id, self._work)
        return plot_id

    def view(self, plot_id: str) -> PlotView | None:
        """The plot as it is now, or None if there is no such plot."""
        row = self._store.get(plot_id)
        if row is None:
            return None
        plan = make_plan(row.spec, self._context(), row.id)
        return look(row, plan, self._store.attempts(row.id), self._engine.view)

    def latest(self, owner: str, count: int = 20) -> list[PlotRow]:
        """The owner's newest plots, newest first."""
        return self._store.latest(owner, count)

    def wait(self, plot_id: str, timeout: float | None = None) -> PlotView | None:
        """Block until the plot is over, or for `timeout` seconds, and return it."""
        self._feeder.wait(plot_id, timeout)
        return self.view(plot_id)

    def used_pictures(self) -> set[str]:
        """SHA-256 names of all pictures that plots refer to; they must be kept."""
        return self._store.used_pictures()

    def stop(self, plot_id: str) -> None:
        """End the plot after cutting the cell in work short; finished cells stay."""
        self._feeder.stop(plot_id)

    def resume(self, plot_id: str) -> None:
        """Go on with a plot: what is missing, stopped or failed is made now. Raises PlanError."""
        self._again(plot_id, lambda view: view.state in (CellState.STOPPED, CellState.FAILED))

    def redo(self, plot_id: str, x: int, y: int, z: int) -> None:
        """Make one cell again, for example after its checkpoint was replaced. Raises PlanError."""
        self._again(plot_id, lambda view: view.cell.place == (x, y, z))

    def extend(self, plot_id: str, axis: str, values: str) -> None:
        """Add values to the axis `x`, `y` or `z`; finished cells stay. Raises PlanError."""
        row = self._over(plot_id)
        choice = getattr(row.spec, axis)
        text = f"{choice.values}, {values}" if choice.values.strip() else values
        longer = choice.model_copy(update={"values": text})
        spec = row.spec.model_copy(update={axis: longer})
        make_plan(spec, self._context(), plot_id)
        self._store.set_spec(plot_id, spec)
        self._continue(plot_id)

    def _over(self, plot_id: str) -> PlotRow:
        row = self._store.get(plot_id)
        if row is None:
            raise PlanError("this plot does not exist any more")
        if row.state is RunState.RUNNING:
            raise PlanError("this plot is still running: interrupt it or wait for its end")
        return row

    def _again(self, plot_id: str, wanted: Callable[[CellView], bool]) -> None:
        self._over(plot_id)
        view = self.view(plot_id)
        assert view is not None
        for key in {one.cell.key(plot_id) for one in view.cells if wanted(one)}:
            self._store.again(plot_id, key)
        self._continue(plot_id)

    def _continue(self, plot_id: str) -> None:
        self._store.set_state(plot_id, RunState.RUNNING)
        self._feeder.launch(plot_id, self._work)

    def _work(self, plot_id: str, live: Live) -> None:
        """The life of one plot in its thread."""
        row = self._store.get(plot_id)
        assert row is not None
        try:
            plan = make_plan(row.spec, self._context(), plot_id)
            if not self._make(row, plan, live):
                return
            view = self.view(plot_id)
            assert view is not None
            self._store.set_result(plot_id, self._compose(view))
        except (ValuesError, PlanError, OSError) as error:
            self._store.set_state(plot_id, RunState.FAILED, str(error))
        except Exception:  # the boundary of a thread: the plot must not look alive for ever
            _log.exception("plot %s", plot_id)
            self._store.set_state(
                plot_id, RunState.FAILED, "the plot broke off; the server's log has details"
            )
        else:
            stopped = live.stopping.is_set()
            self._store.set_state(plot_id, RunState.STOPPED if stopped else RunState.DONE)

    def _make(self, row: PlotRow, plan: Plan, live: Live) -> bool:
        """Have every cell made. False when the server stops before that."""
        attempts = self._store.attempts(row.id)

        def job_of(cell: Cell) -> str:
            key = cell.key(row.id)
            return cell_job_id(key, attempts.get(key, 0))

        def begin(cell: Cell) -> bool:
            job = self._engine.view(job_of(cell))
            if job is None:
                spec = JobSpec(
                    request=cell.request,
                    tab=row.spec.tab,
                    save=row.spec.save,
                    shares_calls=True,
                )
                self._engine.submit(row.owner, spec, job_of(cell))
            return job is None or not job.state.is_final

        def is_open(cell: Cell) -> bool:
            """Whether a cell is still in work. One that was interrupted ends the whole plot."""
            job = self._engine.view(job_of(cell))
            if job is None or not job.state.is_final:
                return job is not None
            if was_interrupted(job):
                live.stopping.set()
            return False

        def stop(cell: Cell) -> None:
            self._engine.request_stop(job_of(cell), StopKind.NOW)

        return self._feeder.feed(plan.distinct, live, Work(begin, is_open, stop))


def _measured(jobs: Sequence[JobView]) -> float | None:
    """Seconds per model call and pixel of the newest job that made all its calls itself."""
    for job in jobs:
        seconds, shared = job.facts.get("seconds"), job.facts.get("shared_calls")
        if job.state is JobState.DONE and seconds and not job.interrupted and not shared:
            return float(seconds) / work(job.spec.request)
    return None
