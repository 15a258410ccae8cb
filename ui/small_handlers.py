"""Handlers that answer at once, without a job: sizes, counters, step line, paste, checkpoints."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any, Final

import gradio as gr

from jobs.options import request_defaults
from pipelines.comfy_workflow import WorkflowError, looks_like_workflow
from pipelines.geometry import Extent
from pipelines.infotext_apply import NO_MASK_HERE, Applied
from pipelines.infotext_missing import missing_embeddings
from pipelines.infotext_parse import parse_infotext
from pipelines.prompt.counter import count_prompt
from pipelines.request import Img2ImgRequest
from pipelines.steps import executed_steps
from pipelines.styles import StylesError, apply_styles, choose_styles, find_styles, read_styles
from ui.controls import Controls
from ui.events import unchanged
from ui.fill_names import known_names, local_networks, missing_vae
from ui.form_fill import checkpoint_choices, form_values, notice, vae_choices
from ui.form_keys import without_left_out
from ui.form_request import active_size, sampling_of, working_size
from ui.outpainting import outpaint_of, outpaint_sentence
from ui.overrides import MODEL_KEYS, entries
from ui.picture_files import size_of
from ui.png_info import Info, apply_text, read_picture, read_text_file, text_in
from ui.services import Services
from ui.texts import MESSAGES

Updates = dict[Any, Any]

_SEED_FIELDS: Final[tuple[str, ...]] = (
    "seed",
    "extra",
    "subseed",
    "subseed_strength",
    "seed_width",
    "seed_height",
)
_SIZE_FIELDS: Final[tuple[str, ...]] = ("width", "height")


class SmallHandlers:
    """Event handlers without jobs; one object for all sessions, without state."""

    def __init__(self, services: Services, form: Controls) -> None:
        self._services = services
        self._form = form
        self.static_url = services.static_url

    def token_badge(
        self, text: str, steps: float, styles: list[str] | None, *, negative: bool = False
    ) -> str:
        """The counter at a prompt's corner: used/limit in chunks of 75, with styles (ui 3.1)."""
        if self._services.options.get("disable_token_counters"):
            return ""
        text = self._styled(text or "", styles or [], negative)
        count = count_prompt(
            text or "",
            int(steps or 1),
            self._services.tokenizer,
            comments=bool(self._services.options.get("enable_prompt_comments")),
        )
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

    def outpaint_line(self, data: dict[Any, Any]) -> Any:
        """What outpainting will make of the picture; nothing new while another mode is chosen."""
        values = self._form.values(data)
        if outpaint_of(values) is None:
            return gr.skip()
        try:
            old = active_size(values, self._size_of)
            if old is None:
                return MESSAGES["no_image_selected"]
            return escape(outpaint_sentence(old, working_size(values, lambda _: old)))
        except (ValueError, OSError) as error:
            return escape(str(error))

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
        return self._form.updates(
            {
                "width": min(2048, max(64, size.width // 8 * 8)),
                "height": min(2048, max(64, size.height // 8 * 8)),
            }
        )

    def paste(self, prompt: str, request: gr.Request) -> Updates:
        """Spread the infotext in the prompt, or that of the last picture, over the form."""
        text = self.infotext_of(prompt or "", request)
        if not text:
            gr.Info(MESSAGES["no_infotext"], duration=4)
            return unchanged()
        return self.fill(text)

    def infotext_of(self, prompt: str, request: gr.Request) -> str:
        """The infotext in the prompt, that of the last picture if it is empty, or nothing."""
        text = prompt if prompt.strip() else self._last_infotext(request)
        return text if looks_like_workflow(text) or parse_infotext(text).params else ""

    def fill(self, infotext: str) -> Updates:
        """Values of an infotext as updates of the form; what does not fit is said.

        What is wrong with the mask is said by `MaskHandlers.check`, which knows the canvas.
        """
        get = self._services.options.get
        skip = get("infotext_skip_pasting")
        try:
            follow = bool(get("auto_backcompat"))
            applied = apply_text(infotext, self._base(), backcompat=follow, skip=skip)
        except WorkflowError as error:
            gr.Warning(escape(str(error)), duration=12)
            return unchanged()
        unknown = [f"{key}: {value}" for key, value in applied.unknown.items()]
        said = [MESSAGES["unknown_keys"].format(keys=", ".join(unknown))] if unknown else []
        problems = (problem for problem in applied.problems if problem != NO_MASK_HERE)
        networks = local_networks(applied, self._services.catalog)
        applied = replace(applied, request=networks.request)
        applied, vae_problems = missing_vae(applied, self._base().vae, self._services.catalog)
        names = known_names(self._form.names(), applied.request, self._services.catalog)
        values, outside = self._form.fitted(self._form.known(form_values(applied)) | names.values)
        said += [*vae_problems, *networks.problems, *names.problems, *outside]
        for problem in (*problems, *self._missing(applied), *said):
            gr.Warning(escape(problem), duration=8)
        lines = entries(applied.request, self._base()) + self._model_entry(applied)
        overrides = gr.update(choices=lines, value=lines, visible=bool(lines))
        values = without_left_out(values | self._infer_styles(values), skip)
        return self._form.updates({**values, "override_settings": overrides})

    def read_png(self, path: str | None) -> tuple[str, str]:
        """Data of a picture as HTML, and the infotext or workflow in it."""
        return read_picture(Path(path)) if path else Info("", "")

    def read_file(self, path: str | None) -> tuple[str, str]:
        """The same of a workflow file or a text file."""
        return read_text_file(Path(path)) if path else Info("", "")

    def drop_on_prompt(self, path: str | None) -> Any:
        """What a file dropped on a prompt says, for the prompt; Paste can spread it then."""
        text = text_in(Path(path)) if path else ""
        if not text:
            gr.Info(MESSAGES["no_metadata"], duration=4)
        return text or gr.skip()

    def send_text(self, text: str) -> Updates:
        """The parameters of the PNG Info tab for this form."""
        if not text:
            gr.Info(MESSAGES["nothing_to_send"], duration=3)
            return unchanged()
        return self._sent(text)

    def send_png_info(self, path: str | None, infotext: str, field: Any) -> Updates:
        """Picture and parameters of the PNG Info tab for the tab whose picture is `field`.

        A workflow file comes without its picture: then the tab keeps the one it has.
        """
        if not path and not infotext:
            gr.Info(MESSAGES["nothing_to_send"], duration=3)
            return unchanged()
        picture = {field: path} if path else {}
        return {**picture, **(self._sent(infotext) if infotext else {})}

    def _sent(self, text: str) -> Updates:
        """What a text fills, but for seed and size where the settings leave them behind."""
        get, form = self._services.options.get, self._form
        left = () if get("send_seed") else _SEED_FIELDS
        left += () if get("send_size") else _SIZE_FIELDS
        kept = form.pick(left)
        return {part: value for part, value in self.fill(text).items() if part not in kept}

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
        updates: dict[str, Any] = {
            "image_cfg": gr.update(visible="instruct-pix2pix" in chosen.label)
        }
        old, new = before.defaults, chosen.defaults
        if (values["width"], values["height"]) == (old.width, old.height):
            updates |= {"width": new.width, "height": new.height}
        if values["cfg"] == old.cfg:
            updates["cfg"] = new.cfg
        return self._form.updates(updates)

    def settings_now(self) -> list[Any]:
        """VAE, clip skip, tiling and colour correction, in the order of the event's outputs.

        They may have changed since the page was built.
        """
        get = self._services.options.get
        choices, vae = vae_choices(self._services)
        return [
            gr.update(choices=choices, value=vae),
            int(get("CLIP_stop_at_last_layers")),
            bool(get("tiling")),
            bool(get("img2img_color_correction")),
        ]

    def vaes(self) -> Any:
        """Look for VAE files again."""
        choices, value = vae_choices(self._services)
        return gr.update(choices=choices, value=value)

    def set_vae(self, name: str | None, request: gr.Request) -> None:
        """Remember another VAE for everybody, as in A1111; others choose it for themselves."""
        if name and self._services.is_admin(request):
            self._services.options.set_many({"sd_vae": name})

    def set_clip_skip(self, layers: float | None, request: gr.Request) -> None:
        """Remember another clip skip for everybody, as in A1111, when an administrator sets it."""
        if layers is not None and self._services.is_admin(request):
            self._services.options.set_many({"CLIP_stop_at_last_layers": int(layers)})

    def rescan(self) -> list[Any]:
        """Look for checkpoints again."""
        self._services.catalog.rescan()
        return self.checkpoints_now()

    def checkpoints_now(self) -> list[Any]:
        """The drop-down of checkpoints, the notice, and whether the built-in examples are shown.

        The last two are there while the built-in checkpoint is all there is.
        """
        choices, value = checkpoint_choices(self._services)
        told = notice(self._services)
        return [gr.update(choices=choices, value=value), told, gr.update(visible=bool(told))]

    def companions(self) -> Any:
        """Look for checkpoints again, for a refiner."""
        self._services.catalog.rescan()
        return gr.update(choices=checkpoint_choices(self._services)[0])

    def _styled(self, text: str, names: list[str], negative: bool) -> str:
        """The text with the chosen styles, unless the settings or their file say otherwise."""
        if not names or not self._services.options.get("include_styles_into_token_counters"):
            return text
        try:
            chosen, _ = choose_styles(read_styles(self._services.styles), names)
            prompt, other = apply_styles(*(("", text) if negative else (text, "")), chosen)
        except (StylesError, OSError):
            return text
        return other if negative else prompt

    def _infer_styles(self, values: dict[str, Any]) -> dict[str, Any]:
        """Prompts and chosen styles after the setting `infotext_styles` was followed (10.4)."""
        how = str(self._services.options.get("infotext_styles"))
        if how == "Ignore" or "prompt" not in values:
            return {}
        try:
            styles = read_styles(self._services.styles)
        except (StylesError, OSError):
            return {}
        found = find_styles(values["prompt"], values["negative_prompt"], styles)
        if not found.names and how == "Apply if any":
            return {}
        prompts = {"prompt": found.prompt, "negative_prompt": found.negative_prompt}
        return prompts if how == "Discard" else {**prompts, "styles": list(found.names)}

    def _size_of(self, path: str) -> Extent:
        return size_of(path, self._services.limits)

    def _base(self) -> Img2ImgRequest:
        return Img2ImgRequest.model_validate(request_defaults(self._services.options.all()))

    def _last_infotext(self, request: gr.Request) -> str:
        owner = self._services.owner_of(request)
        for view in self._services.engine.latest(owner):
            if view.pictures and view.spec.kind == "generate":
                return view.pictures[0].infotext
        return ""

    def _model_entry(self, applied: Applied) -> list[str]:
        """The override that chooses the picture's checkpoint, where the settings allow it."""
        get, catalog = self._services.options.get, self._services.catalog
        if get("disable_weights_auto_swap"):
            return []
        current = catalog.default(str(get("sd_model_checkpoint") or ""))
        for key, name in zip(MODEL_KEYS, (applied.model_hash, applied.model_name), strict=True):
            entry = catalog.find(name) if name else None
            if entry is not None:
                return [] if entry == current else [f"{key}: {name}"]
        return []

    def _missing(self, applied: Applied) -> list[str]:
        """A sentence for the checkpoint and each embedding of a picture that are not here."""
        name, digest = applied.model_name or "", applied.model_hash or ""
        catalog = self._services.catalog
        said = missing_embeddings(applied, [one.name for one in catalog.embeddings()])
        if not (name or digest) or any(catalog.find(key) for key in (digest, name) if key):
            return said
        model = f"{name} [{digest}]" if name and digest else name or digest
        current = catalog.default(str(self._services.options.get("sd_model_checkpoint") or "")).name
        return [MESSAGES["model_missing"].format(model=model, current=current), *said]
