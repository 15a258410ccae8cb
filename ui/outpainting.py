"""The page's resize mode "Outpaint": which choice it is, and what is said before the click.

A1111's four modes come before it. The arithmetic is in `pipelines.outpaint`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pipelines.geometry import Extent
from pipelines.outpaint import Anchor, misfit
from pipelines.request import ResizeMode
from ui.texts import MESSAGES

OUTPAINT: Final = len(ResizeMode)
"""Its place among the resize modes of the page."""


def outpaint_of(values: Mapping[str, Any]) -> Anchor | None:
    """Where the picture stays, or None while another resize mode is chosen."""
    return Anchor(values["outpaint_anchor"]) if values.get("resize_mode") == OUTPAINT else None


def outpaint_sentence(picture: Extent, canvas: Extent) -> str:
    """How much of the canvas is new, or why the picture does not fit."""
    problem = misfit(picture, canvas)
    if problem is not None:
        return problem
    share = 100 * (canvas.pixels - picture.pixels) / canvas.pixels
    return MESSAGES["outpaint_line"].format(picture=picture, share=f"{share:.0f}", target=canvas)
