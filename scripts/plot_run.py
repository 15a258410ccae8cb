"""Running plots: each cell is a job of the engine, and whatever exists is never made again.

A plot survives the end of page, worker and server: its record is in `scripts.plot_store`, its cells
are in the job store under names made from their requests.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from jobs.spec import JobSpec, JobState, JobView, StopKind
from scripts.axis import AxisContext
from scripts.plan import Cell, Plan, PlanError, PlotSpec, make_plan, work
from scripts.plot_store import PlotRow, PlotState, PlotStore
from scripts.plot_view import CellState, CellView, PlotView, cell_job_id, cell_state, look
from scripts.values import ValuesError

_log = logging.getLogger("overpaint.plots")

AHEAD = 2
"""Cells in the engine's line: the device never waits, and other users' jobs come in between."""

POLL = 0.05
"""Seconds between looks at the cells in work."""


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


@dataclass
class _Live:
    """A plot in work: the thread that feeds the engine, and whether it is to stop."""

    thread: threading.Thread | None = None
    stopping: threading.Event = field(default_factory=threading.Event)


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
        self._lock = threading.Lock()
        self._live: dict[str, _Live] = {}
        self._closing = threading.Event()
        self._random = random.SystemRandom()

    def start(self) -> None:
        """Go on with the plots that a stopped or killed server left running."""
        for row in self._store.running():
            self._launch(row.id)

    def close(self) -> None:
        """Stop feeding the engine; plots stay running and go on after the next start."""
        self._closing.set()
        with self._lock:
            threads = [live.thread for live in self._live.values()]
        for thread in threads:
            if thread is not None:
                thread.join(5)

    def plan(self, spec: PlotSpec) -> Plan:
        """The plot as it would run. Raises PlanError for what cannot run."""
        return make_plan(spec, self._context())

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
        self._launch(plot_id)
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
        live = self._live.get(plot_id)
        if live is not None and live.thread is not None:
            live.thread.join(timeout)
        return self.view(plot_id)

    def used_pictures(self) -> set[str]:
        """SHA-256 names of all pictures that plots refer to; they must be kept."""
        return self._store.used_pictures()

    def stop(self, plot_id: str) -> None:
        """End the plot after cutting the cell in work short; finished cells stay."""
        live = self._live.get(plot_id)
        if live is not None:
            live.stopping.set()

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
        if row.state is PlotState.RUNNING:
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
        self._store.set_state(plot_id, PlotState.RUNNING)
        self._launch(plot_id)

    def _launch(self, plot_id: str) -> None:
        live = _Live()
        live.thread = threading.Thread(
            target=self._work, args=(plot_id, live), name=f"plot-{plot_id[:8]}", daemon=True
        )
        with self._lock:
            self._live[plot_id] = live
        live.thread.start()

    def _work(self, plot_id: str, live: _Live) -> None:
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
            self._store.set_state(plot_id, PlotState.FAILED, str(error))
        except Exception:  # the boundary of a thread: the plot must not look alive for ever
            _log.exception("plot %s", plot_id)
            self._store.set_state(
                plot_id, PlotState.FAILED, "the plot broke off; the server's log has details"
            )
        else:
            stopped = live.stopping.is_set()
            self._store.set_state(plot_id, PlotState.STOPPED if stopped else PlotState.DONE)

    def _make(self, row: PlotRow, plan: Plan, live: _Live) -> bool:
        """Have every cell made. False when the server stops before that."""
        attempts = self._store.attempts(row.id)
        pending = list(plan.distinct)
        in_work: list[str] = []
        while pending or in_work:
            if self._closing.is_set():
                return False
            if live.stopping.is_set():
                pending.clear()
                for job_id in in_work:
                    self._engine.request_stop(job_id, StopKind.NOW)
            while pending and len(in_work) < AHEAD:
                asked = self._ask(row, pending.pop(0), attempts)
                in_work += [] if asked is None else [asked]
            in_work = [job_id for job_id in in_work if self._is_open(job_id, live)]
            if in_work:
                self._closing.wait(POLL)
        return True

    def _ask(self, row: PlotRow, cell: Cell, attempts: Mapping[str, int]) -> str | None:
        """Queue a cell unless it exists; its job id while there is something to wait for."""
        key = cell.key(row.id)
        job_id = cell_job_id(key, attempts.get(key, 0))
        job = self._engine.view(job_id)
        if job is None:
            spec = JobSpec(request=cell.request, tab=row.spec.tab, save=row.spec.save)
            return self._engine.submit(row.owner, spec, job_id)
        return None if job.state.is_final else job_id

    def _is_open(self, job_id: str, live: _Live) -> bool:
        """Whether a cell is still in work. One that was interrupted ends the whole plot."""
        job = self._engine.view(job_id)
        if job is None or not job.state.is_final:
            return job is not None
        if cell_state(job) is CellState.STOPPED and (
            job.interrupted or job.state is JobState.CANCELLED
        ):
            live.stopping.set()
        return False


def _measured(jobs: Sequence[JobView]) -> float | None:
    """Seconds per model call and pixel of the newest finished job that tells its time."""
    for job in jobs:
        seconds = job.facts.get("seconds")
        if job.state is JobState.DONE and seconds and not job.interrupted:
            return float(seconds) / work(job.spec.request)
    return None
