"""The gallery's HTML for looking at a result beside its input. Behaviour: static/compare.js."""

from __future__ import annotations

from html import escape

from ui.texts import MESSAGES

VIEWS = ("result", "compare", "difference")


def views_markup() -> str:
    """Three buttons of which one is pressed; hidden where there is nothing to compare with."""
    buttons = "".join(
        f'<button type="button" data-view="{name}" aria-pressed="false">'
        f"{escape(MESSAGES['view_' + name])}</button>"
        for name in VIEWS
    )
    label = escape(MESSAGES["views"])
    return f'<div class="op-views" role="group" aria-label="{label}" hidden>{buttons}</div>'


def slider_markup() -> str:
    """Input and result over each other, divided by a slider; takes the place of the result."""
    before, after = escape(MESSAGES["compare_before"]), escape(MESSAGES["compare_after"])
    return (
        '<div class="op-compare" hidden><div class="op-compare-frame">'
        f'<img class="op-after" alt="{after}"><img class="op-before" alt="{before}">'
        f'<span class="op-tag op-tag-before">{before}</span>'
        f'<span class="op-tag op-tag-after">{after}</span><span class="op-split"></span>'
        '<input type="range" min="0" max="100" step="1" value="50" '
        f'aria-label="{escape(MESSAGES["compare_slider"])}"></div></div>'
    )


def lines_markup() -> str:
    """What is told about the mask, and the caption of the difference."""
    return "".join(
        f'<p class="op-{name}" role="status"></p>' for name in ("proof", "seam", "difference")
    )
