"""Threads that feed the engine with the jobs of a long run, a few at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

Item = TypeVar("Item")

AHEAD: Final = 2
"""Jobs in the engine's line: the device never waits, and other users' jobs come in between."""

POLL: Final = 0.05
"""Seconds between looks at the jobs in work."""


@dataclass
class Live:
    """A run in work: its thread, and whether it is to stop."""

    thread: threading.Thread | None = None
    stopping: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class Work(Generic[Item]):
    """What happens to each item. `begin` and `is_open` say whether there is something to wait for.

    `stop` is called for items in work, again and again, once the run is to stop.
    """

    begin: Callable[[Item], bool]
    is_open: Callable[[Item], bool]
    stop: Callable[[Item], None]


class Feeder:
    """The threads of all runs of one kind. Methods may be called from any thread."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._live: dict[str, Live] = {}
        self._closing = threading.Event()

    def launch(self, run_id: str, work: Callable[[str, Live], None]) -> None:
        """Begin with a run in a thread of its own."""
        live = Live()
        live.thread = threading.Thread(
            target=work, args=(run_id, live), name=f"{self._name}-{run_id[:8]}", daemon=True
        )
        with self._lock:
            self._live[run_id] = live
        live.thread.start()

    def stop(self, run_id: str) -> None:
        """Ask a run to end; nothing happens when it is not in work."""
        live = self._live.get(run_id)
        if live is not None:
            live.stopping.set()

    def wait(self, run_id: str, timeout: float | None = None) -> None:
        """Block until the run is over, or for `timeout` seconds."""
        live = self._live.get(run_id)
        if live is not None and live.thread is not None:
            live.thread.join(timeout)

    def close(self) -> None:
        """Stop feeding; runs stay as they are and go on after the next start."""
        self._closing.set()
        with self._lock:
            threads = [live.thread for live in self._live.values()]
        for thread in threads:
            if thread is not None:
                thread.join(5)

    def feed(self, items: Iterable[Item], live: Live, work: Work[Item]) -> bool:
        """Have every item made. False when the server stops before that."""
        pending, in_work = list(items), list[Item]()
        while pending or in_work:
            if self._closing.is_set():
                return False
            if live.stopping.is_set():
                pending.clear()
                for item in in_work:
                    work.stop(item)
            while pending and len(in_work) < AHEAD:
                item = pending.pop(0)
                in_work += [item] if work.begin(item) else []
            in_work = [item for item in in_work if work.is_open(item)]
            if in_work:
                self._closing.wait(POLL)
        return True
