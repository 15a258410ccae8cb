"""Texts of the full-page viewer and of the menu at Generate. Part of ui/texts.py."""

from __future__ import annotations

from typing import Final

VIEWER: Final = {
    "title": "Full-page viewer",
    "previous": "Previous picture (Left)",
    "next": "Next picture (Right)",
    "zoom": "Fill the window (Z)",
    "tile": "Show as tiles (T)",
    "live": "Show live previews here (L)",
    "save": "Download (S)",
    "close": "Close (Esc)",
}

VIEWER_MESSAGES: Final = {
    "results_not_shown": "Results are kept, but not shown here, as the setting do_not_show_images "
    "asks.",
    "live_preview": "Live preview",
}

MENU: Final = {
    "menu": "Generate again and again",
    "forever": "Generate forever",
    "cancel": "Cancel generate forever",
    "on": "Generates forever: right-click to cancel",
}
"""Texts that only the menu's script shows."""
