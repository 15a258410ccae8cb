"""The prompts, Generate and the tool buttons above either generation page (ui 3); no behaviour."""

from __future__ import annotations

from typing import Any

import gradio as gr

from ui.texts import LABELS
from ui.tool_button import tool


def prompt_boxes(tab: str, parts: dict[str, Any]) -> dict[str, Any]:
    """Both prompts with their token counters."""
    made: dict[str, Any] = {}
    with gr.Column(scale=6, elem_id=f"{tab}_prompt_container", elem_classes="op-prompts"):
        for name, elem_id, counter, badge, hint in (
            ("prompt", "prompt", "token_counter", "prompt_tokens", "prompt_placeholder"),
            (
                "negative_prompt",
                "neg_prompt",
                "negative_token_counter",
                "negative_tokens",
                "negative_placeholder",
            ),
        ):
            with gr.Group(elem_classes="op-prompt"):
                parts[badge] = gr.HTML(
                    '<span class="op-count">0/75</span>',
                    elem_id=f"{tab}_{counter}",
                    elem_classes=["op-token", "token-counter"],
                )
                made[name] = gr.Textbox(
                    label=LABELS[name],
                    show_label=False,
                    lines=3,
                    max_lines=12,
                    elem_id=f"{tab}_{elem_id}",
                    elem_classes="prompt",
                    placeholder=LABELS[hint],
                    container=False,
                )
        parts["prompt_image"] = gr.UploadButton(
            "", elem_id=f"{tab}_prompt_image", elem_classes="op-hidden"
        )
    return made


def generate_box(tab: str) -> dict[str, Any]:
    """Generate, and what lies over it while a job runs."""
    with gr.Row(elem_id=f"{tab}_generate_box", elem_classes=["op-tools", "op-generate-box"]):
        return {
            "generate": gr.Button(LABELS["generate"], variant="primary", elem_id=f"{tab}_generate"),
            "interrupt": gr.Button(
                LABELS["interrupt"], visible=False, elem_id=f"{tab}_interrupt", min_width=90
            ),
            "interrupting": gr.Button(
                LABELS["interrupting"], visible=False, elem_id=f"{tab}_interrupting", min_width=90
            ),
            "skip": gr.Button(LABELS["skip"], visible=False, elem_id=f"{tab}_skip", min_width=70),
        }


def prompt_tools(tab: str, parts: dict[str, Any]) -> None:
    """The buttons that every tab has; to be called inside their row."""
    parts["paste"] = tool("↙", f"{tab}_paste")
    parts["clear"] = tool("✕", f"{tab}_clear_prompt")
    parts["style_apply"] = tool("▤", f"{tab}_style_apply")
