"""How JSON from clients is read: as kindly as pydantic 1 did, which A1111 used (api 2.9)."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def _whole(value: Any) -> Any:
    """20.5 and "20.5" are 20: JavaScript clients compute sizes with fractions."""
    value = _number(value)
    if isinstance(value, str):
        try:
            return int(value)
        except ValueError:
            value = _number(float(value))
    return int(value) if isinstance(value, float) else value


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, bool | int | float) else value


def _fraction(value: Any) -> Any:
    return _number(float(value)) if isinstance(value, str) else _number(value)


WireInt = Annotated[int, BeforeValidator(_whole)]
WireFloat = Annotated[float, BeforeValidator(_fraction)]
WireText = Annotated[str, BeforeValidator(_text)]


class WireModel(BaseModel):
    """A request body: unknown keys are ignored, null stands for the field's default."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_default(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None}
