"""The canvas's HTML: toolbar, settings, viewport, fields. Its behaviour is in static/canvas/."""

from __future__ import annotations

from html import escape
from typing import Final, Literal

from ui.icons import icon
from ui.texts import CANVAS

Kind = Literal["mask", "colour", "picture"]
"""A mask has one value per pixel and is shown in a colour of its own; colours are the picture's. A
"picture" is not drawn on."""

_TOOLS: Final = ("brush", "eraser", "rectangle", "ellipse", "lasso", "fill")
_MASK_ACTS: Final = ("invert", "grow", "shrink", "feather")


def canvas_markup(
    canvas_id: str, kind: Kind, height: int, colour: str, *, sees: bool = False
) -> str:
    """Build the inside of one canvas. `colour` is the first brush's, or the mask's display colour.

    `height` is the viewport's, in CSS pixels. `sees` is for tabs with a mask: a choice of its
    views, and the crop box's handle. The markup holds no braces: it is a template.
    """
    return (
        f'<div class="opc opc-empty" {_data(canvas_id, kind)} role="group" '
        f'aria-label="{escape(CANVAS["canvas_" + kind])}">'
        f"{_bar(kind)}{_options(kind, colour)}{_viewport(height, sees=sees)}"
        f"{_footer(kind, sees=sees)}"
        '<input type="file" accept="image/*" hidden tabindex="-1"></div>'
    )


def picture_markup(canvas_id: str, label: str, height: int) -> str:
    """Build the inside of a picture field: drop, paste, choose, zoom; no drawing tools.

    `label` is shown above the picture; `height` is the viewport's, in CSS pixels.
    """
    return (
        f'<div class="opc opc-empty" {_data(canvas_id, "picture")} role="group" '
        f'aria-label="{escape(label)}"><div class="opc-label">{escape(label)}</div>'
        '<div class="opc-frame"><div class="opc-viewport" tabindex="0" '
        f'style="height:min({height}px,70vh)" aria-label="{escape(label)}">'
        '<div class="opc-stage"><img alt="" draggable="false"><canvas class="opc-layer"></canvas>'
        '</div><svg class="opc-overlay" aria-hidden="true"></svg>'
        f'<div class="opc-ring" hidden></div><div class="opc-start">{_choose()}</div></div>'
        f"{_corner('hide')}</div>"
        '<div class="opc-footer"><span class="opc-status" role="status" aria-live="polite"></span>'
        '<span class="opc-model"></span></div>'
        '<input type="file" accept="image/*" hidden tabindex="-1"></div>'
    )


def _data(canvas_id: str, kind: Kind) -> str:
    """What the scripts want to know."""
    data = {
        "canvas": canvas_id,
        "kind": kind,
        "unreadable": CANVAS["unshown" if kind == "picture" else "unreadable"],
        "upload-failed": CANVAS["upload_failed"],
        "painted": CANVAS["painted"],
    }
    attributes = " ".join(f'data-{name}="{escape(value)}"' for name, value in data.items())
    return attributes.replace("{", "&#123;").replace("}", "&#125;")


def _bar(kind: Kind) -> str:
    tools = _TOOLS if kind == "mask" else (*_TOOLS, "picker")
    mask = "".join(_act(name) for name in _MASK_ACTS) + _amount() if kind == "mask" else ""
    return (
        f'<div class="opc-bar" role="toolbar" aria-label="{escape(CANVAS["toolbar"])}">'
        f'<span class="opc-group">{"".join(_tool(name) for name in tools)}</span>'
        f'<span class="opc-group">{_act("undo")}{_act("redo")}{_act("clear")}</span>'
        + (f'<span class="opc-group">{mask}</span>' if mask else "")
        + "</div>"
    )


def _corner(*without: str) -> str:
    """Buttons of the view, over the picture's corner."""
    acts = (name for name in ("zoom-in", "fit", "hide", "full", "remove") if name not in without)
    return (
        f'<span class="opc-corner opc-group">{_act("zoom-out")}<span class="opc-zoom"></span>'
        f"{''.join(_act(name) for name in acts)}</span>"
    )


def _tool(name: str) -> str:
    text = escape(CANVAS[name])
    return (
        f'<button type="button" data-tool="{name}" title="{text}" aria-label="{text}" '
        f'aria-pressed="false">{icon(name)}</button>'
    )


def _act(name: str) -> str:
    text = escape(CANVAS[name])
    return (
        f'<button type="button" data-act="{name}" title="{text}" aria-label="{text}">'
        f"{icon(name)}</button>"
    )


def _amount() -> str:
    text = escape(CANVAS["amount"])
    return (
        f'<input type="number" class="opc-amount" data-set="amount" value="8" min="1" max="512" '
        f'title="{text}" aria-label="{text}">'
    )


def _options(kind: Kind, colour: str) -> str:
    """Sliders of the chosen tool; `data-for` names the tools that use one."""
    every = "brush eraser rectangle ellipse lasso fill"
    name = "colour" if kind == "colour" else "tone"
    used = every + " picker"
    label = escape(CANVAS[name])
    swatch = (
        f'<label data-for="{used}">{label}<input type="color" data-set="{name}" '
        f'value="{escape(colour)}"></label>'
    )
    return (
        '<div class="opc-options">'
        + _slider("size", "brush eraser", 50)
        + _slider("hardness", "brush eraser", 100)
        + _slider("opacity", every, 100, lowest=1)
        + _slider("tolerance", "fill", 12)
        + swatch
        + "</div>"
    )


def _slider(name: str, used: str, value: int, lowest: int = 0) -> str:
    return (
        f'<label data-for="{used}">{escape(CANVAS[name])}'
        f'<input type="range" data-set="{name}" min="{lowest}" max="100" step="any" '
        f'value="{value}"><output data-value="{name}"></output></label>'
    ).replace('step="any"', 'step="any"' if name == "size" else 'step="1"')


def _viewport(height: int, *, sees: bool) -> str:
    seen = '<div class="opc-seen"></div>' if sees else ""
    handle = _handle() if sees else ""
    return (
        '<div class="opc-frame"><div class="opc-viewport" tabindex="0" role="application" '
        f'style="height:min({height}px,70vh)" '
        f'aria-label="{escape(CANVAS["viewport"])}">'
        '<div class="opc-stage"><img alt="" draggable="false"><canvas class="opc-layer"></canvas>'
        f'{seen}</div><svg class="opc-overlay" aria-hidden="true"></svg>'
        f'<div class="opc-ring" hidden></div>{handle}{_start()}</div>{_corner()}</div>'
    )


def _handle() -> str:
    """The crop box's corner; 0..256 is the range of the padding slider."""
    text = escape(CANVAS["handle"])
    return (
        '<div class="opc-handle" role="slider" tabindex="0" hidden aria-valuemin="0" '
        f'aria-valuemax="256" aria-valuenow="0" aria-label="{text}" title="{text}"></div>'
    )


def _views() -> str:
    """How the mask is shown: as painted, or as the job will use it."""
    options = "".join(
        f'<option value="{value}">{escape(CANVAS["shown_" + name])}</option>'
        for value, name in (("", "painted"), ("blurred", "blurred"), ("grid", "grid"))
    )
    label = escape(CANVAS["shown"])
    return f'<label class="opc-views">{label} <select data-set="shown">{options}</select></label>'


def _start() -> str:
    """What an empty canvas offers: a file, a drop, a paste, or a blank picture."""
    number = '<input type="number" data-blank="{0}" value="512" min="64" max="8192" step="8"'
    fields = "".join(
        number.format(name) + f' aria-label="{escape(CANVAS["blank_" + name])}">'
        for name in ("width", "height")
    )
    colour = (
        '<input type="color" data-blank="colour" value="#ffffff" '
        f'aria-label="{escape(CANVAS["blank_colour"])}">'
    )
    return (
        f'<div class="opc-start">{_choose()}'
        f'<div class="opc-blank"><span>{escape(CANVAS["blank_line"])}</span>{fields}{colour}'
        f'<button type="button" data-act="blank">{escape(CANVAS["blank"])}</button></div></div>'
    )


def _choose() -> str:
    return (
        '<button type="button" class="opc-choose" data-act="upload">'
        f"{icon('upload')}<span>{escape(CANVAS['start'])}</span></button>"
    )


def _footer(kind: Kind, *, sees: bool) -> str:
    fields = "".join(
        f"<label>{escape(CANVAS['box_' + name])}"
        f'<input type="number" data-box="{name}" value="{value}"></label>'
        for name, value in (("x", 0), ("y", 0), ("width", 128), ("height", 128))
    )
    buttons = "".join(
        f'<button type="button" data-act="{act}">{escape(CANVAS[act])}</button>'
        for act in ("add-rectangle", "cut-rectangle")
    )
    views = _views() if sees else ""
    return (
        '<div class="opc-footer"><span class="opc-status" role="status" aria-live="polite"></span>'
        f'{views}<span class="opc-model" role="status" aria-live="polite"></span></div>'
        f'<details class="opc-numbers"><summary>{escape(CANVAS["numbers_" + kind])}</summary>'
        f'<div>{fields}{buttons}</div><p class="opc-keys">{escape(CANVAS["keys"])}</p></details>'
    )
