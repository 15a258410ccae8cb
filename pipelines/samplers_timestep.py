"""Samplers of the variance-preserving world that run on whole timesteps (behaviour 6.4, 7.4).

`sample_x(eps_model, x, timesteps, *, alphas, noise, on_step, tuning) -> x`: `timesteps` ascend;
they are run from the last to the second, the first one only says where the picture ends.
`alphas` is the model's `alphas_cumprod` (T,) on the CPU; `x` (B,C,h,w) has unit variance. The
predicted x0 is what `on_step` gets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from .request import SamplerTuning
from .sampler_types import EpsModel, EpsPair, OnStep, StepInfo, StepNoise
from .samplers_k import at


def sample_ddim(
    eps_model: EpsModel,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas: Tensor,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Equation 12 of Song et al. (2021), "Denoising diffusion implicit models"."""
    count = len(timesteps) - 1
    for i in range(count):
        t, t_next = timesteps[count - i], timesteps[count - i - 1]
        alpha, alpha_next = float(alphas[t]), float(alphas[t_next])
        eps = eps_model(x, at(x, t))
        x0 = predicted_x0(x, eps.guided, alpha)
        on_step(StepInfo(i, count, vp_sigma(alpha), x0))
        x = _ddim_step(x0, eps, (alpha, alpha_next), noise, tuning.eta_ddim)
    return x


def predicted_x0(x: Tensor, eps: Tensor, alpha: float) -> Tensor:
    """Remove the predicted noise `eps` from `x`, both (B,C,h,w), at noise level `alpha`."""
    return (x - eps * math.sqrt(1 - alpha)) / math.sqrt(alpha)


def vp_sigma(alpha: float) -> float:
    """Return the k-diffusion sigma of a noise level given as cumulative alpha."""
    return math.sqrt((1 - alpha) / alpha)


def _ddim_step(
    x0: Tensor, eps: EpsPair, levels: tuple[float, float], noise: StepNoise, eta: float
) -> Tensor:
    """Go from alpha to alpha_next: x0, the direction back to x, and fresh noise if eta > 0."""
    alpha, alpha_next = levels
    variance = eta**2 * (1 - alpha_next) / (1 - alpha) * (1 - alpha / alpha_next)
    x = x0 * math.sqrt(alpha_next) + eps.guided * math.sqrt(1 - alpha_next - variance)
    return x + noise.next() * math.sqrt(variance) if eta > 0 else x
