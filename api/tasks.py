"""Task ids: the names under which clients ask for the progress of their own calls (api 3.10)."""

from __future__ import annotations

import secrets
import string
import threading
from collections import OrderedDict

REMEMBERED = 512
"""Tasks whose jobs can still be found by name."""

_LETTERS = string.ascii_uppercase + string.digits


class TaskBook:
    """Which job a task id means, for each owner. Safe from any thread."""

    def __init__(self) -> None:
        self._jobs: OrderedDict[tuple[str, str], str] = OrderedDict()
        self._names: dict[str, str] = {}
        self._lock = threading.Lock()

    def enter(self, owner: str, job_id: str, tab: str, wanted: str | None = None) -> str:
        """Note a job and return its task id: the wanted one or a new `task(img2img-...)`."""
        drawn = "".join(secrets.choice(_LETTERS) for _ in range(7))
        name = wanted or f"task({tab}-{drawn})"
        with self._lock:
            self._jobs[owner, name] = job_id
            self._jobs.move_to_end((owner, name))
            self._names[job_id] = name
            if len(self._jobs) > REMEMBERED:
                self._names.pop(self._jobs.popitem(last=False)[1], None)
        return name

    def job_id(self, owner: str, task: str) -> str | None:
        """The job that the owner's task id means, or None.

        The caller checks whose job it is: `task(<job id>)` names any job.
        """
        with self._lock:
            known = self._jobs.get((owner, task))
        return known or (task[5:-1] if task.startswith("task(") and task.endswith(")") else None)

    def name(self, job_id: str) -> str:
        """The task id of a job; one that did not come over the API is `task(<job id>)`."""
        with self._lock:
            return self._names.get(job_id, f"task({job_id})")
