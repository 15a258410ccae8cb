"""A batch as the page sees it: its rows with what has become of each. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from interrogate.report import from_facts
from jobs.spec import JobState, JobView, Picture
from scripts.batch_spec import BatchRow, BatchSpec
from scripts.plot_view import CellState, cell_state
from scripts.run_store import RunRow, RunState


class RowState(StrEnum):
    """What has become of a row. A stopped one is made when the batch goes on."""

    SKIPPED = "skipped"
    WAITING = "waiting"
    CAPTION = "caption"
    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def is_final(self) -> bool:
        """Whether nothing more happens to the row by itself."""
        return self in (RowState.SKIPPED, RowState.DONE, RowState.STOPPED, RowState.FAILED)


@dataclass(frozen=True)
class RowView:
    """A row at one moment. `text` is why it failed or was skipped; `prompt` has its caption."""

    row: BatchRow
    state: RowState
    prompt: str = ""
    text: str = ""
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True)
class BatchView:
    """A batch at one moment."""

    run: RunRow[BatchSpec]
    rows: tuple[RowView, ...]

    @property
    def is_over(self) -> bool:
        """True when nothing more happens by itself."""
        return self.run.state is not RunState.RUNNING

    def count(self, state: RowState) -> int:
        """How many rows are in this state."""
        return sum(row.state is state for row in self.rows)

    @property
    def pictures(self) -> list[Picture]:
        """All finished pictures in the order of the rows."""
        return [picture for row in self.rows for picture in row.pictures]


def planned(spec: BatchSpec) -> tuple[RowView, ...]:
    """The rows of a batch that has not begun."""
    return tuple(untouched(row) for row in spec.rows)


def untouched(row: BatchRow) -> RowView:
    """A row before anything happened to it."""
    if row.skip:
        return RowView(row, RowState.SKIPPED, row.prompt, row.skip)
    return RowView(row, RowState.WAITING, row.prompt)


def row_view(row: BatchRow, job: JobView | None, caption: JobView | None, problem: str) -> RowView:
    """A row from the jobs that make it; `problem` is why there could be none."""
    if row.skip:
        return untouched(row)
    if problem:
        return RowView(row, RowState.FAILED, row.prompt, problem)
    if job is not None:
        done = tuple(picture for picture in job.pictures if not picture.incomplete)
        state = RowState(cell_state(job).value)
        return RowView(row, state, job.spec.request.prompt, job.error, done)
    if caption is None or caption.state is JobState.QUEUED:
        return untouched(row)
    if caption.state is JobState.FAILED:
        return RowView(row, RowState.FAILED, row.prompt, caption.error)
    if caption.state is JobState.DONE and caption_problem(caption):
        return RowView(row, RowState.FAILED, row.prompt, caption_problem(caption))
    if caption.state is JobState.CANCELLED or caption.interrupted:
        return RowView(row, RowState.STOPPED, row.prompt)
    return RowView(row, RowState.CAPTION, row.prompt)


def caption_text(job: JobView) -> str:
    """What the interrogator said; empty when it said nothing."""
    pictures = from_facts(job.facts).pictures
    described = pictures[0].descriptions.values() if pictures else ()
    return next((one.text for one in described), "")


def caption_problem(job: JobView) -> str:
    """Why the interrogator could not read the picture, or nothing."""
    pictures = from_facts(job.facts).pictures
    return pictures[0].problem if pictures else ""


assert {state.value for state in CellState} <= {state.value for state in RowState}
