"""A plot as HTML and tables for the page: progress, cells, chart, numbers. No Gradio, no events."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, Final

from scripts.plan import Plan
from scripts.plot_output import series
from scripts.plot_table import TableRow, to_csv
from scripts.plot_view import CellState, CellView, PlotView
from scripts.run_store import RunState

COLUMNS: Final = ("x", "y", "z", "state", "mae", "ssim", "changed", "seconds", "seed", "error")
HEADERS: Final = (
    "X",
    "Y",
    "Z",
    "State",
    "Mean difference",
    "SSIM",
    "Changed pixels",
    "Seconds",
    "Seed",
    "Error",
)
_WIDTH, _HEIGHT, _EDGE = 640, 240, 44
_COLOURS: Final = ("#2563eb", "#b45309", "#15803d", "#9333ea", "#be123c", "#0f766e")
_STATES: Final = {
    RunState.RUNNING: "running",
    RunState.DONE: "done",
    RunState.STOPPED: "interrupted",
    RunState.FAILED: "failed",
}


def plan_text(plan: Plan, seconds: float | None) -> str:
    """Number of cells, steps, model calls and the expected time, in one sentence."""
    x, y, z = plan.sizes
    made = len(plan.distinct)
    again = "" if made == len(plan.cells) else f", {made} of them different"
    time = (
        "time unknown until a first job is done" if seconds is None else f"about {_time(seconds)}"
    )
    tiled = "; too large for one grid picture, so it becomes a page" if plan.is_tiled else ""
    return (
        f"{x} x {y} x {z} = {len(plan.cells)} cells{again}, {plan.steps} steps, "
        f"{plan.model_calls} model calls, {time}{tiled}."
    )


def state_text(view: PlotView) -> str:
    """How far the plot is, as HTML."""
    done, failed = view.count(CellState.DONE), view.count(CellState.FAILED)
    text = f"Plot {_STATES[view.row.state]}: {done} of {len(view.cells)} cells"
    if failed:
        text += f", {failed} failed"
    if view.shared_calls:
        calls = view.plan.model_calls
        text += f", {view.shared_calls} of {calls} model calls shared between cells"
    if view.row.error:
        text += f". {view.row.error}"
    files = [str(name).replace("\\", "/").rsplit("/", 1)[-1] for name in _files(view)]
    saved = f" Saved: {', '.join(files)}." if files and view.is_over else ""
    return f'<p role="status" class="op-plot-state">{escape(text + "." + saved)}</p>'


def cells_value(view: PlotView, pictures_url: str) -> dict[str, Any]:
    """All cells as tables, one per z value, for `ui.plot_board.PlotCells`."""
    x, y, z = view.plan.axes
    tables = [
        {
            "title": title,
            "columns": list(x.legends),
            "rows": [
                {
                    "title": text,
                    "cells": [_cell(view.at(i, j, k), pictures_url) for i in range(len(x))],
                }
                for j, text in enumerate(y.legends)
            ],
        }
        for k, title in enumerate(z.legends)
    ]
    return {"plot": view.id, "can_redo": view.is_over, "tables": tables, "chosen": []}


def grid_html(picture_ids: Sequence[str], pictures_url: str) -> str:
    """The composed grids, the main one first."""
    links = "".join(
        f'<a href="{escape(pictures_url)}/{escape(one)}" target="_blank">'
        f'<img src="{escape(pictures_url)}/{escape(one)}" alt="grid {place}" '
        'style="max-width:100%"></a>'
        for place, one in enumerate(picture_ids)
    )
    return f'<div class="op-plot-grid">{links}</div>'


def numbers(rows: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
    """The table's rows in the order of COLUMNS."""
    return [[row.get(name, "") for name in COLUMNS] for row in rows]


def csv_link(rows: Sequence[Mapping[str, Any]]) -> str:
    """A link that downloads the table as CSV."""
    blank = {"x": "", "y": "", "z": "", "state": ""}
    text = to_csv([TableRow(**{**blank, **row}) for row in rows])
    data = b64encode(text.encode()).decode()
    return f'<a download="plot.csv" href="data:text/csv;base64,{data}">Download as CSV</a>'


def chart_html(view: PlotView, measure: str = "mae") -> str:
    """A line chart of the distance to the init image over a numeric x axis, or nothing."""
    axis = view.plan.axes[0]
    points = series(view.row.result.get("rows", ()), axis, measure)
    if len({point["x"] for point in points}) < 2:
        return ""
    low, high = min(p["x"] for p in points), max(p["x"] for p in points)
    top = max(1e-9, *(p[measure] for p in points))
    lines: dict[str, list[tuple[float, float]]] = {}
    for p in points:
        across = _EDGE + (p["x"] - low) / (high - low) * (_WIDTH - 2 * _EDGE)
        down = _HEIGHT - _EDGE - p[measure] / top * (_HEIGHT - 2 * _EDGE)
        lines.setdefault(p["line"], []).append((across, down))
    drawn = "".join(
        _line(name, sorted(places), _COLOURS[number % len(_COLOURS)], number)
        for number, (name, places) in enumerate(lines.items())
    )
    left, bottom, right = _EDGE, _HEIGHT - _EDGE, _WIDTH - _EDGE
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" style="max-width:{_WIDTH}px" '
        f'aria-label="Distance to the init image over {escape(axis.axis.label)}">'
        f'<path d="M{left},{_EDGE} V{bottom} H{right}" fill="none" stroke="currentColor"/>'
        f"{_word(left, bottom + 16, f'{low:g}')}{_word(right, bottom + 16, f'{high:g}')}"
        f"{_word((left + right) / 2, bottom + 32, axis.axis.label)}"
        f"{_word(left, _EDGE - 8, f'mean difference, up to {top:.3g}')}{drawn}</svg>"
    )


def _line(name: str, places: Sequence[tuple[float, float]], colour: str, number: int) -> str:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places)
    label = "" if name == "all" else _word(_WIDTH - _EDGE, _EDGE + 14 * number, name, colour)
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>{dots}{label}'
    )


def _word(x: float, y: float, text: str, colour: str = "currentColor") -> str:
    anchor = "end" if x > _WIDTH * 0.8 else "middle" if x > _EDGE else "start"
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" font-size="12" text-anchor="{anchor}" fill="{colour}">'
        f"{escape(text)}</text>"
    )


def _cell(cell: CellView, pictures_url: str) -> dict[str, Any]:
    picture = next(iter(cell.pictures), None)
    failed = cell.state is CellState.FAILED
    return {
        "place": list(cell.cell.place),
        "state": cell.state.value,
        "url": "" if picture is None else f"{pictures_url}/{picture.id}",
        "text": cell.error if failed else cell.state.value,
    }


def _files(view: PlotView) -> Sequence[object]:
    files = view.row.result.get("files", ())
    return files if isinstance(files, list) else ()


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
