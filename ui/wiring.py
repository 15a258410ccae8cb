"""Which event of which element calls which handler."""

from __future__ import annotations

from functools import partial
from typing import Any

import gradio as gr

from ui.canvas_handlers import CanvasHandlers
from ui.events import QUIET, WATCH, flushing
from ui.form import Form
from ui.handlers import GenerateHandlers
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
    page: gr.Blocks,
    form: Form,
    parts: dict[str, Any],
    jobs: GenerateHandlers,
    small: SmallHandlers,
    canvases: CanvasHandlers,
) -> None:
    """Connect everything."""
    _wire_jobs(page, form, jobs, small)
    _wire_prompts(form, parts, small)
    wire_pictures(page, form, parts, small, canvases)
    _wire_size(form, parts, small)
    _wire_steps(page, form, parts, small)
    _wire_seeds(form, parts, jobs)
    _wire_sending(form, parts, jobs, small)
    form.checkpoint.input(
        small.select_checkpoint,
        form.pick(("checkpoint", "width", "height", "cfg")),
        list(form.pick(("width", "height", "cfg"))),
        **QUIET,
    )
    parts["clip_skip"].input(
        small.set_clip_skip, parts["clip_skip"], None, trigger_mode="always_last", **QUIET
    )
    page.load(small.clip_skip, None, parts["clip_skip"], **QUIET)
    parts["refresh"].click(small.rescan, None, [form.checkpoint, parts["notice"]], **QUIET)


def _wire_jobs(page: gr.Blocks, form: Form, jobs: GenerateHandlers, small: SmallHandlers) -> None:
    results = jobs.parts.components()
    jobs.parts.generate.click(
        jobs.generate, form.components(), results, js=flushing(small.static_url), **WATCH
    )
    page.load(jobs.restore, None, results, **WATCH)
    buttons = [jobs.parts.generate, jobs.parts.interrupt, jobs.parts.interrupting, jobs.parts.skip]
    for button in (jobs.parts.interrupt, jobs.parts.interrupting):
        button.click(jobs.interrupt, None, buttons, **QUIET)
    jobs.parts.skip.click(jobs.skip, None, None, **QUIET)


def _wire_prompts(form: Form, parts: dict[str, Any], small: SmallHandlers) -> None:
    for box, badge in (
        (form.prompt, parts["prompt_tokens"]),
        (form.negative_prompt, parts["negative_tokens"]),
    ):
        gr.on(
            [box.change, form.steps.change],
            small.token_badge,
            [box, form.steps],
            badge,
            trigger_mode="always_last",
            **QUIET,
        )
    filled = list(form.components() - form.pick(_KEPT_ON_PASTE))
    parts["paste"].click(small.paste, form.prompt, filled, **QUIET)
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
)


def _wire_size(form: Form, parts: dict[str, Any], small: SmallHandlers) -> None:
    for name, mode in (("to_tab", "to"), ("by_tab", "by")):
        parts[name].select(lambda mode=mode: mode, None, form.resize_tab, **QUIET)
    size = [form.width, form.height]
    parts["swap"].click(
        None, size, size, js="(w, h) => [h, w]", queue=False, api_visibility="private"
    )
    sources = form.pick(SIZE_SOURCES)
    parts["detect"].click(small.detect_size, sources, size, **QUIET)
    gr.on(
        [form.scale.release, form.scale.change, form.image.change, form.inpaint_image.change],
        small.resize_line,
        sources,
        parts["resize_line"],
        trigger_mode="always_last",
        **QUIET,
    )


_SAMPLING = (
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


def _wire_steps(page: gr.Blocks, form: Form, parts: dict[str, Any], small: SmallHandlers) -> None:
    gr.on(
        [page.load, *(getattr(form, name).change for name in _SAMPLING)],
        small.steps_line,
        form.pick(_SAMPLING),
        parts["steps_line"],
        trigger_mode="always_last",
        **QUIET,
    )
    form.semantics.change(
        lambda chosen: gr.update(visible=chosen == "start_at_step"),
        form.semantics,
        parts["start_row"],
        **QUIET,
    )


def _wire_seeds(form: Form, parts: dict[str, Any], jobs: GenerateHandlers) -> None:
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
    filled = list(form.components() - form.pick(_KEPT_ON_PASTE))
    gallery = jobs.parts.gallery
    parts["pnginfo_image"].change(
        small.read_png,
        parts["pnginfo_image"],
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
        parts[info_button].click(
            partial(small.send_png_info, field=field),
            [parts["pnginfo_image"], parts["pnginfo_text"]],
            [field, *filled],
            **QUIET,
        ).success(lambda show=show: show, None, list(show), **QUIET)
