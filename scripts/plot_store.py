"""The durable record of plots: SQLite beside the job store. Cells are jobs and live there."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from scripts.plan import PlotSpec

_SCHEMA = """
CREATE TABLE IF NOT EXISTS plots (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    owner TEXT NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS plots_by_owner ON plots (owner, number);
CREATE TABLE IF NOT EXISTS attempts (
    plot_id TEXT NOT NULL REFERENCES plots (id),
    cell TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (plot_id, cell)
);
"""


class PlotState(StrEnum):
    """Life of a plot. A stopped one can go on, a done one can be extended."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class PlotRow:
    """One plot as it is stored. `result` names what was composed: see `scripts.plot_output`."""

    id: str
    owner: str
    spec: PlotSpec
    state: PlotState
    created: float
    error: str
    result: Mapping[str, Any]


class PlotStore:
    """All access to the plot database; one connection, guarded by a lock."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the database; the store must not be used afterwards."""
        with self._lock:
            self._db.close()

    def add(self, owner: str, spec: PlotSpec, plot_id: str | None = None) -> str:
        """Keep a plot as running and return its id."""
        plot_id = plot_id or uuid.uuid4().hex
        self._write(
            "INSERT INTO plots (id, number, owner, spec, state, created) VALUES"
            " (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM plots), ?, ?, ?, ?)",
            (plot_id, owner, spec.model_dump_json(), PlotState.RUNNING, time.time()),
        )
        return plot_id

    def get(self, plot_id: str) -> PlotRow | None:
        """The plot, or None."""
        rows = self._read("SELECT * FROM plots WHERE id = ?", (plot_id,))
        return _row(rows[0]) if rows else None

    def latest(self, owner: str, count: int = 20) -> list[PlotRow]:
        """The owner's newest plots, newest first."""
        found = self._read(
            "SELECT * FROM plots WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, count)
        )
        return [_row(row) for row in found]

    def running(self) -> list[PlotRow]:
        """Plots that are not over: after a restart they go on."""
        found = self._read(
            "SELECT * FROM plots WHERE state = ? ORDER BY number", (PlotState.RUNNING,)
        )
        return [_row(row) for row in found]

    def set_state(self, plot_id: str, state: PlotState, error: str = "") -> None:
        """Record where the plot is."""
        self._write("UPDATE plots SET state = ?, error = ? WHERE id = ?", (state, error, plot_id))

    def set_result(self, plot_id: str, result: Mapping[str, Any]) -> None:
        """Record what was composed."""
        self._write("UPDATE plots SET result = ? WHERE id = ?", (json.dumps(dict(result)), plot_id))

    def set_spec(self, plot_id: str, spec: PlotSpec) -> None:
        """Replace what the plot is to show, for example with one more value."""
        self._write("UPDATE plots SET spec = ? WHERE id = ?", (spec.model_dump_json(), plot_id))

    def attempts(self, plot_id: str) -> dict[str, int]:
        """How often each cell was asked for again, by cell key; others 0."""
        found = self._read("SELECT cell, attempt FROM attempts WHERE plot_id = ?", (plot_id,))
        return {row["cell"]: row["attempt"] for row in found}

    def again(self, plot_id: str, cell: str) -> None:
        """Ask for a cell once more."""
        self._write(
            "INSERT INTO attempts VALUES (?, ?, 1)"
            " ON CONFLICT (plot_id, cell) DO UPDATE SET attempt = attempt + 1",
            (plot_id, cell),
        )

    def used_pictures(self) -> set[str]:
        """SHA-256 names of all pictures that stored plots refer to."""
        used: set[str] = set()
        for row in self._read("SELECT spec FROM plots", ()):
            spec = PlotSpec.model_validate_json(row["spec"])
            used.update(spec.pictures.values(), spec.base.init_images)
            if spec.base.inpaint is not None:
                used.add(spec.base.inpaint.mask)
        return used

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            self._db.execute(sql, values)

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql, values).fetchall()


def _row(row: sqlite3.Row) -> PlotRow:
    return PlotRow(
        id=row["id"],
        owner=row["owner"],
        spec=PlotSpec.model_validate_json(row["spec"]),
        state=PlotState(row["state"]),
        created=row["created"],
        error=row["error"],
        result=json.loads(row["result"]),
    )
