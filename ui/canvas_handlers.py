"""What happens when somebody paints: keep it, say what the model will see, copy pictures."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import Extent
from pipelines.masks import bounding_box
from pipelines.outpaint import misfit
from pipelines.pictures import encode_picture
from pipelines.request import ResizeMode
from pipelines.sketch import dimmed
from ui.canvas import served_copy
from ui.drawings import SavedPainting
from ui.events import unchanged
from ui.form import Form
from ui.form_request import FormError, working_size
from ui.model_view import MaskUse, blurred, grid_view, seen_part, sentence, soft_view
from ui.outpainting import outpaint_of
from ui.painted import PictureTaker
from ui.painting import Painting
from ui.picture_files import take_upload
from ui.services import Services
from ui.tabs import KEPT_AS, PictureTab, find_tab, tab_of
from ui.texts import MESSAGES

VIEW_FIELDS = (
    "tab",
    "inpaint",
    "inpaint_sketch",
    "mask_blur",
    "mask_transparency",
    "mask_mode",
    "inpaint_area",
    "padding",
    "width",
    "height",
    "resize_tab",
    "resize_mode",
    "outpaint_anchor",
    "scale",
    "soft",
)
"""Fields of the form that decide what the model sees."""


class CanvasHandlers:
    """Event handlers of the canvases; one object for all sessions, without state."""

    def __init__(self, services: Services, form: Form) -> None:
        self._services = services
        self._form = form

    def keeper(self, name: str) -> Callable[[Painting | str | None, gr.Request], None]:
        """The handler that keeps one canvas or picture field under a name of KEPT_AS."""

        def painted(painting: Painting | str | None, request: gr.Request) -> None:
            self._keep(self._services.owner_of(request), name, painting)

        return painted

    def _keep(self, owner: str, name: str, painting: Painting | str | None) -> None:
        """Keep a canvas as it is now, or forget it when it was emptied."""
        if painting is None:
            self._services.drawings.forget(owner, name)
            return
        if isinstance(painting, str):
            painting = Painting(painting)
        try:
            image, drawing = self._kept(painting.image), None
            if painting.drawing is not None:
                drawing = self._kept(painting.drawing)
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=12)
            return
        file = Path(painting.image).name
        saved = SavedPainting(image, drawing, file, painting.width, painting.height)
        self._services.drawings.save(owner, name, saved)

    def restore(self, request: gr.Request) -> list[Any]:
        """The owner's canvases and picture fields as he left them, in the order of KEPT_AS."""
        owner = self._services.owner_of(request)
        saved = (self._services.drawings.load(owner, name) for name in KEPT_AS.values())
        return [gr.skip() if each is None else self._painting(each) for each in saved]

    def copy(self, picture: Painting | str | None, source: str) -> Painting | str | None:
        """The picture of a tab for another one: with its colours, without its mask (ui 4.1)."""
        if picture is None:
            gr.Info(MESSAGES["no_image_selected"], duration=3)
            return None
        if isinstance(picture, str):
            return picture
        if find_tab(source).canvas == "mask" or picture.drawing is None:
            return picture.image
        try:
            flat = self._taker().flattened(picture)
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=12)
            return None
        name = Path(picture.image).stem + ".png"
        return served_copy(encode_picture(flat, "png", infotext=None), name)

    def model_view(self, data: dict[Any, Any]) -> dict[str, Any]:
        """What the model will see of the visible tab's picture, for its canvas."""
        values = self._form.values(data)
        tab = tab_of(values)
        picture = values.get(tab.field)
        if not tab.has_mask or not isinstance(picture, Painting):
            return unchanged()
        try:
            return {tab.id: self._seen(values, tab, picture)}
        except (ValueError, OSError) as error:
            return {tab.id: {"box": None, "text": str(error)}}

    def _seen(self, values: dict[str, Any], tab: PictureTab, picture: Painting) -> dict[str, Any]:
        mask = self._taker().drawn(picture, tab)
        use = mask_use(values)
        if mask is not None and tab.canvas == "colour":
            mask = dimmed(mask, float(values["mask_transparency"] or 0))
        if use.outpaint is not None:
            return self._outpainted(mask, use, values, picture)
        if mask is None or (mask.getbbox() is None and not use.invert):
            return {"box": None, "text": MESSAGES["sees_nothing"]}
        shaped, whole = blurred(mask, use), Extent.of(mask)
        target = working_size(values, lambda _: whole)
        seen: dict[str, Any] = {"shown": _shown(picture.shown, shaped, use, target)}
        if not use.only_masked:
            return seen | {"box": None, "text": sentence(whole, target, whole=True)}
        inner, part = bounding_box(shaped), seen_part(shaped, use, target)
        if inner is None or part is None:
            return {"box": None, "text": MESSAGES["sees_nothing"]}
        text = sentence(part.extent, target, whole=False)
        crop = {"box": list(part), "inner": list(inner), "padding": use.padding}
        return seen | crop | {"target": list(target), "text": text}

    def _outpainted(
        self, mask: Image | None, use: MaskUse, values: dict[str, Any], picture: Painting
    ) -> dict[str, Any]:
        """The same while the picture keeps its size: the crop reaches beyond it, so no box."""
        size = Extent(picture.width, picture.height) if mask is None else Extent.of(mask)
        target = working_size(values, lambda _: size)
        problem = misfit(size, target)
        if problem is not None or use.outpaint is None:
            return {"box": None, "text": problem or ""}
        own = Pillow.new("L", size) if mask is None else blurred(mask, use)
        shown = _shown(picture.shown, own, use, target)
        text = MESSAGES["sees_outpainted"].format(target=target)
        return {"box": None, "text": text, "shown": shown}

    def _taker(self) -> PictureTaker:
        services = self._services
        background = str(services.options.get("img2img_background_color"))
        return PictureTaker(services.assets, services.limits, background)

    def _kept(self, path: str) -> str:
        services = self._services
        return take_upload(path, services.assets, services.limits)

    def _painting(self, saved: SavedPainting) -> Painting:
        assets = self._services.assets
        image = served_copy(assets.path(saved.image).read_bytes(), saved.name)
        drawing = None
        if saved.drawing is not None:
            drawing = served_copy(assets.path(saved.drawing).read_bytes(), "drawing.png")
        return Painting(image, drawing, saved.width, saved.height, is_kept=True)


def mask_use(values: dict[str, Any]) -> MaskUse:
    """How the form wants a mask to be used. Raises FormError for an empty number."""
    outpaints = outpaint_of(values)
    blur, padding = values["mask_blur"], values["padding"]
    if blur is None or padding is None:
        raise FormError(MESSAGES["sees_nothing"])
    return MaskUse(
        int(blur),
        values["mask_mode"] == 1,
        values["inpaint_area"] == 1,
        int(padding),
        ResizeMode.JUST_RESIZE if outpaints else ResizeMode(values["resize_mode"]),
        rounds=not values["soft"],
        outpaint=outpaints,
    )


def _shown(view: str, shaped: Image, use: MaskUse, target: Extent) -> dict[str, Any] | None:
    """The mask in the view that the canvas asks for, as a picture of alpha in a data URL."""
    shown = None
    if view == "blurred":
        shown = soft_view(shaped)
    elif view == "grid":
        shown = grid_view(shaped, use, target)
    if shown is None:
        return None
    layer = Pillow.new("LA", shown.image.size, 255)
    layer.putalpha(shown.image)
    file = BytesIO()
    layer.save(file, "png")
    url = "data:image/png;base64," + b64encode(file.getvalue()).decode()
    return {"url": url, "place": list(shown.place), "cells": view == "grid"}
