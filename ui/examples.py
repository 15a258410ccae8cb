"""The built-in model's examples: what each puts on the page, and the one click that runs it.

Their pictures lie in ui/static/examples and are made by
models/builtin/training/example_pictures.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import gradio as gr

from models.catalog import BUILTIN_NAME
from ui.canvas import served_copy
from ui.events import WATCH
from ui.form import Form
from ui.handlers import GenerateHandlers
from ui.painting import Painting
from ui.services import Services
from ui.tabs import TabId, find_tab
from ui.texts import CHOICES, LABELS
from ui.wire_pictures import tab_in_front

PICTURES: Final = Path(__file__).parent / "static" / "examples"

_COMMON: Final[Mapping[str, Any]] = {
    "negative_prompt": "",
    "resize_mode": 0,
    "resize_tab": "to",
    "sampler": "DPM++ 2M",
    "scheduler": "Karras",
    "steps": 20,
    "semantics": "a1111",
    "cfg": 5,
    "width": 256,
    "height": 256,
    "batch_count": 1,
    "batch_size": 1,
    "extra": False,
    "soft": False,
    "refiner": False,
    "tiling": False,
    "color_correction": False,
    "override_settings": [],
    "styles": [],
    "vae": "Automatic",
    "clip_skip": 1,
}
"""What an earlier use of the page must not spoil."""


@dataclass(frozen=True)
class Example:
    """A picture, what is drawn on it, and the settings it is run with, by control name."""

    id: str
    tab: TabId
    picture: str
    prompt: str
    settings: Mapping[str, Any]
    drawing: str | None = None

    @property
    def label(self) -> str:
        """What its button says."""
        return LABELS[f"example_{self.id}"]

    def values(self) -> dict[str, Any]:
        """All settings, without the pictures; choices as positions, as handlers get them."""
        return {**_COMMON, "prompt": self.prompt, "tab": self.tab, **self.settings}


EXAMPLES: Final = (
    Example(
        "portrait",
        "img2img",
        "portrait.webp",
        "a girl with long pink hair, blue eyes, white shirt, teal background",
        {"denoise": 0.75, "seed": 1},
    ),
    Example(
        "landscape",
        "img2img",
        "landscape.webp",
        "a winter landscape with a sunset sky, mountains, stream, house, snow",
        {"denoise": 0.75, "seed": 1},
    ),
    Example(
        "sketch",
        "sketch",
        "sketch.webp",
        "a landscape with a clear blue sky, mountains, green hills, a house with a red roof, trees",
        {"denoise": 0.6, "seed": 1},
    ),
    Example(
        "mask",
        "inpaint",
        "portrait.webp",
        "a girl with long green hair, blue eyes, white shirt, teal background",
        {
            "denoise": 0.9, "seed": 1, "mask_blur": 4, "mask_mode": 0, "masked_content": 1,
            "inpaint_area": 0,
        },
        "hair_mask.png",
    ),
    Example(
        "hat",
        "inpaint_sketch",
        "portrait.webp",
        "a girl with long black hair, red hat, blue eyes, white shirt, teal background",
        {
            "denoise": 0.6, "seed": 1, "mask_blur": 4, "mask_mode": 0, "masked_content": 1,
            "inpaint_area": 0, "mask_transparency": 0,
        },
        "hat_strokes.png",
    ),
)  # fmt: skip


def build_examples(parts: dict[str, Any], *, visible: bool) -> None:
    """A row of buttons; `visible` while the built-in model is all there is."""
    with gr.Row(elem_id="op_examples", elem_classes="op-copy", visible=visible) as row:
        gr.HTML(LABELS["examples"], elem_classes="op-copy-label")
        for example in EXAMPLES:
            parts[f"example_{example.id}"] = gr.Button(
                example.label, size="sm", min_width=60, elem_id=f"op_example_{example.id}"
            )
    parts["examples"] = row


def wire_examples(
    services: Services, form: Form, parts: dict[str, Any], jobs: GenerateHandlers
) -> None:
    """One click fills the page, brings the tab to the front and starts the job."""
    handlers = ExampleHandlers(services, form, parts, jobs)
    outputs = {*form.components(), *jobs.parts.components()}
    outputs |= set(tab_in_front(form, parts, "img2img"))
    for example in EXAMPLES:
        parts[f"example_{example.id}"].click(
            handlers.runner(example), form.components(), list(outputs), **WATCH
        )


class ExampleHandlers:
    """The buttons' handlers, without state."""

    def __init__(
        self, services: Services, form: Form, parts: dict[str, Any], jobs: GenerateHandlers
    ) -> None:
        self._services, self._form, self._parts, self._jobs = services, form, parts, jobs

    def runner(self, example: Example) -> Any:
        """The handler of one button."""

        async def run(data: dict[Any, Any], request: gr.Request) -> AsyncIterator[dict[Any, Any]]:
            chosen = self._chosen(example)
            yield {
                **self._form.updates(shown_values(chosen)),
                **tab_in_front(self._form, self._parts, example.tab),
            }
            async for updates in self._jobs.start(self._form.values(data) | chosen, request):
                yield updates

        return run

    def _chosen(self, example: Example) -> dict[str, Any]:
        """Settings and pictures as handlers get them."""
        name = find_tab(example.tab).field
        file = _served(example.picture)
        picture: Painting | str = file
        if find_tab(example.tab).canvas is not None:
            drawing = None if example.drawing is None else _served(example.drawing)
            picture = Painting(file, drawing)
        builtin = self._services.catalog.get(BUILTIN_NAME)
        return {**example.values(), name: picture, "checkpoint": builtin.title}


def shown_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Positions of choices replaced by their labels, which is what radio buttons show."""
    return {
        name: CHOICES[name][value] if name in CHOICES and isinstance(value, int) else value
        for name, value in values.items()
    }


def _served(name: str) -> str:
    return served_copy((PICTURES / name).read_bytes(), name)
