"""From the form to the state that is kept with a job, and back to values for the form.

Nothing here knows Gradio; values come and go by control name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jobs.assets import AssetStore
from jobs.page_state import KeptPicture, PageState, PageValue
from jobs.spec import JobView, Picture
from pipelines.infotext_apply import Applied
from pipelines.request import Img2ImgRequest
from scripts.regions import FACT as REGIONS
from ui.form_fill import form_values
from ui.overrides import entries
from ui.painting import Painting
from ui.tabs import PICTURE_FIELDS, tab_of

TEXT_TAB = "txt2img"
_FILES = (*PICTURE_FIELDS, "inpaint_mask")
_SHOWN_ELSEWHERE = frozenset({*_FILES, "tab", "override_settings"})


class Opened(NamedTuple):
    """What the page has to show: the tab, the controls' values, and its picture fields.

    Values are those that events bring: choices by number where a control works so. `overrides` are
    entries for settings that have no control and differ from what they are now; `regions` what a
    run of the Regions panel has recorded, else empty.
    """

    tab: str
    values: dict[str, Any]
    pictures: Mapping[str, KeptPicture]
    overrides: list[str]
    regions: tuple[Mapping[str, Any], ...] = ()


def state_of(values: Mapping[str, Any], assets: AssetStore) -> PageState:
    """Keep the form and the files of its visible tab. A form without tabs is txt2img's."""
    plain = {
        name: _plain(value)
        for name, value in values.items()
        if name not in _FILES and _is_plain(value)
    }
    if "tab" not in values:
        return PageState(tab=TEXT_TAB, values=plain)
    tab = tab_of(values)
    fields = (tab.field, "inpaint_mask") if tab.id == "inpaint_upload" else (tab.field,)
    pictures = {name: _kept(values[name], assets) for name in fields if values.get(name)}
    return PageState(tab=tab.id, values=plain, pictures=pictures)


def opened(job: JobView, picture: Picture, usual: Img2ImgRequest) -> Opened:
    """The page that makes this picture again. `usual` is a request with today's settings.

    Jobs that no page asked for are opened by their request: with a mask on Inpaint upload, where
    both files are used as they are.
    """
    request = job.spec.request
    state = job.spec.page
    if state is None:
        state = _state_of_request(request)
    values: dict[str, Any] = {k: v for k, v in state.values.items() if k not in _SHOWN_ELSEWHERE}
    values["seed"] = picture.seed
    if values.get("extra"):
        values["subseed"] = picture.subseed
    if len(job.pictures) > 1:
        values |= {"batch_count": 1, "batch_size": 1}
    regions = tuple(job.facts.get(REGIONS, {}).get("list", ()))
    return Opened(state.tab, values, state.pictures, entries(request, usual), regions)


def _state_of_request(request: Img2ImgRequest) -> PageState:
    inpaint = request.inpaint
    fields = {} if inpaint is None else {name: getattr(inpaint, name) for name in _INPAINT}
    values = form_values(Applied(request, inpaint=fields, outpaint=request.outpaint))
    values |= {
        "resize_tab": "to",
        "batch_count": request.n_iter,
        "batch_size": request.batch_size,
        "checkpoint": request.checkpoint or None,
    }
    known = {name: _plain(value) for name, value in values.items() if value is not None}
    if not request.init_images:
        return PageState(tab=TEXT_TAB, values=known)
    image = KeptPicture(image=request.init_images[0])
    if inpaint is None or inpaint.mask is None:
        return PageState(tab="img2img", values=known, pictures={"image": image})
    pictures = {"inpaint_image": image, "inpaint_mask": KeptPicture(image=inpaint.mask)}
    return PageState(tab="inpaint_upload", values=known, pictures=pictures)


_INPAINT = ("blur_x", "blur_y", "invert", "content", "area", "padding", "round", "soft")


def _kept(picture: Painting | str, assets: AssetStore) -> KeptPicture:
    if not isinstance(picture, Painting):
        return KeptPicture(image=_asset(picture, assets), name=Path(picture).name)
    drawing = None if picture.drawing is None else _asset(picture.drawing, assets)
    return KeptPicture(
        image=_asset(picture.image, assets),
        drawing=drawing,
        name=Path(picture.image).name,
        width=picture.width,
        height=picture.height,
    )


def _asset(path: str, assets: AssetStore) -> str:
    """The file was checked when the job's own pictures were taken."""
    return assets.add(Path(path).read_bytes())


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, str) for item in value)
    return value is None or isinstance(value, bool | int | float | str)


def _plain(value: Any) -> PageValue:
    return tuple(value) if isinstance(value, list | tuple) else value
