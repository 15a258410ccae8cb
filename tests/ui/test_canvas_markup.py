"""The canvas's markup: every control has a name, and nothing in it is read as a template."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from ui.canvas_markup import Kind, canvas_markup

CONTROLS = ("button", "input")


class Controls(HTMLParser):
    """Collects buttons and inputs with the text they lie in."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[dict[str, Any]] = []
        self.labels = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "label":
            self.labels += 1
        if tag in CONTROLS:
            self.found.append({"tag": tag, "labelled": self.labels > 0, "text": "", **dict(attrs)})

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self.labels -= 1

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1]["tag"] == "button":
            self.found[-1]["text"] += data


def controls(kind: Kind) -> list[dict[str, Any]]:
    parser = Controls()
    parser.feed(canvas_markup("inpaint", kind, 720, "#ff0000"))
    return parser.found


@pytest.mark.parametrize("kind", ["mask", "colour"])
def test_every_control_has_a_name(kind: Kind) -> None:
    for control in controls(kind):
        named = control.get("aria-label") or control["labelled"] or control["text"].strip()
        assert named or "hidden" in control, control


@pytest.mark.parametrize("kind", ["mask", "colour"])
def test_nothing_is_read_as_a_template(kind: Kind) -> None:
    assert re.findall(r"[{}`$]", canvas_markup("inpaint", kind, 720, "#ff0000")) == []


def test_mask_tools_are_for_masks_and_the_picker_for_colours() -> None:
    names = {kind: {c.get("data-act") or c.get("data-tool") for c in controls(kind)}
             for kind in ("mask", "colour")}  # fmt: skip
    assert {"invert", "grow", "shrink", "feather"} <= names["mask"]
    assert not {"invert", "grow", "shrink", "feather"} & names["colour"]
    assert "picker" in names["colour"] - names["mask"]


def test_a_colour_from_the_settings_cannot_leave_its_attribute() -> None:
    markup = canvas_markup("inpaint", "mask", 720, '"><script>')
    assert "<script" not in markup
