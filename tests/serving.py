"""Starts the real server as a user would, in a folder of its own, and stops it again."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx

ROOT = Path(__file__).resolve().parent.parent

PATIENCE = 240.0
"""Seconds for a start; it takes three, but a busy machine may need minutes."""


@dataclass
class Server:
    """A running server. `lines` is everything it has printed so far."""

    url: str
    folder: Path
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    def get_json(self, path: str) -> Any:
        return httpx.get(self.url.rstrip("/") + path, timeout=30).raise_for_status().json()

    def post_json(self, path: str, body: dict[str, Any]) -> Any:
        answer = httpx.post(self.url.rstrip("/") + path, json=body, timeout=120)
        return answer.raise_for_status().json()

    def wait_for_line(self, words: str, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while not any(words in line for line in list(self.lines)):
            if time.monotonic() > end or self.process.poll() is not None:
                raise AssertionError(f"{words!r} was not printed:\n" + "".join(self.lines))
            time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would: no clean-up of any kind."""
        self.process.kill()
        self.process.wait()


@contextmanager
def serve(folder: Path, *flags: str, port: int = 0, ready: bool = True) -> Iterator[Server]:
    """Run app.py with `flags`; `ready` waits until the worker is up, too."""
    command = [
        sys.executable,
        str(ROOT / "app.py"),
        f"--data-dir={folder / 'data'}",
        f"--output-dir={folder / 'outputs'}",
        f"--models-dir={folder / 'weights'}",
        f"--port={port or _some_port()}",
        *flags,
    ]
    process = subprocess.Popen(
        command,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=_environment(),
    )
    server = Server("", folder, process)
    first: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout is not None
    reader = threading.Thread(
        target=_collect, args=(process.stdout, server.lines, first), daemon=True
    )
    reader.start()
    try:
        server.url = _address(server, first)
        _wait_for_page(server)
        if ready:
            server.wait_for_line("is ready on")
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        reader.join(5)
        process.stdout.close()


def _environment() -> dict[str, str]:
    """Ours without the variables that only the tests know."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("OVERPAINT_")}
    return {**kept, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1"}


def _collect(stream: IO[str], lines: list[str], first: queue.SimpleQueue[str]) -> None:
    for line in stream:
        lines.append(line)
        found = re.search(r"https?://\S+", line)
        if found and "running on" in line:
            first.put(found.group(0))


def _address(server: Server, first: queue.SimpleQueue[str]) -> str:
    """What the server says it runs on; what else it printed if it ended instead."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return first.get(timeout=0.2)
        except queue.Empty:
            if time.monotonic() > end or server.process.poll() is not None:
                raise AssertionError("no start:\n" + "".join(server.lines)) from None


def _wait_for_page(server: Server) -> None:
    end = time.monotonic() + PATIENCE
    address = server.url.split("?", maxsplit=1)[0].rstrip("/") + "/internal/ping"
    while True:
        try:
            httpx.get(address, timeout=5).raise_for_status()
            return
        except httpx.HTTPError:
            if time.monotonic() > end or server.process.poll() is not None:
                raise AssertionError("no answer:\n" + "".join(server.lines)) from None
            time.sleep(0.05)


def _some_port() -> int:
    """Ports of parallel runs should rarely meet; a busy one is no error for the server."""
    return 20000 + os.getpid() % 20000
