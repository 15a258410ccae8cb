"""Line drawings for the canvas's buttons; 20 x 20, drawn with the text's colour."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PATHS: Final[Mapping[str, str]] = {
    "brush": "M16.5 3.5 9 11 m0 0 c-2.4-.6-4 .8-4.2 3.2C4.7 15.6 4 16.3 3 16.5 c2.5 1 7.5.6 "
    "7.5-3.4 0-.9-.5-1.7-1.5-2.1 Z",
    "eraser": "m8.5 16.5-5-5 8-8 5 5-8 8Zm0 0h8M7 8l5 5",
    "rectangle": "M3.5 5h13v10h-13Z",
    "ellipse": "M10 4.5c4 0 7 2.4 7 5.5s-3 5.5-7 5.5-7-2.4-7-5.5 3-5.5 7-5.5Z",
    "lasso": "M6 13 c-2-.8-3-2.2-3-4 0-3 3.2-5 7-5s7 2 7 5-3.2 5-7 5 c-1.2 0-2.4-.2-3.3-.6 M6 "
    "13 c1 .2 1.6 1 1.3 2-.3.9-1.3 1.3-2.3 2 M6 13 c-1 0-1.7.6-1.6 1.4.1.7.9 1 "
    "1.7.7.8-.3 1-1.3-.1-2.1 Z",
    "fill": "m8.5 3.5 7 7-5.5 5.5-6-6 5.5-5.5 M4 10 h11 M17 13.5 c.8 1.2 1 1.7 1 2.2 a1 1 0 0 "
    "1-2 0 c0-.5.2-1 1-2.2 Z",
    "picker": "m11.5 5.5 3 3 m-2-4 1.2-1.2 a1.8 1.8 0 0 1 2.5 0 l.5.5 a1.8 1.8 0 0 1 0 2.5L15.5 "
    "7.5 l-3-3 ZM12 6.5 5 13.5 l-1.5 3 3-1.5 7-7",
    "undo": "M4 8h8a4 4 0 0 1 0 8H8M4 8l3.5-3.5M4 8l3.5 3.5",
    "redo": "M16 8H8a4 4 0 0 0 0 8h4M16 8l-3.5-3.5M16 8l-3.5 3.5",
    "invert": "M10 3.5a6.5 6.5 0 1 0 0 13Zm0 0a6.5 6.5 0 0 1 0 13",
    "grow": "M7.5 7.5h5v5h-5ZM10 2v3M10 15v3M2 10h3M15 10h3",
    "shrink": "M4 4h12v12H4ZM10 4.5V8m0 4v3.5M4.5 10H8m4 0h3.5",
    "feather": "M10 6.5 a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7 ZM10 2.5 v1 M10 16.5 v1 M2.5 10 h1 "
    "M16.5 10 h1 M4.7 4.7 l.7.7 M14.6 14.6 l.7.7 M4.7 15.3 l.7-.7 M14.6 5.4 l.7-.7",
    "clear": "M4 6h12M8 6V4h4v2M5.5 6l.8 10.5h7.4L14.5 6M8.5 9v5M11.5 9v5",
    "fit": "M3.5 7V3.5H7M13 3.5h3.5V7M16.5 13v3.5H13M7 16.5H3.5V13M7 7h6v6H7Z",
    "full": "M3.5 7.5 v-4 h4 M12.5 3.5 h4 v4 M16.5 12.5 v4 h-4 M7.5 16.5 h-4 v-4 M4 4 l4 4 "
    "M16 4 l-4 4 M16 16 l-4-4 M4 16 l4-4",
    "hide": "M2.5 10C4.5 6.5 7 5 10 5s5.5 1.5 7.5 5 c-2 3.5-4.5 5-7.5 5s-5.5-1.5-7.5-5 ZM10 8 "
    "a2 2 0 1 0 0 4 2 2 0 0 0 0-4 Z",
    "zoom-in": "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4Zm4 9 3.5 3.5M9 7v4M7 9h4",
    "zoom-out": "M9 4a5 5 0 1 0 0 10A5 5 0 0 0 9 4Zm4 9 3.5 3.5M7 9h4",
    "remove": "m5 5 10 10M15 5 5 15",
    "upload": "M10 13V4M6.5 7 10 3.5 13.5 7M4 13v3.5h12V13",
}


def icon(name: str) -> str:
    """The drawing as inline SVG; assistive software passes over it."""
    return (
        '<svg viewBox="0 0 20 20" aria-hidden="true" focusable="false">'
        f'<path d="{_PATHS[name]}"/></svg>'
    )
