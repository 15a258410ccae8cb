"""The regions of a picture as callers hand them over: a mask each, and how it is painted."""

from __future__ import annotations

import base64
import binascii
import json
import random
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field, ValidationError, field_validator

from jobs.assets import AssetStore
from pipelines.pictures import PictureLimits, open_picture
from pipelines.request import SEED_LIMIT, Frozen, MaskedContent, PictureRef
from scripts.bench import ScriptError

MAX_REGIONS = 32
_HEX = frozenset("0123456789abcdef")


class Region(Frozen):
    """One mask (white = repaint) and what differs from the page's settings.

    `id` names the region from one run to the next. An empty prompt, and a strength of None, mean
    the page's; a seed of -1 is drawn anew for each run.
    """

    id: Annotated[str, Field(max_length=64)] = ""
    mask: PictureRef
    prompt: Annotated[str, Field(max_length=100_000)] = ""
    denoising_strength: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    seed: Annotated[int, Field(ge=-1, lt=2**64)] = -1
    masked_content: MaskedContent = MaskedContent.ORIGINAL

    @field_validator("masked_content", mode="before")
    @classmethod
    def _by_label(cls, value: Any) -> Any:
        """A1111's number, or the label its page shows."""
        if isinstance(value, str):
            for content in MaskedContent:
                if content.label == value.strip().lower():
                    return content
        return value

    def with_seed(self) -> Region:
        """The same with its random seed drawn."""
        if self.seed != -1:
            return self
        drawn = random.SystemRandom().randrange(SEED_LIMIT)
        return self.model_copy(update={"seed": drawn})


def read_regions(given: Any, assets: AssetStore, limits: PictureLimits) -> tuple[Region, ...]:
    """The list as JSON text or as a list of objects with the fields of Region.

    Masks are names of kept pictures, or pictures in base64 (with or without "data:...;base64,"),
    which are then kept. Raises ScriptError naming the region, counted from 1.
    """
    entries = _entries(given)
    if not entries:
        raise ScriptError("there are no regions: add one, with a mask")
    if len(entries) > MAX_REGIONS:
        raise ScriptError(f"{len(entries)} regions are more than {MAX_REGIONS}")
    regions = [_region(entry, k, assets, limits) for k, entry in enumerate(entries, 1)]
    names = [region.id for region in regions]
    if len(set(names)) < len(names):
        raise ScriptError("two regions have the same id")
    return tuple(regions)


def _entries(given: Any) -> Sequence[Any]:
    if isinstance(given, str):
        try:
            given = json.loads(given or "[]")
        except ValueError as error:
            raise ScriptError(f"the list of regions is no JSON: {error}") from error
    if not isinstance(given, list | tuple):
        raise ScriptError("the regions must be a list")
    return given


def _region(entry: Any, number: int, assets: AssetStore, limits: PictureLimits) -> Region:
    if not isinstance(entry, Mapping):
        raise ScriptError(f"region {number}: it must be an object with a mask")
    try:
        mask = _mask(str(entry.get("mask") or ""), assets, limits)
        return Region.model_validate({"id": str(number), **entry, "mask": mask})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ScriptError(f"region {number}, {field}: {first['msg']}") from error
    except ValueError as error:
        raise ScriptError(f"region {number}: {error}") from error


def _mask(text: str, assets: AssetStore, limits: PictureLimits) -> PictureRef:
    if not text:
        raise ScriptError("it has no mask")
    if len(text) == 64 and set(text) <= _HEX:
        assets.path(text)
        return text
    try:
        data = base64.b64decode(text.rpartition(";base64,")[2], validate=True)
    except binascii.Error as error:
        raise ScriptError("its mask is neither base64 nor the name of a picture") from error
    open_picture(data, limits)
    return assets.add(data)
