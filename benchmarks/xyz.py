"""A plot of denoise x CFG against the same pictures as separate jobs; memory from cell to cell.

Run on an idle machine: `python -m benchmarks.xyz [values per axis]`. Both runs use one worker with
the built-in checkpoint, which has made a first picture before the clock starts.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import PIL.Image

from jobs.assets import AssetStore
from jobs.engine import LocalEngine
from jobs.messages import WorkerConfig
from jobs.spec import JobSpec
from jobs.store import JobStore
from models.catalog import Catalog
from pipelines.pictures import DEFAULT_LIMITS
from pipelines.request import Img2ImgRequest, Sampling, Seeds
from scripts.plan import AxisChoice, PlotSpec
from scripts.plot_view import PlotView
from scripts.wiring import build_bench

ROOT = Path(__file__).resolve().parent.parent
BUILTIN = ROOT / "models" / "builtin" / "checkpoint"


def main(count: int) -> None:
    """Measure both ways and print seconds and peak memory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        engine = LocalEngine(
            JobStore(folder / "jobs.sqlite"), WorkerConfig(folder, folder, folder, BUILTIN)
        )
        assets = AssetStore(folder / "assets")
        bench = build_bench(
            engine,
            assets,
            DEFAULT_LIMITS,
            Catalog(folder, folder, BUILTIN),
            folder / "out",
            folder,
        )
        picture = folder / "init.png"
        PIL.Image.effect_mandelbrot((256, 256), (-2, -1.5, 1, 1.5), 64).convert("RGB").save(picture)
        base = Img2ImgRequest(
            init_images=(assets.add(picture.read_bytes()),),
            width=128,
            height=128,
            prompt="a house",
            sampling=Sampling(sampler="Euler", steps=10),
            seeds=Seeds(seed=1, subseed=1),
        )
        engine.start()
        _wait(engine, engine.submit("warm", JobSpec(request=base, save=False)))
        spec = PlotSpec(
            base=base,
            x=AxisChoice(type="Denoising", values=f"0.1-1 [{count}]"),
            y=AxisChoice(type="CFG Scale", values=f"1-10 [{count}]"),
        )
        began = time.perf_counter()
        for cell in bench.plots.plan(spec).cells:
            _wait(engine, engine.submit("apart", JobSpec(request=cell.request)))
        apart = time.perf_counter() - began
        began = time.perf_counter()
        view = bench.plots.wait(bench.plots.submit("plot", spec))
        together = time.perf_counter() - began
        assert view is not None
        engine.stop()
        _report(view, apart, together)


def _wait(engine: LocalEngine, job_id: str) -> None:
    while (view := engine.view(job_id)) is None or not view.state.is_final:
        time.sleep(0.005)


def _report(view: PlotView, apart: float, together: float) -> None:
    peaks = [cell.job.facts.get("peak_memory", 0) / 2**20 for cell in view.cells if cell.job]
    print(f"{len(view.cells)} cells: apart {apart:.2f} s, as a plot {together:.2f} s")
    print(f"ratio {together / apart:.2f}; the grid and its table are part of the plot's time")
    middle = peaks[min(10, len(peaks) - 1)]
    print(f"peak memory, MB: cell 10 {middle:.0f}, last cell {peaks[-1]:.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 6)
