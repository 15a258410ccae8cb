"""Handlers that answer at once, without a job: sizes, counters, step line, paste, checkpoints."""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from jobs.options import request_defaults
from pipelines.geometry import Extent
from pipelines.infotext_apply import Applied, apply_infotext
from pipelines.infotext_parse import parse_infotext
from pipelines.pictures import read_metadata
from pipelines.prompt.counter import count_prompt
from pipelines.request import Img2ImgRequest
from pipelines.steps import executed_steps
from ui.events import unchanged
from ui.form import Form
from ui.form_fill import checkpoint_choices, form_values, notice
from ui.form_request import active_size, sampling_of, working_size
from ui.overrides import entries
from ui.picture_files import size_of
from ui.services import Services
from ui.texts import LABELS, MESSAGES

Updates = dict[Any, Any]


class SmallHandlers:
    """Event handlers without jobs; one object for all sessions, without state."""

    def __init__(self, services: Services, form: Form) -> None:
        self._services = services
        self._form = form
        self.static_url = services.static_url

    def token_badge(self, text: str, steps: float) -> str:
        """The counter at a prompt's corner: used/limit in chunks of 75 (ui 3.1)."""
        count = count_prompt(text or "", int(steps or 1), self._services.tokenizer)
        return f'<span class="op-count">{count.used}/{count.limit}</span>'

    def steps_line(self, data: dict[Any, Any]) -> str:
        """Say before the click how many steps will run."""
        sampling = sampling_of(self._form.values(data))
        if sampling is None:
            return ""
        try:
            executed = executed_steps(sampling, txt2img=False)
        except ValueError as error:
            return escape(str(error))
        if executed == 0:
            return MESSAGES["steps_identity"]
        return MESSAGES["steps_line"].format(executed=executed, steps=sampling.steps)

    def resize_line(self, data: dict[Any, Any]) -> str:
        """What "Resize by" will make of the picture."""
        values = self._form.values(data)
        try:
            old = active_size(values, self._size_of)
            if old is None:
                return MESSAGES["no_image_selected"]
            new = working_size({**values, "resize_tab": "by"}, lambda _: old)
        except (ValueError, OSError) as error:
            return escape(str(error))
        return MESSAGES["resize_line"].format(
            old_width=old.width, old_height=old.height, width=new.width, height=new.height
        )

    def detect_size(self, data: dict[Any, Any]) -> Updates:
        """Width and height of the visible tab's picture, to whole steps of 8."""
        try:
            size = active_size(self._form.values(data), self._size_of)
        except (ValueError, OSError) as error:
            gr.Warning(str(error))
            return unchanged()
        if size is None:
            gr.Info(MESSAGES["no_image_selected"], duration=3)
            return unchanged()
        return {
            self._form.width: min(2048, max(64, size.width // 8 * 8)),
            self._form.height: min(2048, max(64, size.height // 8 * 8)),
        }

    def check_upload(self, path: str | None) -> None:
        """Say at once when a chosen file cannot be used; Generate would say it again."""
        if not path:
            return
        try:
            size_of(path, self._services.limits)
        except (ValueError, OSError) as error:
            gr.Warning(str(error), duration=12)

    def paste(self, prompt: str, request: gr.Request) -> Updates:
        """Spread the infotext in the prompt, or that of the last picture, over the form."""
        text = prompt or ""
        if not parse_infotext(text).params and not text.strip():
            text = self._last_infotext(request)
        if not text or not parse_infotext(text).params:
            gr.Info(MESSAGES["no_infotext"], duration=4)
            return unchanged()
        return self.fill(text)

    def fill(self, infotext: str) -> Updates:
        """Values of an infotext as updates of the form; what does not fit is said."""
        applied = apply_infotext(infotext, self._base())
        unknown = [f"{key}: {value}" for key, value in applied.unknown.items()]
        said = [MESSAGES["unknown_keys"].format(keys=", ".join(unknown))] if unknown else []
        for problem in (*applied.problems, *self._missing_model(applied), *said):
            gr.Warning(escape(problem), duration=8)
        lines = entries(applied.request, self._base())
        overrides = gr.update(choices=lines, value=lines, visible=bool(lines))
        return self._form.updates({**form_values(applied), "override_settings": overrides})

    def read_png(self, path: str | None) -> tuple[str, str]:
        """Metadata of a picture as HTML, and its infotext."""
        if not path:
            return "", ""
        try:
            found = read_metadata(Path(path))
        except (ValueError, OSError) as error:
            return f"<p>{escape(str(error))}</p>", ""
        infotext = found.get("parameters", "")
        if not found:
            return f"<p>{escape(MESSAGES['no_metadata'])}</p>", ""
        rows = "".join(
            f"<dt>{escape(key)}</dt><dd>{escape(str(value))}</dd>" for key, value in found.items()
        )
        return f'<dl class="op-meta">{rows}</dl>', infotext

    def send_png_info(self, path: str | None, infotext: str, field: Any) -> Updates:
        """Picture and parameters of the PNG Info tab for the tab whose picture is `field`."""
        if not path:
            gr.Info(MESSAGES["nothing_selected"], duration=3)
            return unchanged()
        return {field: path, **(self.fill(infotext) if infotext else {})}

    def send_selected(self, chosen: dict[str, Any] | None, request: gr.Request) -> str | None:
        """Path of the gallery's selected picture, checked to belong to this owner."""
        pictures = (chosen or {}).get("pictures") or []
        if not pictures:
            gr.Info(MESSAGES["nothing_selected"], duration=3)
            return None
        wanted = str(pictures[min(int((chosen or {}).get("selected", 0)), len(pictures) - 1)]["id"])
        owner = self._services.owner_of(request)
        picture = self._services.engine.picture(owner, wanted)
        return None if picture is None else str(picture.path)

    def select_checkpoint(self, data: dict[Any, Any]) -> Updates:
        """Another checkpoint: remember it, and let size and CFG follow if they are its defaults."""
        values = self._form.values(data)
        catalog, options = self._services.catalog, self._services.options
        before = catalog.find(str(options.get("sd_model_checkpoint") or "")) or catalog.default()
        chosen = catalog.find(values["checkpoint"] or "") or catalog.default()
        options.set_many({"sd_model_checkpoint": chosen.title})
        updates: Updates = {}
        old, new = before.defaults, chosen.defaults
        if (values["width"], values["height"]) == (old.width, old.height):
            updates |= {self._form.width: new.width, self._form.height: new.height}
        if values["cfg"] == old.cfg:
            updates[self._form.cfg] = new.cfg
        return updates or unchanged()

    def clip_skip(self) -> int:
        """The setting as it is now; the API may have changed it since the page was built."""
        return int(self._services.options.get("CLIP_stop_at_last_layers"))

    def set_clip_skip(self, layers: float | None) -> None:
        """Remember another clip skip; it holds for every job from now on, as in A1111."""
        if layers is not None:
            self._services.options.set_many({"CLIP_stop_at_last_layers": int(layers)})

    def rescan(self) -> tuple[Any, str]:
        """Look for checkpoints again."""
        self._services.catalog.rescan()
        choices, value = checkpoint_choices(self._services)
        return gr.update(choices=choices, value=value), notice(self._services)

    def _size_of(self, path: str) -> Extent:
        return size_of(path, self._services.limits)

    def _base(self) -> Img2ImgRequest:
        return Img2ImgRequest.model_validate(request_defaults(self._services.options.all()))

    def _last_infotext(self, request: gr.Request) -> str:
        owner = self._services.owner_of(request)
        for view in self._services.engine.latest(owner):
            if view.pictures:
                return view.pictures[0].infotext
        return ""

    def _missing_model(self, applied: Applied) -> tuple[str, ...]:
        """One sentence when the picture was made with a checkpoint that is not here."""
        name, digest = applied.model_name or "", applied.model_hash or ""
        catalog = self._services.catalog
        if not (name or digest) or any(catalog.find(key) for key in (digest, name) if key):
            return ()
        model = f"{name} [{digest}]" if name and digest else name or digest
        current = str(self._services.options.get("sd_model_checkpoint") or LABELS["checkpoint"])
        return (MESSAGES["model_missing"].format(model=model, current=current),)
