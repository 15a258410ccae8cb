"""The txt2img page: its layout, and which event calls which handler.

The panels are those of img2img, with ids of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import gradio as gr

from ui.events import QUIET, WATCH
from ui.form import Form
from ui.form_fill import checkpoint_choices
from ui.form_panels import (
    batch_alone,
    cfg_control,
    override_control,
    sampler_controls,
    seed_controls,
    size_and_batch,
    switch_controls,
)
from ui.form_passes import hires_controls, refiner_controls
from ui.form_prompts import generate_box, prompt_boxes, prompt_tools
from ui.handlers import ResultParts
from ui.networks_panel import NetworksPanel, build_networks
from ui.page_load import PageLoad
from ui.results_panel import results_panel
from ui.services import Services
from ui.styles_panel import build_styles, style_row, wire_styles
from ui.text_form import TextForm
from ui.text_handlers import TextJobs, TextSmall
from ui.texts import LABELS
from ui.tool_button import tool
from ui.wire_pictures import tab_in_front
from ui.wiring import SAMPLING, filled_on_paste, wire_prompts, wire_seeds, wire_start_row

_PROMPTS = ("prompt", "negative_prompt", "styles")
_SIZES = ("width", "height", "hr_scale", "hr_width", "hr_height")


@dataclass(frozen=True)
class TextPage:
    """The form, what shows its jobs, and further named elements."""

    form: TextForm
    results: ResultParts
    parts: dict[str, Any]
    networks: NetworksPanel


def build_text_page(services: Services, quick: dict[str, Any]) -> TextPage:
    """Build the page inside its tab; `quick` are the controls above all tabs."""
    parts: dict[str, Any] = {}
    with gr.Row(elem_id="txt2img_toprow", elem_classes="op-toprow"):
        top = prompt_boxes("txt2img", parts)
        with gr.Column(scale=1, min_width=280, elem_id="txt2img_actions_column"):
            top |= generate_box("txt2img")
            with gr.Row(elem_id="txt2img_tools", elem_classes="op-tools"):
                prompt_tools("txt2img", parts)
            row = style_row(services, "txt2img")
    top["styles"] = row[0]
    parts["style_parts"] = build_styles("txt2img", row, parts["style_apply"])
    networks = build_networks(services, "txt2img")
    with gr.Row(elem_classes="resize-handle-row"):
        with gr.Column(elem_id="txt2img_settings", min_width=320):
            controls = _settings(services, parts)
        with gr.Column(elem_id="txt2img_results", min_width=320):
            results = results_panel(services, "txt2img", parts, top)
    form = TextForm(**quick, **{name: top[name] for name in _PROMPTS}, **controls)
    return TextPage(form, results, parts, networks)


def _settings(services: Services, parts: dict[str, Any]) -> dict[str, Any]:
    """The left column (ui 6)."""
    selected = str(services.options.get("sd_model_checkpoint") or "")
    defaults = services.catalog.default(selected).defaults
    titles, _ = checkpoint_choices(services)
    made = sampler_controls(services.options, "txt2img")
    parts["start_row"] = made.pop("start_row")
    parts["steps_line"] = gr.HTML(elem_id="txt2img_steps_line", elem_classes="op-line")
    hires, parts["hires_line"] = hires_controls(titles, services.options)
    refiner, parts["refiner_refresh"] = refiner_controls("txt2img", titles)
    made |= hires | refiner
    tiling = bool(services.options.get("tiling"))
    made |= switch_controls("txt2img", tiling=tiling, color_correction=False)
    size = partial(_size, parts, defaults.width, defaults.height)
    made |= size_and_batch(services.options, "txt2img", size)
    made |= cfg_control(defaults.cfg, "txt2img")
    seeds = seed_controls("txt2img")
    for name in ("random_seed", "reuse_seed", "random_subseed", "reuse_subseed", "extras"):
        parts[name] = seeds.pop(name)
    made |= seeds | batch_alone(services.options, "txt2img")
    return made | override_control("txt2img")


def _size(parts: dict[str, Any], width: int, height: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Row():
        with gr.Column(scale=6):
            for name, value in (("width", width), ("height", height)):
                made[name] = gr.Slider(
                    64, 2048, value, step=8, label=LABELS[name], elem_id=f"txt2img_{name}"
                )
        with gr.Column(scale=0, min_width=48, elem_classes="op-side"):
            parts["swap"] = tool("⇅", "txt2img_res_switch_btn")
    return made


def wire_text_page(
    load: PageLoad, services: Services, built: TextPage, img2img: Form, targets: dict[str, Any]
) -> None:
    """Connect it; `img2img` and `targets` are where its results can be sent."""
    form, parts = built.form, built.parts
    jobs, small = TextJobs(services, form, built.results), TextSmall(services, form)
    _wire_jobs(load, jobs, form)
    wire_prompts(form, parts, small)
    wire_seeds(form, parts, jobs)
    wire_styles(load, services, form, parts["style_parts"])
    wire_start_row(form, parts)
    size = [form.width, form.height]
    parts["swap"].click(
        None, size, size, js="(w, h) => [h, w]", queue=False, api_visibility="private"
    )
    parts["refiner_refresh"].click(small.companions, None, form.refiner_checkpoint, **QUIET)
    load.read(lambda _: small.upscalers(), form.hr_upscaler)
    lines: dict[str, Any] = {"trigger_mode": "always_last", **QUIET}
    sampling = [name for name in SAMPLING if name != "denoise"]
    gr.on(
        [getattr(form, name).change for name in sampling],
        small.steps_line,
        form.pick(sampling),
        parts["steps_line"],
        **lines,
    )
    sizes = form.pick((*_SIZES, "hr_upscaler", "hr_steps", "hr_checkpoint", "hr_sampler"))
    sizes |= form.pick(("hr_scheduler", "hr_prompt", "hr_negative_prompt"))
    gr.on(
        [targets["txt2img_tab"].select, *(getattr(form, name).change for name in _SIZES)],
        small.hires_line,
        sizes,
        parts["hires_line"],
        **lines,
    )
    followed = ("width", "height", "cfg")
    form.checkpoint.input(
        small.follow_checkpoint,
        form.pick(("checkpoint", *followed)),
        list(form.pick(followed)),
        **QUIET,
    )
    _wire_sending(built, jobs, small, img2img, targets)


def _wire_jobs(load: PageLoad, jobs: TextJobs, form: TextForm) -> None:
    results = jobs.parts.components()
    jobs.parts.generate.click(jobs.generate, form.components(), results, **WATCH)
    load.follow(jobs.restore, results)
    buttons = [jobs.parts.generate, jobs.parts.interrupt, jobs.parts.interrupting, jobs.parts.skip]
    for button in (jobs.parts.interrupt, jobs.parts.interrupting):
        button.click(jobs.interrupt, None, buttons, **QUIET)
    jobs.parts.skip.click(jobs.skip, None, None, **QUIET)


def _wire_sending(
    built: TextPage,
    jobs: TextJobs,
    small: TextSmall,
    img2img: Form,
    targets: dict[str, Any],
) -> None:
    parts, filled = built.parts, filled_on_paste(built.form)
    targets["pnginfo_to_txt2img"].click(
        small.send_text, targets["pnginfo_text"], filled, **QUIET
    ).success(lambda: gr.update(selected="txt2img"), None, targets["tabs"], **QUIET)
    for button, tab, field in (
        ("send_img2img", "img2img", img2img.image),
        ("send_inpaint", "inpaint", img2img.inpaint),
        ("send_upload", "inpaint_upload", img2img.inpaint_image),
    ):
        show = tab_in_front(img2img, targets, tab)
        parts[button].click(small.send_selected, jobs.parts.gallery, field, **QUIET).success(
            partial(_same, show), None, list(show), **QUIET
        )


def _same(shown: dict[Any, Any]) -> dict[Any, Any]:
    """What an event always answers."""
    return shown
