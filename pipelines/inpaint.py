"""Latent masks while sampling: what is kept is taken from the init latent again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pipelines.request import SoftInpaint


class LatentBlend(Protocol):
    """How a mask acts on latents. `init` is (B, C, h, w), `repaint` (1, 1, h, w), 1 = repaint."""

    @property
    def init(self) -> Tensor:
        """What is kept."""

    @property
    def repaint(self) -> Tensor:
        """Where it may change."""

    def during(self, new: Tensor, level: Tensor) -> Tensor:
        """Blended latent within a step; `level` (B,) is its sigma or timestep."""

    def finished(self, new: Tensor) -> Tensor:
        """Blended latent after the last step."""


@dataclass(frozen=True)
class LatentMask:
    """The init latent and where it may change. Hard or soft, as the mask's values are.

    init (B, C, h, w); repaint (1, 1, h, w) in 0..1, 1 = repaint (A1111's nmask).
    """

    init: Tensor
    repaint: Tensor

    def blend(self, new: Tensor) -> Tensor:
        """Blended latent: new * repaint + init * (1 - repaint) (behaviour 5.2, 5.3)."""
        return new * self.repaint + self.init * (1.0 - self.repaint)

    def during(self, new: Tensor, level: Tensor) -> Tensor:
        """See LatentBlend: the same at every noise level."""
        return self.blend(new)

    def finished(self, new: Tensor) -> Tensor:
        """See LatentBlend (behaviour 5.3)."""
        return self.blend(new)


@dataclass(frozen=True)
class SoftLatentMask:
    """Soft inpainting: the more noise there is left, the less is held (behaviour 3.9)."""

    init: Tensor
    repaint: Tensor
    settings: SoftInpaint

    def during(self, new: Tensor, level: Tensor) -> Tensor:
        """See LatentBlend. The first picture's level counts for the whole batch.

        Between the two latents each cell's vector is turned by linear interpolation and has a
        length of its own, so that the transition loses no contrast.
        """
        settings = self.settings
        power = level[0].to(new) ** settings.schedule_bias * settings.preservation_strength
        share = self.repaint**power
        mixed = self.init + (new - self.init) * share
        boost = settings.transition_contrast_boost
        wide = share.double()
        wanted = (_length(self.init) ** boost * (1.0 - wide) + _length(new) ** boost * wide) ** (
            1.0 / boost
        )
        return (mixed * (wanted / (_length(mixed) + 1e-5))).to(new)

    def finished(self, new: Tensor) -> Tensor:
        """See LatentBlend: nothing is blended in afterwards (behaviour 3.9)."""
        return new


def with_latent_noise(init: Tensor, repaint: Tensor, noise: Tensor) -> Tensor:
    """Masked content "latent noise": init outside, pure noise inside (behaviour 4.2)."""
    return init * (1.0 - repaint) + noise * repaint


def with_latent_nothing(init: Tensor, repaint: Tensor) -> Tensor:
    """Masked content "latent nothing": init outside, zeros inside (behaviour 4)."""
    return init * (1.0 - repaint) + torch.zeros_like(init) * repaint


def _length(latents: Tensor) -> Tensor:
    """Length of each cell's vector over the channels, (B, 1, h, w) float64."""
    length: Tensor = torch.linalg.vector_norm(latents.double(), dim=1, keepdim=True)
    return length
