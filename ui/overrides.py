"""Settings of a request that have no control on the page, as "Override settings" entries (ui 6).

An entry is written like a piece of an infotext: "Clip skip: 2".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from types import MappingProxyType
from typing import Any

from pipelines.infotext_apply import apply_infotext
from pipelines.infotext_keys import (
    MERGING_FIELDS,
    OWN_REQUEST_FIELDS,
    OWN_TUNING_FIELDS,
    REQUEST_FIELDS,
    TEXT_FIELDS,
    TUNING_FIELDS,
)
from pipelines.request import Img2ImgRequest

FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "Clip skip": ("clip_skip",),
        "Emphasis": ("emphasis",),
        "VAE": ("vae",),
        "Conditional mask weight": ("inpainting_mask_weight",),
        "Overlay inpaint": ("overlay_inpaint",),
        "RNG": ("seeds", "source"),
        "ENSD": ("seeds", "ensd"),
        **{key: ("tuning", name) for key, name in (TUNING_FIELDS | OWN_TUNING_FIELDS).items()},
        **{key: ("computing", name) for key, name in MERGING_FIELDS.items()},
        **{key: ("texts", name) for key, name in TEXT_FIELDS.items()},
        **{
            key: (name,)
            for key, name in (REQUEST_FIELDS | OWN_REQUEST_FIELDS).items()
            if name != "color_correction"  # has a check box
        },
    }
)
"""Infotext key -> where its value is in a request."""


MODEL_KEYS = ("Model hash", "Model")
"""Entries that choose the checkpoint: a pasted infotext makes them where the settings allow it."""


class OverrideError(ValueError):
    """An entry that is not "Name: value" of a setting we know, or whose value does not fit."""


def entries(request: Img2ImgRequest, usual: Img2ImgRequest) -> list[str]:
    """Entries for every setting in which `request` differs from the usual settings."""
    return [
        f"{key}: {_shown(_get(request, path))}"
        for key, path in FIELDS.items()
        if _get(request, path) != _get(usual, path)
    ]


def apply_entries(lines: Sequence[str], request: Img2ImgRequest) -> Img2ImgRequest:
    """Set what the entries say. Raises OverrideError naming the entry and what is possible."""
    for line in lines:
        key, _, value = (part.strip() for part in line.partition(":"))
        if key in MODEL_KEYS and value:
            request = request.model_copy(update={"checkpoint": value[:1000]})
            continue
        path = FIELDS.get(key)
        if path is None:
            known = ", ".join((*FIELDS, *MODEL_KEYS))
            raise OverrideError(f"Override settings: {line!r} is not known; there are: {known}")
        read = apply_infotext(f"Steps: 20, CFG scale: 7, Seed: 1, {key}: {value}", Img2ImgRequest())
        if read.problems:
            raise OverrideError("Override settings: " + " ".join(read.problems))
        request = _set(request, path, _get(read.request, path))
    return request


def _get(request: Img2ImgRequest, path: Sequence[str]) -> Any:
    found: Any = request
    for name in path:
        found = getattr(found, name)
    return found


def _set(request: Img2ImgRequest, path: Sequence[str], value: Any) -> Img2ImgRequest:
    if len(path) == 1:
        return request.model_copy(update={path[0]: value})
    part = getattr(request, path[0]).model_copy(update={path[1]: value})
    return request.model_copy(update={path[0]: part})


def _shown(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else value)
