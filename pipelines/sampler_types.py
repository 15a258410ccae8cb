"""What samplers, the denoise loop and noise sources say to each other: types only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

Model = Callable[[Tensor, Tensor], Tensor]
"""`model(x (B,C,h,w), sigma (B,)) -> denoised (B,C,h,w)`, guidance and masks already applied."""


class EpsPair(NamedTuple):
    """Predicted noise (B,C,h,w): with guidance, and of the negative prompt alone."""

    guided: Tensor
    uncond: Tensor


EpsModel = Callable[[Tensor, Tensor], EpsPair]
"""`eps_model(x (B,C,h,w) in VP scale, t (B,) float timesteps in 0..999) -> EpsPair`."""


@dataclass(frozen=True)
class StepInfo:
    """One step as reported to the user: `index` counts from 0, `denoised` is the predicted x0.

    `index + 1` of `count` is the progress. DPM adaptive reports per cent, as it cannot know
    its number of steps.
    """

    index: int
    count: int
    sigma: float
    denoised: Tensor


OnStep = Callable[[StepInfo], None]
"""Called once per step after the model's (first) prediction; may raise to interrupt."""


class StepNoise(Protocol):
    """Noise for samplers that take fresh draws."""

    def next(self) -> Tensor:
        """Draw standard normal noise (B,C,h,w), independent of all earlier draws."""
        ...


class PathNoise(Protocol):
    """Noise for SDE samplers: a Brownian path over sigma."""

    def between(self, sigma: float, sigma_next: float) -> Tensor:
        """Return the path's unit-variance increment (B,C,h,w) between two sigmas."""
        ...
