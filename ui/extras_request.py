"""From the values of the Extras tab to the work of a job, and the sentences when they make none.

Nothing here knows Gradio; values come by control name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jobs.extras import ExtrasWork
from pipelines.extras import Extras
from pipelines.geometry import Extent
from pipelines.request import PictureRef
from scripts.folders import FolderPolicy
from ui.form_request import FormError, explain, number, whole
from ui.texts import MESSAGES

Take = Callable[[str, Extras], PictureRef]
"""Keeps an uploaded file that may be enlarged so; raises ValueError with a sentence."""


def build_work(
    values: Mapping[str, Any], settings: Mapping[str, Any], take: Take, policy: FolderPolicy
) -> ExtrasWork:
    """The work that the visible sub-tab asks for. Raises FormError, and what `take` raises."""
    try:
        extras = extras_of(values, settings)
        if not extras.names:
            raise FormError(MESSAGES["extras_off"])
        if values["source"] == "folder":
            return _of_folder(values, settings, extras, policy)
        paths = _uploads(values)
        return ExtrasWork(
            extras=extras,
            pictures=tuple(take(path, extras) for path in paths),
            names=tuple(Path(path).name for path in paths),
            keep_names=values["source"] == "batch" and bool(settings["use_original_name_batch"]),
        )
    except ValidationError as error:
        raise FormError(explain(error)) from error


def extras_of(values: Mapping[str, Any], settings: Mapping[str, Any]) -> Extras:
    """How pictures are enlarged; without "Upscale" not at all. Raises FormError."""
    common = {"tile": settings["ESRGAN_tile"], "tile_overlap": settings["ESRGAN_tile_overlap"]}
    if not values["upscale"]:
        return Extras(**common)
    return Extras(
        upscaler_1=values["upscaler_1"] or "None",
        upscaler_2=values["upscaler_2"] or "None",
        visibility_2=number(values, "visibility_2"),
        factor=number(values, "factor"),
        longest=whole({"longest": values["longest"] or 0}, "longest"),
        to_size=values["size_tab"] == "to",
        width=whole(values, "width"),
        height=whole(values, "height"),
        crop=bool(values["crop"]),
        **common,
    )


def size_line(values: Mapping[str, Any], size: Extent, settings: Mapping[str, Any]) -> str:
    """What a picture of this size becomes. Raises FormError and ValidationError."""
    made = extras_of(values, settings).result(size)
    return MESSAGES["extras_line"].format(
        width=size.width, height=size.height, new_width=made.width, new_height=made.height
    )


def _uploads(values: Mapping[str, Any]) -> Sequence[str]:
    if values["source"] == "single":
        if not values["image"]:
            raise FormError(MESSAGES["extras_no_image"])
        return [values["image"]]
    if not values["files"]:
        raise FormError(MESSAGES["extras_no_files"])
    return list(values["files"])


def _of_folder(
    values: Mapping[str, Any], settings: Mapping[str, Any], extras: Extras, policy: FolderPolicy
) -> ExtrasWork:
    """The pictures that lie in a folder of the server now."""
    folder = policy.source(values["input_dir"] or "")
    target = policy.target(values["output_dir"]) if (values["output_dir"] or "").strip() else None
    files = policy.pictures(folder, deep=False)
    if not files:
        raise FormError(MESSAGES["extras_empty_folder"].format(folder=folder))
    return ExtrasWork(
        extras=extras,
        files=tuple(str(path) for path in files),
        keep_names=bool(settings["use_original_name_batch"]),
        folder="" if target is None else str(target),
        listed=bool(values["show_results"]),
    )
