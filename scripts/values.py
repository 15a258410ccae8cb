"""The text in an axis's value box, read: lists, quotes, ranges, steps, counts (behaviour 12.1).

What a value means to its axis is in `scripts.axes`.
"""

from __future__ import annotations

import csv
import io
import math
import re

import numpy as np

MAX_VALUES = 5000
"""Values of one axis; a longer list is a slip of the keyboard, and said before it is built."""

_WHOLE = r"[+-]?\d+"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})


class ValuesError(ValueError):
    """Values that cannot be read or used; the message is a sentence for the user."""


def _range_pattern(number: str) -> re.Pattern[str]:
    step = r"\(\s*(?P<step>[+-]\s*" + number.replace("[+-]?", "") + r")\s*\)"
    count = r"\[\s*(?P<count>\d+)\s*\]"
    return re.compile(
        rf"(?P<first>{number})\s*-\s*(?P<last>{number})\s*(?:{step}|{count})?", re.ASCII
    )


_INT_RANGE = _range_pattern(_WHOLE)
_FLOAT_RANGE = _range_pattern(_NUMBER)


def split_values(text: str) -> list[str]:
    """The comma-separated items of `text`, stripped; double quotes protect commas.

    Empty items stay: for texts they mean something, numbers skip them. Text without anything but
    spaces is an empty list. Raises ValuesError for a text that is no CSV.
    """
    if not text.strip():
        return []
    try:
        rows = list(csv.reader(io.StringIO(text), skipinitialspace=True, strict=False))
    except csv.Error as error:
        raise ValuesError(f"the list {text[:60]!r} cannot be read: {error}") from error
    return [item.strip() for row in rows for item in row]


def read_ints(text: str) -> list[int]:
    """Whole numbers: `7`, `1-5`, `1-5 (+2)`, `10-5 (-3)`, `1-10 [5]`, joined by commas.

    A range that runs against its step is empty, as in A1111. Raises ValuesError.
    """
    values: list[int] = []
    for item in split_values(text):
        if not item:
            continue
        found = _INT_RANGE.fullmatch(item)
        if found is None:
            values.append(_int(item))
        elif found["count"] is not None:
            line = np.linspace(int(found["first"]), int(found["last"]), _count(found["count"]))
            values += [int(value) for value in line]
        else:
            values += _int_range(item, int(found["first"]), int(found["last"]), found["step"])
        _check_length(len(values))
    return values


def read_floats(text: str) -> list[float]:
    """Numbers: `0.5`, `0-1`, `0.4-0.8 (+0.1)`, `0-1 [6]`, joined by commas.

    The last value of a range may lie beyond its end by less than a step, as in A1111. Values are
    rounded to 10 digits. Raises ValuesError.
    """
    values: list[float] = []
    for item in split_values(text):
        if not item:
            continue
        found = _FLOAT_RANGE.fullmatch(item)
        if found is None:
            line = [_float(item)]
        elif found["count"] is not None:
            ends = float(found["first"]), float(found["last"])
            line = np.linspace(*ends, _count(found["count"])).tolist()
        else:
            line = _float_range(item, float(found["first"]), float(found["last"]), found["step"])
        values += [round(float(value), 10) for value in line]
        _check_length(len(values))
    return values


def read_bool(text: str) -> bool:
    """Read true, yes, y, 1, on, or their opposites, in any letter case. Raises ValuesError."""
    word = text.strip().lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise ValuesError(f"{text!r} is neither True nor False")


def _int_range(item: str, first: int, last: int, written: str | None) -> list[int]:
    step = 1 if written is None else int(written.replace(" ", ""))
    _check_step(item, step)
    stop = last + (1 if step > 0 else -1)
    _check_length(max(0, (stop - first) // step))
    return list(range(first, stop, step))


def _float_range(item: str, first: float, last: float, written: str | None) -> list[float]:
    step = 1.0 if written is None else float(written.replace(" ", ""))
    _check_step(item, step)
    length = (last - first) / step
    if not math.isfinite(length):
        raise ValuesError(f"the range {item!r} has no end")
    _check_length(int(max(0.0, length)))
    # A tiny step back from the bound keeps 0.4-0.8 (+0.1) from reaching 0.9 by rounding alone.
    values = np.arange(first, last + step - step * 1e-9, step)
    return [float(value) for value in values]


def _check_step(item: str, step: float) -> None:
    if step == 0:
        raise ValuesError(f"the range {item!r} has a step of 0; write for example 1-5 (+2)")


def _check_length(length: int) -> None:
    if length > MAX_VALUES:
        raise ValuesError(
            f"{length} values on one axis are more than {MAX_VALUES}: use a larger step, or [n] "
            "for n values"
        )


def _count(text: str) -> int:
    count = int(text)
    _check_length(count)
    return count


def _int(item: str) -> int:
    try:
        return int(item)
    except ValueError:
        raise ValuesError(
            f"{item[:60]!r} is not a whole number; write 5, 1-5, 1-5 (+2) or 1-10 [5]"
        ) from None


def _float(item: str) -> float:
    try:
        value = float(item)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValuesError(
            f"{item[:60]!r} is not a number; write 0.5, 0-1, 0.4-0.8 (+0.1) or 0-1 [6]"
        )
    return value
