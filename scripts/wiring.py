"""Puts the parts of scripts together; the app calls it once."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from jobs.assets import AssetStore
from pipelines.pictures import PictureLimits
from pipelines.styles import Style, StylesError, read_styles
from scripts.axis import AxisContext, CheckpointFinder
from scripts.bench import Bench, Engine
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
) -> Bench:
    """Everything scripts need. `bench.plots.start()` goes on with interrupted plots.

    `styles` is A1111's styles.csv, which need not exist.
    """

    def context() -> AxisContext:
        names = tuple(entry.name for entry in catalog.entries)
        return AxisContext(names, catalog, _styles(styles))

    composer = PlotComposer(engine, assets, output_dir, data_dir, limits)
    plots = PlotRunner(engine, PlotStore(data_dir / "plots.sqlite"), context, composer)
    return Bench(engine, assets, limits, output_dir, data_dir, context, plots)


def _styles(path: Path | None) -> tuple[Style, ...]:
    try:
        return () if path is None else read_styles(path)
    except (StylesError, OSError):
        return ()
