"""What an axis of the plot is: a name, how its values are read, and what a value does to a request.

The table of all axes is in `scripts.axes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from math import factorial
from typing import Any, Literal, Protocol

from pydantic import ValidationError

from pipelines.geometry import Extent
from pipelines.infotext import format_value
from pipelines.request import Img2ImgRequest, PictureRef
from pipelines.styles import Style
from scripts.values import MAX_VALUES, ValuesError, read_floats, read_ints, split_values

Value = int | float | str | tuple[str, ...]
"""One place on an axis. A tuple is one order of tokens, or (search text, replacement)."""

Tab = Literal["img2img", "txt2img"]


class CheckpointFinder(Protocol):
    """What the plot asks of the catalog."""

    def find(self, alias: str) -> Any:
        """The checkpoint of this name (with `.name`, `.title`, `.model_name`), or None."""


@dataclass(frozen=True)
class AxisContext:
    """What values may name: checkpoints and other files, styles, and pictures by name."""

    checkpoints: tuple[str, ...] = ()
    """Names, in the order of the page."""
    finder: CheckpointFinder | None = None
    styles: tuple[Style, ...] = ()
    pictures: Mapping[str, PictureRef] = field(default_factory=dict)
    vaes: tuple[str, ...] = ()
    """Names of VAE files."""
    upscalers: tuple[str, ...] = ()
    """Names of upscaler files; the built-in ones are not among them."""
    size_of: Callable[[PictureRef], Extent] | None = None
    """Measures a picture; without it sizes are not checked before the cells run."""
    grid_pixels: int = 200_000_000
    """The largest grid picture (`img_max_size_mp`); larger plots are shown in tiles."""


Apply = Callable[[Img2ImgRequest, Value, AxisContext], Img2ImgRequest]
Choices = Callable[[AxisContext], tuple[str, ...]]
Check = Callable[[Value, AxisContext], Value]


@dataclass(frozen=True)
class Axis:
    """One type of axis.

    `read` says how the text of the values is understood. `choices` lists the values of the
    drop-down, None where anything may be typed. `check` replaces a value by its proper spelling or
    raises ValuesError. Axes of higher `cost` change less often (behaviour 12.1). `bare` shows the
    value without the label in front of it. `own` are those that A1111 does not have.
    """

    label: str
    read: Literal["nothing", "int", "float", "str", "replace", "order"]
    apply: Apply
    choices: Choices | None = None
    check: Check | None = None
    cost: float = 0.0
    bare: bool = False
    tabs: tuple[Tab, ...] = ("img2img", "txt2img")
    needs_mask: bool = False
    needs_hires: bool = False
    fixes_seeds: bool = False
    own: bool = False

    def values(self, text: str, context: AxisContext) -> tuple[Value, ...]:
        """Read and check the values of this axis. Raises ValuesError naming the axis."""
        try:
            found = self._read(text)
            if self.check is not None:
                found = tuple(self.check(value, context) for value in found)
        except ValuesError as error:
            raise ValuesError(f"{self.label}: {error}") from error
        if not found:
            raise ValuesError(
                f"{self.label}: there are no values"
                + (f" in {text[:60]!r}; a range runs upwards, as 1-5" if text.strip() else "")
            )
        return found

    def value_text(self, value: Value) -> str:
        """The value as legend and infotext show it (floats to 8 digits)."""
        if isinstance(value, tuple):
            return value[1] if self.read == "replace" else ", ".join(value)
        if isinstance(value, float):
            return format_value(round(value, 8))
        return str(value)

    def legend(self, value: Value) -> str:
        """The line beside or above the cells."""
        if self.read == "nothing":
            return ""
        text = self.value_text(value)
        return text if self.bare else f"{self.label}: {text}"

    def _read(self, text: str) -> tuple[Value, ...]:
        if self.read == "nothing":
            return (0,)
        if self.read == "int":
            return tuple(read_ints(text))
        if self.read == "float":
            return tuple(read_floats(text))
        items = split_values(text)
        if len(items) > MAX_VALUES:
            raise ValuesError(f"{len(items)} values on one axis are more than {MAX_VALUES}")
        if self.read == "replace":
            return tuple((items[0], item) for item in items)
        if self.read == "order":
            if items and factorial(min(len(items), 20)) > MAX_VALUES:
                raise ValuesError(f"{len(items)} words have too many orders; use 6 at most")
            return tuple(permutations(items)) if items else ()
        return tuple(item for item in items if item)


def with_fields(request: Img2ImgRequest, fields: Mapping[str, Any]) -> Img2ImgRequest:
    """The request with other values in these fields (`sampling.steps`), checked again.

    Raises ValuesError, in a sentence, for values that a request cannot have.
    """
    values = request.model_dump()
    for path, value in fields.items():
        *parents, name = path.split(".")
        place = values
        for parent in parents:
            place = place[parent]
        place[name] = value
    try:
        return Img2ImgRequest.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the request"
        said = first["msg"].removeprefix("Value error, ")
        given = f" {first['input']!r}" if first["loc"] else ""
        raise ValuesError(f"{name}{given:.80}: {said}") from error
