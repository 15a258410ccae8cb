"""Puts the parts of scripts together; the app calls it once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from jobs.assets import AssetStore
from jobs.options import OptionStore
from jobs.output_folders import SaveRoots
from models.upscaler_files import UpscalerFiles
from pipelines.pictures import PictureLimits, upright_size
from pipelines.styles import Style, StylesError, read_styles
from scripts.axis import AxisContext, CheckpointFinder
from scripts.batch_plan import BatchPlanner
from scripts.batch_run import BatchRunner, BatchStore
from scripts.bench import Bench, Engine
from scripts.folders import FolderPolicy
from scripts.plot_output import PlotComposer
from scripts.plot_run import PlotRunner
from scripts.plot_store import PlotStore


class _Named(Protocol):
    @property
    def name(self) -> str:
        """The name that requests use."""


class Checkpoints(CheckpointFinder, Protocol):
    """What is asked of the catalog."""

    @property
    def upscalers(self) -> UpscalerFiles:
        """The upscaler files."""

    def vaes(self) -> Iterable[_Named]:
        """The VAE files."""

    @property
    def entries(self) -> Iterable[_Named]:
        """All checkpoints in the order of the page."""


def build_bench(
    engine: Engine,
    assets: AssetStore,
    limits: PictureLimits,
    catalog: Checkpoints,
    output_dir: Path,
    data_dir: Path,
    styles: Path | None = None,
    save_roots: SaveRoots = (),
) -> Bench:
    """Everything scripts need. `bench.plots.start()` goes on with interrupted plots.

    `styles` is A1111's styles.csv, which need not exist; `save_roots`: `OutputFolders`.
    """

    def context() -> AxisContext:
        return AxisContext(
            tuple(entry.name for entry in catalog.entries),
            catalog,
            _styles(styles),
            vaes=tuple(vae.name for vae in catalog.vaes()),
            upscalers=tuple(catalog.upscalers.names),
            size_of=lambda ref: upright_size(assets.path(ref), limits),
            grid_pixels=OptionStore(data_dir).get("img_max_size_mp") * 1_000_000,
        )

    composer = PlotComposer(engine, assets, output_dir, data_dir, limits, save_roots)
    plots = PlotRunner(engine, PlotStore(data_dir / "plots.sqlite"), context, composer)
    upscalers = catalog.upscalers
    return Bench(
        engine,
        assets,
        limits,
        output_dir,
        data_dir,
        context,
        plots,
        lambda: upscalers.names,
        save_roots,
    )


def build_batches(
    engine: Engine,
    assets: AssetStore,
    limits: PictureLimits,
    catalog: CheckpointFinder,
    policy: FolderPolicy,
    data_dir: Path,
) -> BatchRunner:
    """The Batch tab's runner. `start()` goes on with interrupted batches."""
    planner = BatchPlanner(policy, assets, limits, catalog)
    return BatchRunner(engine, BatchStore(data_dir / "batches.sqlite"), planner, assets)


def _styles(path: Path | None) -> tuple[Style, ...]:
    try:
        return () if path is None else read_styles(path)
    except (StylesError, OSError):
        return ()
