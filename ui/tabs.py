"""The picture tabs: which there are, which field holds a tab's picture, which have a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from ui.canvas_markup import Kind

TabId = Literal["img2img", "sketch", "inpaint", "inpaint_sketch", "inpaint_upload", "batch"]


@dataclass(frozen=True)
class PictureTab:
    """One tab of ui 4. `field` is the form's picture; `canvas` its kind of drawing, if it has one.

    `colour_option` is the setting with the first colour of its brush.
    """

    id: TabId
    elem_id: str
    field: str
    field_id: str
    has_mask: bool = False
    canvas: Kind | None = None
    colour_option: str = ""
    colour: str = "#e53935"
    """Where the setting was left at A1111's white: shown instead, because white hides itself."""


TABS: Final = (
    PictureTab("img2img", "img2img_img2img_tab", "image", "img2img_image"),
    PictureTab(
        "sketch",
        "img2img_img2img_sketch_tab",
        "sketch",
        "img2img_sketch",
        canvas="colour",
        colour_option="img2img_sketch_default_brush_color",
    ),
    PictureTab(
        "inpaint",
        "img2img_inpaint_tab",
        "inpaint",
        "img2maskimg",
        has_mask=True,
        canvas="mask",
        colour_option="img2img_inpaint_mask_brush_color",
        colour="#ff2d78",
    ),
    PictureTab(
        "inpaint_sketch",
        "img2img_inpaint_sketch_tab",
        "inpaint_sketch",
        "inpaint_sketch",
        has_mask=True,
        canvas="colour",
        colour_option="img2img_inpaint_sketch_default_brush_color",
    ),
    PictureTab(
        "inpaint_upload",
        "img2img_inpaint_upload_tab",
        "inpaint_image",
        "img_inpaint_base",
        has_mask=True,
    ),
)

BATCH_TAB: Final = PictureTab("batch", "img2img_batch_tab", "", "")
"""The tab of many files: no picture of the form is its own."""

MASK_FILE: Final = "inpaint_mask"
"""The form's field of the Inpaint upload tab's mask."""

KEPT_AS: Final = {tab.field: tab.id for tab in TABS} | {MASK_FILE: "inpaint_upload_mask"}
"""All picture fields, and the name under which each is kept for its owner."""

CANVAS_TABS: Final = tuple(tab for tab in TABS if tab.canvas is not None)
PICTURE_FIELDS: Final = tuple(tab.field for tab in TABS)


def tab_of(values: Mapping[str, Any]) -> PictureTab:
    """The visible tab of a form."""
    return find_tab(values["tab"])


def find_tab(tab_id: str) -> PictureTab:
    """The tab of this id. Raises StopIteration for unknown ones."""
    return next(tab for tab in (*TABS, BATCH_TAB) if tab.id == tab_id)
