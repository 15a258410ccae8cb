"""The whole page: layout of the tabs and which event calls which handler."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from ui.canvas_handlers import CanvasHandlers
from ui.form import (
    Form,
    batch_controls,
    inpaint_controls,
    picture_input,
    sampler_controls,
    seed_controls,
    strength_controls,
    tool,
)
from ui.form_fill import checkpoint_choices, notice
from ui.handlers import GenerateHandlers, ResultParts
from ui.interrogate_panel import build_buttons, build_panel, wire_interrogation
from ui.picture_tabs import picture_tabs
from ui.plot_elements import ScriptsPanel, build_scripts
from ui.script_forms import ScriptForms, ScriptHandlers, build_script_forms, wire_script_forms
from ui.scripts_panel import PlotHandlers, wire_scripts
from ui.services import Services
from ui.small_handlers import SmallHandlers
from ui.texts import CHOICES, LABELS, TITLE, TOOLTIPS
from ui.widgets import JobMonitor, ResultGallery
from ui.wiring import wire

Parts = dict[str, Any]
"""Named page elements that are no part of the form: buttons, counters, groups."""


def build_page(services: Services) -> gr.Blocks:
    """Build the page; it is mounted by app.py."""
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    ) as page:
        parts: Parts = {}
        checkpoint = _quicksettings(services, parts)
        with gr.Tabs(elem_id="tabs", selected="img2img") as tabs:
            parts["tabs"] = tabs
            with gr.Tab(LABELS["tab_img2img"], id="img2img", elem_id="tab_img2img"):
                prompts = _top_row(parts)
                interrogation = build_panel(services)
                with gr.Row(elem_classes="resize-handle-row"):
                    with gr.Column(elem_id="img2img_settings", min_width=320):
                        controls = _settings(services, parts)
                        scripts = build_scripts(), build_script_forms()
                    with gr.Column(elem_id="img2img_results", min_width=320):
                        results = _results(services, parts, prompts)
            with gr.Tab(LABELS["tab_png_info"], id="pnginfo", elem_id="tab_pnginfo"):
                _png_info(parts)
        form = Form(checkpoint=checkpoint, **{k: prompts[k] for k in _PROMPTS}, **controls)
        jobs = GenerateHandlers(services, form, results)
        wire(
            page,
            form,
            parts,
            jobs,
            SmallHandlers(services, form),
            CanvasHandlers(services, form),
        )
        wire_interrogation(page, services, form, parts["interrogate"], interrogation)
        _wire_scripts(page, services, form, scripts, jobs)
    return page


def _wire_scripts(
    page: gr.Blocks,
    services: Services,
    form: Form,
    scripts: tuple[ScriptsPanel, ScriptForms],
    jobs: GenerateHandlers,
) -> None:
    panel, forms = scripts
    common = form, jobs.spec, services.owner_of, services.pictures_url
    plots = PlotHandlers(services.bench, panel, *common)
    wire_scripts(page, panel, plots, form, services.static_url)
    others = ScriptHandlers(services.bench, forms, *common)
    wire_script_forms(forms, others, form, services.static_url)


_PROMPTS = ("prompt", "negative_prompt")


def page_script(services: Services) -> str:
    """Script that runs once when the page is loaded: keys, tooltips."""
    return (
        f"() => {{ import('{services.static_url}/page.js')"
        f".then((page) => page.start({json.dumps(dict(TOOLTIPS))})); }}"
    )


def _quicksettings(services: Services, parts: Parts) -> gr.Dropdown:
    choices, value = checkpoint_choices(services)
    with gr.Row(elem_id="quicksettings"):
        checkpoint = gr.Dropdown(
            choices,
            value=value,
            label=LABELS["checkpoint"],
            elem_id="setting_sd_model_checkpoint",
            scale=2,
        )
        parts["refresh"] = tool("↻", "refresh_sd_model_checkpoint")
        parts["clip_skip"] = gr.Slider(
            1,
            12,
            int(services.options.get("CLIP_stop_at_last_layers")),
            step=1,
            label=LABELS["clip_skip"],
            elem_id="setting_CLIP_stop_at_last_layers",
            scale=1,
            min_width=230,
        )
        with gr.Column(scale=4, min_width=320):
            parts["notice"] = gr.HTML(notice(services), elem_id="op_notice")
    return checkpoint


def _top_row(parts: Parts) -> dict[str, Any]:
    """Prompts on the left, Generate and tools on the right (ui 3)."""
    made: dict[str, Any] = {}
    with gr.Row(elem_id="img2img_toprow"):
        with gr.Column(scale=6, elem_id="img2img_prompt_container"):
            for name, elem_id, counter, badge in (
                ("prompt", "img2img_prompt", "img2img_token_counter", "prompt_tokens"),
                (
                    "negative_prompt",
                    "img2img_neg_prompt",
                    "img2img_negative_token_counter",
                    "negative_tokens",
                ),
            ):
                with gr.Group(elem_classes="op-prompt"):
                    parts[badge] = gr.HTML(
                        '<span class="op-count">0/75</span>',
                        elem_id=counter,
                        elem_classes=["op-token", "token-counter"],
                    )
                    made[name] = gr.Textbox(
                        label=LABELS[name],
                        show_label=False,
                        lines=3,
                        max_lines=12,
                        elem_id=elem_id,
                        placeholder=LABELS[
                            "prompt_placeholder" if name == "prompt" else "negative_placeholder"
                        ],
                        container=False,
                    )
        with gr.Column(scale=1, min_width=220, elem_id="img2img_actions_column"):
            made |= _generate_box()
            with gr.Row(elem_id="img2img_tools", elem_classes="op-tools"):
                parts["paste"] = tool("↙", "img2img_paste")
                parts["clear"] = tool("✕", "img2img_clear_prompt")
                parts["interrogate"] = build_buttons()
    return made


def _generate_box() -> dict[str, Any]:
    with gr.Row(elem_id="img2img_generate_box", elem_classes="op-tools"):
        return {
            "generate": gr.Button(
                LABELS["generate"], variant="primary", elem_id="img2img_generate"
            ),
            "interrupt": gr.Button(
                LABELS["interrupt"], visible=False, elem_id="img2img_interrupt", min_width=90
            ),
            "interrupting": gr.Button(
                LABELS["interrupting"], visible=False, elem_id="img2img_interrupting", min_width=90
            ),
            "skip": gr.Button(LABELS["skip"], visible=False, elem_id="img2img_skip", min_width=70),
        }


def _settings(services: Services, parts: Parts) -> dict[str, Any]:
    """The left column (ui 4-6): pictures, mask controls, sampler, size, strength, seed."""
    defaults = services.catalog.default(
        str(services.options.get("sd_model_checkpoint") or "")
    ).defaults
    made: dict[str, Any] = {"tab": gr.State("img2img"), "resize_tab": gr.State("to")}
    made |= picture_tabs(services, parts)
    with gr.Column(visible=False, elem_id="inpaint_controls") as mask_group, gr.Group():
        made |= inpaint_controls()
    parts["mask_group"] = mask_group
    made["resize_mode"] = gr.Radio(
        list(CHOICES["resize_mode"]),
        value=CHOICES["resize_mode"][0],
        type="index",
        label=LABELS["resize_mode"],
        elem_id="resize_mode",
    )
    sampler = sampler_controls()
    parts["start_row"] = sampler.pop("start_row")
    made |= sampler
    made |= _size(parts, defaults.width, defaults.height)
    made |= batch_controls()
    made |= strength_controls(defaults.cfg)
    parts["steps_line"] = gr.HTML(elem_id="img2img_steps_line")
    seeds = seed_controls()
    for name in ("random_seed", "reuse_seed", "random_subseed", "reuse_subseed", "extras"):
        parts[name] = seeds.pop(name)
    made |= seeds
    made["override_settings"] = gr.Dropdown(
        [],
        value=[],
        multiselect=True,
        allow_custom_value=True,
        visible=False,
        label=LABELS["override_settings"],
        elem_id="img2img_override_settings",
    )
    return made


def _size(parts: Parts, width: int, height: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Tabs(elem_id="img2img_tabs_resize"):
        with (
            gr.Tab(LABELS["resize_to"], id="to", elem_id="img2img_tab_resize_to") as to_tab,
            gr.Row(),
        ):
            with gr.Column(scale=6):
                made["width"] = gr.Slider(
                    64, 2048, width, step=8, label=LABELS["width"], elem_id="img2img_width"
                )
                made["height"] = gr.Slider(
                    64, 2048, height, step=8, label=LABELS["height"], elem_id="img2img_height"
                )
            with gr.Column(scale=0, min_width=48, elem_classes="op-side"):
                parts["swap"] = tool("⇅", "img2img_res_switch_btn")
                parts["detect"] = tool("⊡", "img2img_detect_image_size_btn")
        with gr.Tab(
            LABELS["resize_by"], id="by", elem_id="img2img_tab_resize_by", render_children=True
        ) as by_tab:
            made["scale"] = gr.Slider(
                0.05, 4, 1, step=0.05, label=LABELS["scale"], elem_id="img2img_scale"
            )
            parts["resize_line"] = gr.HTML(elem_id="img2img_scale_resolution_preview")
    parts["to_tab"], parts["by_tab"] = to_tab, by_tab
    return made


def _results(services: Services, parts: Parts, buttons: dict[str, Any]) -> ResultParts:
    with gr.Column(elem_id="img2img_results_panel"):
        monitor = JobMonitor(services.static_url, elem_id="html_log_img2img")
        gallery = ResultGallery(services.static_url, elem_id="img2img_gallery")
        with gr.Row(elem_classes="op-tools"):
            parts["send_img2img"] = gr.Button(
                LABELS["send_to_img2img"], size="sm", elem_id="img2img_send_to_img2img"
            )
            parts["send_inpaint"] = gr.Button(
                LABELS["send_to_inpaint"], size="sm", elem_id="img2img_send_to_inpaint"
            )
            parts["send_upload"] = gr.Button(
                LABELS["send_to_inpaint_upload"],
                size="sm",
                elem_id="img2img_send_to_inpaint_upload",
            )
    return ResultParts(
        gallery,
        monitor,
        buttons["generate"],
        buttons["interrupt"],
        buttons["interrupting"],
        buttons["skip"],
    )


def _png_info(parts: Parts) -> None:
    """The PNG Info tab (ui 11)."""
    with gr.Row():
        with gr.Column():
            parts["pnginfo_image"] = picture_input(LABELS["pnginfo_image"], "pnginfo_image", 480)
        with gr.Column():
            parts["pnginfo_html"] = gr.HTML(elem_id="pnginfo_html")
            parts["pnginfo_text"] = gr.Textbox(visible="hidden", elem_id="pnginfo_generation_info")
            with gr.Row():
                parts["pnginfo_to_img2img"] = gr.Button(
                    LABELS["send_to_img2img"], elem_id="pnginfo_send_to_img2img"
                )
                parts["pnginfo_to_inpaint"] = gr.Button(
                    LABELS["send_to_inpaint"], elem_id="pnginfo_send_to_inpaint"
                )
                parts["pnginfo_to_upload"] = gr.Button(
                    LABELS["send_to_inpaint_upload"], elem_id="pnginfo_send_to_inpaint_upload"
                )
