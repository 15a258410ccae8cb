"""Whether a long plot's memory stays flat: resident memory from cell 10 to the last.

Run: `python -m benchmarks.plot_memory [cells]` (200). Every cell is another picture (seeds and CFG
scales), made by one worker with the built-in checkpoint; the goal is +-5 %. Measured are the worker
and the process that feeds it, which here is this one: a server without its page.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.xyz import build_site
from jobs.engine import LocalEngine
from scripts.bench import Bench
from scripts.plan import AxisChoice, PlotSpec
from scripts.plot_view import CellState

FIRST, GOAL = 10, 0.05


def main(cells: int) -> None:
    """Run the plot and print memory at some cells."""
    with tempfile.TemporaryDirectory() as name:
        site = build_site(Path(name), size=128, steps=4)
        spec = PlotSpec(
            base=site.base,
            x=AxisChoice(type="CFG Scale", values="2, 4, 6, 8"),
            y=AxisChoice(type="Seed", values=f"1-{max(1, cells // 4)}"),
        )
        measured = _measured(site.engine, site.bench, site.bench.plots.submit("plot", spec))
        site.engine.stop()
        _report(measured)


def _measured(engine: LocalEngine, bench: Bench, plot_id: str) -> dict[int, tuple[float, float]]:
    """Resident memory of worker and feeder, MB, by the number of cells that were done."""
    found: dict[int, tuple[float, float]] = {}
    while True:
        view = bench.plots.view(plot_id)
        assert view is not None
        done, pid = view.count(CellState.DONE), engine.worker_pid
        if pid is not None and done:
            found.setdefault(done, (_resident(pid), _resident(os.getpid())))
        if view.is_over:
            return found
        time.sleep(0.1)


def _resident(pid: int) -> float:
    """MB that a process holds in memory (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("the system does not tell how much memory a process holds")


def _report(measured: dict[int, tuple[float, float]]) -> None:
    last = max(measured)
    start = min((done for done in measured if done >= FIRST), default=last)
    for place, who in enumerate(("worker", "feeder")):
        for done in sorted({start, last, *(n for n in measured if n % 50 == 0)}):
            print(f"{who}, cell {done:4d}: {measured[done][place]:7.1f} MB")
        growth = measured[last][place] / measured[start][place] - 1.0
        print(f"{who}, from cell {start} to {last}: {growth:+.1%} (goal within {GOAL:.0%})")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
