"""The browser of extra networks on a generation page: build it, connect it.

What a click does to the prompt happens in the browser (static/networks.js); only the choice of a
checkpoint and looking at the folders come to the server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from ui.events import QUIET, unchanged
from ui.network_cards import KINDS, browser_value
from ui.services import Services
from ui.texts_networks import NETWORKS
from ui.widgets import Widget, on_load

_TEXTS = ("no_match", "how", "how_checkpoint")


class NetworkBrowser(Widget):
    """Value: {"cards": {kind: [...]}, "empty": {kind: sentence}, "chosen": checkpoint title}."""

    def __init__(self, static_url: str, tab: str) -> None:
        super().__init__(
            value={"cards": {}, "empty": {}, "chosen": ""},
            html_template=_markup(tab),
            js_on_load=on_load("networks.js", static_url),
            elem_id=f"{tab}_networks",
        )


@dataclass(frozen=True)
class NetworksPanel:
    """The elements of one page's browser."""

    panel: gr.Accordion
    browser: NetworkBrowser


def build_networks(services: Services, tab: str) -> NetworksPanel:
    """Make the browser where this is called, closed."""
    with gr.Accordion(
        NETWORKS["panel"], open=False, elem_id=f"{tab}_extra_networks", elem_classes="op-networks"
    ) as panel:
        browser = NetworkBrowser(services.static_url, tab)
    return NetworksPanel(panel, browser)


def wire_networks(
    services: Services,
    panels: Sequence[NetworksPanel],
    checkpoint: gr.Dropdown,
    followers: Sequence[tuple[Callable[..., Any], set[Any], Sequence[Any]]],
) -> None:
    """Connect the browsers.

    `followers` are what the drop-down's own choice of a checkpoint calls: handler, inputs, outputs.
    """
    handlers = NetworkHandlers(services)
    for one in panels:
        gr.on([one.panel.expand, one.browser.retry], handlers.look, None, one.browser, **QUIET)
        chain = one.browser.select(handlers.choose, one.browser, checkpoint, **QUIET)
        for handler, inputs, outputs in followers:
            chain = chain.then(handler, inputs, list(outputs), **QUIET)
        chain.then(handlers.look, None, one.browser, **QUIET)


class NetworkHandlers:
    """Event handlers of the browser; one object for all sessions, without state."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def look(self) -> dict[str, Any]:
        """All cards as the folders are now."""
        services = self._services
        selected = str(services.options.get("sd_model_checkpoint") or "")
        return browser_value(services.catalog, selected, services.networks_url)

    def choose(self, value: Mapping[str, Any] | None) -> Any:
        """The drop-down shows the clicked checkpoint, if there is one of this title."""
        found = self._services.catalog.find(str((value or {}).get("chosen") or ""))
        return unchanged() if found is None else found.title


def _markup(tab: str) -> str:
    kinds = "".join(
        f'<button type="button" data-kind="{kind}" aria-pressed="false">'
        f"{escape(NETWORKS[kind])}</button>"
        for kind in KINDS
    )
    texts = " ".join(f'data-{name.replace("_", "-")}="{escape(NETWORKS[name])}"' for name in _TEXTS)
    search, again = escape(NETWORKS["search"]), escape(NETWORKS["again"])
    return (
        f'<div class="op-network-browser" data-tab="{tab}" {texts}>'
        f'<div class="op-network-bar"><div role="group" aria-label="{escape(NETWORKS["kinds"])}"'
        f' class="op-network-kinds">{kinds}</div>'
        f'<input type="search" placeholder="{search}" aria-label="{search}">'
        f'<button type="button" class="op-network-again">{again}</button></div>'
        '<p class="op-network-how"></p>'
        '<div class="op-network-cards" role="list"></div></div>'
    )
