"""Our elements for a plot's result: the cells with a button for each, and the table of figures.

Their DOM is drawn by static/plot.js. Gradio's own table is not used: it broke the page when it was
filled while its panel was closed.
"""

from __future__ import annotations

from html import escape
from typing import Any

import ui.no_stub_files  # noqa: F401  before the classes below
from ui.texts_plot import PLOT
from ui.widgets import Widget


class PlotCells(Widget):
    """Value: {"plot", "can_redo", "tables", "chosen"}; see `ui.plot_view.cells_value`.

    The event `redo` comes when a cell's button was pressed; its indices are in `chosen`.
    """

    def __init__(self, static_url: str, **kwargs: Any) -> None:
        super().__init__(
            value={},
            html_template=(
                f'<div class="op-plot-cells" role="group" aria-label="{escape(PLOT["cells"])}" '
                f'data-redo="{escape(PLOT["redo"])}"></div>'
            ),
            js_on_load=(
                f"import('{static_url}/plot.js').then((module) => "
                "module.attachCells(element, props, () => trigger('redo'), watch));"
            ),
            **kwargs,
        )


class PlotTable(Widget):
    """Value: {"headers": [...], "rows": [[...]]}; a click on a head sorts by it."""

    def __init__(self, static_url: str, **kwargs: Any) -> None:
        super().__init__(
            value={},
            html_template=(
                f'<div class="op-plot-table" aria-label="{escape(PLOT["table"])}"></div>'
            ),
            js_on_load=(
                f"import('{static_url}/plot.js').then((module) => "
                "module.attachTable(element, props, watch));"
            ),
            **kwargs,
        )
