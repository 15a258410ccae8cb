"""The X/Y/Z plot on the page: axes, check, run, and the result as it grows (ui 7).

`build_scripts` makes the elements where the page wants them, `wire_scripts` connects them. The plot
runs in `scripts.plot_run`; a closed page ends nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from jobs.spec import JobSpec
from pipelines.request import PictureRef
from scripts.axis_menu import find_axis
from scripts.bench import Bench
from scripts.plan import AxisChoice, PlotSpec
from scripts.plot_script import joined
from scripts.plot_view import PlotView
from scripts.values import ValuesError
from ui.events import QUIET, WATCH, flushing, unchanged
from ui.form import Form
from ui.page_load import PageLoad
from ui.picture_files import take_upload
from ui.plot_elements import LETTERS, AxisControls, ScriptsPanel, build_scripts
from ui.plot_view import (
    HEADERS,
    cells_value,
    chart_html,
    csv_link,
    grid_html,
    numbers,
    plan_text,
    state_text,
)
from ui.texts_plot import PLOT

__all__ = ["PlotHandlers", "ScriptsPanel", "build_scripts", "wire_scripts"]

Updates = dict[Any, Any]
PICTURE_AXES = ("Init image", "Mask")
LOOK = 0.5
"""Seconds between looks at a running plot."""


class PlotHandlers:
    """Event handlers of the panel; one object for all sessions, without state.

    `spec_of` makes the job of the form's values and raises ValueError with a sentence.
    """

    def __init__(
        self,
        bench: Bench,
        panel: ScriptsPanel,
        form: Form,
        spec_of: Callable[[dict[str, Any]], JobSpec],
        owner_of: Callable[[gr.Request], str],
        pictures_url: str,
    ) -> None:
        self._bench = bench
        self._panel = panel
        self._form = form
        self._spec_of = spec_of
        self._owner_of = owner_of
        self._pictures_url = pictures_url

    def check(self, data: dict[Any, Any], request: gr.Request) -> Updates:
        """Say how many cells, steps and seconds, or what is wrong."""
        try:
            plan = self._bench.plots.plan(self._plot(data))
        except ValueError as error:
            return {self._panel.told: _problem(error)}
        seconds = self._bench.plots.expected_seconds(self._owner_of(request), plan)
        return {self._panel.told: f'<p role="status">{plan_text(plan, seconds)}</p>'}

    async def run(self, data: dict[Any, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Begin a plot and show it until it is over."""
        try:
            spec = await asyncio.to_thread(self._plot, data)
            owner = self._owner_of(request)
            plot_id = await asyncio.to_thread(self._bench.plots.submit, owner, spec)
        except ValueError as error:
            yield {self._panel.told: _problem(error)}
            return
        async for updates in self._show(plot_id):
            yield updates

    async def restore(self, request: gr.Request) -> AsyncIterator[Updates]:
        """A page was opened: show the owner's newest plot."""
        plot_id = self._newest(request)
        if plot_id is None:
            yield unchanged()
            return
        async for updates in self._show(plot_id):
            yield updates

    def interrupt(self, request: gr.Request) -> None:
        """Stop the newest plot; what exists stays."""
        plot_id = self._newest(request)
        if plot_id is not None:
            self._bench.plots.stop(plot_id)

    async def resume(self, request: gr.Request) -> AsyncIterator[Updates]:
        """Make what is missing or failed in the newest plot."""
        async for updates in self._again(request, self._bench.plots.resume):
            yield updates

    async def extend(self, axis: str, values: str, request: gr.Request) -> AsyncIterator[Updates]:
        """Add values to an axis of the newest plot."""

        def more(plot_id: str) -> None:
            self._bench.plots.extend(plot_id, axis, values)

        async for updates in self._again(request, more):
            yield updates

    async def redo(self, value: dict[str, Any], request: gr.Request) -> AsyncIterator[Updates]:
        """Make one cell of the shown plot again."""
        try:
            plot_id, place = self._chosen(value, self._owner_of(request))
            await asyncio.to_thread(self._bench.plots.redo, plot_id, *place)
        except ValueError as error:
            yield {self._panel.told: _problem(error)}
            return
        async for updates in self._show(plot_id):
            yield updates

    def choose(self, kind: str, csv_mode: bool) -> tuple[Any, Any]:
        """Show the text box or the choices of an axis type; what was typed meanwhile stays."""
        choices = self.choices_of(kind)
        listed = bool(choices) and not csv_mode
        return (
            gr.update(visible=not listed),
            gr.update(visible=listed, choices=list(choices), value=[]),
        )

    def fill(self, kind: str, csv_mode: bool) -> tuple[Any, Any]:
        """Put all choices of an axis type into its values."""
        choices = list(self.choices_of(kind))
        if csv_mode or not choices:
            return gr.update(value=joined(choices) if choices else ""), gr.skip()
        return gr.skip(), gr.update(value=choices)

    def choices_of(self, kind: str) -> tuple[str, ...]:
        """The drop-down of an axis type; empty where anything may be typed."""
        try:
            axis = find_axis(kind, "img2img")
        except ValuesError:
            return ()
        return () if axis.choices is None else axis.choices(self._bench.axis_context())

    def _chosen(self, value: dict[str, Any], owner: str) -> tuple[str, tuple[int, int, int]]:
        """The plot and the cell that a button belongs to. Raises ValueError for others' plots."""
        plot_id, chosen = str(value.get("plot", "")), value.get("chosen") or ()
        view = self._bench.plots.view(plot_id)
        if view is None or view.row.owner != owner or len(chosen) != 3:
            raise ValueError(PLOT["not_mine"])
        x, y, z = (int(index) for index in chosen)
        return plot_id, (x, y, z)

    def _newest(self, request: gr.Request) -> str | None:
        rows = self._bench.plots.latest(self._owner_of(request), 1)
        return rows[0].id if rows else None

    async def _again(
        self, request: gr.Request, act: Callable[[str], None]
    ) -> AsyncIterator[Updates]:
        plot_id = self._newest(request)
        try:
            if plot_id is None:
                raise ValueError("there is no plot yet: run one first")
            await asyncio.to_thread(act, plot_id)
        except ValueError as error:
            yield {self._panel.told: _problem(error)}
            return
        async for updates in self._show(plot_id):
            yield updates

    def _plot(self, data: dict[Any, Any]) -> PlotSpec:
        panel = self._panel
        mine = panel.settings()
        values = self._form.values({part: data[part] for part in data if part not in mine})
        base = self._spec_of(values)
        pictures = self._pictures(data[panel.files] or ())
        x, y, z = (self._axis_choice(axis, data, pictures) for axis in panel.axes)
        return PlotSpec(
            base=base.request,
            tab=base.tab,
            x=x,
            y=y,
            z=z,
            draw_legend=data[panel.legend],
            lone_images=data[panel.lone_images],
            sub_grids=data[panel.sub_grids],
            keep_random_seeds=data[panel.keep_random],
            margin=int(data[panel.margin] or 0),
            pictures=pictures,
        )

    def _pictures(self, paths: Sequence[str]) -> dict[str, PictureRef]:
        """Keep the files that were handed in; names are those of the files."""
        bench, found = self._bench, {}
        for path in paths:
            found[Path(path).name] = take_upload(path, bench.assets, bench.limits)
        return found

    def _axis_choice(
        self, axis: AxisControls, data: dict[Any, Any], pictures: Mapping[str, PictureRef]
    ) -> AxisChoice:
        kind, chosen = data[axis.type] or "Nothing", data[axis.chosen] or []
        listed = bool(self.choices_of(kind)) and not data[self._panel.csv_mode]
        text = joined([str(one) for one in chosen]) if listed else data[axis.values] or ""
        if kind in PICTURE_AXES and not text.strip():
            text = joined(list(pictures))
        return AxisChoice(type=kind, values=text, vary_seeds=data[axis.vary])

    async def _show(self, plot_id: str) -> AsyncIterator[Updates]:
        """Follow a plot; the table comes at its end."""
        panel, seen = self._panel, ""
        while True:
            view = await asyncio.to_thread(self._bench.plots.view, plot_id)
            if view is None:
                return
            told = state_text(view)
            if view.is_over:
                yield {panel.told: told, **self._result(view)}
                return
            if told != seen:
                seen = told
                yield {panel.told: told, panel.cells: cells_value(view, self._pictures_url)}
            await asyncio.sleep(LOOK)

    def _result(self, view: PlotView) -> Updates:
        panel, rows = self._panel, view.row.result.get("rows", ())
        job = self._bench.engine.view(str(view.row.result.get("job", "")))
        shown = [] if job is None else [picture.id for picture in job.pictures]
        if view.row.spec.lone_images:
            in_order = sorted(view.cells, key=lambda one: one.cell.place[::-1])
            shown += [one.pictures[0].id for one in in_order if one.pictures]
        return {
            panel.cells: cells_value(view, self._pictures_url),
            panel.grid: grid_html(shown, self._pictures_url),
            panel.chart: chart_html(view),
            panel.table: {"headers": list(HEADERS), "rows": numbers(rows)},
            panel.csv: csv_link(rows) if rows else "",
        }


def wire_scripts(
    load: PageLoad, panel: ScriptsPanel, handlers: PlotHandlers, form: Form, static_url: str
) -> None:
    """Connect the panel."""
    inputs = form.components() | panel.settings()
    flush = flushing(static_url)
    panel.check.click(handlers.check, inputs, [panel.told], js=flush, **QUIET)
    panel.run.click(handlers.run, inputs, panel.shown(), js=flush, **WATCH)
    panel.interrupt.click(handlers.interrupt, None, None, **QUIET)
    panel.resume.click(handlers.resume, None, panel.shown(), **WATCH)
    panel.extend.click(
        handlers.extend, [panel.extend_axis, panel.extend_values], panel.shown(), **WATCH
    )
    panel.cells.redo(handlers.redo, panel.cells, panel.shown(), **WATCH)
    load.follow(handlers.restore, panel.shown())
    for axis in panel.axes:
        pair = [axis.values, axis.chosen]
        axis.type.input(handlers.choose, [axis.type, panel.csv_mode], pair, **QUIET)
        axis.fill.click(handlers.fill, [axis.type, panel.csv_mode], pair, **QUIET)
        panel.csv_mode.input(handlers.choose, [axis.type, panel.csv_mode], pair, **QUIET)
    for pair_name, button in panel.swaps.items():
        one, other = (panel.axes[LETTERS.index(letter)] for letter in pair_name)
        _wire_swap(button, one, other, handlers)


def _wire_swap(
    button: gr.Button, one: AxisControls, other: AxisControls, handlers: PlotHandlers
) -> None:
    """Exchange types and values of two axes (behaviour 12.1)."""
    parts = [one.type, one.values, one.chosen, other.type, other.values, other.chosen]

    def swap(*values: Any) -> list[Any]:
        turned = [*values[3:], *values[:3]]
        updates: list[Any] = []
        for kind, text, chosen in (turned[:3], turned[3:]):
            choices = list(handlers.choices_of(kind))
            updates += [
                kind,
                gr.update(value=text, visible=not chosen and not choices),
                gr.update(choices=choices, value=chosen, visible=bool(choices)),
            ]
        return updates

    button.click(swap, parts, parts, **QUIET)


def _problem(error: ValueError) -> str:
    return f'<p role="alert" class="op-plot-problem">{escape(str(error))}</p>'
