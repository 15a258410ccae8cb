"""The settings above all tabs (ui 2): which there are, their controls, and how they are kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

import gradio as gr

from jobs.options import Guard, Option, find_option
from ui.events import QUIET
from ui.form_fill import checkpoint_choices, notice, vae_choices
from ui.page_load import PageLoad
from ui.services import Services
from ui.settings_view import choices_of, save
from ui.texts import LABELS, MESSAGES
from ui.tool_button import tool

_log = logging.getLogger("overpaint.page")

CHECKPOINT, VAE, CLIP_SKIP = "sd_model_checkpoint", "sd_vae", "CLIP_stop_at_last_layers"
_OF_FORMS: Final[Mapping[str, str]] = {
    CHECKPOINT: "checkpoint",
    VAE: "vae",
    CLIP_SKIP: "clip_skip",
}
"""Settings that are controls of both forms, by their names there; a job takes what they show."""

WIDEST_SLIDER = 1000
"""Longer ranges are typed."""


def quicksettings(services: Services, parts: dict[str, Any]) -> dict[str, Any]:
    """Build the row; the controls that come back are those of both forms.

    Those of them that the setting `quicksettings_list` leaves out are there, but not seen.
    """
    wanted = wanted_settings(services)
    made: dict[str, Any] = {}
    others: dict[str, Any] = {}
    with gr.Row(elem_id="quicksettings"):
        for key in wanted:
            if key in _OF_FORMS:
                made[_OF_FORMS[key]] = _of_form(services, parts, key, shown=True)
            else:
                others[key] = control_of(services, key)
        for key, name in _OF_FORMS.items():
            if name not in made:
                made[name] = _of_form(services, parts, key, shown=False)
        with gr.Column(scale=3, min_width=320, elem_id="op_notice_column"):
            parts["notice"] = gr.HTML(notice(services), elem_id="op_notice")
    parts["quicksettings"] = others
    return made


def wanted_settings(services: Services) -> list[str]:
    """Keys of the settings that stand there, each once; unknown ones are left out, with a line."""
    keys = list(dict.fromkeys(services.options.get("quicksettings_list")))
    for key in keys:
        if find_option(key) is None:
            _log.warning("quicksettings_list: %.60r is not a known setting", key)
    return [key for key in keys if find_option(key) is not None]


def _of_form(services: Services, parts: dict[str, Any], key: str, *, shown: bool) -> Any:
    unseen = [] if shown else ["op-hidden"]
    if key == CLIP_SKIP:
        return gr.Slider(
            1,
            12,
            int(services.options.get(CLIP_SKIP)),
            step=1,
            label=LABELS["clip_skip"],
            elem_id=f"setting_{CLIP_SKIP}",
            elem_classes=unseen,
            scale=1,
            min_width=200,
        )
    is_vae = key == VAE
    choices, value = vae_choices(services) if is_vae else checkpoint_choices(services)
    with gr.Row(elem_classes=["op-with-tool", *unseen], scale=1 if is_vae else 2):
        control = gr.Dropdown(
            choices,
            value=value,
            label=LABELS[_OF_FORMS[key]],
            elem_id=f"setting_{key}",
            min_width=120,
            scale=1,
        )
        parts["vae_refresh" if is_vae else "refresh"] = tool("↻", f"refresh_{key}")
    return control


def control_of(services: Services, key: str) -> Any:
    """A control for any setting, by the type of its value."""
    option = _option(key)
    common: dict[str, Any] = {
        "value": _shown(services, key),
        "label": option.text,
        "elem_id": f"setting_{key}",
        "interactive": option.guard is Guard.OPEN,
        "scale": 1,
        "min_width": 180,
    }
    choices = choices_of(option, services.catalog)
    if isinstance(option.default, bool):
        return gr.Checkbox(**common)
    if isinstance(option.default, tuple):
        return gr.Dropdown(list(choices), multiselect=True, allow_custom_value=True, **common)
    if choices:
        return gr.Dropdown(list(choices), **common)
    if isinstance(option.default, str):
        return gr.Textbox(**common)
    whole = isinstance(option.default, int)
    low, high = option.lowest, option.highest
    if low is not None and high is not None and high - low <= WIDEST_SLIDER:
        return gr.Slider(low, high, step=1 if whole else 0.01, **common)
    return gr.Number(precision=0 if whole else None, **common)


class QuickHandlers:
    """Event handlers of the settings that are no control of a form; without state."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def changing(self, key: str) -> Callable[..., tuple[Any, str]]:
        """The handler of one setting's control."""

        # A partial would do, but Gradio hands no request to those.
        def change(value: Any, request: gr.Request) -> tuple[Any, str]:
            return self.change(key, value, request)

        return change

    def change(self, key: str, value: Any, request: gr.Request) -> tuple[Any, str]:
        """Keep a value for everybody; what the setting is now, and all settings as JSON."""
        services = self._services
        if not services.is_admin(request):
            gr.Warning(MESSAGES["settings_admins"])
        elif value != self._value(key):
            saved = save(services.options, services.catalog, {key: value})
            problem = saved.problems.get(key, "")
            if problem:
                gr.Warning(problem, duration=12)
            elif _option(key).restart:
                gr.Info(MESSAGES["settings_restart"], duration=6)
        return self._value(key), json.dumps(services.options.all())

    def now(self, keys: list[str]) -> Any:
        """The values of these settings, or of a single one that itself."""
        values = [self._value(key) for key in keys]
        return values if len(values) > 1 else values[0]

    def _value(self, key: str) -> Any:
        return _shown(self._services, key)


def wire_quicksettings(
    load: PageLoad, services: Services, parts: dict[str, Any], current: gr.Textbox, applied: Any
) -> None:
    """Connect them; `applied` is the settings page's event, after which all may be different."""
    controls: dict[str, Any] = parts["quicksettings"]
    if not controls:
        return
    handlers, keys = QuickHandlers(services), list(controls)
    load.read(lambda _: handlers.now(keys), *controls.values())
    applied.success(lambda: handlers.now(keys), None, list(controls.values()), **QUIET)
    for key, control in controls.items():
        gr.on(_events(control), handlers.changing(key), control, [control, current], **QUIET)


def _events(control: Any) -> list[Any]:
    """When a value is taken: text when it is left, sliders when they are let go (ui 2)."""
    if isinstance(control, gr.Textbox | gr.Number):
        return [control.submit, control.blur]
    return [control.release] if isinstance(control, gr.Slider) else [control.input]


def _shown(services: Services, key: str) -> Any:
    value = services.options.get(key)
    return list(value) if isinstance(value, tuple) else value


def _option(key: str) -> Option:
    option = find_option(key)
    assert option is not None
    return option
