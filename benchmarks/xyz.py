"""A plot of denoise x CFG against the same pictures as separate jobs.

Run: `python -m benchmarks.xyz [--values 6] [--size 256] [--steps 20] [--rounds 2]`. Both ways use
one worker with the built-in checkpoint, which has made a first picture before the clock starts.
The separate jobs are queued all at once, so that nobody's waiting between them counts. Rounds take
turns in which way goes first; each has a seed of its own, so that nothing is known from the one
before. Processor time is that of worker and web process together, and hardly minds other programs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import PIL.Image

from benchmarks.measuring import BUILTIN, Report
from jobs.assets import AssetStore
from jobs.engine import LocalEngine
from jobs.messages import WorkerConfig
from jobs.spec import JobSpec
from jobs.store import JobStore
from models.catalog import Catalog
from pipelines.pictures import DEFAULT_LIMITS
from pipelines.request import Img2ImgRequest, Sampling, Seeds
from scripts.bench import Bench
from scripts.plan import AxisChoice, PlotSpec
from scripts.plot_view import PlotView
from scripts.wiring import build_bench

GOAL = 0.85


@dataclass(frozen=True)
class Spent:
    """What one way took: seconds on the wall, of the processor, and within the worker's runs."""

    wall: float
    processor: float
    painting: float


@dataclass
class Site:
    """Engine, bench and the request that all cells come from."""

    engine: LocalEngine
    bench: Bench
    base: Img2ImgRequest

    def apart(self, spec: PlotSpec) -> float:
        """Make the cells as jobs of their own; seconds that the worker was at them."""
        requests = [cell.request for cell in self.bench.plots.plan(spec).cells]
        jobs = [self.engine.submit("apart", JobSpec(request=one)) for one in requests]
        for job in jobs:
            self.wait(job)
        views = [self.engine.view(job) for job in jobs]
        return sum(float(view.facts["seconds"]) for view in views if view)

    def together(self, spec: PlotSpec) -> float:
        """Make them as a plot, with grid and table; seconds that the worker was at its cells."""
        view = self.bench.plots.wait(self.bench.plots.submit("plot", spec))
        assert view is not None and view.is_over
        self.last = view
        return sum(cell.seconds or 0.0 for cell in view.cells)

    last: PlotView | None = None

    def wait(self, job: str) -> None:
        """Until a job is over; looked at as seldom as the page looks."""
        while (view := self.engine.view(job)) is None or not view.state.is_final:
            time.sleep(0.05)


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _spent(site: Site, work: Callable[[PlotSpec], float], spec: PlotSpec) -> Spent:
    worker = site.engine.worker_pid
    assert worker is not None
    pids = (worker, os.getpid())
    wall, before = time.perf_counter(), sum(map(processor_seconds, pids))
    painting = work(spec)
    after = sum(map(processor_seconds, pids))
    return Spent(time.perf_counter() - wall, after - before, painting)


def build_site(folder: Path, size: int, steps: int) -> Site:
    """A started engine that has made a picture; `folder` takes everything it writes."""
    engine = LocalEngine(
        JobStore(folder / "jobs.sqlite"), WorkerConfig(folder, folder, folder, BUILTIN)
    )
    assets, catalog = AssetStore(folder / "assets"), Catalog(folder, folder, BUILTIN)
    bench = build_bench(engine, assets, DEFAULT_LIMITS, catalog, folder / "out", folder)
    picture = folder / "init.png"
    PIL.Image.effect_mandelbrot((256, 256), (-2, -1.5, 1, 1.5), 64).convert("RGB").save(picture)
    base = Img2ImgRequest(
        init_images=(assets.add(picture.read_bytes()),),
        width=size,
        height=size,
        prompt="a house",
        sampling=Sampling(sampler="Euler", steps=steps),
        seeds=Seeds(seed=1, subseed=1),
    )
    engine.start()
    site = Site(engine, bench, base)
    site.wait(engine.submit("warm", JobSpec(request=base, save=False)))
    return site


def measure(site: Site, values: int, rounds: int) -> dict[str, list[Spent]]:
    """Both ways in each round, by name."""
    ways = {"apart": site.apart, "together": site.together}
    found: dict[str, list[Spent]] = {name: [] for name in ways}
    for number in range(rounds):
        names = list(ways)[:: -1 if number % 2 else 1]
        for place, name in enumerate(names):
            seeds = Seeds(seed=100 + 2 * number + place, subseed=1)
            spec = PlotSpec(
                base=site.base.model_copy(update={"seeds": seeds}),
                x=AxisChoice(type="Denoising", values=f"0.1-1 [{values}]"),
                y=AxisChoice(type="CFG Scale", values=f"1-10 [{values}]"),
            )
            found[name].append(_spent(site, ways[name], spec))
    return found


def report(site: Site, found: dict[str, list[Spent]], setting: str) -> Report:
    """Medians of both ways, and their ratios."""
    view = site.last
    assert view is not None
    shown = Report("36 cells as a plot against separate jobs", setting)
    for name in ("wall", "processor", "painting"):
        apart, together = (
            statistics.median(getattr(one, name) for one in found[way])
            for way in ("apart", "together")
        )
        figures = f"apart {apart:.2f} s, plot {together:.2f} s, ratio {together / apart:.3f}"
        shown.figures[name] = figures
    shown.figures["goal"] = f"<= {GOAL}"
    shown.figures["calls shared"] = f"{view.shared_calls} of {view.plan.model_calls}"
    return shown


def main() -> None:
    """Measure both ways and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=int, default=6)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        site = build_site(Path(name), asked.size, asked.steps)
        try:
            found = measure(site, asked.values, asked.rounds)
        finally:
            site.engine.stop()
        setting = f"{asked.values} x {asked.values}, {asked.size} px, {asked.steps} steps, Euler"
        report(site, found, setting).show()


if __name__ == "__main__":
    main()
