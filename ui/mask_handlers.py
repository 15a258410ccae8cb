"""What happens to masks as documents: save, load, read from a file, compare with an infotext."""

from __future__ import annotations

import unicodedata
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from PIL.Image import Image

from pipelines.geometry import Extent
from pipelines.infotext_apply import NO_MASK_HERE, apply_infotext
from pipelines.masks import fingerprint
from pipelines.pictures import PictureLimits, encode_picture, open_picture
from pipelines.request import Img2ImgRequest
from ui.canvas import served_copy
from ui.form import Form
from ui.mask_reading import MaskError, fitted, painted_with, read_mask
from ui.named_masks import NamedMask
from ui.painted import PictureTaker
from ui.painting import Painting
from ui.services import Services
from ui.tabs import MASK_FILE, tab_of
from ui.texts import MESSAGES

LONGEST_NAME = 80
MASK_FIELDS = ("tab", "inpaint", "inpaint_sketch", "inpaint_image", MASK_FILE)
"""Fields of the form that have pictures and masks."""

CHECKED_FIELDS = (*MASK_FIELDS, "mask_transparency")
"""Fields of the form that decide which mask is used; the rest comes from the infotext."""

Values = dict[str, Any]


class MaskHandlers:
    """Event handlers of the mask panel; one object for all sessions, without state.

    `values` are the form's MASK_FIELDS by name. What changes a picture field is answered by its
    name, too, and None when nothing changes.
    """

    def __init__(self, services: Services, form: Form) -> None:
        self._services = services
        self._form = form

    def names(self, request: gr.Request) -> Any:
        """The owner's masks, for a drop-down."""
        return gr.update(choices=self._choices(request))

    def save(self, values: Values, name: str | None, request: gr.Request) -> Any:
        """Keep the visible tab's mask under a name; answers the drop-down of names."""
        try:
            shown = _clean(name)
            mask = self._mask_of(values)
            ref = self._services.assets.add(encode_picture(mask, "png", infotext=None))
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return gr.skip()
        named = NamedMask(shown, ref, mask.width, mask.height, fingerprint(mask))
        replaced = self._services.drawings.masks.save(self._services.owner_of(request), named)
        message = MESSAGES["mask_replaced" if replaced else "mask_saved"]
        gr.Info(message.format(name=escape(shown), digest=named.digest), duration=4)
        return gr.update(choices=self._choices(request), value=shown)

    def load(self, values: Values, name: str | None, request: gr.Request) -> Values | None:
        """Put a kept mask onto the tab's picture, stretched if it is of another size."""
        try:
            kept = self.find(name, request)
            return self._onto(values, self._services.assets.path(kept.mask))
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return None

    def find(self, name: str | None, request: gr.Request) -> NamedMask:
        """The owner's mask of this name. Raises MaskError when there is none."""
        owner = self._services.owner_of(request)
        kept = self._services.drawings.masks.find(owner, _clean(name))
        if kept is None:
            raise MaskError(MESSAGES["mask_unknown"].format(name=_clean(name)))
        return kept

    def upload(self, values: Values, path: str | None) -> Values | None:
        """Put a mask file onto the tab's picture."""
        if not path:
            return None
        try:
            return self._onto(values, Path(path))
        except (ValueError, OSError) as error:
            gr.Warning(escape(str(error)), duration=8)
            return None

    def delete(self, name: str | None, request: gr.Request) -> Any:
        """Forget a name; what is on the canvas stays."""
        try:
            self._services.drawings.masks.forget(self._services.owner_of(request), _clean(name))
        except MaskError as error:
            gr.Warning(escape(str(error)), duration=8)
            return gr.skip()
        return gr.update(choices=self._choices(request), value=None)

    def check(self, infotext: str, values: dict[str, Any], request: gr.Request) -> None:
        """Say when the mask on the visible tab is not the one that an infotext names."""
        applied = apply_infotext(infotext, Img2ImgRequest())
        if not applied.inpaint:
            return
        tab = tab_of(values)
        if not tab.has_mask:
            gr.Warning(NO_MASK_HERE, duration=8)
            return
        if applied.mask_hash is None:
            return
        said_so = {
            "mask_blur": applied.inpaint["blur_x"],
            "mask_mode": int(applied.inpaint["invert"]),
        }
        used = self._used(values | said_so)
        if used == applied.mask_hash:
            return
        sentence = MESSAGES["mask_differs" if used else "mask_missing"]
        said = sentence.format(wanted=applied.mask_hash, used=used)
        gr.Warning(escape(f"{said} {self._kept_as(applied.mask_hash, request)}".strip()))

    def _used(self, values: dict[str, Any]) -> str:
        """The hash of the mask that Generate would use now; empty without one."""
        if not values[tab_of(values).field]:
            return ""
        services = self._services
        background = str(services.options.get("img2img_background_color"))
        try:
            ref = PictureTaker(services.assets, services.limits, background).take(values).mask
            assert ref is not None
            return fingerprint(open_picture(services.assets.path(ref), services.limits))
        except (ValueError, OSError):
            return ""

    def _kept_as(self, digest: str, request: gr.Request) -> str:
        for mask in self._services.drawings.masks.all(self._services.owner_of(request)):
            if mask.digest == digest:
                return MESSAGES["mask_is_kept"].format(name=mask.name)
        return ""

    def _choices(self, request: gr.Request) -> list[tuple[str, str]]:
        kept = self._services.drawings.masks.all(self._services.owner_of(request))
        return [(f"{mask.name} ({mask.width}x{mask.height})", mask.name) for mask in kept]

    def _mask_of(self, values: Values) -> Image:
        """What the visible tab's mask covers (L). Raises MaskError when that is nothing."""
        tab, limits = tab_of(values), self._services.limits
        mask = None
        if tab.canvas is None:
            if values[MASK_FILE]:
                mask = read_mask(open_picture(Path(values[MASK_FILE]), limits))
        elif values[tab.field] is not None:
            taker = PictureTaker(self._services.assets, limits, "#ffffff")
            mask = taker.drawn(values[tab.field], tab)
        if mask is None or mask.getbbox() is None:
            raise MaskError(MESSAGES["mask_nothing_to_save"])
        return mask

    def _onto(self, values: Values, path: Path) -> Values:
        """The tab's picture with this mask instead of its own. Raises ValueError."""
        tab, limits = tab_of(values), self._services.limits
        picture = values[tab.field]
        if not picture:
            raise MaskError(MESSAGES["mask_needs_picture"])
        extent = _size_of(picture, limits)
        mask, note = fitted(read_mask(open_picture(path, limits)), extent)
        if note:
            gr.Info(note, duration=8)
        if tab.canvas == "colour":
            mask = painted_with(mask, picture.colour or tab.colour)
        file = served_copy(encode_picture(mask, "png", infotext=None), "drawing.png")
        if tab.canvas is None:
            return {MASK_FILE: file}
        return {tab.field: Painting(picture.image, file, *extent)}


def _size_of(picture: Painting | str, limits: PictureLimits) -> Extent:
    """The upright size of a tab's picture."""
    if isinstance(picture, Painting):
        extent = Extent(picture.width, picture.height)
        if 0 not in extent:
            return extent
        picture = picture.image
    return Extent.of(open_picture(Path(picture), limits))


def _clean(name: str | None) -> str:
    """A name as it is kept. Raises MaskError for an empty one."""
    text = "".join(char for char in name or "" if unicodedata.category(char)[0] != "C")
    text = " ".join(text.split())[:LONGEST_NAME]
    if not text:
        raise MaskError(MESSAGES["mask_needs_name"])
    return text
