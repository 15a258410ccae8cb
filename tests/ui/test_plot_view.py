"""A plot as the page shows it: words, cells, chart, table."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.plan import AxisChoice, make_plan
from tests.scripts.making import CONTEXT, plot
from tests.scripts.test_plot_output import Site
from ui.plot_view import (
    cells_value,
    chart_html,
    csv_link,
    grid_html,
    numbers,
    plan_text,
    state_text,
)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path)
    yield site
    site.shop.close()


@pytest.mark.parametrize(
    ("values", "seconds", "expected"),
    [
        ("4", 0.2, "1 1 cells, 4 steps, 4 model calls, about 1 s"),
        ("4,4", 99.0, "2 2 cells, 1 of them different, 4 steps, 4 model calls, about 2 min"),
        ("4", 7200.0, "1 1 cells, 4 steps, 4 model calls, about 2.0 h"),
        ("4", None, "1 1 cells, 4 steps, 4 model calls, time unknown until a first job is done"),
    ],
)
def test_the_plan_in_words(values: str, seconds: float | None, expected: str) -> None:
    text = plan_text(make_plan(plot("Steps", values), CONTEXT), seconds)
    assert text.replace(" x 1 x 1 =", "") == f"{expected}."


def test_a_finished_plot(site: Site) -> None:
    site.shop.fate = lambda request: "<i>no</i>" if request.sampling.steps == 2 else ""
    view = site.run(values="1,2,4", z=AxisChoice(type="CFG Scale", values="3"))
    assert "Plot done: 2 of 3 cells, 1 failed." in state_text(view)
    assert "xyz_grid-0000.png" in state_text(view)
    value = cells_value(view, "/pictures")
    (table,) = value["tables"]
    assert (table["title"], table["columns"]) == (
        "CFG Scale: 3",
        ["Steps: 1", "Steps: 2", "Steps: 4"],
    )
    (row,) = table["rows"]
    assert [cell["state"] for cell in row["cells"]] == ["done", "failed", "done"]
    assert [cell["place"] for cell in row["cells"]] == [[0, 0, 0], [1, 0, 0], [2, 0, 0]]
    assert [cell["url"].startswith("/pictures/") for cell in row["cells"]] == [True, False, True]
    assert row["cells"][1]["text"] == "<i>no</i>"
    assert (value["plot"], value["can_redo"]) == (view.id, True)
    assert chart_html(view).count("<circle") == 2
    rows = view.row.result["rows"]
    assert [row[0] for row in numbers(rows)] == ["1", "2", "4"]
    link = csv_link(rows)
    text = b64decode(link.split("base64,")[1].split('"')[0]).decode()
    assert text.splitlines()[0].startswith("x,y,z,state")


def test_texts_have_no_chart(site: Site) -> None:
    view = site.run(x=AxisChoice(type="Sampler", values="Euler, DDIM"))
    assert chart_html(view) == ""


def test_addresses_are_escaped() -> None:
    found: Any = grid_html(['"><script>'], "/pictures")
    assert "<script>" not in found
