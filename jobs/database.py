"""How the SQLite files of jobs and runs are opened; what stands in them is up to their stores."""

from __future__ import annotations

import sqlite3
from pathlib import Path


def open_database(path: Path, schema: str) -> sqlite3.Connection:
    """A connection with rows by name, every statement a transaction of its own.

    The folder is made if need be, `schema` is run. Any thread may use the connection, one at a
    time: the lock is the caller's. A kill loses no finished statement. Raises OSError or
    sqlite3.Error when the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    database.row_factory = sqlite3.Row
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.executescript(schema)
    return database
