"""Samplers of the variance-preserving world: DDIM, DDIM CFG++, PLMS (behaviour 6.4, 7.4).

`sample_x(eps_model, x, timesteps, *, alphas, noise, on_step, tuning) -> x`: `timesteps` ascend;
they are run from the last to the second, the first one only says where the picture ends.
`alphas` is the model's `alphas_cumprod` (T,) on the CPU; `x` (B,C,h,w) has unit variance. The
predicted x0 is what `on_step` gets.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_types import EpsModel, OnStep, StepInfo, StepNoise
from pipelines.samplers_k import at

ADAMS_BASHFORTH = (
    (1.0,),
    (3 / 2, -1 / 2),
    (23 / 12, -16 / 12, 5 / 12),
    (55 / 24, -59 / 24, 37 / 24, -9 / 24),
)
"""Weights of the newest and older slopes, by the number of slopes known."""


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
    for i, (t, t_next) in enumerate(_descending(timesteps)):
        alpha, alpha_next = float(alphas[t]), float(alphas[t_next])
        eps = eps_model(x, at(x, t)).guided
        x0 = predicted_x0(x, eps, alpha)
        on_step(StepInfo(i, len(timesteps) - 1, vp_sigma(alpha), x0))
        x = _ddim_step(x0, eps, (alpha, alpha_next), noise, tuning.eta_ddim)
    return x


def sample_ddim_cfgpp(
    eps_model: EpsModel,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas: Tensor,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """DDIM that goes back along the unguided noise (Chung et al. 2024, "CFG++").

    The guided noise must have been made with `SamplerInfo.cfg_factor` times the CFG scale.
    """
    for i, (t, t_next) in enumerate(_descending(timesteps)):
        alpha, alpha_next = float(alphas[t]), float(alphas[t_next])
        eps = eps_model(x, at(x, t))
        x0 = predicted_x0(x, eps.guided, alpha)
        on_step(StepInfo(i, len(timesteps) - 1, vp_sigma(alpha), x0))
        x = _ddim_step(x0, eps.uncond, (alpha, alpha_next), noise, tuning.eta_ddim)
    return x


def sample_plms(
    eps_model: EpsModel,
    x: Tensor,
    timesteps: Sequence[int],
    *,
    alphas: Tensor,
    noise: StepNoise,
    on_step: OnStep,
    tuning: SamplerTuning,
) -> Tensor:
    """Pseudo linear multistep (Liu et al. 2022), with one model call more in the first step."""
    past: list[Tensor] = []  # predicted noise, newest first
    for i, (t, t_next) in enumerate(_descending(timesteps)):
        levels = (float(alphas[t]), float(alphas[t_next]))
        eps = eps_model(x, at(x, t)).guided
        on_step(
            StepInfo(i, len(timesteps) - 1, vp_sigma(levels[0]), predicted_x0(x, eps, levels[0]))
        )
        past = [eps, *past[: len(ADAMS_BASHFORTH) - 1]]
        if i == 0:
            x_euler = _ddim_step(predicted_x0(x, eps, levels[0]), eps, levels, noise, 0.0)
            mixed = (eps + eps_model(x_euler, at(x, t_next)).guided) / 2
        else:
            weights = ADAMS_BASHFORTH[len(past) - 1]
            mixed = eps * weights[0]
            for weight, older in zip(weights[1:], past[1:], strict=True):
                mixed = mixed + older * weight
        x = _ddim_step(predicted_x0(x, mixed, levels[0]), mixed, levels, noise, 0.0)
    return x


def predicted_x0(x: Tensor, eps: Tensor, alpha: float) -> Tensor:
    """Remove the predicted noise `eps` from `x`, both (B,C,h,w), at noise level `alpha`."""
    return (x - eps * math.sqrt(1 - alpha)) / math.sqrt(alpha)


def vp_sigma(alpha: float) -> float:
    """Return the k-diffusion sigma of a noise level given as cumulative alpha."""
    return math.sqrt((1 - alpha) / alpha)


def _descending(timesteps: Sequence[int]) -> Iterable[tuple[int, int]]:
    """Return (t, next lower t) of all steps."""
    return pairwise(timesteps[::-1])


def _ddim_step(
    x0: Tensor, eps: Tensor, levels: tuple[float, float], noise: StepNoise, eta: float
) -> Tensor:
    """Go from alpha to alpha_next: x0, the direction `eps` back to x, fresh noise if eta > 0."""
    alpha, alpha_next = levels
    variance = eta**2 * (1 - alpha_next) / (1 - alpha) * (1 - alpha / alpha_next)
    x = x0 * math.sqrt(alpha_next) + eps * math.sqrt(1 - alpha_next - variance)
    return x + noise.next() * math.sqrt(variance) if eta > 0 else x
