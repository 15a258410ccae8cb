"""The elements of the X/Y/Z plot on the page (ui 7); what they do is in `ui.scripts_panel`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from scripts.axis_menu import axes_of
from ui.plot_board import PlotCells, PlotTable
from ui.texts_plot import PLOT
from ui.tool_button import tool

LETTERS = ("x", "y", "z")


@dataclass(frozen=True)
class AxisControls:
    """One axis: what varies, its values as text or as choices."""

    type: gr.Dropdown
    values: gr.Textbox
    chosen: gr.Dropdown
    fill: gr.Button
    vary: gr.Checkbox


@dataclass(frozen=True)
class ScriptsPanel:
    """The elements of the panel."""

    axes: tuple[AxisControls, AxisControls, AxisControls]
    swaps: Mapping[str, gr.Button]
    legend: gr.Checkbox
    lone_images: gr.Checkbox
    sub_grids: gr.Checkbox
    keep_random: gr.Checkbox
    csv_mode: gr.Checkbox
    margin: gr.Slider
    files: gr.File
    """Pictures that "Init image" and "Mask" choose from."""
    check: gr.Button
    run: gr.Button
    interrupt: gr.Button
    resume: gr.Button
    extend_axis: gr.Radio
    extend_values: gr.Textbox
    extend: gr.Button
    told: gr.HTML
    cells: PlotCells
    grid: gr.HTML
    chart: gr.HTML
    table: PlotTable
    csv: gr.HTML

    def settings(self) -> set[Any]:
        """What a plot is made of, as an event's inputs."""
        parts = {part for axis in self.axes for part in (axis.type, axis.values, axis.chosen)}
        parts |= {axis.vary for axis in self.axes}
        return (
            parts
            | {self.legend, self.lone_images, self.sub_grids, self.keep_random}
            | {self.csv_mode, self.margin, self.files}
        )

    def shown(self) -> list[Any]:
        """What shows a plot, as an event's outputs."""
        return [self.told, self.cells, self.grid, self.chart, self.table, self.csv]


def build_scripts(static_url: str) -> ScriptsPanel:
    """Make the panel; it is closed at first."""
    with gr.Accordion("X/Y/Z plot", open=False, elem_id="img2img_xyz_plot"):
        axes = (_axis("x", "Seed"), _axis("y", "Nothing"), _axis("z", "Nothing"))
        return ScriptsPanel(axes=axes, **_looks(), **_buttons(), **_results(static_url))


def _looks() -> dict[str, Any]:
    """Swapping axes, how the grid looks, and pictures to choose from."""
    with gr.Row():
        swaps = {
            pair: gr.Button(f"Swap {pair[0].upper()}/{pair[1].upper()} axes", size="sm")
            for pair in ("xy", "yz", "xz")
        }
    with gr.Row():
        switches = {
            name: gr.Checkbox(is_on, label=label, elem_id=f"xyz_{name}")
            for name, is_on, label in (
                ("legend", True, "Draw legend"),
                ("lone_images", False, PLOT["lone_images"]),
                ("sub_grids", False, "Include Sub Grids"),
                ("keep_random", False, "Keep -1 for seeds"),
                ("csv_mode", False, "Use text inputs instead of dropdowns"),
            )
        }
    margin = gr.Slider(0, 500, 0, step=2, label="Grid margins (px)", elem_id="xyz_margin")
    files = gr.File(
        file_count="multiple",
        file_types=["image"],
        label="Pictures for the axes Init image and Mask (no values: all of them)",
        elem_id="xyz_files",
        height=130,
    )
    return {"swaps": swaps, **switches, "margin": margin, "files": files}


def _buttons() -> dict[str, Any]:
    """Check, run, interrupt, resume, extend, and the line that tells what came of it."""
    made: dict[str, Any] = {}
    with gr.Row():
        made["check"] = gr.Button("Check", elem_id="xyz_check")
        made["run"] = gr.Button("Run plot", variant="primary", elem_id="xyz_run")
        made["interrupt"] = gr.Button("Interrupt plot", elem_id="xyz_interrupt")
        made["resume"] = gr.Button("Resume plot", elem_id="xyz_resume")
    made["told"] = gr.HTML(elem_id="xyz_told")
    with gr.Row():
        made["extend_axis"] = gr.Radio(
            [(letter.upper(), letter) for letter in LETTERS],
            value="x",
            label="Extend axis",
            elem_id="xyz_extend_axis",
        )
        made["extend_values"] = gr.Textbox(label="by values", elem_id="xyz_extend_values")
        made["extend"] = gr.Button("Extend plot", elem_id="xyz_extend")
    return made


def _results(static_url: str) -> dict[str, Any]:
    """Cells as they come, then grid, chart and table."""
    made: dict[str, Any] = {"cells": PlotCells(static_url, elem_id="xyz_cells")}
    made |= {name: gr.HTML(elem_id=f"xyz_{name}") for name in ("grid", "chart")}
    made["table"] = PlotTable(static_url, elem_id="xyz_table")
    made["csv"] = gr.HTML(elem_id="xyz_csv")
    return made


def _axis(letter: str, start: str) -> AxisControls:
    names = [axis.label for axis in axes_of("img2img")]
    big = letter.upper()
    with gr.Row():
        kind = gr.Dropdown(names, value=start, label=f"{big} type", elem_id=f"xyz_{letter}_type")
        values = gr.Textbox(label=f"{big} values", elem_id=f"xyz_{letter}_values", scale=2)
        chosen = gr.Dropdown(
            [],
            multiselect=True,
            visible=False,
            label=f"{big} values",
            scale=2,
            elem_id=f"xyz_{letter}_chosen",
        )
        fill = tool("▤", f"xyz_{letter}_fill")
        vary = gr.Checkbox(False, label=f"Vary seeds for {big}", elem_id=f"xyz_{letter}_vary")
    return AxisControls(kind, values, chosen, fill, vary)
