"""DPM-Solver and UniPC in float64 numpy, written apart from the code under test."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from .sampler_reference import ALPHAS, Array, Denoiser, Eps, split, toy_eps

LOG_ALPHAS: Array = 0.5 * np.log(ALPHAS)


def solver_step(model: Denoiser, x: Array, s: float, t: float, order: int, r1: float) -> Array:
    """Make one DPM-Solver step of order 1, 2 or 3 from s to t (t = -log sigma)."""

    def eps(u: Array, at: float) -> Array:
        return (u - model(u, math.exp(-at))) / math.exp(-at)

    def first(to: float) -> Array:
        return x - math.exp(-to) * math.expm1(to - s) * e0

    h = t - s
    e0 = eps(x, s)
    if order == 1:
        return first(t)
    s1 = s + r1 * h
    e1 = eps(first(s1), s1)
    if order == 2:
        return first(t) - math.exp(-t) / (2 * r1) * math.expm1(h) * (e1 - e0)
    r2 = 2 / 3
    s2 = s + r2 * h
    bend = r2 / r1 * (math.expm1(r2 * h) / (r2 * h) - 1)
    e2 = eps(first(s2) - math.exp(-s2) * bend * (e1 - e0), s2)
    return first(t) - math.exp(-t) / r2 * (math.expm1(h) / h - 1) * (e2 - e0)


def noisy_target(s: float, t: float, end: float, eta: float) -> tuple[float, float]:
    if eta == 0:
        return t, 0.0
    down = split(math.exp(-s), math.exp(-t), eta)[0]
    target = min(end, -math.log(down))
    return target, math.sqrt(max(math.exp(-2 * t) - math.exp(-2 * target), 0.0))


def reference_dpm_fast(
    model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array], *, eta: float = 1.0
) -> Array:
    n = len(sigmas) - 1
    m = n // 3 + 1
    orders = [3] * (m - 2) + [2, 1] if n % 3 == 0 else [3] * (m - 1) + [n % 3]
    times = np.linspace(-math.log(sigmas[0]), -math.log(sigmas[-2]), m + 1)
    for i, order in enumerate(orders):
        target, up = noisy_target(times[i], times[i + 1], times[-1], eta)
        r1 = 1 / 3 if order == 3 else 1 / 2
        x = solver_step(model, x, times[i], target, order, r1) + up * next(draws)
    return x


def reference_dpm_adaptive(
    model: Denoiser, x: Array, sigmas: Array, draws: Iterator[Array], *, eta: float = 1.0
) -> Array:
    s, end, h = -math.log(sigmas[0]), -math.log(sigmas[-2]), 0.05
    before = x
    while s < end - 1e-5:
        t = min(end, s + h)
        target, up = noisy_target(s, t, end, eta)
        low = solver_step(model, x, s, target, 2, 1 / 3)
        high = solver_step(model, x, s, target, 3, 1 / 3)
        allowed = np.maximum(0.0078, 0.05 * np.maximum(np.abs(low), np.abs(before)))
        error = math.sqrt(np.mean(((low - high) / allowed) ** 2))
        factor = 1 + math.atan((1 / (error + 1e-8)) ** (1 / (1.5 if eta else 3)) - 1)
        h *= factor
        if factor >= 0.81:
            before, x, s = low, high + up * next(draws), t
    return x


def reference_unipc(x: Array, times: list[float], *, eps: Eps = toy_eps) -> Array:
    """Run UniPC-3 with B(h) = h over ascending `times`, from the last to the first.

    Where the weights of the paper solve its linear system, the step is the exact integral of the
    polynomial through the predictions, which is what is computed here (by quadrature).
    """
    path = times[::-1]
    n = len(path) - 1
    logs = np.interp(path, np.arange(1000.0), LOG_ALPHAS)
    alphas, sigmas = np.exp(logs), np.sqrt(1 - np.exp(2 * logs))
    lambdas = np.log(alphas / sigmas)

    def predict(u: Array, i: int) -> Array:
        return np.asarray((u - sigmas[i] * eps(u, path[i])) / alphas[i])

    def integral(x: Array, i: int, points: list[int], values: list[Array]) -> Array:
        nodes, weights = np.polynomial.legendre.leggauss(24)
        half = (lambdas[i] - lambdas[i - 1]) / 2
        taus = lambdas[i - 1] + half * (nodes + 1)
        total = sigmas[i] / sigmas[i - 1] * x
        for j, value in zip(points, values, strict=True):
            others = [(taus - lambdas[k]) / (lambdas[j] - lambdas[k]) for k in points if k != j]
            basis = np.prod(others, axis=0) if others else np.ones_like(taus)
            total = total + value * half * np.sum(weights * np.exp(taus) * basis) * sigmas[i]
        return np.asarray(total)

    known = [predict(x, 0)]
    for i in range(1, n + 1):
        order = min(3, i, n + 1 - i)
        h = lambdas[i] - lambdas[i - 1]
        past = list(range(i - order, i))
        values = known[i - order : i]
        if order == 2:
            slope = (known[i - 2] - known[i - 1]) / ((lambdas[i - 2] - lambdas[i - 1]) / h)
            new = integral(x, i, [i - 1], [known[i - 1]]) + alphas[i] * h * 0.5 * slope
        else:
            new = integral(x, i, past, values)
        if i == n:
            return np.asarray(new)
        known.append(predict(new, i))
        if order == 1:
            base = integral(x, i, [i - 1], [known[i - 1]])
            x = base + alphas[i] * h * 0.5 * (known[i] - known[i - 1])
        else:
            x = integral(x, i, [*past, i], [*values, known[i]])
    return x
