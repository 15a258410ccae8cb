"""The durable record of plots. Cells are jobs and live in the job store."""

from __future__ import annotations

from pathlib import Path

from scripts.plan import PlotSpec
from scripts.run_store import RunRow, RunStore

PlotRow = RunRow[PlotSpec]
"""One plot as it is stored. `result` names what was composed: see `scripts.plot_output`."""


class PlotStore(RunStore[PlotSpec]):
    """All plots of this server."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "plots", PlotSpec)

    def used_pictures(self) -> set[str]:
        """SHA-256 names of all pictures that stored plots refer to."""
        used: set[str] = set()
        for spec in self.specs():
            used.update(spec.pictures.values(), spec.base.init_images)
            if spec.base.inpaint is not None:
                used.update(spec.base.inpaint.masks)
        return used
