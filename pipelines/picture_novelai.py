"""What NovelAI writes into its pictures, as an infotext (10.4); braces stay as they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from pipelines.geometry import Extent
from pipelines.sampler_names import find_sampler

_DEFAULT_SAMPLER = "Euler a"


def novelai_infotext(texts: Mapping[str, str], extent: Extent) -> str:
    """The infotext of a picture with these text chunks; "" when it is not NovelAI's.

    Prompt and settings are in `Description` and, as JSON, in `Comment`. Never raises.
    """
    if texts.get("Software") != "NovelAI":
        return ""
    try:
        told = json.loads(texts.get("Comment", ""))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(told, dict):
        return ""
    sampler = find_sampler(str(told.get("sampler", "")))
    values = {
        "Steps": _number(told, "steps"),
        "Sampler": _DEFAULT_SAMPLER if sampler is None else sampler.name,
        "CFG scale": _number(told, "scale"),
        "Seed": _number(told, "seed"),
        "Size": str(extent),
        "Clip skip": "2",
        "ENSD": "31337",
    }
    line = ", ".join(f"{key}: {value}" for key, value in values.items() if value)
    unwanted = str(told.get("uc") or "")
    negative = f"\nNegative prompt: {unwanted}" if unwanted else ""
    return f"{texts.get('Description', '')}{negative}\n{line}".strip()


def _number(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) if abs(value) < 2**64 else ""
    return f"{value:g}" if isinstance(value, float) and math.isfinite(value) else ""
