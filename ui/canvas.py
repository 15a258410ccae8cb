"""The painting canvas as a Gradio component: a picture and a drawing over it, both as files.

The browser uploads the picture once, when it is chosen, and the drawing only when it is needed and
has changed. Drawings are PNG of the picture's size: 8-bit grey for a mask, RGBA for colours.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.data_classes import FileData, GradioModel
from gradio.utils import get_upload_folder

import ui.no_stub_files  # noqa: F401  before the class below
from ui.canvas_markup import Kind, canvas_markup, picture_markup
from ui.painting import Painting

KEPT = "kept-"
"""Begins the revision of a value that comes from our own store and need not be kept again."""


class CanvasData(GradioModel):
    """A canvas on its way between browser and server."""

    canvas: str = ""
    image: FileData | None = None
    drawing: FileData | None = None
    width: int = 0
    height: int = 0
    shown: str = ""
    colour: str = ""
    rev: str = ""


class PaintCanvas(gr.HTML):
    """Value for handlers: a Painting or None. Event `painted`: there is something new to keep."""

    data_model = CanvasData

    def __init__(
        self,
        static_url: str,
        canvas_id: str,
        *,
        kind: Kind,
        height: int,
        colour: str,
        sees: bool = False,
        **kwargs: Any,
    ) -> None:
        markup = canvas_markup(canvas_id, kind, height, colour, sees=sees)
        self._start(static_url, canvas_id, markup, **kwargs)

    def _start(self, static_url: str, canvas_id: str, markup: str, **kwargs: Any) -> None:
        self.canvas_id = canvas_id
        super().__init__(
            value=None,
            html_template=markup,
            js_on_load=(
                f"import('{static_url}/canvas/attach.js').then((module) => module.attach(element, "
                "{ props, upload, watch, changed: () => trigger('painted') }));"
            ),
            **kwargs,
        )

    def preprocess(self, payload: CanvasData | None) -> Any:
        """A Painting or None. Raises gr.Error for a path outside the upload folder."""
        if payload is None or payload.image is None:
            return None
        drawing = None if payload.drawing is None else _uploaded(payload.drawing.path)
        image = _uploaded(payload.image.path)
        size = payload.width, payload.height
        return Painting(image, drawing, *size, payload.shown, colour=payload.colour)

    def postprocess(self, value: Painting | str | None) -> CanvasData:
        """A painting, or the path of a picture alone; files are copied to where Gradio serves."""
        if value is None:
            # Not None: the browser's side of gr.HTML would turn it into an empty text.
            return CanvasData(canvas=self.canvas_id)
        painting = value if isinstance(value, Painting) else Painting(str(value))
        return CanvasData(
            canvas=self.canvas_id,
            image=self._served(painting.image),
            drawing=None if painting.drawing is None else self._served(painting.drawing),
            width=painting.width,
            height=painting.height,
            rev=f"{KEPT if painting.is_kept else ''}{uuid.uuid4().hex}",
        )

    def api_info(self) -> dict[str, Any]:
        """Any JSON object."""
        return {"type": "object"}

    def example_payload(self) -> Any:
        """There are no examples."""
        return None

    def example_value(self) -> Any:
        """There are no examples."""
        return None

    def _served(self, path: str) -> FileData:
        copy = processing_utils.save_file_to_cache(path, cache_dir=self.GRADIO_CACHE)
        return FileData(path=copy, orig_name=Path(path).name)


class PictureCanvas(PaintCanvas):
    """A picture field that looks and works like the canvases. Value for handlers: a path or None.

    The file is handed over untouched: no re-encoding, no lost text chunks.
    """

    def __init__(
        self, static_url: str, canvas_id: str, *, label: str, height: int, **kwargs: Any
    ) -> None:
        self._start(static_url, canvas_id, picture_markup(canvas_id, label, height), **kwargs)

    def preprocess(self, payload: CanvasData | None) -> str | None:
        """Path of the file. Raises gr.Error for one outside the upload folder."""
        painting = super().preprocess(payload)
        return None if painting is None else painting.image


def _uploaded(path: str) -> str:
    """A second look, besides Gradio's own check: only uploads may be read (gradio 5)."""
    if not Path(path).resolve().is_relative_to(Path(get_upload_folder()).resolve()):
        raise gr.Error("This file was not uploaded here.", print_exception=False)
    return path


def served_copy(data: bytes, name: str) -> str:
    """Put a file where a canvas's value may point to; returns its path."""
    return str(processing_utils.save_bytes_to_cache(data, name, cache_dir=get_upload_folder()))
