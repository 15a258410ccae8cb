"""The elements of the Regions panel below the Inpaint canvas; no behaviour.

The list is drawn by static/regions.js, which owns it: the server only adds to it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

import ui.no_stub_files  # noqa: F401  before the class below
from ui.texts import CHOICES
from ui.texts_regions import REGIONS

_TEXTS = (
    *("region", "prompt", "prompt_hint", "strength", "strength_hint", "seed", "content"),
    *("reuse", "up", "down", "pick", "alone", "remove"),
)


class RegionList(gr.HTML):
    """Value: {"regions": [{id, mask, thumb, prompt, strength, seed, content}], "chosen"}.

    Handlers may answer with parts, which are merged in the browser: {"regions"} replaces the list,
    {"add": region} appends the drawn one and {"more": regions} others, {"seeds": {id: seed}} tells
    what the last run used. Events: `edited`, `alone` and `pick`, the last two about the region
    `chosen`.
    """

    def __init__(self, static_url: str, **kwargs: Any) -> None:
        texts = {name: REGIONS[name] for name in _TEXTS}
        texts["contents"] = json.dumps(CHOICES["masked_content"])
        data = " ".join(
            f'data-{name.replace("_", "-")}="{escape(text)}"'.replace("{number}", "#")
            for name, text in texts.items()
        )
        label, hint = escape(REGIONS["list"]), escape(REGIONS["hint"])
        super().__init__(
            value={"regions": []},
            html_template=f'<div class="op-regions" {data}><p>{hint}</p>'
            f'<ol aria-label="{label}"></ol></div>',
            js_on_load=(
                f"import('{static_url}/regions.js').then((module) => module.attach(element, props, "
                "{ edited: () => trigger('edited'), alone: () => trigger('alone'), "
                "pick: () => trigger('pick') }, watch));"
            ),
            **kwargs,
        )

    def preprocess(self, payload: Any) -> dict[str, Any]:
        """The whole list as the browser has it."""
        return payload if isinstance(payload, dict) else {}

    def postprocess(self, value: Any) -> Any:
        """The whole list, or a part to be merged."""
        return value

    def api_info(self) -> dict[str, Any]:
        """Any JSON object."""
        return {"type": "object"}


@dataclass(frozen=True)
class RegionPanel:
    """The elements."""

    regions: RegionList
    add: gr.Button
    kept: gr.Dropdown
    add_kept: gr.Button
    run: gr.Button


def build_regions(static_url: str) -> RegionPanel:
    """Make the panel where this is called, closed."""
    with gr.Accordion(REGIONS["title"], open=False, elem_id="img2img_regions"):
        regions = RegionList(static_url, elem_id="img2img_region_list")
        with gr.Row(elem_classes="op-with-tool"):
            kept = gr.Dropdown(
                [],
                value=[],
                multiselect=True,
                label=REGIONS["kept"],
                elem_id="img2img_region_kept",
                min_width=160,
            )
            add_kept = gr.Button(
                REGIONS["add_kept"], size="sm", scale=0, elem_id="img2img_region_add_kept"
            )
        with gr.Row():
            add = gr.Button(REGIONS["add"], size="sm", elem_id="img2img_region_add")
            run = gr.Button(
                REGIONS["run"], size="sm", variant="primary", elem_id="img2img_region_run"
            )
    return RegionPanel(regions, add, kept, add_kept, run)
