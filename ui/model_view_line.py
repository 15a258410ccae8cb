"""The element that carries what the model will see to the canvases; draws nothing itself."""

from __future__ import annotations

from typing import Any

import gradio as gr


class ModelViewLine(gr.HTML):
    """Value: {canvas: {"box": [x1, y1, x2, y2] or None, "text"}} for the canvases concerned."""

    def __init__(self, static_url: str, **kwargs: Any) -> None:
        super().__init__(
            value={},
            html_template="<div hidden></div>",
            js_on_load=(
                f"import('{static_url}/canvas/model_view.js').then("
                "(module) => module.attach(element, props, trigger, watch));"
            ),
            **kwargs,
        )

    def preprocess(self, payload: Any) -> Any:
        """Hand the JSON value through."""
        return payload

    def postprocess(self, value: Any) -> Any:
        """Hand the JSON value through."""
        return value

    def api_info(self) -> dict[str, Any]:
        """Any JSON object."""
        return {"type": "object"}
