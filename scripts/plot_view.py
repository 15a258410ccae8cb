"""A plot as page and API see it: the plan with what has become of each cell. Plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from jobs.spec import JobState, JobView, Picture
from scripts.plan import Cell, Plan
from scripts.plot_store import PlotRow
from scripts.run_store import RunState


class CellState(StrEnum):
    """What has become of a cell. A stopped one is made when the plot goes on."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class CellView:
    """A cell, its state, and the job that makes it (None before it is asked for)."""

    cell: Cell
    state: CellState
    job: JobView | None

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The finished pictures of a cell that is done."""
        if self.job is None or self.state is not CellState.DONE:
            return ()
        return tuple(picture for picture in self.job.pictures if not picture.incomplete)

    @property
    def seconds(self) -> float | None:
        """How long the worker took, or None."""
        value = None if self.job is None else self.job.facts.get("seconds")
        return None if value is None else float(value)

    @property
    def error(self) -> str:
        """Why the cell failed."""
        return "" if self.job is None else self.job.error


@dataclass(frozen=True)
class PlotView:
    """A plot at one moment. `cells` are in the order of making."""

    row: PlotRow
    plan: Plan
    cells: tuple[CellView, ...]

    @property
    def id(self) -> str:
        """The plot's id."""
        return self.row.id

    @property
    def is_over(self) -> bool:
        """True when nothing more happens by itself."""
        return self.row.state is not RunState.RUNNING

    def count(self, state: CellState) -> int:
        """How many cells are in this state."""
        return sum(cell.state is state for cell in self.cells)

    @property
    def shared_calls(self) -> int:
        """Network calls that were not made, because another cell had made the very same."""
        jobs = {cell.job.id: cell.job for cell in self.cells if cell.job is not None}
        return sum(int(job.facts.get("shared_calls", 0)) for job in jobs.values())

    def at(self, x: int, y: int, z: int) -> CellView:
        """The cell at these indices. Raises KeyError outside the plot."""
        return self._by_place[x, y, z]

    @cached_property
    def _by_place(self) -> dict[tuple[int, int, int], CellView]:
        return {view.cell.place: view for view in self.cells}


def cell_job_id(key: str, attempt: int) -> str:
    """The job of a cell: its key, and another one each time it is asked for again."""
    if not attempt:
        return key
    return hashlib.sha256(f"{key}/{attempt}".encode()).hexdigest()[:32]


def cell_state(job: JobView | None) -> CellState:
    """What the job of a cell means for the cell."""
    if job is None or job.state is JobState.QUEUED:
        return CellState.WAITING
    if job.state is JobState.RUNNING:
        return CellState.RUNNING
    if job.state is JobState.FAILED:
        return CellState.FAILED
    wanted = job.spec.request.picture_count
    whole = sum(not picture.incomplete for picture in job.pictures)
    finished = job.state is JobState.DONE and not (job.interrupted and whole < wanted)
    return CellState.DONE if finished and whole else CellState.STOPPED


def was_interrupted(job: JobView) -> bool:
    """Whether a user stopped this job, and with it the whole run that it is part of."""
    stopped = job.interrupted or job.state is JobState.CANCELLED
    return stopped and cell_state(job) is CellState.STOPPED


def look(
    row: PlotRow,
    plan: Plan,
    attempts: Mapping[str, int],
    view: Callable[[str], JobView | None],
) -> PlotView:
    """Gather the state of every cell. `view` gives a job by its id."""
    jobs: dict[str, JobView | None] = {}
    cells = []
    for cell in plan.cells:
        key = cell.key(row.id)
        if key not in jobs:
            jobs[key] = view(cell_job_id(key, attempts.get(key, 0)))
        cells.append(CellView(cell, cell_state(jobs[key]), jobs[key]))
    return PlotView(row, plan, tuple(cells))
