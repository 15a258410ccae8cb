"""Order and visibility of the page's tabs."""

from __future__ import annotations

import pytest

from ui.page_tabs import HIDEABLE, TITLES, arranged, opened_first

USUAL = ["txt2img", "img2img", "extras", "pnginfo", "settings"]


@pytest.mark.parametrize(
    ("order", "ids"),
    [
        pytest.param([], USUAL, id="usual"),
        pytest.param(["PNG Info"], ["pnginfo", "txt2img", "img2img", "extras", "settings"], id="1"),
        pytest.param(
            ["settings", "EXTRAS"], ["settings", "extras", "txt2img", "img2img", "pnginfo"], id="2"
        ),
        pytest.param(
            ["Train", "img2img", "img2img", "txt2img"],
            ["img2img", "txt2img", "extras", "pnginfo", "settings"],
            id="unknown and twice",
        ),
    ],
)
def test_order(order: list[str], ids: list[str]) -> None:
    assert [tab.id for tab in arranged(order, [])] == ids


@pytest.mark.parametrize(
    ("hidden", "shown", "first"),
    [
        pytest.param([], USUAL, "img2img", id="none"),
        pytest.param(["Extras", "Train"], ["txt2img", "img2img", "pnginfo", "settings"], "img2img"),
        pytest.param(["IMG2IMG"], ["txt2img", "extras", "pnginfo", "settings"], "txt2img"),
        pytest.param(list(TITLES), ["settings"], "settings", id="all but the settings"),
    ],
)
def test_hidden_tabs_are_there_unseen(hidden: list[str], shown: list[str], first: str) -> None:
    tabs = arranged([], hidden)
    assert [tab.id for tab in tabs] == USUAL
    assert [tab.id for tab in tabs if tab.visible] == shown
    assert opened_first(tabs) == first


def test_the_settings_tab_is_not_offered_for_hiding() -> None:
    assert HIDEABLE == ("txt2img", "img2img", "Extras", "PNG Info")
