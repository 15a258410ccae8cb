"""Running batches: each file is a job of the engine, and whatever exists is never made again.

A batch survives the end of page, worker and server: its record is in a `RunStore`, its rows are in
the job store under names made from batch and place.
"""

from __future__ import annotations

import hashlib
import logging
import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from interrogate.options import Interrogation
from jobs.assets import AssetStore
from jobs.spec import JobSpec, JobState, JobView, StopKind
from scripts.batch_plan import BatchAsk, BatchPlanner
from scripts.batch_spec import BatchFile, BatchRow, BatchSpec, row_request, used_pictures
from scripts.batch_view import (
    BatchView,
    RowState,
    RowView,
    caption_problem,
    caption_text,
    row_view,
)
from scripts.bench import ScriptError
from scripts.feeding import Feeder, Live, Work
from scripts.folders import FolderPolicy
from scripts.plot_run import CellEngine
from scripts.plot_view import was_interrupted
from scripts.run_store import RunRow, RunState, RunStore

_log = logging.getLogger("overpaint.batches")


REMEMBERED: Final = 20_000
"""Finished rows whose pictures are not looked up again each time a page asks."""


class BatchStore(RunStore[BatchSpec]):
    """All batches of this server."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "batches", BatchSpec)


@dataclass(frozen=True)
class _Item:
    """A row that is to be made, and the names of its two jobs."""

    place: int
    row: BatchRow
    job_id: str
    caption_id: str


class BatchRunner:
    """All batches of this server. Methods may be called from any thread."""

    def __init__(
        self, engine: CellEngine, store: BatchStore, planner: BatchPlanner, assets: AssetStore
    ) -> None:
        self._engine = engine
        self._store = store
        self._planner = planner
        self._assets = assets
        self._feeder = Feeder("batch")
        self._lock = threading.Lock()
        self._final: dict[str, RowView] = {}
        self._random = random.SystemRandom()

    @property
    def policy(self) -> FolderPolicy:
        """Which folders users may name."""
        return self._planner.policy

    def start(self) -> None:
        """Go on with the batches that a stopped or killed server left running."""
        for run in self._store.running():
            self._feeder.launch(run.id, self._work)

    def close(self) -> None:
        """Stop feeding the engine; batches go on after the next start."""
        self._feeder.close()

    def plan(self, ask: BatchAsk) -> BatchSpec:
        """The batch as it would run. Raises ScriptError for what cannot run."""
        return self._planner.plan(ask)

    def submit(self, owner: str, ask: BatchAsk) -> str:
        """Check a batch, keep it, begin with it, and return its id. Raises ScriptError.

        A random seed is drawn once: every file starts at the same one (behaviour 11).
        """
        spec = self.plan(ask)
        if all(row.skip for row in spec.rows):
            raise ScriptError(f"every file is skipped, the first one because {spec.rows[0].skip}")
        fixed = spec.base.with_fixed_seeds(self._random)
        batch_id = self._store.add(owner, spec.model_copy(update={"base": fixed}))
        self._feeder.launch(batch_id, self._work)
        return batch_id

    def view(self, batch_id: str) -> BatchView | None:
        """The batch as it is now, or None if there is no such batch."""
        run = self._store.get(batch_id)
        if run is None:
            return None
        problems = run.result.get("problems", {})
        rows = []
        for item in self._items(run):
            problem = str(problems.get(str(item.place), ""))
            rows.append(self._row(run, item, problem))
        return BatchView(run, tuple(rows))

    def latest(self, owner: str, count: int = 20) -> list[RunRow[BatchSpec]]:
        """The owner's newest batches, newest first."""
        return self._store.latest(owner, count)

    def wait(self, batch_id: str, timeout: float | None = None) -> BatchView | None:
        """Block until the batch is over, or for `timeout` seconds, and return it."""
        self._feeder.wait(batch_id, timeout)
        return self.view(batch_id)

    def stop(self, batch_id: str) -> None:
        """End the batch after cutting the file in work short; finished pictures stay."""
        self._feeder.stop(batch_id)

    def resume(self, batch_id: str) -> None:
        """Make what is missing, stopped or failed. Raises ScriptError while it still runs."""
        view = self.view(batch_id)
        if view is None or not view.is_over:
            raise ScriptError("this batch is still running: interrupt it or wait for its end")
        again = (RowState.STOPPED, RowState.FAILED)
        for place, row in enumerate(view.rows):
            if row.state in again:
                self._store.again(batch_id, str(place))
        self._store.set_result(batch_id, {})
        self._store.set_state(batch_id, RunState.RUNNING)
        self._feeder.launch(batch_id, self._work)

    def used_pictures(self) -> set[str]:
        """SHA-256 names of all pictures that were handed in for batches; they must be kept."""
        return set().union(*(used_pictures(spec) for spec in self._store.specs()))

    def _items(self, run: RunRow[BatchSpec]) -> list[_Item]:
        tries = self._store.attempts(run.id)
        return [
            _Item(
                place,
                row,
                _name(run.id, place, tries.get(str(place), 0), "picture"),
                _name(run.id, place, tries.get(str(place), 0), "caption"),
            )
            for place, row in enumerate(run.spec.rows)
        ]

    def _row(self, run: RunRow[BatchSpec], item: _Item, problem: str) -> RowView:
        """A row; what is over is looked up only once."""
        with self._lock:
            known = self._final.get(item.job_id)
        if known is not None:
            return known
        job = self._engine.view(item.job_id)
        asks = job is None and run.spec.interrogator
        caption = self._engine.view(item.caption_id) if asks else None
        found = row_view(item.row, job, caption, problem)
        if job is not None and job.state.is_final:
            with self._lock:
                if len(self._final) >= REMEMBERED:
                    self._final.clear()
                self._final[item.job_id] = found
        return found

    def _work(self, batch_id: str, live: Live) -> None:
        """The life of one batch in its thread."""
        run = self._store.get(batch_id)
        assert run is not None
        try:
            if not self._make(run, live):
                return
        except Exception:  # the boundary of a thread: the batch must not look alive for ever
            _log.exception("batch %s", batch_id)
            self._store.set_state(
                batch_id, RunState.FAILED, "the batch broke off; the server's log has details"
            )
        else:
            stopped = live.stopping.is_set()
            self._store.set_state(batch_id, RunState.STOPPED if stopped else RunState.DONE)

    def _make(self, run: RunRow[BatchSpec], live: Live) -> bool:
        """Have every row made. False when the server stops before that."""
        problems: dict[str, str] = dict(run.result.get("problems", {}))

        def tried(item: _Item) -> bool:
            """One step of a row; what its files do wrong is kept as that row's sentence."""
            try:
                return self._advance(run, item, live)
            except (ValueError, OSError) as error:
                problems[str(item.place)] = str(error)
                self._store.set_result(run.id, {"problems": problems})
                return False

        def begin(item: _Item) -> bool:
            job = self._engine.view(item.job_id)
            return tried(item) if job is None else not job.state.is_final

        def is_open(item: _Item) -> bool:
            job = self._engine.view(item.job_id)
            if job is not None and job.state.is_final and was_interrupted(job):
                live.stopping.set()
            return tried(item) if job is None else not job.state.is_final

        def stop(item: _Item) -> None:
            for job_id in (item.job_id, item.caption_id):
                self._engine.request_stop(job_id, StopKind.NOW)

        items = [item for item in self._items(run) if not item.row.skip]
        return self._feeder.feed(items, live, Work(begin, is_open, stop))

    def _advance(self, run: RunRow[BatchSpec], item: _Item, live: Live) -> bool:
        """Queue what a row needs next. False when it cannot come to a picture any more."""
        spec = run.spec
        asked = self._engine.view(item.caption_id) if spec.interrogator else None
        if asked is not None and not asked.state.is_final:
            return True
        if asked is not None and not _answered(asked):
            if asked.interrupted or asked.state is JobState.CANCELLED:
                live.stopping.set()
            return False
        if live.stopping.is_set():
            return False
        if spec.interrogator and asked is None:
            self._engine.submit(run.owner, self._question(spec, item.row), item.caption_id)
            return True
        caption = "" if asked is None else caption_text(asked)
        request = row_request(spec, item.row, self._taken(item.row), caption)
        named = {"basename": Path(item.row.picture.name).stem}
        saving = None if spec.saving is None else spec.saving.model_copy(update=named)
        self._engine.submit(run.owner, JobSpec(request=request, saving=saving), item.job_id)
        return True

    def _question(self, spec: BatchSpec, row: BatchRow) -> JobSpec:
        asked = Interrogation(
            pictures=(self._kept(row.picture),),
            interrogators=(spec.interrogator,),
            options=spec.interrogation,
            keep_loaded=True,
        )
        return JobSpec(kind="interrogate", interrogation=asked, save=False)

    def _taken(self, row: BatchRow) -> Mapping[str, str]:
        refs = {"picture": self._kept(row.picture)}
        return refs | ({"mask": self._kept(row.mask)} if row.mask is not None else {})

    def _kept(self, file: BatchFile) -> str:
        """The name of a picture's bytes, kept now if they lie in a folder."""
        if file.ref is not None:
            return file.ref
        return self._assets.add(self._planner.place(file).read_bytes())


def _name(batch_id: str, place: int, attempt: int, what: str) -> str:
    """The id of a row's job: always the same one, another one when it is asked for again."""
    return hashlib.sha256(f"{batch_id}/{place}/{attempt}/{what}".encode()).hexdigest()[:32]


def _answered(job: JobView) -> bool:
    """Whether an interrogation ended with a text to use."""
    return job.state is JobState.DONE and not job.interrupted and not caption_problem(job)
