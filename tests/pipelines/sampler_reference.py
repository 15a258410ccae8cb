"""The published sampler formulas in float64 numpy, written apart from the code under test.

Each `reference_x(model, x, sigmas, ...)` takes `model(x, sigma) -> denoised` and numpy arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy.integrate import quad

Array = npt.NDArray[np.float64]
Denoiser = Callable[[Array, float], Array]
Between = Callable[[float, float], Array]
Eps = Callable[[Array, float], Array]

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


def reference_heun(model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array]) -> Array:
    for i in range(len(sigmas) - 1):
        d = (x - model(x, sigmas[i])) / sigmas[i]
        dt = sigmas[i + 1] - sigmas[i]
        if sigmas[i + 1] == 0:
            return model(x, sigmas[i])
        x2 = x + d * dt
        d2 = (x2 - model(x2, sigmas[i + 1])) / sigmas[i + 1]
        x = x + (d + d2) / 2 * dt
    return x


def reference_lms(model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array]) -> Array:
    slopes: list[Array] = []
    for i in range(len(sigmas) - 1):
        slopes.append((x - model(x, sigmas[i])) / sigmas[i])
        used = range(max(0, i - 3), i + 1)
        change = np.zeros_like(x)
        for j in used:

            def basis(tau: float, j: int = j, used: range = used) -> float:
                ratios = [(tau - sigmas[k]) / (sigmas[j] - sigmas[k]) for k in used if k != j]
                return float(np.prod(ratios))

            change += slopes[j] * quad(basis, sigmas[i], sigmas[i + 1], epsrel=1e-10)[0]
        x = x + change
    return x


def reference_dpm_2(
    model: Denoiser,
    x: Array,
    sigmas: Array,
    draws: Iterator[Array],
    *,
    ancestral: bool = False,
) -> Array:
    for i in range(len(sigmas) - 1):
        sigma, target = sigmas[i], sigmas[i + 1]
        d = (x - model(x, sigma)) / sigma
        if target == 0:
            return model(x, sigma)
        down, up = split(sigma, target) if ancestral else (target, 0.0)
        middle = math.exp((math.log(sigma) + math.log(down)) / 2)
        x2 = x + d * (middle - sigma)
        x = x + (x2 - model(x2, middle)) / middle * (down - sigma)
        if ancestral:
            x = x + next(draws) * up
    return x


def reference_dpmpp_2s_ancestral(
    model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array]
) -> Array:
    for i in range(len(sigmas) - 1):
        d = model(x, sigmas[i])
        if sigmas[i + 1] == 0:
            return d
        down, up = split(sigmas[i], sigmas[i + 1])
        t, t_next = -math.log(sigmas[i]), -math.log(down)
        h = t_next - t
        s = t + h / 2
        x2 = math.exp(-s) / sigmas[i] * x - math.expm1(-h / 2) * d
        x = down / sigmas[i] * x - math.expm1(-h) * model(x2, math.exp(-s))
        x = x + next(draws) * up
    return x


def reference_restart(model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array]) -> Array:
    """Follow an explicit list of levels, Heun steps down and noise up."""
    for i in range(len(sigmas) - 1):
        if sigmas[i + 1] > sigmas[i]:
            x = x + next(draws) * math.sqrt(sigmas[i + 1] ** 2 - sigmas[i] ** 2)
        else:
            x = reference_heun(model, x, sigmas[i : i + 2], draws)
    return x


def reference_dpmpp_sde(model: Denoiser, x: Array, sigmas: Array, between: Between) -> Array:
    for i in range(len(sigmas) - 1):
        sigma, target = sigmas[i], sigmas[i + 1]
        d = model(x, sigma)
        if target == 0:
            return d
        middle = math.exp((math.log(sigma) + math.log(target)) / 2)
        down, up = split(sigma, middle)
        t, t_down = -math.log(sigma), -math.log(down)
        x2 = down / sigma * x - math.expm1(t - t_down) * d + between(sigma, middle) * up
        d2 = model(x2, middle)
        down, up = split(sigma, target)
        t_down = -math.log(down)
        x = down / sigma * x - math.expm1(t - t_down) * d2 + between(sigma, target) * up
    return x


def reference_dpmpp_2m_sde(
    model: Denoiser,
    x: Array,
    sigmas: Array,
    between: Between,
    *,
    eta: float = 1.0,
    heun: bool = False,
) -> Array:
    old, h_last = None, 0.0
    for i in range(len(sigmas) - 1):
        d = model(x, sigmas[i])
        if sigmas[i + 1] == 0:
            return d
        h = math.log(sigmas[i]) - math.log(sigmas[i + 1])
        eta_h = eta * h
        gain = 1 - math.exp(-h - eta_h)
        x = sigmas[i + 1] / sigmas[i] * math.exp(-eta_h) * x + gain * d
        if old is not None:
            r = h_last / h
            factor = gain / (-h - eta_h) + 1 if heun else 0.5 * gain
            x = x + factor * (d - old) / r
        noise_scale = sigmas[i + 1] * math.sqrt(1 - math.exp(-2 * eta_h))
        x = x + between(sigmas[i], sigmas[i + 1]) * noise_scale
        old, h_last = d, h
    return x


def reference_dpmpp_3m_sde(
    model: Denoiser, x: Array, sigmas: Array, between: Between, *, eta: float = 1.0
) -> Array:
    known: list[tuple[Array, float]] = []
    for i in range(len(sigmas) - 1):
        d = model(x, sigmas[i])
        if sigmas[i + 1] == 0:
            return d
        h = math.log(sigmas[i]) - math.log(sigmas[i + 1])
        he = h * (eta + 1)
        x = math.exp(-he) * x + (1 - math.exp(-he)) * d
        phi2 = math.expm1(-he) / he + 1
        if len(known) == 1:
            x = x + phi2 * (d - known[0][0]) / (known[0][1] / h)
        elif known:
            (d1_, h1), (d2_, h2) = known[-1], known[-2]
            r0, r1 = h1 / h, h2 / h
            d10, d11 = (d - d1_) / r0, (d1_ - d2_) / r1
            first = d10 + (d10 - d11) * r0 / (r0 + r1)
            second = (d10 - d11) / (r0 + r1)
            x = x + phi2 * first - (phi2 / he - 0.5) * second
        noise_scale = sigmas[i + 1] * math.sqrt(1 - math.exp(-2 * h * eta))
        x = x + between(sigmas[i], sigmas[i + 1]) * noise_scale
        known.append((d, h))
    return x


def reference_lcm(
    model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array], *, timesteps: list[float]
) -> Array:
    for i, t in enumerate(timesteps):
        skip, out = 0.25 / ((10 * t) ** 2 + 0.25), 10 * t / math.sqrt((10 * t) ** 2 + 0.25)
        x = out * model(x, sigmas[i]) + skip * x
        if sigmas[i + 1] > 0:
            x = x + sigmas[i + 1] * next(draws)
    return x


def reference_ddim(
    x: Array,
    timesteps: list[int],
    draws: Iterator[Array],
    *,
    eta: float = 0.0,
    cfg_pp: bool = False,
    eps: Eps = toy_eps,
    uncond: Eps = toy_uncond,
) -> Array:
    """Run ascending `timesteps` from the last to the second; the first is where it ends."""
    for i in range(len(timesteps) - 1, 0, -1):
        a, p = ALPHAS[timesteps[i]], ALPHAS[timesteps[i - 1]]
        e = eps(x, float(timesteps[i]))
        x0 = (x - math.sqrt(1 - a) * e) / math.sqrt(a)
        s = eta * math.sqrt((1 - p) / (1 - a) * (1 - a / p))
        direction = uncond(x, float(timesteps[i])) if cfg_pp else e
        x = math.sqrt(p) * x0 + math.sqrt(1 - p - s**2) * direction + s * next(draws)
    return x


def reference_plms(x: Array, timesteps: list[int], *, eps: Eps = toy_eps) -> Array:
    def moved(x: Array, e: Array, i: int) -> Array:
        a, p = ALPHAS[timesteps[i]], ALPHAS[timesteps[i - 1]]
        x0 = (x - math.sqrt(1 - a) * e) / math.sqrt(a)
        return np.asarray(math.sqrt(p) * x0 + math.sqrt(1 - p) * e)

    es: list[Array] = []
    for i in range(len(timesteps) - 1, 0, -1):
        es.append(eps(x, float(timesteps[i])))
        if len(es) == 1:
            after = eps(moved(x, es[0], i), float(timesteps[i - 1]))
            mixed = (es[0] + after) / 2
        elif len(es) == 2:
            mixed = (3 * es[-1] - es[-2]) / 2
        elif len(es) == 3:
            mixed = (23 * es[-1] - 16 * es[-2] + 5 * es[-3]) / 12
        else:
            mixed = (55 * es[-1] - 59 * es[-2] + 37 * es[-3] - 9 * es[-4]) / 24
        x = moved(x, mixed, i)
    return x
