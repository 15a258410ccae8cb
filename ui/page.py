"""The whole page: layout of the tabs and which event calls which handler."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from ui.batch_panel import wire_batch
from ui.canvas_handlers import CanvasHandlers
from ui.examples import build_examples, wire_examples
from ui.extras_page import SENDING, ExtrasPage, build_extras, wire_extras, wire_extras_sending
from ui.form import Form, inpaint_controls, outpaint_controls, picture_input
from ui.form_fill import checkpoint_choices, notice
from ui.form_panels import (
    batch_alone,
    cfg_control,
    override_control,
    sampler_controls,
    seed_controls,
    size_and_batch,
    strength_controls,
    switch_controls,
)
from ui.form_passes import refiner_controls
from ui.form_prompts import generate_box, prompt_boxes, prompt_tools
from ui.handlers import GenerateHandlers, ResultParts
from ui.interrogate_panel import InterrogatePanel, build_buttons, build_panel, wire_interrogation
from ui.mask_handlers import MaskHandlers
from ui.networks_panel import NetworksPanel, build_networks, wire_networks
from ui.open_result import wire_opening
from ui.page_load import PageLoad
from ui.page_tabs import arranged, opened_first
from ui.picture_tabs import picture_tabs
from ui.plot_elements import ScriptsPanel, build_scripts
from ui.quicksettings import quicksettings, wire_quicksettings
from ui.region_handlers import RegionHandlers, wire_regions
from ui.remake_panel import build_remake, wire_remake
from ui.results_panel import results_panel
from ui.save_buttons import wire_saving
from ui.script_forms import ScriptForms, ScriptHandlers, build_script_forms, wire_script_forms
from ui.scripts_panel import PlotHandlers, wire_scripts
from ui.services import Services
from ui.settings_panel import SettingsParts, build_settings, settings_box, wire_settings
from ui.small_handlers import SmallHandlers
from ui.styles_panel import build_styles, style_row, wire_styles
from ui.text_handlers import TextSmall
from ui.text_page import TextPage, build_text_page, wire_text_page
from ui.texts import CHOICES, LABELS, TITLE, TOOLTIPS
from ui.texts_results import RESULT_LABELS
from ui.texts_viewer import MENU
from ui.tool_button import tool
from ui.wire_masks import wire_masks
from ui.wiring import wire

Parts = dict[str, Any]
"""Named page elements that are no part of the form: buttons, counters, groups."""


def build_page(services: Services) -> gr.Blocks:
    """Build the page; it is mounted by app.py."""
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=(3600, 86400), fill_width=True
    ) as page:
        parts: Parts = {}
        quick, current = quicksettings(services, parts), settings_box()
        tabs = _tabs(services, parts, quick, current)
        image, text_page, extras = tabs.image, tabs.text, tabs.extras
        form = Form(**quick, **{k: image.prompts[k] for k in _PROMPTS}, **image.controls)
        jobs = GenerateHandlers(services, form, image.results)
        load = PageLoad(page)
        wire(
            load,
            form,
            parts,
            jobs,
            SmallHandlers(services, form),
            CanvasHandlers(services, form),
        )
        wire_examples(services, form, parts, jobs)
        wire_masks(load, form, parts, SmallHandlers(services, form), MaskHandlers(services, form))
        wire_interrogation(load, services, form, parts, image.interrogation)
        _wire_scripts(load, services, form, image.scripts, jobs)
        wire_batch(load, services, parts["batch"], form, jobs)
        wire_remake(services, parts)
        wire_text_page(load, services, text_page, form, parts)
        _wire_extras(load, services, extras, form, parts, image.results, text_page)
        wire_styles(load, services, form, parts["style_parts"])
        applied = wire_settings(load, services, tabs.settings)
        wire_quicksettings(load, services, parts, current, applied)
        _wire_networks(services, form, image.networks, text_page)
        regions = RegionHandlers(services, form, parts["regions"], jobs)
        wire_regions(load, form, parts["regions"], regions, services.static_url)
        wire_opening(services, form, parts, image.results.gallery)
        wire_opening(services, text_page.form, text_page.parts, text_page.results.gallery)
        wire_saving(services, parts, image.results.gallery)
        wire_saving(services, text_page.parts, text_page.results.gallery)
        load.connect()
    return page


@dataclass(frozen=True)
class ImageTab:
    """What the img2img tab consists of."""

    prompts: dict[str, Any]
    networks: NetworksPanel
    interrogation: InterrogatePanel
    controls: dict[str, Any]
    scripts: tuple[ScriptsPanel, ScriptForms]
    results: ResultParts


@dataclass(frozen=True)
class PageTabs:
    """What is in the tabs; their order is nobody's business but `_tabs`'."""

    text: TextPage
    image: ImageTab
    extras: ExtrasPage
    settings: SettingsParts


def _tabs(services: Services, parts: Parts, quick: dict[str, Any], current: gr.Textbox) -> PageTabs:
    """Build all tabs in the order that the settings want; hidden ones are there, but not seen."""
    tabs = arranged(services.options.get("ui_tab_order"), services.options.get("hidden_tabs"))
    builders: Mapping[str, Callable[[gr.Tab], Any]] = {
        "txt2img": lambda _: build_text_page(services, quick),
        "img2img": lambda _: _image_tab(services, parts),
        "extras": lambda _: build_extras(services),
        "pnginfo": lambda _: _png_info(parts),
        "settings": lambda tab: build_settings(services, tab, current),
    }
    made: dict[str, Any] = {}
    with gr.Tabs(elem_id="tabs", selected=opened_first(tabs)) as parts["tabs"]:
        for one in tabs:
            with gr.Tab(one.title, id=one.id, elem_id=f"tab_{one.id}", visible=one.visible) as tab:
                made[one.id] = builders[one.id](tab)
            if one.id == "txt2img":
                parts["txt2img_tab"] = tab
    built = PageTabs(made["txt2img"], made["img2img"], made["extras"], made["settings"])
    for one in tabs:
        if not one.visible:
            for way in _ways_to(one.id, parts, built):
                way.visible = False
    return built


def _ways_to(tab: str, parts: Parts, built: PageTabs) -> list[Any]:
    """The buttons of other tabs that would bring a tab to the front."""
    text, image = built.text.parts, [name for name, _ in SENDING]
    ways = {
        "txt2img": [parts["pnginfo_to_txt2img"]],
        "img2img": [
            *(parts[name] for name in ("pnginfo_to_img2img", "pnginfo_to_inpaint")),
            *(parts[name] for name in ("pnginfo_to_upload", "pnginfo_open")),
            *(text[name] for name in ("send_img2img", "send_inpaint", "send_upload")),
            *(built.extras.parts[name] for name in image),
        ],
        "extras": [parts["send_extras"], text["send_extras"], parts["pnginfo_to_extras"]],
    }
    return ways.get(tab, [])


def _image_tab(services: Services, parts: Parts) -> ImageTab:
    prompts = _top_row(services, parts)
    networks = build_networks(services, "img2img")
    interrogation = build_panel(services)
    with gr.Row(elem_classes="resize-handle-row"):
        with gr.Column(elem_id="img2img_settings", min_width=320):
            controls = _settings(services, parts)
            scripts = build_scripts(services.static_url), build_script_forms()
        with gr.Column(elem_id="img2img_results", min_width=320):
            results = results_panel(services, "img2img", parts, prompts)
    return ImageTab(prompts, networks, interrogation, controls, scripts, results)


def _wire_scripts(
    load: PageLoad,
    services: Services,
    form: Form,
    scripts: tuple[ScriptsPanel, ScriptForms],
    jobs: GenerateHandlers,
) -> None:
    panel, forms = scripts
    common = form, jobs.spec, services.owner_of, services.pictures_url
    plots = PlotHandlers(services.bench, panel, *common)
    wire_scripts(load, panel, plots, form, services.static_url)
    others = ScriptHandlers(services.bench, forms, *common)
    wire_script_forms(forms, others, form, services.static_url)


def _wire_extras(
    load: PageLoad,
    services: Services,
    extras: ExtrasPage,
    form: Form,
    parts: Parts,
    results: ResultParts,
    text_page: TextPage,
) -> None:
    """The Extras tab, and the buttons of other tabs that send there."""
    wire_extras(load, services, extras)
    galleries = {
        parts["send_extras"]: results.gallery,
        text_page.parts["send_extras"]: text_page.results.gallery,
    }
    wire_extras_sending(services, extras, form, parts, galleries)


def _wire_networks(
    services: Services, form: Form, networks: NetworksPanel, text_page: TextPage
) -> None:
    """Both browsers choose checkpoints as the drop-down does, and both forms follow."""
    size = ("width", "height", "cfg")
    text = text_page.form
    followers = (
        (
            SmallHandlers(services, form).select_checkpoint,
            form.pick(("checkpoint", *size)),
            list(form.pick((*size, "image_cfg"))),
        ),
        (
            TextSmall(services, text).follow_checkpoint,
            text.pick(("checkpoint", *size)),
            list(text.pick(size)),
        ),
    )
    wire_networks(services, (networks, text_page.networks), form.checkpoint, followers)


_PROMPTS = ("prompt", "negative_prompt", "styles")


def page_script(services: Services) -> str:
    """Script that runs once when the page is loaded: keys, tooltips."""
    return (
        f"() => {{ import('{services.static_url}/page.js')"
        f".then((page) => page.start({json.dumps(dict(TOOLTIPS))}, {json.dumps(dict(MENU))})); }}"
    )


_BEFORE_GRADIO = "event_stream.js"
_OPENED_LATER = frozenset({"networks.js", "plot.js", "regions.js", "settings.js"})


def page_head(static_url: str, folder: Path) -> str:
    """What stands in the page's head.

    One script runs before Gradio's own; the others are fetched while the browser still builds the
    page, not one after another.
    """
    files = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.js"))]
    first = f'<script src="{static_url}/{_BEFORE_GRADIO}"></script>'
    return first + "".join(
        f'<link rel="modulepreload" fetchpriority="low" href="{static_url}/{file}">'
        for file in files
        if file not in _OPENED_LATER and file != _BEFORE_GRADIO
    )


def _top_row(services: Services, parts: Parts) -> dict[str, Any]:
    """Prompts on the left, Generate and tools on the right (ui 3)."""
    with gr.Row(elem_id="img2img_toprow", elem_classes="op-toprow"):
        made = prompt_boxes("img2img", parts)
        with gr.Column(scale=1, min_width=280, elem_id="img2img_actions_column"):
            made |= generate_box("img2img")
            with gr.Row(elem_id="img2img_tools", elem_classes="op-tools"):
                prompt_tools("img2img", parts)
                parts["interrogate"] = build_buttons()
            row = style_row(services, "img2img")
    made["styles"] = row[0]
    parts["style_parts"] = build_styles("img2img", row, parts["style_apply"])
    return made


def _settings(services: Services, parts: Parts) -> dict[str, Any]:
    """The left column (ui 4-6): pictures, mask controls, sampler, size, strength, seed."""
    entry = services.catalog.default(str(services.options.get("sd_model_checkpoint") or ""))
    defaults = entry.defaults
    made: dict[str, Any] = {"tab": gr.State("img2img"), "resize_tab": gr.State("to")}
    build_examples(parts, visible=bool(notice(services)))
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
    with gr.Column(visible=False, elem_id="outpaint_controls") as parts["outpaint_group"]:
        made["outpaint_anchor"], parts["outpaint_line"] = outpaint_controls()
    sampler = sampler_controls(services.options)
    parts["start_row"] = sampler.pop("start_row")
    made |= sampler
    titles, _ = checkpoint_choices(services)
    refiner, parts["refiner_refresh"] = refiner_controls("img2img", titles)
    made |= refiner
    made |= switch_controls(
        "img2img",
        tiling=bool(services.options.get("tiling")),
        color_correction=bool(services.options.get("img2img_color_correction")),
    )
    size = partial(_size, parts, defaults.width, defaults.height)
    made |= size_and_batch(services.options, "img2img", size)
    made |= cfg_control(defaults.cfg)
    made |= strength_controls(edits="instruct-pix2pix" in entry.label)
    parts["steps_line"] = gr.HTML(elem_id="img2img_steps_line")
    seeds = seed_controls()
    for name in ("random_seed", "reuse_seed", "random_subseed", "reuse_subseed", "extras"):
        parts[name] = seeds.pop(name)
    made |= seeds | batch_alone(services.options, "img2img")
    made |= override_control()
    return made


def _size(parts: Parts, width: int, height: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    with gr.Tabs(elem_id="img2img_tabs_resize") as parts["resize_tabs"]:
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


def _png_info(parts: Parts) -> None:
    """The PNG Info tab (ui 11)."""
    with gr.Row():
        with gr.Column():
            parts["pnginfo_image"] = picture_input(LABELS["pnginfo_image"], "pnginfo_image", 480)
            parts["pnginfo_file"] = gr.UploadButton(
                LABELS["pnginfo_file"],
                file_types=[".json", ".txt"],
                size="sm",
                elem_id="pnginfo_file",
            )
        with gr.Column():
            parts["pnginfo_html"] = gr.HTML(elem_id="pnginfo_html")
            parts["pnginfo_text"] = gr.Textbox(visible="hidden", elem_id="pnginfo_generation_info")
            with gr.Row():
                parts["pnginfo_to_txt2img"] = gr.Button(
                    LABELS["send_to_txt2img"], elem_id="pnginfo_send_to_txt2img"
                )
                parts["pnginfo_to_img2img"] = gr.Button(
                    LABELS["send_to_img2img"], elem_id="pnginfo_send_to_img2img"
                )
                parts["pnginfo_to_inpaint"] = gr.Button(
                    LABELS["send_to_inpaint"], elem_id="pnginfo_send_to_inpaint"
                )
                parts["pnginfo_to_extras"] = gr.Button(
                    LABELS["send_to_extras"], elem_id="pnginfo_send_to_extras"
                )
                parts["pnginfo_to_upload"] = gr.Button(
                    LABELS["send_to_inpaint_upload"], elem_id="pnginfo_send_to_inpaint_upload"
                )
                parts["pnginfo_open"] = gr.Button(
                    RESULT_LABELS["open_file"], elem_id="pnginfo_open_result"
                )
            build_remake(parts)
