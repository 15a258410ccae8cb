"""What happens when somebody paints: keep it, say what the model will see, copy pictures."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.geometry import Bounds, Extent
from pipelines.pictures import encode_picture
from ui.canvas import served_copy
from ui.drawings import SavedPainting
from ui.events import unchanged
from ui.form import Form
from ui.form_request import FormError, working_size
from ui.model_view import MaskUse, seen_part, sentence
from ui.painted import PictureTaker
from ui.painting import Painting
from ui.picture_files import take_upload
from ui.services import Services
from ui.tabs import CANVAS_TABS, PictureTab, find_tab, tab_of
from ui.texts import MESSAGES

VIEW_FIELDS = (
    "tab",
    "inpaint",
    "inpaint_sketch",
    "mask_blur",
    "mask_mode",
    "inpaint_area",
    "padding",
    "width",
    "height",
    "resize_tab",
    "scale",
)
"""Fields of the form that decide what the model sees."""


class CanvasHandlers:
    """Event handlers of the canvases; one object for all sessions, without state."""

    def __init__(self, services: Services, form: Form) -> None:
        self._services = services
        self._form = form

    def keeper(self, tab_id: str) -> Callable[[Painting | None, gr.Request], None]:
        """The handler that keeps the canvas of one tab."""

        def painted(painting: Painting | None, request: gr.Request) -> None:
            self._keep(self._services.owner_of(request), tab_id, painting)

        return painted

    def _keep(self, owner: str, tab_id: str, painting: Painting | None) -> None:
        """Keep a canvas as it is now, or forget it when it was emptied."""
        if painting is None:
            self._services.drawings.forget(owner, tab_id)
            return
        try:
            image, drawing = self._kept(painting.image), None
            if painting.drawing is not None:
                drawing = self._kept(painting.drawing)
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=12)
            return
        name = Path(painting.image).name
        saved = SavedPainting(image, drawing, name, painting.width, painting.height)
        self._services.drawings.save(owner, tab_id, saved)

    def restore(self, request: gr.Request) -> list[Any]:
        """The owner's canvases as he left them, in the order of CANVAS_TABS."""
        owner = self._services.owner_of(request)
        saved = (self._services.drawings.load(owner, tab.id) for tab in CANVAS_TABS)
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
            box, text = self._seen(values, tab, picture)
        except (ValueError, OSError) as error:
            box, text = None, str(error)
        return {tab.id: {"box": box and list(box), "text": text}}

    def _seen(
        self, values: dict[str, Any], tab: PictureTab, picture: Painting
    ) -> tuple[Bounds | None, str]:
        mask = self._taker().drawn(picture, tab)
        use = mask_use(values)
        if mask is None or (mask.getbbox() is None and not use.invert):
            return None, MESSAGES["sees_nothing"]
        whole = Extent.of(mask)
        target = working_size(values, lambda _: whole)
        if not use.only_masked:
            return None, sentence(whole, target, whole=True)
        part = seen_part(mask, use, target)
        if part is None:
            return None, MESSAGES["sees_nothing"]
        return part, sentence(part.extent, target, whole=False)

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
        return Painting(image, drawing, saved.width, saved.height)


def mask_use(values: dict[str, Any]) -> MaskUse:
    """How the form wants a mask to be used. Raises FormError for an empty number."""
    blur, padding = values["mask_blur"], values["padding"]
    if blur is None or padding is None:
        raise FormError(MESSAGES["sees_nothing"])
    return MaskUse(int(blur), values["mask_mode"] == 1, values["inpaint_area"] == 1, int(padding))
