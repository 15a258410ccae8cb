"""Schedules, start points and slices in float64 numpy, written apart from the code under test.

The formulas of behaviour 6.1 to 6.4, 7.3 and 7.4 for SD1's noise table and automatic settings.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.stats import beta

from .sampler_reference import SIGMAS, Array

LOG_SIGMAS: Array = np.log(SIGMAS)
LOW, HIGH = float(SIGMAS[0]), float(SIGMAS[-1])
AYS = np.array([14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029])
LCM_STEPS = np.arange(19, 1000, 20)
DISCARDING = ("DPM++ 3M SDE", "DPM2", "DPM2 a")
SCHEDULES = (
    "Uniform",
    "Karras",
    "Exponential",
    "Polyexponential",
    "SGM Uniform",
    "KL Optimal",
    "Align Your Steps",
    "Simple",
    "Normal",
    "DDIM",
    "Beta",
)


def sigma_at(t: Array, table: Array = LOG_SIGMAS) -> Array:
    return np.exp(np.interp(t, np.arange(float(len(table))), table))


def timestep_of(sigma: float) -> float:
    return float(np.interp(math.log(sigma), LOG_SIGMAS, np.arange(1000.0)))


def lcm_timestep_of(sigma: float) -> float:
    nearest = int(np.argmin(np.abs(LOG_SIGMAS[LCM_STEPS] - math.log(sigma))))
    return float(LCM_STEPS[nearest])


def karras(n: int, low: float, high: float, rho: float = 7.0) -> Array:
    ends = high ** (1 / rho), low ** (1 / rho)
    return np.asarray(np.linspace(*ends, n) ** rho)


def schedule_values(label: str, n: int, table: Array) -> Array:
    """The n values before the final 0; KL Optimal has n + 1, DDIM may have more than n."""
    size, logs = len(table), np.log(table)
    low, high = float(table[0]), float(table[-1])
    places = np.linspace(0, 1, n)
    formulas: dict[str, Callable[[], Array]] = {
        "Uniform": lambda: sigma_at(np.linspace(size - 1, 0, n), logs),
        "Normal": lambda: sigma_at(np.linspace(size - 1, 0, n), logs),
        "Karras": lambda: karras(n, low, high),
        "Exponential": lambda: np.exp(np.linspace(logs[-1], logs[0], n)),
        "Polyexponential": lambda: np.exp(np.linspace(logs[-1], logs[0], n)),
        "SGM Uniform": lambda: sigma_at(np.linspace(size - 1, 0, n + 1)[:-1], logs),
        "KL Optimal": lambda: np.tan(np.linspace(math.atan(high), math.atan(low), n + 1)),
        "Align Your Steps": lambda: np.exp(
            np.interp(places, np.linspace(0, 1, len(AYS)), np.log(AYS[::-1]))
        )[::-1],
        "Simple": lambda: np.array([table[size - 1 - i * size // n] for i in range(n)]),
        "DDIM": lambda: table[1 :: max(size // n, 1)][::-1],
        "Beta": lambda: low + beta.ppf(1 - places, 0.6, 0.6) * (high - low),
    }
    return np.asarray(formulas[label]())


def sigma_list(sampler: str, label: str, steps: int) -> Array:
    """The whole list, with its final 0 where it has one, after the discard trick."""
    table = SIGMAS[LCM_STEPS] if sampler == "LCM" else SIGMAS
    discard = sampler in DISCARDING
    values = schedule_values(label, steps + discard, table)
    sigmas = values if label == "KL Optimal" else np.append(values, 0.0)
    return np.append(sigmas[:-2], sigmas[-1]) if discard else sigmas


def sigma_slice(
    sampler: str, label: str, steps: int, strength: float | None
) -> tuple[Array, float]:
    """The sigmas that run, and the first one, which the picture is noised to; None is txt2img."""
    if strength is None:
        if sampler in ("DPM fast", "DPM adaptive"):
            label = "Uniform"
        sigmas = sigma_list(sampler, label, steps)
    else:
        first = steps - int(min(strength, 0.999) * steps) - 1
        sigmas = sigma_list(sampler, label, steps)[first:]
    return sigmas, float(sigmas[0])


def restart_levels(sigmas: Array) -> Array:
    """All levels of Restart one after another, the jumps up among them (behaviour 7.4)."""
    n = len(sigmas) - 1
    if n < 20:
        return sigmas
    again, times = (9, 1) if n < 36 else (n // 4, 2)
    base = np.append(karras(n - again * times, float(sigmas[-2]), float(sigmas[0])), 0.0)
    bottom = int(np.argmin(np.abs(base - 0.1)))
    top = int(np.argmin(np.abs(base - 2.0)))
    segment = karras(again + 1, float(base[bottom]), float(base[top]))
    return np.concatenate([base[: bottom + 1], *[segment] * times, base[bottom + 1 :]])


def timestep_slice(sampler: str, steps: int, strength: float | None) -> tuple[list[float], int]:
    """The ascending timesteps of DDIM, PLMS and UniPC, and the one to noise to (6.4)."""
    grid = [min(t + 1, 999) for t in range(0, 1000, 1000 // steps)]
    top = len(grid) if strength is None else int(min(strength, 0.999) * steps)
    if sampler != "UniPC":
        return [float(t) for t in grid[:top]], grid[-1] if strength is None else grid[top]
    # Continuous time: t = 1 or the last grid point + 1/1000, down to 0.001; network time - 0.001.
    last = 999.0 if strength is None else float(grid[top - 1])
    return list(np.linspace(0.0, last, top + 1)), grid[-1] if strength is None else grid[top]
