"""The button that opens a result: picture, mask and all settings on the tab that made it."""

from __future__ import annotations

from html import escape
from typing import Any

import gradio as gr

from jobs.assets import AssetStore, MissingAsset
from jobs.options import request_defaults
from jobs.page_state import KeptPicture
from jobs.spec import JobView, Picture
from pipelines.request import Img2ImgRequest
from ui.canvas import PaintCanvas, served_copy
from ui.controls import Controls
from ui.drawings import SavedPainting
from ui.events import QUIET, unchanged
from ui.form import Form
from ui.page_state import TEXT_TAB, Opened, opened
from ui.painting import Painting
from ui.picture_files import size_of
from ui.region_store import rows_of
from ui.services import Services
from ui.tabs import KEPT_AS
from ui.texts_results import RESULT_LABELS, RESULT_MESSAGES
from ui.widgets import ResultGallery
from ui.wire_pictures import tab_in_front

Updates = dict[Any, Any]


def open_button(tab: str) -> gr.Button:
    """The button beside "Send to ..."; `tab` begins its id."""
    return gr.Button(RESULT_LABELS["open_result"], size="sm", elem_id=f"{tab}_open_result")


class ResultOpener:
    """The button's handler; without state. `form` is that of the page with the gallery."""

    def __init__(self, services: Services, form: Controls, parts: dict[str, Any]) -> None:
        self._services = services
        self._form = form
        self._parts = parts

    def outputs(self) -> list[Any]:
        """Everything the handler may set."""
        found = set(self._form.components())
        if isinstance(self._form, Form):
            found |= set(tab_in_front(self._form, self._parts, "img2img"))
            found |= {self._parts["resize_tabs"], self._parts["regions"].regions}
        return list(found)

    def open(self, chosen: dict[str, Any] | None, request: gr.Request) -> Updates:
        """Put everything back as it was when the gallery's selected result was asked for."""
        pictures = (chosen or {}).get("pictures") or []
        if not pictures:
            gr.Warning(RESULT_MESSAGES["open_nothing"], duration=4)
            return unchanged()
        wanted = str(pictures[min(int((chosen or {}).get("selected", 0)), len(pictures) - 1)]["id"])
        owner, engine = self._services.owner_of(request), self._services.engine
        picture = engine.picture(owner, wanted)
        job = None if picture is None else engine.view(picture.job_id)
        return self._open(owner, job, picture, RESULT_MESSAGES["open_gone"])

    def open_file(self, infotext: str, request: gr.Request) -> Updates:
        """The same for the owner's newest result with this infotext, however old it is."""
        owner = self._services.owner_of(request)
        job, picture = self._services.engine.made_with(owner, infotext) or (None, None)
        return self._open(owner, job, picture, RESULT_MESSAGES["open_unknown"])

    def _open(
        self, owner: str, job: JobView | None, picture: Picture | None, missing: str
    ) -> Updates:
        try:
            if job is None or picture is None:
                raise ValueError(missing)
            found = self._opened(job, picture)
            pictures = {name: self._shown(kept) for name, kept in found.pictures.items()}
            if isinstance(self._form, Form):
                self._keep(owner, found)
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return unchanged()
        gr.Info(RESULT_MESSAGES["opened"], duration=4)
        updates = self._form.updates({**self._controls(found), **pictures})
        for part, shown in self._tabs(found).items():
            has_value = part in updates and isinstance(shown, dict)
            updates[part] = {**shown, "value": updates[part]} if has_value else shown
        return updates | self._regions(owner, found)

    def _opened(self, job: JobView, picture: Picture) -> Opened:
        usual = Img2ImgRequest.model_validate(request_defaults(self._services.options.all()))
        found = opened(job, picture, usual)
        if (found.tab == TEXT_TAB) == isinstance(self._form, Form):
            raise ValueError(RESULT_MESSAGES["open_elsewhere"])
        return found

    def _controls(self, found: Opened) -> dict[str, Any]:
        """Values of the controls; a checkpoint that is not here any more is said and left out."""
        values: dict[str, Any] = {}
        known, outside = self._form.fitted(self._form.known(found.values))
        for problem in outside:
            gr.Warning(escape(problem), duration=8)
        for name, value in known.items():
            if not name.endswith("checkpoint") or not value:
                values[name] = _choice(getattr(self._form, name), value)
            elif (entry := self._services.catalog.find(str(value))) is not None:
                values[name] = entry.title
            else:
                said = RESULT_MESSAGES["open_no_checkpoint"].format(name=str(value))
                gr.Warning(escape(said), duration=8)
        lines = found.overrides
        values["override_settings"] = gr.update(choices=lines, value=lines, visible=bool(lines))
        return values

    def _tabs(self, found: Opened) -> Updates:
        if not isinstance(self._form, Form):
            return {}
        by_factor = gr.update(selected=found.values.get("resize_tab", "to"))
        front = tab_in_front(self._form, self._parts, found.tab)
        return {**front, self._parts["resize_tabs"]: by_factor}

    def _regions(self, owner: str, found: Opened) -> Updates:
        """The list of regions that the result was painted with, with the seeds it used."""
        if not found.regions:
            return {}
        services = self._services
        rows = rows_of(found.regions, services.assets, services.limits)
        services.drawings.regions.save(owner, rows)
        return {self._parts["regions"].regions: {"regions": rows}}

    def _shown(self, kept: KeptPicture) -> Painting | str:
        """A picture field's value; canvases take a bare path as a picture without drawing."""
        assets = self._services.assets
        image = _copy(assets, kept.image, kept.name or "picture.png")
        if kept.drawing is None:
            return image
        return Painting(image, _copy(assets, kept.drawing, "drawing.png"), kept.width, kept.height)

    def _keep(self, owner: str, found: Opened) -> None:
        """Canvases are kept from the first moment, as if they had been painted on."""
        for name, kept in found.pictures.items():
            if not isinstance(getattr(self._form, name), PaintCanvas):
                continue
            width, height = kept.width, kept.height
            if not (width and height):
                path = str(self._services.assets.path(kept.image))
                width, height = size_of(path, self._services.limits)
            saved = SavedPainting(kept.image, kept.drawing, kept.name, width, height)
            self._services.drawings.save(owner, KEPT_AS[name], saved)


def wire_opening(
    services: Services, form: Controls, parts: dict[str, Any], gallery: ResultGallery
) -> None:
    """Connect the button of a page; `parts` are the page's, with the tabs where it has any."""
    opener = ResultOpener(services, form, parts)
    parts["open_result"].click(opener.open, gallery, opener.outputs(), **QUIET)
    if "pnginfo_open" in parts:
        parts["pnginfo_open"].click(
            opener.open_file, parts["pnginfo_text"], opener.outputs(), **QUIET
        )


def _copy(assets: AssetStore, ref: str, name: str) -> str:
    try:
        return served_copy(assets.path(ref).read_bytes(), name)
    except MissingAsset as error:
        raise ValueError(RESULT_MESSAGES["open_gone"]) from error


def _choice(control: Any, value: Any) -> Any:
    """A choice by its label where events bring its number."""
    by_number = getattr(control, "type", None) == "index"
    if by_number and isinstance(value, int) and not isinstance(value, bool):
        return control.choices[value][1]
    return list(value) if isinstance(value, tuple) else value
