"""What one A1111 setting is: key, default, range, and what becomes of its value here; no storage.

The settings themselves are in `jobs/option_table.py`, their values in `jobs/options.py`.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

OptionValue = bool | int | float | str | tuple[str, ...]
"""The type of a setting is the type of its default."""

_YES = frozenset({"true", "t", "yes", "y", "on", "1"})
_NO = frozenset({"false", "f", "no", "n", "off", "0"})


class OptionError(ValueError):
    """A setting was given a value it cannot have; the message is a sentence for the user."""


class Guard(StrEnum):
    """Who may change a setting."""

    OPEN = "open"
    """Page and API."""
    FILE = "file"
    """Only the settings file: it names files or guards the network (api 3.4, 5)."""
    DERIVED = "derived"
    """Nobody: it follows from something else."""


@dataclass(frozen=True)
class Option:
    """One setting. `lowest` and `highest` are inclusive, None is no limit.

    `choices` (in any letter case) or `pattern` (a regular expression for all of it) limit a text.
    `target` is the field of Img2ImgRequest that the value becomes, as a dotted path. `honoured` is
    for settings that act elsewhere: on the page, in the API. `instead` is for settings that have no
    meaning here for good: what is so in their place. `infotext` is the key under which the infotext
    mentions it.
    """

    key: str
    default: OptionValue
    text: str
    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    target: str | None = None
    infotext: str | None = None
    honoured: bool = False
    restart: bool = False
    """True: read when the server starts."""
    instead: str = ""
    """For what makes no sense here: what is so whatever its value is, as a sentence."""
    example: str = ""
    """A text that `pattern` allows, where the default says too little."""
    guard: Guard = Guard.OPEN
    section: str = ""

    @property
    def takes_effect(self) -> bool:
        """Whether another value than the default changes anything."""
        return self.honoured or self.target is not None

    @property
    def kind(self) -> str:
        """The type as people say it."""
        names = {bool: "yes or no", int: "whole number", float: "number", str: "text"}
        return names.get(type(self.default), "list of texts")

    def coerce(self, value: Any) -> OptionValue:
        """The value in this setting's type, read as kindly as A1111 does (api 2.9).

        None stands for the default. Raises OptionError for what cannot be read, is out of range or
        is no choice.
        """
        if value is None:
            return self.default
        try:
            read = self._read(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise self._error(value, f"it must be a {self.kind}") from error
        if isinstance(read, str):
            return self._check_text(read)
        if isinstance(read, int | float) and not isinstance(read, bool):
            self._check_range(read)
        return read

    def remark(self, value: OptionValue) -> str | None:
        """A sentence when the value asks for something that is not done, else None."""
        if self.takes_effect or value == self.default:
            return None
        return f"the setting {self.key} has no effect: {self.instead}"

    def _read(self, value: Any) -> OptionValue:
        if isinstance(self.default, bool):
            return _boolean(value)
        if isinstance(self.default, int):
            return _integer(value)
        if isinstance(self.default, float):
            return _finite(float(value))
        if isinstance(self.default, str):
            return _text(value)
        if not isinstance(value, list | tuple):
            raise TypeError("no list")
        return tuple(_text(item) for item in value)

    def _check_text(self, text: str) -> str:
        if self.pattern and not re.fullmatch(self.pattern, text):
            raise self._error(text, f"it must look like {self.example or self.default}")
        if not self.choices:
            return text
        for choice in self.choices:
            if choice.lower() == text.lower():
                return choice
        raise self._error(text, f"it must be one of {', '.join(self.choices)}")

    def _check_range(self, value: float) -> None:
        low, high = self.lowest, self.highest
        if (low is not None and value < low) or (high is not None and value > high):
            bounds = " and ".join(
                text
                for text in (
                    None if low is None else f"at least {low:g}",
                    None if high is None else f"at most {high:g}",
                )
                if text
            )
            raise self._error(value, f"it must be {bounds}")

    def _error(self, value: Any, rule: str) -> OptionError:
        return OptionError(f"the setting {self.key} cannot be {str(value)!r:.60}: {rule}")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in _YES | _NO:
        return value.strip().lower() in _YES
    raise ValueError("no boolean")


def _integer(value: Any) -> int:
    """Whole numbers; fractions are cut off, as pydantic 1 did (api 2.9)."""
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = float(value)
    return int(_finite(float(value))) if isinstance(value, float) else int(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    raise TypeError("no text")
