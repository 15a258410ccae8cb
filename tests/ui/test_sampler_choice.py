"""Which samplers the page offers, and by what."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
import pytest

from jobs.options import OptionStore
from pipelines.sampler_names import SAMPLERS
from ui.sampler_choice import offered_samplers, sampler_control

ALL = [info.name for info in SAMPLERS]


@pytest.mark.parametrize(
    ("hidden", "gone"),
    [([], []), (["euler A", "DDIM"], ["Euler a", "DDIM"]), (["none such"], []), (ALL, [])],
    ids=["none", "two", "unknown", "all: then none"],
)
@pytest.mark.parametrize("listed", [True, False], ids=["list", "buttons"])
def test_what_is_offered(tmp_path: Path, hidden: list[str], gone: list[str], listed: bool) -> None:
    options = OptionStore(tmp_path)
    options.set_many({"hide_samplers": hidden, "samplers_in_dropdown": listed})
    left = [name for name in ALL if name not in gone]
    assert offered_samplers(options) == left
    control = sampler_control(options, "img2img")
    assert isinstance(control, gr.Dropdown if listed else gr.Radio)
    assert control.choices == [(name, name) for name in left]
    assert control.value == left[0]
    if listed:
        assert control.allow_custom_value == bool(gone)
