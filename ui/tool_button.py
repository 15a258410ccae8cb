"""The small square button of A1111's tool rows."""

from __future__ import annotations

from typing import Any

import gradio as gr


def tool(icon: str, elem_id: str, **kwargs: Any) -> gr.Button:
    """Build a small square button; its meaning is in the tooltip table."""
    return gr.Button(icon, elem_id=elem_id, elem_classes="op-tool", min_width=38, **kwargs)
