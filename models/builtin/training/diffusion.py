"""The noise schedule, the loss of the denoiser, and its validation. SD 1.x's training problem."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 1000
_OFFSET = 0.1
"""Noise with a mean of its own per channel, so that flat bright and dark pictures are learnt."""
_X0_WEIGHT = 0.2
_SNR_LIMIT = 5.0

Denoise = Callable[[Tensor, Tensor], Tensor]
"""Noisy latents [b, 4, h, w] and timesteps [b] -> predicted noise."""


def alphas_cumprod() -> Tensor:
    """float32 [1000] of the schedule `scaled_linear`, 0.00085 to 0.012."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, STEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, 0).float()


def noise_loss(denoise: Denoise, latents: Tensor, generator: torch.Generator) -> Tensor:
    """Weighted error of the predicted noise at stratified random times.

    The weight min(SNR, 5) / SNR (Hang et al. 2023) is raised by 0.2 / SNR, which at high noise
    counts the error of the picture itself.
    """
    count, device = len(latents), latents.device
    share = torch.rand(count, generator=generator, device=device)
    times = ((torch.arange(count, device=device) + share) / count * STEPS).long()
    times = times.clamp(0, STEPS - 1)
    noise = torch.randn(latents.shape, generator=generator, device=device)
    shift = torch.randn(*latents.shape[:2], 1, 1, generator=generator, device=device)
    noise = noise + _OFFSET * shift
    kept = alphas_cumprod().to(device)[times]
    found = denoise(noisy(latents, noise, kept), times).float()
    ratio = kept / (1 - kept)
    weight = (ratio.clamp(max=_SNR_LIMIT) + _X0_WEIGHT) / ratio
    error: Tensor = ((found - noise) ** 2).mean((1, 2, 3)) * weight
    return error.mean()


def noisy(latents: Tensor, noise: Tensor, kept: Tensor) -> Tensor:
    """Latents with noise at the cumulated alphas `kept` [b]."""
    signal, spread = (value.view(-1, 1, 1, 1).sqrt() for value in (kept, 1 - kept))
    return signal * latents + spread * noise


@torch.no_grad()
def picture_error(denoise: Denoise, latents: Tensor, time: int, seed: int = 7) -> float:
    """Mean squared error of the picture that is predicted at one time, on fixed noise."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(latents.shape, generator=generator).to(latents.device)
    times = torch.full((len(latents),), time, device=latents.device)
    kept = alphas_cumprod().to(latents.device)[times]
    mixed = noisy(latents, noise, kept)
    spread, signal = ((1 - kept).sqrt().view(-1, 1, 1, 1), kept.sqrt().view(-1, 1, 1, 1))
    found = (mixed - spread * denoise(mixed, times).float()) / signal
    return float(((found - latents) ** 2).mean())
