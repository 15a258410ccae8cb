"""The published sampler formulas in float64 numpy, written apart from the code under test.

Each `reference_x(model, x, sigmas, ...)` takes `model(x, sigma) -> denoised` and numpy arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Denoiser = Callable[[Array, float], Array]

_BETAS = np.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000) ** 2
ALPHAS: Array = np.cumprod(1 - _BETAS).astype(np.float32).astype(np.float64)
SIGMAS: Array = np.sqrt((1 - ALPHAS) / ALPHAS)


def toy_eps(z: Array, t: float | Array) -> Array:
    """Predict smooth make-believe noise from a unit-variance state and a (fractional) timestep."""
    return np.asarray(0.9 * z + 0.3 * np.tanh(2 * z + t / 500) - 0.1 * np.sin(t / 90))


def toy_uncond(z: Array, t: float | Array) -> Array:
    """Predict another noise, for samplers that look at the negative prompt's alone."""
    return np.asarray(0.8 * z + 0.2 * np.sin(z + t / 300))


def toy_denoiser(x: Array, sigma: float) -> Array:
    """Wrap `toy_eps` as the k-diffusion contract demands."""
    t = float(np.interp(math.log(sigma), np.log(SIGMAS), np.arange(1000.0)))
    return x - sigma * toy_eps(x / math.sqrt(sigma**2 + 1), t)


def split(sigma: float, sigma_next: float, eta: float = 1.0) -> tuple[float, float]:
    """Return (sigma_down, sigma_up) of an ancestral step."""
    up = min(sigma_next, eta * math.sqrt(sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2))
    return math.sqrt(sigma_next**2 - up**2), up


def reference_euler(
    model: Denoiser,
    x: Array,
    sigmas: Array,
    draws: Iterator[Array],
    *,
    churn: tuple[float, float, float, float] = (0.0, 0.0, math.inf, 1.0),
) -> Array:
    s_churn, low, high, s_noise = churn
    n = len(sigmas) - 1
    for i in range(n):
        eps = next(draws)
        gamma = min(s_churn / n, math.sqrt(2) - 1) if low <= sigmas[i] <= high else 0.0
        hat = sigmas[i] * (1 + gamma)
        x = x + eps * s_noise * math.sqrt(max(hat**2 - sigmas[i] ** 2, 0.0))
        d = (x - model(x, hat)) / hat
        x = x + d * (sigmas[i + 1] - hat)
    return x


def reference_euler_ancestral(
    model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array], *, eta: float = 1.0
) -> Array:
    for i in range(len(sigmas) - 1):
        d = (x - model(x, sigmas[i])) / sigmas[i]
        if sigmas[i + 1] == 0:
            return model(x, sigmas[i])
        down, up = split(sigmas[i], sigmas[i + 1], eta)
        x = x + d * (down - sigmas[i]) + next(draws) * up
    return x


def reference_dpmpp_2m(model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array]) -> Array:
    old = None
    for i in range(len(sigmas) - 1):
        d = model(x, sigmas[i])
        if sigmas[i + 1] == 0:
            return d
        h = math.log(sigmas[i]) - math.log(sigmas[i + 1])
        mixed = d
        if old is not None:
            r = (math.log(sigmas[i - 1]) - math.log(sigmas[i])) / h
            mixed = (1 + 1 / (2 * r)) * d - 1 / (2 * r) * old
        x = sigmas[i + 1] / sigmas[i] * x - math.expm1(-h) * mixed
        old = d
    return x


def reference_ddim(
    x: Array,
    timesteps: list[int],
    draws: Iterator[Array],
    *,
    eta: float = 0.0,
    cfg_pp: bool = False,
) -> Array:
    """Run ascending `timesteps` from the last to the second; the first is where it ends."""
    for i in range(len(timesteps) - 1, 0, -1):
        a, p = ALPHAS[timesteps[i]], ALPHAS[timesteps[i - 1]]
        e = toy_eps(x, float(timesteps[i]))
        x0 = (x - math.sqrt(1 - a) * e) / math.sqrt(a)
        s = eta * math.sqrt((1 - p) / (1 - a) * (1 - a / p))
        direction = toy_uncond(x, float(timesteps[i])) if cfg_pp else e
        x = math.sqrt(p) * x0 + math.sqrt(1 - p - s**2) * direction + s * next(draws)
    return x
