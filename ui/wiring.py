"""Which event of which element calls which handler."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from ui.canvas_handlers import CanvasHandlers
from ui.controls import Controls
from ui.events import QUIET, WATCH, flushing
from ui.form import Form
from ui.handlers import GenerateHandlers
from ui.page_load import PageLoad
from ui.small_handlers import SmallHandlers
from ui.tabs import PICTURE_FIELDS
from ui.wire_pictures import SIZE_SOURCES, tab_in_front, wire_pictures

TAKE_SEED = """(gallery, old) => {
  const picture = gallery?.pictures?.[gallery.selected ?? 0];
  return picture ? Number(picture.seed) : old;
}"""

TAKE_SUBSEED = """(gallery, old) => {
  const picture = gallery?.pictures?.[gallery.selected ?? 0];
  return picture ? Number(picture.varied ? picture.subseed : picture.seed) : old;
}"""


def wire(
    load: PageLoad,
    form: Form,
    parts: dict[str, Any],
    jobs: GenerateHandlers,
    small: SmallHandlers,
    canvases: CanvasHandlers,
) -> None:
    """Connect everything."""
    _wire_jobs(load, form, jobs, small)
    wire_prompts(form, parts, small)
    wire_pictures(load, form, parts, small, canvases)
    _wire_size(form, parts, small)
    _wire_steps(form, parts, small)
    wire_seeds(form, parts, jobs)
    _wire_sending(form, parts, jobs, small)
    form.checkpoint.input(
        small.select_checkpoint,
        form.pick(("checkpoint", "width", "height", "cfg")),
        list(form.pick(("width", "height", "cfg", "image_cfg"))),
        **QUIET,
    )
    form.clip_skip.input(
        small.set_clip_skip, form.clip_skip, None, trigger_mode="always_last", **QUIET
    )
    form.vae.input(small.set_vae, form.vae, None, **QUIET)
    parts["vae_refresh"].click(small.vaes, None, form.vae, **QUIET)
    parts["refiner_refresh"].click(small.companions, None, form.refiner_checkpoint, **QUIET)
    switches = form.vae, form.clip_skip, form.tiling, form.color_correction
    load.read(lambda _: small.settings_now(), *switches)
    offered = form.checkpoint, parts["notice"], parts["examples"]
    load.read(lambda _: small.checkpoints_now(), *offered)
    parts["refresh"].click(small.rescan, None, list(offered), **QUIET)


def _wire_jobs(load: PageLoad, form: Form, jobs: GenerateHandlers, small: SmallHandlers) -> None:
    results = jobs.parts.components()
    jobs.parts.generate.click(
        jobs.generate, form.components(), results, js=flushing(small.static_url), **WATCH
    )
    load.follow(jobs.restore, results)
    buttons = [jobs.parts.generate, jobs.parts.interrupt, jobs.parts.interrupting, jobs.parts.skip]
    for button in (jobs.parts.interrupt, jobs.parts.interrupting):
        button.click(jobs.interrupt, None, buttons, **QUIET)
    jobs.parts.skip.click(jobs.skip, None, None, **QUIET)


def wire_prompts(form: Any, parts: dict[str, Any], small: SmallHandlers) -> None:
    """Token counters, paste and clear of either generation page."""
    for box, badge in (
        (form.prompt, parts["prompt_tokens"]),
        (form.negative_prompt, parts["negative_tokens"]),
    ):
        gr.on(
            [box.change, form.steps.change, form.styles.change],
            partial(small.token_badge, negative=box is form.negative_prompt),
            [box, form.steps, form.styles],
            badge,
            trigger_mode="always_last",
            **QUIET,
        )
    parts["prompt_image"].upload(small.drop_on_prompt, parts["prompt_image"], form.prompt, **QUIET)
    filled = filled_on_paste(form)
    pasted = gr.State("")

    def paste(prompt: str | None, request: gr.Request) -> dict[Any, Any]:
        text = small.infotext_of(prompt or "", request)
        updates = small.paste(prompt or "", request)
        return {**updates, pasted: text} if text else updates

    event = parts["paste"].click(paste, form.prompt, [*filled, pasted], **QUIET)
    parts["filled_from"] = [(event, pasted)]
    parts["clear"].click(
        None,
        None,
        [form.prompt, form.negative_prompt],
        js="() => ['', '']",
        queue=False,
        api_visibility="private",
    )


_KEPT_ON_PASTE = (
    *PICTURE_FIELDS,
    "inpaint_mask",
    "tab",
    "resize_tab",
    "scale",
    "batch_count",
    "batch_size",
    "checkpoint",
    "vae",
    "clip_skip",
)


def filled_on_paste(form: Controls) -> list[Any]:
    """The controls that an infotext may fill."""
    return list(form.components() - form.pick(form.names().intersection(_KEPT_ON_PASTE)))


def _wire_size(form: Form, parts: dict[str, Any], small: SmallHandlers) -> None:
    for name, mode in (("to_tab", "to"), ("by_tab", "by")):
        parts[name].select(lambda mode=mode: mode, None, form.resize_tab, **QUIET)
    size = [form.width, form.height]
    parts["swap"].click(
        None, size, size, js="(w, h) => [h, w]", queue=False, api_visibility="private"
    )
    sources = form.pick(SIZE_SOURCES)
    parts["detect"].click(small.detect_size, sources, size, **QUIET)


SAMPLING = (
    "sampler",
    "scheduler",
    "steps",
    "semantics",
    "start_at_step",
    "end_at_step",
    "add_noise",
    "leftover_noise",
    "cfg",
    "denoise",
)


def _wire_steps(form: Form, parts: dict[str, Any], small: SmallHandlers) -> None:
    sampling = form.pick(SAMPLING)
    parts["steps_line"].value = small.steps_line({each: each.value for each in sampling})
    gr.on(
        [getattr(form, name).change for name in SAMPLING],
        small.steps_line,
        sampling,
        parts["steps_line"],
        trigger_mode="always_last",
        **QUIET,
    )
    wire_start_row(form, parts)


def wire_start_row(form: Any, parts: dict[str, Any]) -> None:
    """First and last step are seen only where the steps are counted so."""
    form.semantics.change(
        lambda chosen: gr.update(visible=chosen == "start_at_step"),
        form.semantics,
        parts["start_row"],
        **QUIET,
    )


def wire_seeds(form: Any, parts: dict[str, Any], jobs: GenerateHandlers) -> None:
    """Random, reuse and the extras of either generation page."""
    client: dict[str, Any] = {"queue": False, "api_visibility": "private"}
    gallery = jobs.parts.gallery
    for name, field, script in (
        ("seed", form.seed, TAKE_SEED),
        ("subseed", form.subseed, TAKE_SUBSEED),
    ):
        parts[f"random_{name}"].click(None, None, field, js="() => -1", **client)
        parts[f"reuse_{name}"].click(None, [gallery, field], field, js=script, **client)
    form.extra.change(
        lambda ticked: gr.update(visible=ticked), form.extra, parts["extras"], **QUIET
    )


def _wire_sending(
    form: Form, parts: dict[str, Any], jobs: GenerateHandlers, small: SmallHandlers
) -> None:
    filled = filled_on_paste(form)
    gallery = jobs.parts.gallery
    parts["pnginfo_image"].change(
        small.read_png,
        parts["pnginfo_image"],
        [parts["pnginfo_html"], parts["pnginfo_text"]],
        **QUIET,
    )
    parts["pnginfo_file"].upload(
        small.read_file,
        parts["pnginfo_file"],
        [parts["pnginfo_html"], parts["pnginfo_text"]],
        **QUIET,
    )
    for target, field, gallery_button, info_button in (
        ("img2img", form.image, "send_img2img", "pnginfo_to_img2img"),
        ("inpaint", form.inpaint, "send_inpaint", "pnginfo_to_inpaint"),
        ("inpaint_upload", form.inpaint_image, "send_upload", "pnginfo_to_upload"),
    ):
        show = tab_in_front(form, parts, target)
        parts[gallery_button].click(small.send_selected, gallery, field, **QUIET).success(
            lambda show=show: show, None, list(show), **QUIET
        )
        sent = parts[info_button].click(
            partial(small.send_png_info, field=field),
            [parts["pnginfo_image"], parts["pnginfo_text"]],
            [field, *filled],
            **QUIET,
        )
        shown = sent.success(lambda show=show: show, None, list(show), **QUIET)
        parts["filled_from"].append((shown, parts["pnginfo_text"]))
