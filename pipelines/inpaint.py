"""Latent masks while sampling: what is kept is taken from the init latent again and again."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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


def with_latent_noise(init: Tensor, repaint: Tensor, noise: Tensor) -> Tensor:
    """Masked content "latent noise": init outside, pure noise inside (behaviour 4.2)."""
    return init * (1.0 - repaint) + noise * repaint


def with_latent_nothing(init: Tensor, repaint: Tensor) -> Tensor:
    """Masked content "latent nothing": init outside, zeros inside (behaviour 4)."""
    return init * (1.0 - repaint) + torch.zeros_like(init) * repaint
