"""The full-page viewer's HTML (ui 9). Behaviour: static/viewer.js."""

from __future__ import annotations

from html import escape
from typing import Final

from ui.texts_viewer import VIEWER, VIEWER_MESSAGES

_SIGNS: Final = {
    "zoom": "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
    "tile": "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
    "live": "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6z",
    "save": "M12 4v11M7 11l5 5 5-5M4 20h16",
    "close": "M5 5l14 14M19 5L5 19",
    "previous": "M15 4l-8 8 8 8",
    "next": "M9 4l8 8-8 8",
}
"""Outlines on a field of 24 x 24; fonts do not have these signs everywhere."""

_TOGGLES: Final = ("zoom", "tile", "live")


def viewer_markup() -> str:
    """A dialog: the picture, a row of buttons above it, one at either side."""
    tools = "".join(_button(name) for name in ("zoom", "tile", "live", "save", "close"))
    live = escape(VIEWER_MESSAGES["live_preview"])
    return (
        f'<dialog class="op-viewer" aria-label="{escape(VIEWER["title"])}" data-live-text="{live}">'
        f'<div class="op-viewer-stage"><img alt=""></div>'
        f'<div class="op-viewer-bar"><span class="op-viewer-place" role="status"></span>{tools}'
        f"</div>{_button('previous')}{_button('next')}</dialog>"
    )


def _button(name: str) -> str:
    pressed = ' aria-pressed="false"' if name in _TOGGLES else ""
    label = escape(VIEWER[name])
    return (
        f'<button type="button" data-do="{name}" title="{label}" aria-label="{label}"{pressed}>'
        f'<svg viewBox="0 0 24 24" aria-hidden="true"><path d="{_SIGNS[name]}"/></svg></button>'
    )
