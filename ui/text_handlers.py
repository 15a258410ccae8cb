"""What the events of the txt2img page do; most is as on the img2img page."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from jobs.options import request_defaults
from jobs.spec import JobSpec, JobView
from pipelines.old_hires import old_first_pass, with_old_hires
from pipelines.steps import executed_steps
from pipelines.upscalers import LATENT_MODES, PIXEL_UPSCALERS
from ui.events import unchanged
from ui.form_request import refined_as_set, sampling_of
from ui.handlers import GenerateHandlers
from ui.overrides import apply_entries
from ui.page_state import state_of
from ui.small_handlers import SmallHandlers
from ui.styles_panel import with_styles
from ui.text_form import build_text_request, final_size
from ui.texts import MESSAGES

OLD_SIZES = "use_old_hires_fix_width_height"


class TextJobs(GenerateHandlers):
    """Generate, Interrupt and Skip of txt2img."""

    def spec(self, values: dict[str, Any]) -> JobSpec:
        """The job that the form's values make. Raises ValueError with a sentence."""
        options = self._services.options.all()
        request = build_text_request(values, request_defaults(options))
        request = refined_as_set(request, options)
        if options[OLD_SIZES]:
            request = with_old_hires(request)
        request = with_styles(request, values["styles"] or (), self._services.styles)
        request = apply_entries(values["override_settings"] or (), request)
        page = state_of(values, self._services.assets)
        saving = self._saving(values)
        return JobSpec(request=request, tab="txt2img", page=page, has_grid=True, saving=saving)

    def _is_mine(self, view: JobView) -> bool:
        spec = view.spec
        return spec.kind == "generate" and spec.tab == "txt2img" and spec.shown


class TextSmall(SmallHandlers):
    """Handlers of txt2img that answer at once."""

    def steps_line(self, data: dict[Any, Any]) -> str:
        """Say how many steps will run where that is not simply what the slider says."""
        sampling = sampling_of(self._form.values(data) | {"denoise": 1.0})
        if sampling is None:
            return ""
        try:
            executed = executed_steps(sampling, txt2img=True)
        except ValueError as error:
            return escape(str(error))
        if executed == sampling.steps:
            return ""
        return MESSAGES["steps_line"].format(executed=executed, steps=sampling.steps)

    def hires_line(self, data: dict[Any, Any]) -> str:
        """Which size the hires pass will make."""
        values = self._form.values(data)
        final = final_size(values)
        if final is None:
            return escape(MESSAGES["hires_impossible"])
        width, height = int(values["width"]), int(values["height"])
        if self._services.options.get(OLD_SIZES):
            final = width, height
            width, height = old_first_pass(width, height)
        return MESSAGES["hires_line"].format(
            width=width,
            height=height,
            final_width=final[0],
            final_height=final[1],
        )

    def upscalers(self) -> Any:
        """Latent modes and upscalers, as they are now."""
        names = self._services.catalog.upscalers.names
        latent = (mode.name for mode in LATENT_MODES)
        return gr.update(choices=[*latent, *PIXEL_UPSCALERS, *names])

    def follow_checkpoint(self, data: dict[Any, Any]) -> dict[Any, Any]:
        """Let size and CFG follow another checkpoint where they are the defaults of one."""
        values, catalog = self._form.values(data), self._services.catalog
        new = (catalog.find(values["checkpoint"] or "") or catalog.default()).defaults
        usual = [entry.defaults for entry in catalog.entries]
        updates: dict[str, Any] = {}
        if (values["width"], values["height"]) in {(one.width, one.height) for one in usual}:
            updates |= {"width": new.width, "height": new.height}
        if values["cfg"] in {one.cfg for one in usual}:
            updates["cfg"] = new.cfg
        return self._form.updates(updates) or unchanged()
