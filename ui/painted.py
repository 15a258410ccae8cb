"""From the visible tab's picture and drawing to the pictures of a job (behaviour 2.1).

The arithmetic is in `pipelines`; here is which tab means what.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from PIL.Image import Image

from jobs.assets import AssetStore
from pipelines.compose import apply_overlay, flatten
from pipelines.pictures import PictureLimits, encode_picture, open_picture
from pipelines.request import PictureRef
from pipelines.sketch import inpaint_sketch
from ui.outpainting import outpaint_of
from ui.painting import Painting
from ui.picture_files import take_upload
from ui.tabs import PictureTab, tab_of
from ui.texts import MESSAGES


class PaintError(ValueError):
    """A tab whose picture and drawing do not make a job, said in a sentence."""


class TabPictures(NamedTuple):
    """Init image of a job and its mask (white = repaint), or None without one."""

    image: PictureRef
    mask: PictureRef | None


@dataclass(frozen=True)
class PictureTaker:
    """Keeps the visible tab's pictures as assets. `background` fills transparency ("#rrggbb")."""

    assets: AssetStore
    limits: PictureLimits
    background: str

    def take(self, values: Mapping[str, Any]) -> TabPictures:
        """The pictures of the visible tab; its image field must be filled.

        Raises PaintError when the mask is missing or empty, ValueError for unusable files.
        """
        tab = tab_of(values)
        picture = values[tab.field]
        if tab.id == "inpaint":
            return TabPictures(self._file(picture.image), self._drawn_mask(values, picture))
        if tab.id == "inpaint_sketch":
            return self._inpaint_sketch(values, picture)
        if tab.id == "sketch":
            return TabPictures(self._sketch(picture), None)
        if tab.id == "inpaint_upload":
            if values["inpaint_mask"]:
                return TabPictures(self._file(picture), self._file(values["inpaint_mask"]))
            if outpaint_of(values) is None:
                raise PaintError(MESSAGES["no_mask"])
        return TabPictures(self._file(picture), None)

    def flattened(self, painting: Painting) -> Image:
        """Picture with its coloured drawing, RGB."""
        original = self._open(painting.image)
        if painting.drawing is None:
            return original
        layer = open_picture(Path(painting.drawing), self.limits).convert("RGBA")
        if layer.size != original.size:
            raise PaintError(
                MESSAGES["drawing_size"].format(
                    drawing=f"{layer.width}x{layer.height}",
                    picture=f"{original.width}x{original.height}",
                )
            )
        return apply_overlay(original, layer, None)

    def drawn(self, painting: Painting, tab: PictureTab) -> Image | None:
        """The drawing as a mask (L): its values, or 255 wherever colour was put; None without."""
        if painting.drawing is None:
            return None
        drawing = open_picture(Path(painting.drawing), self.limits)
        if tab.canvas == "mask":
            return drawing.convert("L")
        return drawing.convert("RGBA").getchannel("A").point([0] + [255] * 255)

    def _drawn_mask(self, values: Mapping[str, Any], painting: Painting) -> PictureRef | None:
        """Only "Inpaint not masked" can do something with an empty mask, or outpaint without."""
        mask = self.drawn(painting, tab_of(values))
        is_empty = mask is None or mask.getbbox() is None
        if painting.drawing is None or (is_empty and values["mask_mode"] == 0):
            if outpaint_of(values) is not None:
                return None
            raise PaintError(MESSAGES["no_drawn_mask"])
        return self._file(painting.drawing)

    def _sketch(self, painting: Painting) -> PictureRef:
        """An untouched sketch is its picture's own file."""
        mask = None if painting.drawing is None else self.drawn(painting, _SKETCH)
        if mask is None or mask.getbbox() is None:
            return self._file(painting.image)
        return self._keep(self.flattened(painting))

    def _inpaint_sketch(self, values: Mapping[str, Any], painting: Painting) -> TabPictures:
        """Behaviour 2.5, with the stroke layer saying what was painted."""
        painted = self.drawn(painting, tab_of(values))
        if painted is None or painted.getbbox() is None:
            if outpaint_of(values) is not None:
                return TabPictures(self._file(painting.image), None)
            raise PaintError(MESSAGES["nothing_painted"])
        made = inpaint_sketch(
            self.flattened(painting),
            self._open(painting.image),
            transparency=float(values["mask_transparency"] or 0),
            blur=int(values["mask_blur"] or 0),
            painted=painted,
        )
        return TabPictures(self._keep(made.image), self._keep(made.mask))

    def _open(self, path: str) -> Image:
        return flatten(open_picture(Path(path), self.limits), self.background)

    def _file(self, path: str) -> PictureRef:
        return take_upload(path, self.assets, self.limits)

    def _keep(self, picture: Image) -> PictureRef:
        return self.assets.add(encode_picture(picture, "png", infotext=None))


_SKETCH = PictureTab("sketch", "", "sketch", "", canvas="colour")
