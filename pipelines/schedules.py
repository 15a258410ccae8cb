"""Noise schedules: a model's table of noise levels, and the sigmas that samplers step through.

Pure functions on CPU float32 tensors (behaviour 7.3). Which part of a list runs is in steps.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from scipy.special import betaincinv
from torch import Tensor

from pipelines.request import SamplerTuning
from pipelines.sampler_names import (
    SamplerInfo,
    SchedulerInfo,
    effective_scheduler,
    find_scheduler,
)
from pipelines.steps import timestep_grid
from pipelines.tuning import TrainedNoise

ZERO_SNR_LAST_ALPHA = 4.8973451890853435e-08
"""What a zero-terminal-SNR table ends with instead of 0, so that sigma stays finite (7.3)."""

AYS_SD1 = (14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029)
AYS_SDXL = (14.615, 6.315, 3.771, 2.181, 1.342, 0.862, 0.555, 0.380, 0.234, 0.113, 0.029)
"""Align Your Steps (Sabour et al. 2024), 10 steps; for all models but SDXL the SD1 table."""

OLD_SIGMAS = (0.1, 10.0)
"""Smallest and largest sigma of A1111 in 2022 (behaviour 7.3)."""

LCM_POINTS = 50
"""Latent consistency models are distilled on every 20th timestep: 19, 39 ... 999."""


@dataclass(frozen=True, eq=False)
class NoiseSchedule:
    """A model's noise levels: `sigmas[t]` for t = 0..T-1, ascending, and the way between them.

    `alphas_cumprod` is None for flow models, whose sigma is the share of noise (0..1).
    `quantize` snaps `sigma_to_t` to whole timesteps. `t_table` names the timestep of each entry
    where the table is not 0..T-1 (LCM); sigmas then snap to its entries.
    """

    sigmas: Tensor
    alphas_cumprod: Tensor | None = None
    quantize: bool = False
    t_table: Tensor | None = None

    @classmethod
    def from_betas(
        cls, beta_start: float = 0.00085, beta_end: float = 0.012, steps: int = 1000
    ) -> NoiseSchedule:
        """Build the scaled-linear schedule of SD1, SD2 and SDXL (behaviour 0.2)."""
        roots = torch.linspace(beta_start**0.5, beta_end**0.5, steps, dtype=torch.float64)
        return cls.from_alphas(torch.cumprod(1.0 - roots**2, dim=0).float())

    @classmethod
    def from_alphas(cls, alphas_cumprod: Tensor) -> NoiseSchedule:
        """Build the schedule of a checkpoint that brings its own `alphas_cumprod` (T,)."""
        alphas = alphas_cumprod.detach().cpu().float().numpy()
        # numpy's square root is correctly rounded on every machine, torch's is not; Brownian
        # noise depends on the last bit of a sigma (behaviour 8.6).
        sigmas = np.sqrt((1 - alphas) / alphas)
        return cls(sigmas=torch.from_numpy(sigmas), alphas_cumprod=torch.from_numpy(alphas))

    @classmethod
    def flow(cls, shift: float = 3.0, steps: int = 1000) -> NoiseSchedule:
        """Build the rectified-flow schedule of SD3: sigma = s*t / (1 + (s-1)*t) (behaviour 7.3)."""
        t = torch.arange(1, steps + 1, dtype=torch.float32) / steps
        return cls(sigmas=shift * t / (1 + (shift - 1) * t))

    @property
    def is_flow(self) -> bool:
        """True when pictures are noised as (1 - sigma) * x0 + sigma * noise."""
        return self.alphas_cumprod is None

    @property
    def alphas(self) -> Tensor:
        """`alphas_cumprod` (T,); raises ValueError for flow models, which have none."""
        if self.alphas_cumprod is None:
            raise ValueError(
                "flow models have no alphas_cumprod: the zero-SNR, downcast and LCM variants and "
                "the timestep samplers need a diffusion model; use Euler instead"
            )
        return self.alphas_cumprod

    @property
    def sigma_min(self) -> float:
        """The table's smallest sigma."""
        return float(self.sigmas[0])

    @property
    def sigma_max(self) -> float:
        """The table's largest sigma."""
        return float(self.sigmas[-1])

    @cached_property
    def log_sigmas(self) -> Tensor:
        """Natural logarithm of the table (T,)."""
        return self.sigmas.log()

    def to(self, device: torch.device | str) -> NoiseSchedule:
        """Return a copy whose tables lie on `device`, so that look-ups there need no sync."""
        moved = {
            name: None if table is None else table.to(device)
            for name, table in (
                ("sigmas", self.sigmas),
                ("alphas_cumprod", self.alphas_cumprod),
                ("t_table", self.t_table),
            )
        }
        return replace(self, **moved)  # type: ignore[arg-type]

    def with_zero_terminal_snr(self) -> NoiseSchedule:
        """Rescale so that the last step is pure noise (Lin et al. 2023; behaviour 7.3)."""
        roots = self.alphas.sqrt()
        first, last = roots[0].clone(), roots[-1].clone()
        alphas = ((roots - last) * (first / (first - last))) ** 2
        alphas[-1] = ZERO_SNR_LAST_ALPHA
        return replace(NoiseSchedule.from_alphas(alphas), quantize=self.quantize)

    def with_downcast_alphas(self) -> NoiseSchedule:
        """Round the alphas to half precision, as old A1111 versions did (behaviour 7.3)."""
        alphas = self.alphas.half()
        sigmas = (((1 - alphas) / alphas) ** 0.5).float()
        return NoiseSchedule(sigmas, alphas.float(), self.quantize)

    def for_lcm(self) -> NoiseSchedule:
        """Keep only the timesteps that latent consistency models know (behaviour 7.4, LCM)."""
        stride = len(self.sigmas) // LCM_POINTS
        t_table = torch.arange(stride - 1, len(self.sigmas), stride)
        return NoiseSchedule(self.sigmas[t_table], self.alphas[t_table], True, t_table)

    def sigma_to_t(self, sigma: Tensor) -> Tensor:
        """Return the timestep of each sigma, fractional unless quantised (behaviour 7.5)."""
        log_sigma = sigma.log()
        distances = log_sigma.flatten() - self.log_sigmas[:, None]
        if self.quantize:
            nearest = distances.abs().argmin(dim=0)
            exact = nearest if self.t_table is None else self.t_table[nearest]
            return exact.to(sigma.dtype).view(sigma.shape)
        low = distances.ge(0).cumsum(dim=0).argmax(dim=0).clamp(max=len(self.log_sigmas) - 2)
        log_low, log_high = self.log_sigmas[low], self.log_sigmas[low + 1]
        weight = ((log_low - log_sigma.flatten()) / (log_low - log_high)).clamp(0, 1)
        return ((1 - weight) * low + weight * (low + 1)).view(sigma.shape)

    @property
    def t_ends(self) -> tuple[float, float]:
        """The table's largest and smallest timestep."""
        if self.t_table is None:
            return float(len(self.sigmas) - 1), 0.0
        return float(self.t_table[-1]), float(self.t_table[0])

    def t_to_sigma(self, t: Tensor) -> Tensor:
        """Return the sigma at each (fractional) timestep, log-linear between the table's entries.

        Timesteps beyond a table of its own (LCM: 19 to 999) have the sigma of its end.
        """
        t = t.float()
        if self.t_table is not None:
            stride = float(self.t_table[1] - self.t_table[0])
            t = ((t - self.t_table[0]) / stride).clamp(0, len(self.t_table) - 1)
        low, high, weight = t.floor().long(), t.ceil().long(), t.frac()
        log_sigma = (1 - weight) * self.log_sigmas[low] + weight * self.log_sigmas[high]
        return log_sigma.exp()


@dataclass(frozen=True)
class _Range:
    """What a schedule formula may depend on besides n."""

    schedule: NoiseSchedule
    sigma_min: float
    sigma_max: float
    tuning: SamplerTuning
    is_sdxl: bool


def build_sigmas(
    label_or_name: str,
    n: int,
    schedule: NoiseSchedule,
    tuning: SamplerTuning,
    *,
    is_sdxl: bool = False,
) -> Tensor:
    """Return descending sigmas, float32 on the CPU: n values and a final 0 (behaviour 7.3).

    KL Optimal gives n + 1 values without the 0, DDIM may give more than n. n = 0 gives [0].
    Automatic means Uniform here. Raises ValueError for an unknown schedule type and for
    `sigma_min` / `sigma_max` settings that leave no range.
    """
    info = find_scheduler(label_or_name)
    if info is None:
        raise ValueError(f"unknown schedule type {label_or_name!r}")
    if n <= 0:
        return torch.zeros(1)
    low, high = schedule.sigma_min, schedule.sigma_max
    if tuning.old_sigma_range:
        low, high = OLD_SIGMAS
    span = _Range(
        schedule,
        tuning.sigma_min or low,
        tuning.sigma_max or high,
        tuning,
        is_sdxl,
    )
    if span.sigma_min >= span.sigma_max:
        raise ValueError(
            f"schedule min sigma {span.sigma_min:g} must be below max sigma {span.sigma_max:g}: "
            "set either to 0 for the model's own"
        )
    values = _FORMULAS[info.name](n, span).float()
    return values if info.name == "kl_optimal" else torch.cat([values, values.new_zeros(1)])


def sigmas_for(
    sampler: SamplerInfo,
    scheduler: SchedulerInfo,
    n: int,
    schedule: NoiseSchedule,
    tuning: SamplerTuning,
    *,
    is_sdxl: bool = False,
) -> Tensor:
    """Return the sigmas one sampler steps through: its preferred schedule, the discard trick.

    Samplers with `discard_penultimate` (or the option) ask for n + 1 values and drop the last
    but one (behaviour 7.1). `schedule` must come from `schedule_for` (LCM has its own table).
    """
    name = effective_scheduler(sampler, scheduler).name
    discard = sampler.discard_penultimate or tuning.discard_penultimate_sigma
    sigmas = build_sigmas(name, n + discard, schedule, tuning, is_sdxl=is_sdxl)
    return torch.cat([sigmas[:-2], sigmas[-1:]]) if discard else sigmas


def schedule_for(
    sampler: SamplerInfo, schedule: NoiseSchedule, tuning: SamplerTuning
) -> NoiseSchedule:
    """Return the noise schedule as this sampler sees it: LCM's 50 points, whole timesteps.

    Raises ValueError where a flow model is asked for variants that it has not.
    """
    if tuning.downcast_alphas:
        schedule = schedule.with_downcast_alphas()
    if tuning.trained_noise is TrainedNoise.ZERO_TERMINAL_SNR:
        schedule = schedule.with_zero_terminal_snr()
    if sampler.name == "LCM":
        return schedule.for_lcm()
    return replace(schedule, quantize=True) if tuning.quantize_timesteps else schedule


def karras_sigmas(n: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> Tensor:
    """Return n descending sigmas without a final 0: equation 5 of Karras et al. (2022)."""
    low, high = sigma_min ** (1 / rho), sigma_max ** (1 / rho)
    sigmas: Tensor = (high + torch.linspace(0, 1, n) * (low - high)) ** rho
    return sigmas


def timesteps_for(n: int, *, discard_penultimate: bool = False) -> tuple[int, ...]:
    """Return the ascending timesteps of DDIM, PLMS and UniPC (behaviour 6.4).

    A1111's discard option only makes the grid finer here.
    """
    return timestep_grid(n + discard_penultimate)


def _uniform(n: int, span: _Range) -> Tensor:
    return span.schedule.t_to_sigma(torch.linspace(*span.schedule.t_ends, n))


def _karras(n: int, span: _Range) -> Tensor:
    return karras_sigmas(n, span.sigma_min, span.sigma_max, span.tuning.rho or 7.0)


def _exponential(n: int, span: _Range) -> Tensor:
    return torch.linspace(math.log(span.sigma_max), math.log(span.sigma_min), n).exp()


def _polyexponential(n: int, span: _Range) -> Tensor:
    ramp = torch.linspace(1, 0, n) ** (span.tuning.rho or 1.0)
    low, high = math.log(span.sigma_min), math.log(span.sigma_max)
    return torch.exp(ramp * (high - low) + low)


def _t_ends(span: _Range) -> tuple[float, float]:
    """Return the table positions of the largest and the smallest sigma."""
    ends = span.schedule.sigma_to_t(torch.tensor([span.sigma_max, span.sigma_min]))
    return float(ends[0]), float(ends[1])


def _sgm_uniform(n: int, span: _Range) -> Tensor:
    return span.schedule.t_to_sigma(torch.linspace(*_t_ends(span), n + 1)[:-1])


def _normal(n: int, span: _Range) -> Tensor:
    return span.schedule.t_to_sigma(torch.linspace(*_t_ends(span), n))


def _kl_optimal(n: int, span: _Range) -> Tensor:
    """Theorem 3.1 of Sabour et al. (2024): uniform in arctan(sigma)."""
    low = torch.arctan(torch.tensor(span.sigma_min))
    high = torch.arctan(torch.tensor(span.sigma_max))
    part = torch.arange(n + 1) / n
    return torch.tan(part * low + (1.0 - part) * high)


def _align_your_steps(n: int, span: _Range) -> Tensor:
    table = AYS_SDXL if span.is_sdxl else AYS_SD1
    if n == len(table):
        return torch.tensor(table)
    logs = np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(table)), np.log(table[::-1]))
    return torch.from_numpy(np.exp(logs)[::-1].copy())


def _simple(n: int, span: _Range) -> Tensor:
    size = len(span.schedule.sigmas)
    return span.schedule.sigmas[[size - 1 - int(i * size / n) for i in range(n)]]


def _ddim(n: int, span: _Range) -> Tensor:
    size = len(span.schedule.sigmas)
    return span.schedule.sigmas[1 :: max(size // n, 1)].flip(0)


def _beta(n: int, span: _Range) -> Tensor:
    """Quantiles of a beta distribution (Lee et al. 2024), continuous as in A1111."""
    x = 1 - np.linspace(0, 1, n)
    quantiles = betaincinv(span.tuning.beta_alpha, span.tuning.beta_beta, x)
    return torch.from_numpy(span.sigma_min + quantiles * (span.sigma_max - span.sigma_min))


_FORMULAS: dict[str, Callable[[int, _Range], Tensor]] = {
    "automatic": _uniform,
    "uniform": _uniform,
    "karras": _karras,
    "exponential": _exponential,
    "polyexponential": _polyexponential,
    "sgm_uniform": _sgm_uniform,
    "kl_optimal": _kl_optimal,
    "align_your_steps": _align_your_steps,
    "simple": _simple,
    "normal": _normal,
    "ddim": _ddim,
    "beta": _beta,
}
