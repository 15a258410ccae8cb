"""The durable record of runs that make many jobs (plots, batches): SQLite beside the job store.

What was made are jobs and lives in the job store; here is what was asked for and how far it came.
"""

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
from typing import Any, Generic, TypeVar

from jobs.database import open_database
from pipelines.request import Frozen

_SCHEMA = """
CREATE TABLE IF NOT EXISTS {table} (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    owner TEXT NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '{{}}'
);
CREATE INDEX IF NOT EXISTS {table}_by_owner ON {table} (owner, number);
CREATE TABLE IF NOT EXISTS tries (
    run_id TEXT NOT NULL REFERENCES {table} (id),
    part TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    PRIMARY KEY (run_id, part)
);
"""


Spec = TypeVar("Spec", bound=Frozen)
"""What a run asks for."""


class RunState(StrEnum):
    """Life of a run. A stopped one can go on, a done one can be extended."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    FAILED = "failed"


@dataclass(frozen=True)
class RunRow(Generic[Spec]):
    """One run as it is stored. `result` is what its runner keeps."""

    id: str
    owner: str
    spec: Spec
    state: RunState
    created: float
    error: str
    result: Mapping[str, Any]


class RunStore(Generic[Spec]):
    """All access to the database of one kind of run; one connection, guarded by a lock."""

    def __init__(self, path: Path, table: str, spec_type: type[Spec]) -> None:
        self._table = table
        self._spec_type = spec_type
        self._lock = threading.Lock()
        self._db = open_database(path, _SCHEMA.format(table=table))

    def close(self) -> None:
        """Close the database; the store must not be used afterwards."""
        with self._lock:
            self._db.close()

    def add(self, owner: str, spec: Spec, run_id: str | None = None) -> str:
        """Keep a run as running and return its id."""
        run_id = run_id or uuid.uuid4().hex
        self._write(
            "INSERT INTO {table} (id, number, owner, spec, state, created) VALUES"
            " (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM {table}), ?, ?, ?, ?)",
            (run_id, owner, spec.model_dump_json(), RunState.RUNNING, time.time()),
        )
        return run_id

    def get(self, run_id: str) -> RunRow[Spec] | None:
        """The run, or None."""
        rows = self._read("SELECT * FROM {table} WHERE id = ?", (run_id,))
        return self._row(rows[0]) if rows else None

    def latest(self, owner: str, count: int = 20) -> list[RunRow[Spec]]:
        """The owner's newest runs, newest first."""
        found = self._read(
            "SELECT * FROM {table} WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, count)
        )
        return [self._row(row) for row in found]

    def running(self) -> list[RunRow[Spec]]:
        """Runs that are not over: after a restart they go on."""
        found = self._read(
            "SELECT * FROM {table} WHERE state = ? ORDER BY number", (RunState.RUNNING,)
        )
        return [self._row(row) for row in found]

    def set_state(self, run_id: str, state: RunState, error: str = "") -> None:
        """Record where the run is."""
        self._write("UPDATE {table} SET state = ?, error = ? WHERE id = ?", (state, error, run_id))

    def set_result(self, run_id: str, result: Mapping[str, Any]) -> None:
        """Record what came of it."""
        self._write(
            "UPDATE {table} SET result = ? WHERE id = ?", (json.dumps(dict(result)), run_id)
        )

    def set_spec(self, run_id: str, spec: Spec) -> None:
        """Replace what is asked for, for example with one more value of a plot."""
        self._write("UPDATE {table} SET spec = ? WHERE id = ?", (spec.model_dump_json(), run_id))

    def attempts(self, run_id: str) -> dict[str, int]:
        """How often each part (a cell, a file) was asked for again; others 0."""
        found = self._read("SELECT part, attempt FROM tries WHERE run_id = ?", (run_id,))
        return {row["part"]: row["attempt"] for row in found}

    def again(self, run_id: str, part: str) -> None:
        """Ask for a part once more."""
        self._write(
            "INSERT INTO tries VALUES (?, ?, 1)"
            " ON CONFLICT (run_id, part) DO UPDATE SET attempt = attempt + 1",
            (run_id, part),
        )

    def specs(self) -> list[Spec]:
        """What every stored run asks for."""
        rows = self._read("SELECT spec FROM {table}", ())
        return [self._spec_type.model_validate_json(row["spec"]) for row in rows]

    def _row(self, row: sqlite3.Row) -> RunRow[Spec]:
        return RunRow(
            id=row["id"],
            owner=row["owner"],
            spec=self._spec_type.model_validate_json(row["spec"]),
            state=RunState(row["state"]),
            created=row["created"],
            error=row["error"],
            result=json.loads(row["result"]),
        )

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        with self._lock:
            self._db.execute(sql.format(table=self._table), values)

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        with self._lock:
            return self._db.execute(sql.format(table=self._table), values).fetchall()
