"""Timing side by side: interleaved rounds, medians, the machine's facts, tables, JSON."""

from __future__ import annotations

import argparse
import datetime
import gc
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BUILTIN = ROOT / "models" / "builtin" / "checkpoint"

CLOCKS: Mapping[str, Callable[[], float]] = {
    "wall": time.perf_counter,
    "processor": time.process_time,
}
"""Processor time (of all threads) hardly minds other programs; people only feel wall time."""

Work = Callable[[], object]


def machine_facts() -> dict[str, Any]:
    """Processor, cores, load and versions: what a figure depends on."""
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def _cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    facts = {key.strip(): value.strip() for key, value in values.items()}
    flags = facts.get("flags", "").split()
    known = [flag for flag in ("amx_tile", "avx512_bf16", "avx512f", "avx2") if flag in flags]
    return f"{facts.get('model name', platform.machine())} ({known[0] if known else 'no vectors'})"


@dataclass
class Report:
    """What one benchmark found; `figures` go into the table and the JSON file."""

    name: str
    setting: str
    figures: dict[str, str] = field(default_factory=dict)
    machine: Mapping[str, Any] = field(default_factory=machine_facts)
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def show(self) -> None:
        """Print the table."""
        print(f"\n{self.name}: {self.setting}")
        print("  " + ", ".join(f"{key} {value}" for key, value in self.machine.items()))
        width = max(len(key) for key in self.figures)
        for key, value in self.figures.items():
            print(f"  {key:<{width}}  {value}")


def interleaved(
    works: Mapping[str, Work],
    *,
    rounds: int,
    warm_up: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """Seconds of each work in each round; every round runs all works, in turning order.

    What slows the machine down for a while then hits all of them. Collected garbage is kept out.
    """
    names = list(works)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for number in range(warm_up + rounds):
        turn = number % len(names)
        for name in [*names[turn:], *names[:turn]]:
            gc.collect()
            with _without_collection():
                began = clock()
                works[name]()
                taken = clock() - began
            if number >= warm_up:
                seconds[name].append(taken)
    return seconds


@contextmanager
def _without_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def median_ms(values: Sequence[float]) -> str:
    """Median and quartiles in milliseconds."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"{middle * 1000:8.1f} ms  (quartiles {low * 1000:.1f} to {high * 1000:.1f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios of the same round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def command(description: str, *, rounds: int) -> argparse.ArgumentParser:
    """A parser with the options that all benchmarks share."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds, at least 2 ({rounds})")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="what is measured (wall)")
    parser.add_argument("--json", type=Path, help="write all figures into this file, too")
    return parser


def finish(report: Report, json_file: Path | None) -> None:
    """Show a report, and write it if a file was named."""
    report.show()
    if json_file is not None:
        json_file.write_text(json.dumps(asdict(report), indent=1), encoding="utf-8")
