"""The plot as a script of the API: arguments in, grids and lone images out (api 2.6)."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

from jobs.spec import Picture
from scripts.axis import AxisContext, Tab
from scripts.axis_menu import find_axis
from scripts.bench import Bench, Made, Outcome, ScriptCall, ScriptError, opened, shown
from scripts.plan import AxisChoice, PlotSpec
from scripts.plot_view import CellState, CellView, PlotView
from scripts.run_store import RunState

WAIT: Final = 0.5
"""Seconds between looks whether the caller has gone."""


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """Run a plot and return its grid, its sub-grids and its cells, as far as asked for.

    The plot stays in the list of plots, where it can be extended. Raises PlanError.
    """
    spec = plot_spec(call, bench.axis_context())
    plot_id = bench.plots.submit(call.owner, spec)
    view = bench.plots.wait(plot_id, WAIT)
    while view is not None and not view.is_over:
        if call.stopping.is_set():
            bench.plots.stop(plot_id)
        view = bench.plots.wait(plot_id, WAIT)
    if view is None or view.row.state is RunState.FAILED:
        raise ScriptError("the plot failed" if view is None else view.row.error)
    return _outcome(view, spec, bench)


def plot_spec(call: ScriptCall, context: AxisContext) -> PlotSpec:
    """The plot behind the arguments. Raises ScriptError and ValuesError."""
    args = call.args
    return PlotSpec(
        base=call.request,
        tab=call.tab,
        x=_choice("x", args, call.tab, context),
        y=_choice("y", args, call.tab, context),
        z=_choice("z", args, call.tab, context),
        draw_legend=args["draw_legend"],
        keep_random_seeds=args["keep_random"],
        lone_images=args["lone_images"],
        sub_grids=args["sub_grids"],
        margin=args["margin"],
        save=call.save,
    )


def joined(values: list[str]) -> str:
    """Values of a drop-down as the text that means them, commas protected."""
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="").writerow(values)
    return out.getvalue()


def _choice(letter: str, args: Mapping[str, Any], tab: Tab, context: AxisContext) -> AxisChoice:
    """Axes are numbers of A1111's menu, or labels; a list counts where the axis has choices."""
    named = args[f"{letter}_type"]
    if isinstance(named, float):
        named = int(named)
    if isinstance(named, bool) or not isinstance(named, int | str):
        raise ScriptError(f"{letter.upper()} type: {shown(named)} is no axis")
    axis = find_axis(int(named) if str(named).strip().isdigit() else named, tab)
    text, chosen = args[f"{letter}_values"], args[f"{letter}_list"]
    if not isinstance(chosen, list | tuple):
        raise ScriptError(f"{letter.upper()} values: {shown(chosen)} is no list")
    if chosen and axis.choices is not None and not args["csv_mode"]:
        text = joined([str(value) for value in chosen])
    return AxisChoice(type=axis.label, values=text, vary_seeds=args[f"vary_{letter}"])


def _outcome(view: PlotView, spec: PlotSpec, bench: Bench) -> Outcome:
    job = bench.engine.view(str(view.row.result.get("job", "")))
    grids = [] if job is None else [_made(picture) for picture in job.pictures]
    ordered = sorted(view.cells, key=lambda one: one.cell.place[::-1])
    first = next((cell for cell in ordered if cell.pictures), None)
    seeds = None if first is None else first.cell.request.seeds
    if seeds is not None:
        grids = [
            Made(one.image, one.infotext, seeds.seed, seeds.subseed, one.path) for one in grids
        ]
    shows_cells = spec.lone_images or not grids
    cells = [_made(cell.pictures[0]) for cell in ordered if cell.pictures and shows_cells]
    pictures = grids + cells
    facts = {} if first is None or first.job is None else dict(first.job.facts)
    return Outcome(pictures, facts, _notes(view, ordered), grids=len(grids))


def _notes(view: PlotView, cells: list[CellView]) -> list[str]:
    notes = [
        f"the cell {', '.join(_legends(view, cell))} failed: {cell.error}"
        for cell in cells
        if cell.state is CellState.FAILED
    ]
    if view.row.state is RunState.STOPPED:
        notes.append(f"the plot was interrupted; {view.count(CellState.DONE)} cells were made")
    if view.plan.is_tiled:
        notes.append(
            "the grid is too large for one picture; the page with all cells is in the output folder"
        )
    return notes


def _legends(view: PlotView, cell: CellView) -> list[str]:
    found = (
        axis.legends[place] for axis, place in zip(view.plan.axes, cell.cell.place, strict=True)
    )
    return [text for text in found if text]


def _made(picture: Picture) -> Made:
    image = opened(picture.path)
    return Made(image, picture.infotext, picture.seed, picture.subseed, picture.path)
