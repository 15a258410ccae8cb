"""What a finished plot leaves: grid with infotext, table, viewer (12.1)."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jobs.assets import AssetStore
from pipelines.infotext_parse import parse_infotext
from pipelines.pictures import DEFAULT_LIMITS, read_infotext
from pipelines.request import Img2ImgRequest
from scripts.plan import AxisChoice
from scripts.plot_output import PlotComposer, series
from scripts.plot_view import PlotView
from tests.scripts.making import CONTEXT, plot, request
from tests.scripts.shop import Shop


class Site:
    """A shop whose plots are composed for real."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.assets = AssetStore(folder / "assets")
        path = folder / "init.png"
        Image.new("RGB", (64, 64)).save(path)
        self.init = self.assets.add(path.read_bytes())
        self.shop = Shop(folder, self._compose)

    def _compose(self, view: PlotView) -> dict[str, Any]:
        return PlotComposer(
            self.shop.engine,
            self.assets,
            self.folder / "out",
            self.folder / "data",
            DEFAULT_LIMITS,
        )(view)

    def run(self, **changes: Any) -> PlotView:
        base = changes.pop("base", None) or self.request()
        x = changes.pop("x", AxisChoice(type="Steps", values=changes.pop("values", "1,2")))
        spec = plot(x, base=base, **changes)
        view = self.shop.plots.wait(self.shop.plots.submit("ann", spec), 20)
        assert view is not None
        assert view.row.error == ""
        return view

    def request(self, **changes: Any) -> Img2ImgRequest:
        return request(**({"init_images": (self.init,), "inpaint": None} | changes))


@pytest.fixture
def site(tmp_path: Path) -> Any:
    site = Site(tmp_path)
    yield site
    site.shop.close()


def grids(site: Site) -> list[Path]:
    return sorted((site.folder / "out" / "img2img-grids").rglob("xyz_grid-*.png"))


def test_the_grid_is_saved_with_the_scripts_keys(site: Site) -> None:
    seeds = AxisChoice(type="Seed", values="-1, 7")
    view = site.run(y=seeds)
    (grid,) = grids(site)
    assert grid.name == "xyz_grid-0000.png"
    params = parse_infotext(read_infotext(grid)).params
    assert {key: params[key] for key in ("Script", "X Type", "X Values", "Y Type", "Y Values")} == {
        "Script": "X/Y/Z plot",
        "X Type": "Steps",
        "X Values": "1,2",
        "Y Type": "Seed",
        "Y Values": "-1, 7",
    }
    drawn = [str(seed) for seed in view.plan.axes[1].values]
    assert params["Fixed Y Values"] == ", ".join(drawn)
    assert "Z Type" not in params


def test_the_grid_belongs_to_its_owner(site: Site) -> None:
    view = site.run()
    job = site.shop.engine.view(view.row.result["job"])
    assert job is not None
    (picture,) = job.pictures
    assert site.shop.engine.picture("ann", picture.id) == picture
    assert site.shop.engine.picture("bob", picture.id) is None
    assert picture.path == grids(site)[0]


@pytest.mark.parametrize(("wanted", "count"), [(False, 1), (True, 3)])
def test_sub_grids_only_when_asked_for(site: Site, wanted: bool, count: int) -> None:
    site.run(z=AxisChoice(type="CFG Scale", values="1,2"), sub_grids=wanted)
    assert len(grids(site)) == count


def test_nothing_is_overwritten_and_nothing_saved_unasked(site: Site) -> None:
    site.run()
    site.run(values="3")
    site.run(values="4", save=False)
    assert [path.name for path in grids(site)] == ["xyz_grid-0000.png", "xyz_grid-0001.png"]


def test_the_table_tells_distance_and_failure(site: Site) -> None:
    site.shop.fate = lambda request: "no memory" if request.sampling.steps == 2 else ""
    view = site.run(values="1,2,4")
    with grids(site)[0].with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["x"] for row in rows] == ["1", "2", "4"]
    assert [row["state"] for row in rows] == ["done", "failed", "done"]
    assert rows[1]["error"] == "no memory"
    assert float(rows[0]["mae"]) == pytest.approx(10 / 3, abs=1e-3)
    assert float(rows[2]["mae"]) == pytest.approx(40 / 3, abs=1e-3)
    assert (rows[0]["changed"], rows[0]["seconds"]) == ("1.0", "0.5")
    points = series(view.row.result["rows"], view.plan.axes[0], "mae")
    assert [point["x"] for point in points] == [1.0, 4.0]


def test_txt2img_has_no_distance(site: Site) -> None:
    base = site.request(init_images=())
    view = site.run(base=base, tab="txt2img")
    assert "mae" not in view.row.result["rows"][0]


def test_huge_plots_become_a_page_that_works_from_disk(site: Site) -> None:
    site.shop.context = replace(CONTEXT, grid_pixels=64 * 64)
    site.shop.fate = lambda request: "<b>no</b>" if request.sampling.steps == 2 else ""
    view = site.run(values="1,2")
    page = Path(view.row.result["files"][0])
    text = page.read_text()
    assert page.name == "xyz_grid-0000.html"
    assert "Steps: 1" in text
    assert "&lt;b&gt;no&lt;/b&gt;" in text
    assert "http" not in text
    assert (page.with_suffix("") / "0-0-0.jpg").is_file()
    assert 'src="xyz_grid-0000/0-0-0-small.jpg"' in text


SAVED: dict[str, tuple[dict[str, Any], str]] = {
    "defaults": ({}, r"out/img2img-grids/\d{4}-\d\d-\d\d/xyz_grid-0000\.png"),
    "grid_save off": ({"grid_save": False}, r"data/results/[0-9a-f]+/xyz_grid-0000\.png"),
    "grid_format": (
        {"grid_format": "webp"},
        r"out/img2img-grids/\d{4}-\d\d-\d\d/xyz_grid-0000\.webp",
    ),
    "grid_save_to_dirs off": (
        {"grid_save_to_dirs": False},
        r"out/img2img-grids/xyz_grid-0000\.png",
    ),
    "outdir_grids": (
        {"outdir_grids": "all", "directories_filename_pattern": "[prompt_words]"},
        r"out/all/a cat on a mat/xyz_grid-0000\.png",
    ),
    "outdir_img2img_grids": (
        {"outdir_img2img_grids": "/elsewhere", "grid_save_to_dirs": False},
        r"out/img2img-grids/xyz_grid-0000\.png",  # not below a folder that the server opens
    ),
}


@pytest.mark.parametrize(("settings", "expected"), SAVED.values(), ids=SAVED)
def test_the_settings_say_where_the_grid_goes(
    site: Site, settings: dict[str, Any], expected: str
) -> None:
    (site.folder / "data").mkdir()
    (site.folder / "data" / "config.json").write_text(json.dumps(settings))
    grid, table = (Path(name) for name in site.run().row.result["files"])
    assert re.fullmatch(expected, grid.relative_to(site.folder).as_posix())
    assert parse_infotext(read_infotext(grid)).params["Script"] == "X/Y/Z plot"
    assert table == grid.with_suffix(".csv")
    assert table.is_file()
