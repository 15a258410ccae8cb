"""A set of named controls and how an event's data and values by name become each other."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import gradio as gr

from ui.texts import MESSAGES


class Fitted(NamedTuple):
    """Values that the controls take, and sentences about those that were changed or left out."""

    values: dict[str, Any]
    problems: list[str]


@dataclass(frozen=True)
class Controls:
    """Base of the forms: each field is a control whose value makes up a request."""

    def components(self) -> set[Any]:
        """All controls, as an event's inputs."""
        return {getattr(self, entry.name) for entry in fields(self)}

    def names(self) -> set[str]:
        """The names of all controls."""
        return {entry.name for entry in fields(self)}

    def values(self, data: dict[Any, Any]) -> dict[str, Any]:
        """An event's data by control name instead of by control."""
        return {
            entry.name: data[getattr(self, entry.name)]
            for entry in fields(self)
            if getattr(self, entry.name) in data
        }

    def updates(self, values: dict[str, Any]) -> dict[Any, Any]:
        """The other way round: values by name to an event's outputs."""
        return {getattr(self, name): value for name, value in values.items()}

    def known(self, values: dict[str, Any]) -> dict[str, Any]:
        """Those of the values that this form has a control for."""
        names = self.names()
        return {name: value for name, value in values.items() if name in names}

    def fitted(self, values: dict[str, Any]) -> Fitted:
        """Values that Gradio would take without refusing the form afterwards.

        Numbers outside their slider are moved to its end; what buttons do not offer is left out.
        """
        fitted, problems = dict(values), []
        for name, value in values.items():
            slider = getattr(self, name)
            if (
                isinstance(slider, gr.Radio)
                and isinstance(value, str)
                and not _offers(slider, value)
            ):
                del fitted[name]
                problems.append(MESSAGES["not_offered"].format(label=slider.label, value=value))
            if isinstance(slider, gr.Slider) and isinstance(value, int | float):
                used = min(max(value, slider.minimum), slider.maximum)
                if used != value:
                    fitted[name] = used
                    problems.append(_out_of_range(slider, value, used))
        return Fitted(fitted, problems)

    def pick(self, names: Iterable[str]) -> set[Any]:
        """Some of the controls, as an event's inputs or outputs."""
        return {getattr(self, name) for name in names}


def _offers(buttons: gr.Radio, value: str) -> bool:
    return any(value in choice for choice in buttons.choices)


def _out_of_range(slider: gr.Slider, value: float, used: float) -> str:
    return MESSAGES["out_of_range"].format(
        label=slider.label,
        value=value,
        lowest=slider.minimum,
        highest=slider.maximum,
        used=used,
    )
