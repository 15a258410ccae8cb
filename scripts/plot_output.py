"""From finished cells to what the user keeps: grid, sub-grids, table, viewer, with infotext (12.1).

Where results are registered for page and API is `jobs.engine.LocalEngine.record`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import PIL.Image
from PIL.Image import Image

from jobs.assets import AssetStore, MissingAsset
from jobs.messages import PictureDone
from jobs.new_files import save_numbered
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders, SaveRoots
from jobs.saving_options import EXTENSIONS, SavingOptions, saving_options, sub_folder
from jobs.spec import JobSpec
from pipelines.compose import flatten
from pipelines.events import FinishedPicture
from pipelines.geometry import Extent
from pipelines.infotext import ImageFacts, write_infotext
from pipelines.pictures import PictureLimits, encode_picture, open_picture, storable_format
from pipelines.prompt.comments import strip_comments
from scripts.plan import PlotAxis
from scripts.plot_grid import draw_plot, joined_tile, notice_tile
from scripts.plot_table import Distance, TableRow, distance, to_csv
from scripts.plot_view import CellState, CellView, PlotView
from scripts.plot_viewer import Shown, write_viewer

TITLE = "X/Y/Z plot"


class Recorder(Protocol):
    """The part of a job engine that keeps composed pictures."""

    def record(
        self, owner: str, spec: JobSpec, made: Iterable[PictureDone], facts: Mapping[str, Any]
    ) -> str:
        """Keep pictures as a job that is done, and return its id."""


@dataclass(frozen=True)
class PlotComposer:
    """Makes the output of plots; called with the plot when all its cells are over."""

    engine: Recorder
    assets: AssetStore
    output_dir: Path
    data_dir: Path
    limits: PictureLimits
    save_roots: SaveRoots = ()
    """See jobs.output_folders.OutputFolders."""

    def __call__(self, view: PlotView) -> dict[str, Any]:
        """Compose and save; returns `job` (id of the recorded pictures), `files`, `rows`.

        Beyond the size of one picture there is a viewer page instead of a grid. Raises OSError.
        """
        settings = OptionStore(self.data_dir).all()
        saving = saving_options(settings)
        text = plot_infotext(view)
        rows = [self._row(view, cell) for cell in _in_order(view)]
        table = to_csv(rows).encode()
        result: dict[str, Any] = {"rows": [_plain(row) for row in rows]}
        if view.plan.is_tiled:
            folder = self._folder(view, settings, saving, PIL.Image.new("RGB", (1, 1)), text)
            page = save_numbered(b"", folder, lambda n: f"xyz_grid-{n:04d}.html", "xyz_grid-")
            write_viewer(view.plan, page, lambda x, y, z: _shown(view.at(x, y, z)), TITLE)
            csv_path = page.with_suffix(".csv")
            csv_path.write_bytes(table)
            return result | {"files": [str(page), str(csv_path)]}
        pictures = draw_plot(view.plan, lambda x, y, z: _tile(view.at(x, y, z)))
        folder = self._folder(view, settings, saving, pictures.main, text)
        subs = pictures.subs if view.plan.spec.sub_grids else ()
        made = [
            _save(image, folder, text, k, saving) for k, image in enumerate((pictures.main, *subs))
        ]
        csv_path = made[0].path.with_suffix(".csv")
        csv_path.write_bytes(table)
        spec = JobSpec(request=view.plan.spec.base, tab=view.plan.spec.tab, save=False)
        facts = {"script": TITLE, "plot": view.id}
        job_id = self.engine.record(view.row.owner, spec, made, facts)
        return result | {"job": job_id, "files": [*(str(one.path) for one in made), str(csv_path)]}

    def _folder(
        self,
        view: PlotView,
        settings: Mapping[str, Any],
        saving: SavingOptions,
        grid: Image,
        text: str,
    ) -> Path:
        """The folder of grids, as the settings stand now; the data folder for what is not saved."""
        spec = view.plan.spec
        if not spec.save or not saving.grid.save:
            return self.data_dir / "results" / view.id
        folder = OutputFolders(self.output_dir, settings, self.save_roots).grids(spec.tab)
        if not saving.grid.use_folders:
            return folder
        first = next((cell.cell.request for cell in view.cells), spec.base)
        prompt = strip_comments(spec.base.prompt)
        seed = max(0, first.seeds.seed)
        told = FinishedPicture(0, grid, text, prompt, seed, 0, incomplete=False)
        return folder / sub_folder(spec.base, told, saving)

    def _row(self, view: PlotView, cell: CellView) -> TableRow:
        x, y, z = (
            "" if axis.axis.read == "nothing" else axis.texts[place]
            for axis, place in zip(view.plan.axes, cell.cell.place, strict=True)
        )
        row = TableRow(x, y, z, cell.state.value, error=cell.error)
        picture = next(iter(cell.pictures), None)
        if picture is None or not picture.path.is_file():
            return row
        found = self._distance(cell, picture.path)
        return replace(
            row,
            mae=None if found is None else found.mae,
            ssim=None if found is None else found.ssim,
            changed=None if found is None else found.changed,
            seconds=cell.seconds,
            seed=picture.seed,
            file=picture.path.name,
        )

    def _distance(self, cell: CellView, path: Path) -> Distance | None:
        request = cell.cell.request
        if not request.init_images:
            return None
        try:
            stored = open_picture(self.assets.path(request.init_images[0]), self.limits)
        except MissingAsset:
            return None
        made, init = _opened(path), flatten(stored, request.background_color)
        if request.outpaint is not None:  # what is new has nothing to be compared to
            made = made.crop(request.outpaint.place(Extent.of(init), Extent.of(made)))
        return distance(made, init, request.resize_mode)


def _save(
    image: Image, folder: Path, infotext: str, position: int, saving: SavingOptions
) -> PictureDone:
    fmt = storable_format(saving.grid.format, Extent.of(image), infotext)
    data = encode_picture(
        image, fmt, infotext=infotext, quality=saving.quality, lossless=saving.lossless_webp
    )
    name = f"xyz_grid-{{:04d}}.{EXTENSIONS[fmt]}".format
    path = save_numbered(data, folder, name, "xyz_grid-")
    return PictureDone(
        "", position, path, infotext, image.width, image.height, -1, -1, incomplete=False
    )


def plot_infotext(view: PlotView) -> str:
    """The infotext of the grid: that of the plot's own request, with the script's keys (12.1)."""
    request = view.plan.spec.base
    job = next((cell.job for cell in view.cells if cell.pictures), None)
    facts = {} if job is None else job.facts
    seeds = next((cell.cell.request.seeds for cell in view.cells), request.seeds)
    return write_infotext(
        request,
        ImageFacts(
            index=0,
            prompt=strip_comments(request.prompt, on=request.texts.comments),
            negative_prompt=strip_comments(request.negative_prompt, on=request.texts.comments),
            seed=seeds.seed if request.seeds.seed == -1 else request.seeds.seed,
            subseed=seeds.subseed if request.seeds.subseed == -1 else request.seeds.subseed,
            model_name=facts.get("model", request.checkpoint),
            model_hash=facts.get("model_hash", ""),
            schedule_label=facts.get("scheduler", request.sampling.scheduler),
            sampler_name=facts.get("sampler", request.sampling.sampler),
            executed_steps=facts.get("executed_steps", 0),
            extra=_script_keys(view),
        ),
    )


def _script_keys(view: PlotView) -> dict[str, str]:
    keys = {"Script": TITLE}
    for name, axis, choice in zip("XYZ", view.plan.axes, view.plan.spec.choices, strict=True):
        if axis.axis.read == "nothing":
            continue
        keys[f"{name} Type"] = axis.axis.label
        keys[f"{name} Values"] = choice.values
        if axis.axis.fixes_seeds and not view.plan.spec.keep_random_seeds:
            keys[f"Fixed {name} Values"] = ", ".join(axis.texts)
    return keys


def _in_order(view: PlotView) -> list[CellView]:
    """Cells as one reads them: z, then y, then x."""
    return sorted(view.cells, key=lambda one: one.cell.place[::-1])


def _opened(path: Path) -> Image:
    with PIL.Image.open(path) as image:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _images(cell: CellView) -> Sequence[Image]:
    return [_opened(picture.path) for picture in cell.pictures if picture.path.is_file()]


def _tile(cell: CellView) -> Image:
    images = _images(cell)
    if images:
        return joined_tile(images)
    request, failed = cell.cell.request, cell.state is CellState.FAILED
    words = cell.error if failed else "not made"
    return notice_tile(request.width, request.height, words, failed=failed)


def _shown(cell: CellView) -> Shown:
    images = _images(cell)
    return (cell.error, None) if not images else ("", joined_tile(images))


def _plain(row: TableRow) -> dict[str, Any]:
    return {name: value for name, value in vars(row).items() if value not in (None, "")}


def series(rows: Sequence[Mapping[str, Any]], axis: PlotAxis, name: str) -> list[dict[str, Any]]:
    """Points for a chart of the distance over a numeric axis `x`; one line per (y, z)."""
    numbers = axis.numbers
    if numbers is None:
        return []
    places = dict(zip(axis.texts, numbers, strict=True))
    points = []
    for row in rows:
        if name in row:
            line = ", ".join(row[key] for key in ("y", "z") if row.get(key))
            points.append({"x": places[row["x"]], name: row[name], "line": line or "all"})
    return points
