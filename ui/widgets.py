"""Our own page elements: picture fields, the result gallery and the job monitor.

Their behaviour is in ui/static/*.js; results travel by URL, never inside a component's value.
"""

from __future__ import annotations

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio.data_classes import ImageData

import ui.no_stub_files  # noqa: F401  before the classes below
from ui.compare_markup import lines_markup, slider_markup, views_markup
from ui.texts import MESSAGES
from ui.viewer_markup import viewer_markup

_GALLERY = f"""
<div class="op-gallery" tabindex="0" role="group" aria-label="{escape(MESSAGES["gallery"])}"
  data-picture-label="{escape(MESSAGES["picture"])}" data-seed-label="{
    escape(MESSAGES["seed_word"])
}"
  data-incomplete-label="{escape(MESSAGES["incomplete"])}">
  <button type="button" class="op-stage"><img alt=""><span class="op-empty">{
    escape(MESSAGES["empty_gallery"])
}</span></button>
  {slider_markup()}
  <div class="op-row"><span class="op-caption"></span>
    {views_markup()}
    <a class="op-download" href="#">{escape(MESSAGES["download"])}</a></div>
  {lines_markup()}
  <div class="op-thumbs" hidden></div>
  <div class="op-row"><p class="op-infotext" id="html_info_img2img"></p></div>
  {viewer_markup()}
</div>
"""


def _gallery(tab: str) -> str:
    """The gallery's markup for a generation page."""
    if tab == "img2img":
        return _GALLERY
    hint = escape(MESSAGES[f"empty_gallery_{tab}"])
    markup = _GALLERY.replace(escape(MESSAGES["empty_gallery"]), hint)
    return markup.replace('id="html_info_img2img"', f'id="html_info_{tab}"')


_MONITOR = f"""
<div class="op-monitor">
  <div class="op-bar" role="progressbar" aria-label="{escape(MESSAGES["progress"])}"
    aria-valuemin="0" aria-valuemax="100" aria-valuenow="0"><div></div>
    <span class="op-bar-text"></span></div>
  <img alt="" class="livePreview">
  <div class="op-message" role="status" aria-live="polite"></div>
</div>
"""


class PictureFile(gr.Image):
    """An image field that hands over the path of the untouched upload.

    gr.Image would open the file itself, before our limits and sentences could apply.
    """

    is_template = True
    """Tells Gradio to draw it with gr.Image's own front end."""

    def preprocess(self, payload: Any) -> str | None:
        """Path of the uploaded file, whatever it holds; None without one."""
        return None if payload is None else payload.path

    def postprocess(self, value: Any) -> Any:
        """A path to show; the file is copied, because the output folder itself is never served."""
        if value is None:
            return None
        copy = processing_utils.save_file_to_cache(str(value), cache_dir=self.GRADIO_CACHE)
        return ImageData(path=copy, orig_name=Path(value).name)


def on_load(module: str, static_url: str) -> str:
    """Script that attaches a module of ours to an element."""
    return (
        f"import('{static_url}/{module}').then("
        "(module) => module.attach(element, props, trigger, watch));"
    )


class Widget(gr.HTML):
    """An HTML component whose value is a JSON object and whose DOM is drawn by a module."""

    def preprocess(self, payload: Any) -> Any:
        """Hand the JSON value through."""
        return payload

    def postprocess(self, value: Any) -> Any:
        """Hand the JSON value through."""
        return value

    def api_info(self) -> dict[str, Any]:
        """Any JSON object."""
        return {"type": "object"}


class ResultGallery(Widget):
    """Value: {"job", "selected", "pictures": [{id, url, name, seed, infotext, ...}]}."""

    def __init__(self, static_url: str, tab: str = "img2img", **kwargs: Any) -> None:
        super().__init__(
            value={"pictures": [], "selected": 0},
            html_template=_gallery(tab),
            js_on_load=on_load("gallery.js", static_url),
            **kwargs,
        )


class JobMonitor(Widget):
    """Value: {"active", "fraction", "text", "eta", "preview" (URL), "log", "error"}."""

    def __init__(self, static_url: str, **kwargs: Any) -> None:
        super().__init__(
            value={},
            html_template=_MONITOR,
            js_on_load=on_load("monitor.js", static_url),
            **kwargs,
        )
