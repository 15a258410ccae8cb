"""The noise schedule of a checkpoint as alphas_cumprod (behaviour 0.2, 7.3). numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

ZERO_SNR_LAST = 4.8973451890853435e-08
"""What the last alpha becomes instead of an impossible 0 (behaviour 7.3)."""


@dataclass(frozen=True, slots=True)
class NoiseSchedule:
    """How a network was trained: betas from `beta_start` to `beta_end` over `timesteps` steps."""

    beta_start: float = 0.00085
    beta_end: float = 0.012
    timesteps: int = 1000
    spacing: Literal["scaled_linear", "linear"] = "scaled_linear"
    zero_terminal_snr: bool = False

    def alphas_cumprod(self) -> npt.NDArray[np.float32]:
        """Cumulative alphas, float32 [timesteps], falling; computed in float64 as LDM does."""
        if self.spacing == "scaled_linear":
            betas = np.linspace(self.beta_start**0.5, self.beta_end**0.5, self.timesteps) ** 2
        else:
            betas = np.linspace(self.beta_start, self.beta_end, self.timesteps)
        alphas: npt.NDArray[np.float64] = np.cumprod(1.0 - betas, dtype=np.float64)
        if self.zero_terminal_snr:
            alphas = _zero_terminal_snr(alphas)
        return alphas.astype(np.float32)


def _zero_terminal_snr(alphas: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Shift the square roots so that the last is 0 and rescale to keep the first (7.3)."""
    roots = np.sqrt(alphas)
    shifted = (roots - roots[-1]) * (roots[0] / (roots[0] - roots[-1]))
    result = shifted**2
    result[-1] = ZERO_SNR_LAST
    return np.asarray(result)
