"""A started server: seconds to the first page and to a ready worker, memory idle and after a job.

    python -m benchmarks.server [--rounds 3] [--json FILE]

Goal: the first page within 4 s of a warm start. Each round starts app.py on a free port with empty
folders, asks for the page until it comes, waits until the worker has torch and the model, lets it
paint one picture (256 px, 20 steps) and reads /proc. The first round may find cold files; the
others are warm.
"""

from __future__ import annotations

import base64
import io
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measuring import ROOT, Report, command, finish
from benchmarks.painting import NEGATIVE, PROMPT, photograph

PATIENCE = 120.0
POLL = 0.02


@dataclass
class Server:
    """app.py in a process of its own; `lines` is what it has printed."""

    process: subprocess.Popen[str]
    url: str
    began: float
    lines: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Collect the output until the process ends."""
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def since(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self.began

    def until_page(self) -> float:
        """Seconds until GET / answers 200."""
        while self.since() < PATIENCE:
            try:
                with urllib.request.urlopen(self.url + "/", timeout=PATIENCE) as answer:  # noqa: S310
                    answer.read()
                    return self.since()
            except (urllib.error.URLError, ConnectionError):
                time.sleep(POLL)
        raise TimeoutError("".join(self.lines))

    def until_said(self, text: str) -> tuple[float, str]:
        """Seconds until a line with `text` was printed, and that line."""
        while self.since() < PATIENCE:
            for line in tuple(self.lines):
                if text in line:
                    return self.since(), line
            time.sleep(POLL)
        raise TimeoutError("".join(self.lines))

    def paint(self) -> float:
        """Seconds of one img2img call of the API."""
        buffer = io.BytesIO()
        photograph(256).save(buffer, "PNG")
        wanted: dict[str, Any] = {
            "init_images": [base64.b64encode(buffer.getvalue()).decode()],
            "prompt": PROMPT,
            "negative_prompt": NEGATIVE,
            "sampler_name": "DPM++ 2M",
            "steps": 20,
            "denoising_strength": 0.75,
            "width": 256,
            "height": 256,
        }
        request = urllib.request.Request(  # noqa: S310
            self.url + "/sdapi/v1/img2img",
            json.dumps(wanted).encode(),
            {"Content-Type": "application/json"},
        )
        began = time.monotonic()
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
            assert json.load(answer)["images"]
        return time.monotonic() - began


def memory_mb(pid: int) -> tuple[float, float, float]:
    """Resident, proportional (shared pages divided) and peak resident memory in MB."""
    status = _numbers(Path(f"/proc/{pid}/status"))
    rollup = _numbers(Path(f"/proc/{pid}/smaps_rollup"))
    return status["VmRSS"] / 1024, rollup["Pss"] / 1024, status["VmHWM"] / 1024


def _numbers(path: Path) -> dict[str, float]:
    """The lines `Name:  123 kB` of a file in /proc."""
    found = {}
    for line in path.read_text(encoding="ascii").splitlines():
        name, _, value = line.partition(":")
        if value.endswith("kB"):
            found[name] = float(value.removesuffix("kB"))
    return found


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far; other programs hardly change it."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def started(folder: Path) -> Iterator[Server]:
    """A server with its folders below `folder`; stopped in the end."""
    port = free_port()
    parts = {"data-dir": "data", "output-dir": "outputs", "models-dir": "models"}
    flags = [text for flag, name in parts.items() for text in (f"--{flag}", str(folder / name))]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "app.py"), "--port", str(port), *flags],
        cwd=ROOT,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    server = Server(process, f"http://127.0.0.1:{port}", began)
    reader = threading.Thread(target=server.read, daemon=True)
    reader.start()
    try:
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        reader.join(5)


def one_round() -> dict[str, float]:
    """All figures of one start."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as server:
        figures = {"page, s": server.until_page()}
        figures["page, s of processor time"] = processor_seconds(server.process.pid)
        figures["worker ready, s"], line = server.until_said("is ready on")
        worker = int(line.split("worker ")[1].split()[0])
        figures["first picture (with what is left of loading), s"] = server.paint()
        figures["second picture, s"] = server.paint()
        time.sleep(1.0)
        for name, pid in (("web process", server.process.pid), ("worker", worker)):
            resident, proportional, peak = memory_mb(pid)
            figures[f"{name} after two jobs, resident MB"] = resident
            figures[f"{name} after two jobs, proportional MB"] = proportional
            figures[f"{name}, peak MB"] = peak
    return figures


def idle_round() -> dict[str, float]:
    """Memory of a server that has loaded its model and done nothing."""
    with tempfile.TemporaryDirectory() as folder, started(Path(folder)) as server:
        server.until_page()
        _, line = server.until_said("is ready on")
        worker = int(line.split("worker ")[1].split()[0])
        time.sleep(4.0)  # the model is loaded ahead
        found = {"web process": server.process.pid, "worker": worker}
        return {f"{name} idle, resident MB": memory_mb(pid)[0] for name, pid in found.items()}


def main(arguments: Sequence[str]) -> int:
    """Measure and show."""
    options = command(__doc__ or "", rounds=3).parse_args(arguments)
    rounds = [one_round() for _ in range(max(2, options.rounds))]
    idle = idle_round()
    report = Report("Start and memory", f"{len(rounds)} starts, the first one apart")
    for name in rounds[0]:
        warm = [figures[name] for figures in rounds[1:]]
        report.seconds[name] = [figures[name] for figures in rounds]
        report.figures[name] = f"{statistics.median(warm):8.2f}   (first {rounds[0][name]:.2f})"
    for name, value in idle.items():
        report.figures[name] = f"{value:8.2f}"
        report.seconds[name] = [value]
    finish(report, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
