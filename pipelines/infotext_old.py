"""What old versions of A1111 did otherwise, told by an infotext's version (behaviour 10.4)."""

from __future__ import annotations

import re
from typing import Any

from pipelines.infotext_parse import ParsedInfotext
from pipelines.request import Img2ImgRequest

_VERSION = re.compile(r"v?([0-9]{1,4})\.([0-9]{1,4})\.([0-9]{1,4})(?:-([0-9]{1,6}))?")
_UNPADDED = (1, 6, 0, 0)
_EXACT_ALPHAS = (1, 7, 0, 225)
_SWITCHES_BY_NOISE = (1, 8, 0, 0)


def old_ways(parsed: ParsedInfotext, request: Img2ImgRequest) -> dict[str, Any]:
    """Fields of the request that make it as the version in the infotext did.

    `request` is what the infotext made so far. Settings that the infotext itself names stay; there
    is nothing to change without a version, or for programs with other version numbers.
    """
    version = _version(parsed.params.get("Version", ""))
    if version is None:
        return {}
    changes: dict[str, Any] = {}
    told = parsed.params
    if version < _UNPADDED:
        if "[" in parsed.prompt and "Old prompt editing timelines" not in told:
            changes["old_prompt_editing"] = True
        if request.sampling.sampler in ("DDIM", "PLMS") and "Pad conds v0" not in told:
            changes["pad_conds_v0"] = True
    if version < _EXACT_ALPHAS and "Downcast alphas_cumprod" not in told:
        changes["tuning"] = request.tuning.model_copy(update={"downcast_alphas": True})
    by_steps = "Refiner switch by sampling steps"
    if version < _SWITCHES_BY_NOISE and request.refiner is not None and by_steps not in told:
        changes["refiner"] = request.refiner.model_copy(update={"by_steps": True})
    return changes


def _version(text: str) -> tuple[int, int, int, int] | None:
    """`v1.6.0` or, between releases, `v1.6.0-127-g1234567`."""
    match = _VERSION.match(text)
    if match is None:
        return None
    return int(match[1]), int(match[2]), int(match[3]), int(match[4] or 0)
