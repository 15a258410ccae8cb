"""The settings page (ui 13): every setting with search, drawn by ui/static/settings.js.

One element holds all of them as JSON: some 170 Gradio controls would take seconds to open.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import gradio as gr

from ui.events import QUIET
from ui.page_load import PageLoad
from ui.services import Services
from ui.settings_view import described, save
from ui.texts import MESSAGES, SETTINGS
from ui.widgets import Widget, on_load


class SettingsPanel(Widget):
    """Value: {"categories", "message", "problems", "open"}; "wanted" comes back with Apply."""

    def __init__(self, static_url: str, **kwargs: Any) -> None:
        super().__init__(
            value={},
            html_template='<div class="op-settings"></div>',
            js_on_load=on_load("settings.js", static_url),
            **kwargs,
        )


@dataclass(frozen=True)
class SettingsParts:
    """The page's elements. `current` is A1111's hidden text box with all settings as JSON."""

    tab: gr.Tab
    panel: SettingsPanel
    current: gr.Textbox


def settings_box() -> gr.Textbox:
    """The hidden box; outside of all tabs, because a closed tab is not in the document."""
    return gr.Textbox(visible="hidden", elem_id="settings_json")


def build_settings(services: Services, tab: gr.Tab, current: gr.Textbox) -> SettingsParts:
    """Build the page inside its tab."""
    return SettingsParts(tab, SettingsPanel(services.static_url, elem_id="settings"), current)


class SettingsHandlers:
    """Event handlers of the settings page, without state."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def show(self, request: gr.Request) -> dict[str, Any]:
        """All settings as they are now."""
        return self._value(request, "", {})

    def apply(self, panel: dict[str, Any], request: gr.Request) -> tuple[dict[str, Any], str]:
        """Save what was changed on the page, or say why not; all or none."""
        services = self._services
        if not services.is_admin(request):
            return self._value(request, MESSAGES["settings_admins"], {}), self.current()
        wanted = (panel or {}).get("wanted")
        saved = save(services.options, services.catalog, wanted if isinstance(wanted, dict) else {})
        return self._value(request, saved.message, saved.problems), self.current()

    def current(self) -> str:
        """All settings as JSON, for the page's scripts."""
        return json.dumps(self._services.options.all())

    def _value(self, request: gr.Request, message: str, problems: dict[str, str]) -> dict[str, Any]:
        services = self._services
        return {
            "categories": described(services.options, services.catalog),
            "message": message,
            "problems": problems,
            "open": services.is_admin(request),
            "texts": SETTINGS | {"admins": MESSAGES["settings_admins"]},
        }


def wire_settings(load: PageLoad, services: Services, parts: SettingsParts) -> Any:
    """Connect the page; returns the event after which settings may have changed."""
    handlers = SettingsHandlers(services)
    parts.tab.select(handlers.show, None, parts.panel, **QUIET)
    load.read(lambda _: handlers.current(), parts.current)
    return parts.panel.submit(handlers.apply, parts.panel, [parts.panel, parts.current], **QUIET)
