"""The settings of soft inpainting, a part of every request that uses it (behaviour 3.9)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipelines.frozen import Frozen


class SoftInpaint(Frozen):
    """Soft inpainting: the mask blends by noise level, the overlay by what changed (3.9)."""

    schedule_bias: Annotated[float, Field(ge=0.0, le=8.0)] = 1.0
    preservation_strength: Annotated[float, Field(ge=0.0, le=8.0)] = 0.5
    transition_contrast_boost: Annotated[float, Field(ge=1.0, le=32.0)] = 4.0
    mask_influence: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    difference_threshold: Annotated[float, Field(ge=0.0, le=8.0)] = 0.5
    difference_contrast: Annotated[float, Field(ge=0.0, le=8.0)] = 2.0
