"""The Extras tab: layout, and which event calls which handler (ui 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from jobs.spec import JobSpec, JobView
from pipelines.extras import Extras, check_extras
from pipelines.pictures import upright_size
from pipelines.request import PictureRef
from pipelines.upscalers import PIXEL_UPSCALERS
from ui import watching
from ui.events import QUIET, WATCH, unchanged
from ui.extras_form import ExtrasForm, source_controls, upscale_controls
from ui.extras_request import build_work, size_line
from ui.form import Form
from ui.form_prompts import generate_box
from ui.handlers import GenerateHandlers, ResultParts
from ui.page_load import PageLoad
from ui.services import Services
from ui.small_handlers import SmallHandlers
from ui.tabs import find_tab
from ui.texts import LABELS, MESSAGES
from ui.widgets import JobMonitor, PictureFile, ResultGallery
from ui.wire_pictures import tab_in_front

Parts = dict[str, Any]

SENDING = (
    ("img2img", "send_to_img2img"),
    ("inpaint", "send_to_inpaint"),
    ("inpaint_upload", "send_to_inpaint_upload"),
)
"""Where a result can go: the tab's id, and the button's."""


SOURCES = ("single", "batch", "folder")
SIZES = ("by", "to")


@dataclass(frozen=True)
class ExtrasPage:
    """The form, what shows its jobs, and further named elements."""

    form: ExtrasForm
    results: ResultParts
    parts: Parts


def build_extras(services: Services) -> ExtrasPage:
    """Build the page inside its tab."""
    parts: Parts = {}
    with gr.Row(elem_classes="resize-handle-row"):
        with gr.Column(elem_id="extras_settings", min_width=320):
            controls = source_controls(services.batches.policy, parts)
            controls |= upscale_controls(parts)
        with gr.Column(elem_id="extras_results", min_width=320):
            buttons = generate_box("extras")
            monitor = JobMonitor(services.static_url, elem_id="html_log_extras")
            gallery = ResultGallery(services.static_url, "extras", elem_id="extras_gallery")
            with gr.Row(elem_classes="op-tools"):
                for tab, name in SENDING:
                    parts[tab] = gr.Button(LABELS[name], size="sm", elem_id=f"extras_{name}")
    results = ResultParts(gallery=gallery, monitor=monitor, **buttons)
    return ExtrasPage(ExtrasForm(**controls), results, parts)


class ExtrasJobs(GenerateHandlers):
    """Generate, Interrupt and Skip of the Extras tab."""

    def spec(self, values: dict[str, Any]) -> JobSpec:
        """The job that the form's values make. Raises ValueError with a sentence."""
        services = self._services
        policy = services.batches.policy
        work = build_work(values, services.options.all(), self._take, policy)
        return JobSpec(kind="extras", extras=work)

    def _take(self, path: str, extras: Extras) -> PictureRef:
        """Keep an upload; what only decoding shows, the job will say."""
        data, limits = Path(path).read_bytes(), self._services.limits
        check_extras(extras, upright_size(data, limits), limits.max_pixels)
        return self._services.assets.add(data)

    def _is_mine(self, view: JobView) -> bool:
        return view.spec.kind == "extras" and view.spec.save

    def _gallery(self, view: JobView | None) -> dict[str, Any]:
        work = None if view is None else view.spec.extras
        shown = view if work is None or work.listed else None
        return watching.gallery(shown, self._services.pictures_url, self._services.proofs_url)


class ExtrasSmall:
    """Handlers that answer at once."""

    def __init__(self, services: Services, form: ExtrasForm) -> None:
        self._services = services
        self._form = form

    def upscalers(self) -> list[Any]:
        """Look for upscalers again."""
        names = [*PIXEL_UPSCALERS, *self._services.catalog.upscalers.names]
        return [gr.update(choices=names), gr.update(choices=names)]

    def line(self, data: dict[Any, Any]) -> str:
        """What the picture of the single tab becomes; nothing without one."""
        values = self._form.values(data)
        path = values["image"]
        if values["source"] != "single" or not path:
            return ""
        try:
            size = upright_size(Path(path), self._services.limits)
            return escape(size_line(values, size, self._services.options.all()))
        except ValidationError:
            return ""
        except (ValueError, OSError) as error:
            return escape(str(error))


class Arrivals:
    """Pictures sent here from other tabs; `show` brings this tab to the front."""

    def __init__(self, small: SmallHandlers, image: PictureFile, show: dict[Any, Any]) -> None:
        self._small = small
        self._image = image
        self._show = show

    def of_gallery(self, chosen: dict[str, Any] | None, request: gr.Request) -> dict[Any, Any]:
        """The gallery's selected picture."""
        return self._arrived(self._small.send_selected(chosen, request))

    def of_field(self, path: str | None) -> dict[Any, Any]:
        """The picture of another field."""
        if not path:
            gr.Info(MESSAGES["nothing_to_send"], duration=3)
        return self._arrived(path)

    def _arrived(self, path: str | None) -> dict[Any, Any]:
        return {self._image: path, **self._show} if path else unchanged()


def wire_extras(load: PageLoad, services: Services, built: ExtrasPage) -> None:
    """Connect what happens on the tab itself."""
    form, parts = built.form, built.parts
    jobs, small = ExtrasJobs(services, form, built.results), ExtrasSmall(services, form)
    results = jobs.parts.components()
    jobs.parts.generate.click(jobs.generate, form.components(), results, **WATCH)
    load.follow(jobs.restore, results)
    load.read(lambda _: small.upscalers(), form.upscaler_1, form.upscaler_2)
    buttons = [jobs.parts.generate, jobs.parts.interrupt, jobs.parts.interrupting, jobs.parts.skip]
    for button in (jobs.parts.interrupt, jobs.parts.interrupting):
        button.click(jobs.interrupt, None, buttons, **QUIET)
    jobs.parts.skip.click(jobs.skip, None, None, **QUIET)
    for state, names in ((form.source, SOURCES), (form.size_tab, SIZES)):
        for name in names:
            parts[f"{name}_tab"].select(lambda name=name: name, None, state, **QUIET)
    size = [form.width, form.height]
    parts["swap"].click(
        None, size, size, js="(w, h) => [h, w]", queue=False, api_visibility="private"
    )
    told = form.pick(form.names() - {"files", "input_dir", "output_dir", "show_results"})
    gr.on(
        [control.change for control in told],
        small.line,
        told,
        parts["size_line"],
        trigger_mode="always_last",
        **QUIET,
    )


def wire_extras_sending(
    services: Services,
    built: ExtrasPage,
    img2img: Form,
    targets: Parts,
    sources: Mapping[gr.Button, ResultGallery],
) -> None:
    """Connect the ways to other tabs and from there.

    `targets` are the elements of `ui.wire_pictures.tab_in_front`; `sources` the galleries of other
    tabs by the button that sends from there.
    """
    small = SmallHandlers(services, built.form)
    for tab, _ in SENDING:
        show = tab_in_front(img2img, targets, tab)
        field = getattr(img2img, find_tab(tab).field)
        built.parts[tab].click(small.send_selected, built.results.gallery, field, **QUIET).success(
            lambda show=show: show, None, list(show), **QUIET
        )
    show = _extras_in_front(built, targets)
    arrivals = Arrivals(small, built.form.image, show)
    outputs = [built.form.image, *show]
    targets["pnginfo_to_extras"].click(
        arrivals.of_field, targets["pnginfo_image"], outputs, **QUIET
    )
    for button, gallery in sources.items():
        button.click(arrivals.of_gallery, gallery, outputs, **QUIET)


def _extras_in_front(built: ExtrasPage, targets: Parts) -> dict[Any, Any]:
    """Bring the single picture of this tab to the front from anywhere on the page."""
    return {
        targets["tabs"]: gr.update(selected="extras"),
        built.parts["source_tabs"]: gr.update(selected="single"),
        built.form.source: "single",
    }
