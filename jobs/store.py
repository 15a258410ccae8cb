"""The durable job store: SQLite in WAL mode. It survives a kill of worker or server.

It knows rows, not processes: who runs what is the engine's business.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from jobs.database import open_database
from jobs.messages import PictureDone
from jobs.spec import JobSpec, JobState, Picture

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    owner TEXT NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    created REAL NOT NULL,
    started REAL,
    finished REAL,
    attempts INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT '',
    interrupted INTEGER NOT NULL DEFAULT 0,
    facts TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (state, number);
CREATE INDEX IF NOT EXISTS jobs_by_owner ON jobs (owner, number);
CREATE TABLE IF NOT EXISTS pictures (
    id TEXT PRIMARY KEY,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    position INTEGER NOT NULL,
    path TEXT NOT NULL,
    infotext TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    seed TEXT NOT NULL,
    subseed TEXT NOT NULL,
    incomplete INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job_id, position)
);
"""


@dataclass(frozen=True)
class JobRow:
    """One job as it is stored."""

    id: str
    number: int
    owner: str
    spec: JobSpec
    state: JobState
    created: float
    started: float | None
    finished: float | None
    attempts: int
    error: str
    interrupted: bool
    facts: Mapping[str, Any]


_NAMELESS = ("local", "guest-")
"""Owners who are no user with a name of his own (server/identity.py)."""


def named(owner: str) -> str:
    """The user name behind an owner, or an empty text."""
    is_user = owner != _NAMELESS[0] and not owner.startswith(_NAMELESS[1])
    return owner if is_user else ""


class StoreError(RuntimeError):
    """The database cannot be read or written; the sentence says why."""


class JobStore:
    """All access to the job database; one connection, guarded by a lock."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._db = open_database(path, _SCHEMA)

    def close(self) -> None:
        """Close the database; the store must not be used afterwards."""
        with self._lock:
            self._db.close()

    def add(self, owner: str, spec: JobSpec, job_id: str | None = None) -> str:
        """Queue a job at the end of its owner's line and return its id."""
        job_id = job_id or uuid.uuid4().hex
        self._write(
            "INSERT INTO jobs (id, number, owner, spec, state, created) VALUES"
            " (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM jobs), ?, ?, ?, ?)",
            (job_id, owner, spec.model_dump_json(), JobState.QUEUED, time.time()),
        )
        return job_id

    def record(
        self, owner: str, spec: JobSpec, made: Iterable[PictureDone], facts: Mapping[str, Any]
    ) -> str:
        """Keep pictures that were made outside a worker as a job that is done, and return its id.

        The `job_id` of `made` is replaced.
        """
        job_id = uuid.uuid4().hex
        now = time.time()
        self._write(
            "INSERT INTO jobs (id, number, owner, spec, state, created, started, finished, facts)"
            " VALUES (?, (SELECT COALESCE(MAX(number), 0) + 1 FROM jobs), ?, ?, ?, ?, ?, ?, ?)",
            (
                job_id,
                owner,
                spec.model_dump_json(),
                JobState.DONE,
                now,
                now,
                now,
                json.dumps(dict(facts)),
            ),
        )
        for one in made:
            self.add_picture(replace(one, job_id=job_id))
        return job_id

    def get(self, job_id: str) -> JobRow | None:
        """The job, or None."""
        rows = self._read("SELECT * FROM jobs WHERE id = ?", (job_id,))
        return _job(rows[0]) if rows else None

    def line(self) -> list[str]:
        """Ids of queued jobs in turn order: round-robin over owners, in order within one.

        The owner who was served longest ago comes first.
        """
        rows = self._read(
            "SELECT id, owner, number FROM jobs WHERE state = ? ORDER BY number",
            (JobState.QUEUED,),
        )
        served = {
            row["owner"]: row["last"] or 0.0
            for row in self._read("SELECT owner, MAX(started) AS last FROM jobs GROUP BY owner", ())
        }
        rounds: dict[str, int] = {}
        keyed: list[tuple[int, float, int, str]] = []
        for row in rows:
            owner = row["owner"]
            turn = rounds[owner] = rounds.get(owner, -1) + 1
            keyed.append((turn, served[owner], row["number"], row["id"]))
        return [job_id for *_, job_id in sorted(keyed)]

    def running(self) -> list[JobRow]:
        """Jobs that are marked as running."""
        return [
            _job(row)
            for row in self._read("SELECT * FROM jobs WHERE state = ?", (JobState.RUNNING,))
        ]

    def latest(self, owner: str, count: int) -> list[JobRow]:
        """The owner's newest jobs, newest first."""
        rows = self._read(
            "SELECT * FROM jobs WHERE owner = ? ORDER BY number DESC LIMIT ?", (owner, count)
        )
        return [_job(row) for row in rows]

    def mark_running(self, job_id: str) -> None:
        """A worker has taken the job: one more attempt."""
        self._write(
            "UPDATE jobs SET state = ?, started = ?, attempts = attempts + 1 WHERE id = ?",
            (JobState.RUNNING, time.time(), job_id),
        )

    def requeue(self, job_id: str, *, counts: bool = True) -> None:
        """Put a running job back into its place in the line; `counts` keeps it as an attempt."""
        self._write(
            "UPDATE jobs SET state = ?, attempts = attempts - ? WHERE id = ? AND state = ?",
            (JobState.QUEUED, 0 if counts else 1, job_id, JobState.RUNNING),
        )

    def finish(
        self,
        job_id: str,
        state: JobState,
        *,
        error: str = "",
        interrupted: bool = False,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Record how the job ended. A job that ended before stays as it is."""
        self._write(
            "UPDATE jobs SET state = ?, finished = ?, error = ?, interrupted = ?, facts = ?"
            " WHERE id = ? AND state IN (?, ?)",
            (
                state,
                time.time(),
                error,
                interrupted,
                json.dumps(dict(facts or {})),
                job_id,
                JobState.QUEUED,
                JobState.RUNNING,
            ),
        )

    def add_picture(self, made: PictureDone) -> None:
        """Record a finished picture; a repeated one (after a retry) replaces its row."""
        self._write(
            "INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                uuid.uuid4().hex,
                made.job_id,
                made.position,
                str(made.path),
                made.infotext,
                made.width,
                made.height,
                str(made.seed),
                str(made.subseed),
                made.incomplete,
            ),
        )

    def made(self, row: JobRow) -> int:
        """How many of the job's pictures are kept; masks given back beside them do not count."""
        pictures = self.pictures(row.id)
        if row.spec.kind != "generate":
            return len(pictures)
        count = row.spec.request.picture_count
        return sum(picture.position < count for picture in pictures)

    def pictures(self, job_id: str) -> tuple[Picture, ...]:
        """The job's pictures in order."""
        rows = self._read("SELECT * FROM pictures WHERE job_id = ? ORDER BY position", (job_id,))
        return tuple(_picture(row) for row in rows)

    def picture(self, owner: str, picture_id: str) -> Picture | None:
        """The picture, if it exists and belongs to `owner`."""
        rows = self._read(
            "SELECT pictures.* FROM pictures JOIN jobs ON jobs.id = pictures.job_id"
            " WHERE pictures.id = ? AND jobs.owner = ?",
            (picture_id, owner),
        )
        return _picture(rows[0]) if rows else None

    def made_with(self, owner: str, infotext: str) -> Picture | None:
        """The owner's newest picture with this infotext that a worker made (no grid, no script)."""
        rows = self._read(
            "SELECT pictures.* FROM pictures JOIN jobs ON jobs.id = pictures.job_id"
            " WHERE pictures.infotext = ? AND jobs.owner = ? AND jobs.attempts > 0"
            " AND pictures.incomplete = 0 ORDER BY jobs.number DESC, pictures.position LIMIT 1",
            (infotext, owner),
        )
        return _picture(rows[0]) if rows else None

    def used_assets(self) -> set[str]:
        """SHA-256 names of all pictures that stored jobs refer to."""
        used: set[str] = set()
        for row in self._read("SELECT spec FROM jobs", ()):
            spec = JobSpec.model_validate_json(row["spec"])
            used.update(spec.request.init_images)
            if spec.request.color_reference is not None:
                used.add(spec.request.color_reference)
            if spec.request.inpaint is not None:
                used.update(spec.request.inpaint.masks)
            if spec.interrogation is not None:
                used.update(spec.interrogation.pictures)
            if spec.extras is not None:
                used.update(spec.extras.pictures)
            if spec.page is not None:
                used.update(spec.page.assets())
        return used

    def _write(self, sql: str, values: tuple[Any, ...]) -> None:
        self._execute(sql, values)

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        return self._execute(sql, values)

    def _execute(self, sql: str, values: tuple[Any, ...]) -> list[sqlite3.Row]:
        try:
            with self._lock:
                return self._db.execute(sql, values).fetchall()
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"the list of jobs cannot be kept ({error}); free some disk space and try again"
            ) from error


def _job(row: sqlite3.Row) -> JobRow:
    return JobRow(
        id=row["id"],
        number=row["number"],
        owner=row["owner"],
        spec=JobSpec.model_validate_json(row["spec"]),
        state=JobState(row["state"]),
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        attempts=row["attempts"],
        error=row["error"],
        interrupted=bool(row["interrupted"]),
        facts=json.loads(row["facts"]),
    )


def _picture(row: sqlite3.Row) -> Picture:
    return Picture(
        id=row["id"],
        job_id=row["job_id"],
        position=row["position"],
        path=Path(row["path"]),
        infotext=row["infotext"],
        width=row["width"],
        height=row["height"],
        seed=int(row["seed"]),
        subseed=int(row["subseed"]),
        incomplete=bool(row["incomplete"]),
    )
