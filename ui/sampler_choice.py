"""The choice of a sampler as the settings want it: a list or buttons, without the hidden ones."""

from __future__ import annotations

from typing import Any, Final

import gradio as gr

from jobs.options import OptionStore
from pipelines.sampler_names import SAMPLERS
from ui.texts import LABELS

HIDDEN: Final = "hide_samplers"


def offered_samplers(options: OptionStore) -> list[str]:
    """Names that the page lists; all of them where none would be left."""
    hidden = {name.casefold() for name in options.get(HIDDEN)}
    names = [info.name for info in SAMPLERS]
    return [name for name in names if name.casefold() not in hidden] or names


def hides_samplers(options: OptionStore) -> bool:
    """Whether lists are not complete: what an infotext names must be possible all the same."""
    return len(offered_samplers(options)) < len(SAMPLERS)


def sampler_control(options: OptionStore, tab: str) -> Any:
    """Build "Sampling method" of a generation page."""
    names = offered_samplers(options)
    common: dict[str, Any] = {
        "choices": names,
        "value": names[0],
        "label": LABELS["sampler"],
        "elem_id": f"{tab}_sampling",
    }
    if options.get("samplers_in_dropdown"):
        return gr.Dropdown(**common, allow_custom_value=hides_samplers(options))
    return gr.Radio(**common)
