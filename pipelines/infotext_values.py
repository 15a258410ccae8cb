"""Reading single values of an infotext: numbers, switches and choices, within a field's range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from pipelines.infotext import format_value
from pipelines.request import Frozen

_T = TypeVar("_T")

_LONGEST_NUMBER = 64
_SHOWN = 40
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


@dataclass
class ValueReader:
    """Takes values out of the parameters; notes which keys were used and what was wrong.

    Every method returns `current` when the key is missing or its value cannot be used; the latter
    is said in `problems`, as is a number that had to be moved into its range.
    """

    params: Mapping[str, str]
    used: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def text(self, key: str) -> str | None:
        """The raw value, counted as used; None when the key is missing."""
        self.used.add(key)
        return self.params.get(key)

    def value(self, key: str, model: type[Frozen], name: str, current: Any) -> Any:
        """The value for a field of a model, by the type of `current`."""
        if isinstance(current, bool):
            return self.switch(key, current)
        if isinstance(current, StrEnum):
            return self.choice(key, {one.value: one for one in type(current)}, current)
        if isinstance(current, int | float):
            return self.number(key, model, name, current)
        text = self.text(key)
        return current if text is None else text

    def number(self, key: str, model: type[Frozen], name: str, current: float) -> float | int:
        """A number within the field's range; whole where `current` is whole."""
        text = self.text(key)
        if text is None:
            return current
        number = _number(text, whole=isinstance(current, int))
        if number is None:
            kind = "no whole number" if isinstance(current, int) else "no number"
            self._refuse(key, text, kind, current)
            return current
        return self._in_range(key, number, model, name)

    def switch(self, key: str, current: bool) -> bool:
        """True or False."""
        text = self.text(key)
        if text is None:
            return current
        lower = text.strip().lower()
        if lower not in _TRUE | _FALSE:
            self._refuse(key, text, "neither True nor False", current)
            return current
        return lower in _TRUE

    def choice(self, key: str, labels: Mapping[str, _T], current: _T) -> _T:
        """The value with that label, in any letter case."""
        text = self.text(key)
        if text is None:
            return current
        by_label = {label.lower(): value for label, value in labels.items()}
        wanted = text.strip().lower()
        if wanted not in by_label:
            shown = next((label for label, value in labels.items() if value == current), "")
            self._refuse(key, text, f"none of {', '.join(labels)}", shown)
            return current
        return by_label[wanted]

    def _refuse(self, key: str, text: str, reason: str, kept: Any) -> None:
        self.problems.append(f"{key}: {text[:_SHOWN]!r} is {reason}; {format_value(kept)} is kept.")

    def _in_range(
        self, key: str, number: float | int, model: type[Frozen], name: str
    ) -> float | int:
        low, high = field_range(model, name)
        if low is not None and number < low:
            self._moved(key, number, "less", low)
            return type(number)(low)
        if high is not None and number > high:
            self._moved(key, number, "more", high)
            return type(number)(high)
        return number

    def _moved(self, key: str, number: float | int, relation: str, limit: float) -> None:
        shown, bound = str(number)[:_SHOWN], format_value(limit)
        self.problems.append(f"{key}: {shown} is {relation} than {bound}; {bound} is used.")


def field_range(model: type[Frozen], name: str) -> tuple[Any, Any]:
    """Smallest and largest value of a field; None where it has no such limit.

    An open limit (gt, lt) of a whole number is closed by one, of a fraction by a millionth.
    """
    low = high = None
    info = model.model_fields[name]
    step = 1 if info.annotation is int else 1e-6
    for rule in info.metadata:
        if (at_least := getattr(rule, "ge", None)) is not None:
            low = at_least
        if (above := getattr(rule, "gt", None)) is not None:
            low = above + step
        if (at_most := getattr(rule, "le", None)) is not None:
            high = at_most
        if (below := getattr(rule, "lt", None)) is not None:
            high = below - step
    return low, high


def _number(text: str, *, whole: bool) -> float | int | None:
    """None for what is no finite number, or no whole one where that is asked for."""
    text = text.strip()
    if len(text) > _LONGEST_NUMBER:
        return None
    try:
        if whole and text.lstrip("+-").isdecimal():
            return int(text)
        number = float(text)
    except ValueError:
        return None
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return None
    return int(number) if whole else number
