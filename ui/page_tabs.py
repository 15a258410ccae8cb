"""The tabs of the page: which there are, in which order, which are not shown (ui 19, 20.1).

Everything else names a tab by its id; nothing counts tabs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ui.texts import LABELS


@dataclass(frozen=True)
class PageTab:
    """One tab. `id` is what events choose it by; `title` is what A1111's settings call it."""

    id: str
    title: str
    visible: bool = True


ALWAYS_SHOWN: Final = "settings"
"""Without it there would be no way back on the page."""

_ALL: Final = (
    PageTab("txt2img", LABELS["tab_txt2img"]),
    PageTab("img2img", LABELS["tab_img2img"]),
    PageTab("extras", LABELS["tab_extras"]),
    PageTab("pnginfo", LABELS["tab_png_info"]),
    PageTab(ALWAYS_SHOWN, LABELS["tab_settings"]),
)

TITLES: Final = tuple(tab.title for tab in _ALL)
HIDEABLE: Final = tuple(tab.title for tab in _ALL if tab.id != ALWAYS_SHOWN)

_FIRST: Final = "img2img"


def arranged(order: Iterable[str], hidden: Iterable[str]) -> tuple[PageTab, ...]:
    """All tabs: those that `order` names first, the others as usual.

    Both lists hold titles or ids in any letter case; A1111's tabs that are not here (Train,
    Extensions ...) mean nothing.
    """
    wanted = [_plain(name) for name in order]
    unseen = {_plain(name) for name in hidden}
    places = {name: place for place, name in reversed(list(enumerate(wanted)))}
    tabs = sorted(_ALL, key=lambda tab: min(places.get(name, len(wanted)) for name in _names(tab)))
    return tuple(
        PageTab(tab.id, tab.title, tab.id == ALWAYS_SHOWN or not unseen & _names(tab))
        for tab in tabs
    )


def opened_first(tabs: Iterable[PageTab]) -> str:
    """The id of the tab in front when the page opens: img2img, or else the first that is shown."""
    shown = [tab.id for tab in tabs if tab.visible]
    return _FIRST if _FIRST in shown else shown[0]


def _names(tab: PageTab) -> set[str]:
    return {_plain(tab.title), _plain(tab.id)}


def _plain(name: str) -> str:
    return name.replace(" ", "").casefold()
