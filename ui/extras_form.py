"""The controls of the Extras tab, with A1111's labels and ids (ui 12); no behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from pipelines.upscalers import PIXEL_UPSCALERS
from scripts.folders import FolderPolicy
from ui.batch_elements import folder_rule, folders_open
from ui.controls import Controls
from ui.form import picture_input
from ui.form_passes import behind
from ui.texts import LABELS
from ui.tool_button import tool
from ui.widgets import PictureFile


@dataclass(frozen=True)
class ExtrasForm(Controls):
    """Every control whose value makes up an extras job, by name.

    `source` and `size_tab` say which sub-tabs are in front: "single", "batch" or "folder", and "by"
    or "to".
    """

    source: gr.State
    image: PictureFile
    files: gr.File
    input_dir: gr.Textbox
    output_dir: gr.Textbox
    show_results: gr.Checkbox
    upscale: gr.Checkbox
    upscaler_1: gr.Dropdown
    upscaler_2: gr.Dropdown
    visibility_2: gr.Slider
    size_tab: gr.State
    factor: gr.Slider
    longest: gr.Number
    width: gr.Slider
    height: gr.Slider
    crop: gr.Checkbox


def source_controls(policy: FolderPolicy, parts: dict[str, Any]) -> dict[str, Any]:
    """Where pictures come from: one, several uploads, or a folder of the server."""
    made: dict[str, Any] = {"source": gr.State("single")}
    with gr.Tabs(elem_id="mode_extras", selected="single") as parts["source_tabs"]:
        with gr.Tab(LABELS["extras_single"], id="single", elem_id="extras_single_tab") as parts[
            "single_tab"
        ]:
            made["image"] = picture_input(LABELS["extras_image"], "extras_image", 400)
        with gr.Tab(
            LABELS["extras_batch"],
            id="batch",
            elem_id="extras_batch_process_tab",
            render_children=True,
        ) as parts["batch_tab"]:
            made["files"] = gr.File(
                file_count="multiple",
                file_types=["image"],
                label=LABELS["extras_files"],
                height=240,
                elem_id="extras_image_batch",
            )
        with gr.Tab(
            LABELS["extras_folder"],
            id="folder",
            elem_id="extras_batch_directory_tab",
            render_children=True,
        ) as parts["folder_tab"]:
            made |= _folder_controls(policy)
    return made


def _folder_controls(policy: FolderPolicy) -> dict[str, Any]:
    is_open = folders_open(policy)
    gr.HTML(folder_rule(policy), elem_id="extras_folder_rule", visible=bool(folder_rule(policy)))
    return {
        "input_dir": gr.Textbox(
            label=LABELS["extras_input_dir"], interactive=is_open, elem_id="extras_batch_input_dir"
        ),
        "output_dir": gr.Textbox(
            label=LABELS["extras_output_dir"],
            placeholder=LABELS["extras_output_hint"],
            interactive=is_open,
            elem_id="extras_batch_output_dir",
        ),
        "show_results": gr.Checkbox(
            True, label=LABELS["extras_show_results"], elem_id="extras_show_extras_results"
        ),
    }


def upscale_controls(parts: dict[str, Any]) -> dict[str, Any]:
    """The upscaler behind its check box."""
    made: dict[str, Any] = {"size_tab": gr.State("by")}
    with behind(LABELS["extras_upscale"], "extras_upscale", ticked=True) as made["upscale"]:
        with gr.Tabs(elem_id="extras_resize_mode", selected="by"):
            with gr.Tab(LABELS["extras_by"], id="by", elem_id="extras_scale_by_tab") as parts[
                "by_tab"
            ]:
                made |= _scale_by()
            with gr.Tab(
                LABELS["extras_to"], id="to", elem_id="extras_scale_to_tab", render_children=True
            ) as parts["to_tab"]:
                made |= _scale_to(parts)
        parts["size_line"] = gr.HTML(elem_id="extras_size_line", elem_classes="op-line")
        made["upscaler_1"] = _upscaler("upscaler_1", "extras_upscaler_1", "Lanczos")
        with gr.Row():
            made["upscaler_2"] = _upscaler("upscaler_2", "extras_upscaler_2", "None")
            made["visibility_2"] = gr.Slider(
                0,
                1,
                0,
                step=0.001,
                label=LABELS["visibility_2"],
                elem_id="extras_upscaler_2_visibility",
                min_width=200,
            )
    return made


def _scale_by() -> dict[str, Any]:
    with gr.Row():
        return {
            "factor": gr.Slider(
                1,
                8,
                4,
                step=0.05,
                label=LABELS["factor"],
                elem_id="extras_upscaling_resize",
                scale=4,
                min_width=200,
            ),
            "longest": gr.Number(
                0,
                precision=0,
                minimum=0,
                label=LABELS["longest"],
                elem_id="extras_upscaling_max_side_length",
                scale=1,
                min_width=130,
            ),
        }


def _scale_to(parts: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Row():
        with gr.Column(scale=6):
            for name, elem_id in (("width", "resize_w"), ("height", "resize_h")):
                made[name] = gr.Slider(
                    64,
                    8192,
                    512,
                    step=8,
                    label=LABELS[name],
                    elem_id=f"extras_upscaling_{elem_id}",
                )
        with gr.Column(scale=0, min_width=48, elem_classes="op-side"):
            parts["swap"] = tool("⇅", "extras_upscaling_res_switch_btn")
    made["crop"] = gr.Checkbox(True, label=LABELS["crop"], elem_id="extras_upscaling_crop")
    return made


def _upscaler(name: str, elem_id: str, value: str) -> gr.Dropdown:
    """Choices grow with the files there are when the page is opened."""
    return gr.Dropdown(
        list(PIXEL_UPSCALERS), value=value, label=LABELS[name], elem_id=elem_id, min_width=200
    )
