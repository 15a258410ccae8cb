"""Names and traits of samplers and schedule types, and how typed names are understood; no torch.

The update rules are in samplers*.py, the sigma formulas in schedules.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class SchedulerInfo:
    """One schedule type (behaviour 7.3). `default_rho` is -1 where the formula has no rho."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()
    default_rho: float = -1.0
    need_inner_model: bool = False

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every name this schedule type is known by, in lower case."""
        return tuple(spelling.lower() for spelling in (self.label, self.name, *self.aliases))


@dataclass(frozen=True)
class SamplerInfo:
    """One sampler and the traits the rest of the pipeline must know (behaviour 7.1).

    `default_scheduler` is the schedule that "Automatic" means; None means the model's Uniform.
    `discard_penultimate` asks for one more sigma and drops the last but one. `uses_ensd` only
    decides whether the infotext mentions ENSD. `ends_only` samplers use the first and the last
    sigma of a schedule and place their own in between; of those, `adaptive` ones also ignore the
    step count. `continuous_time` (UniPC) runs between timesteps instead of on them. `cfg_factor`
    multiplies the CFG scale.
    """

    name: str
    aliases: tuple[str, ...]
    default_scheduler: str | None = None
    second_order: bool = False
    discard_penultimate: bool = False
    uses_ensd: bool = False
    brownian: bool = False
    family: Literal["k", "timestep"] = "k"
    solver_type: str | None = None
    ends_only: bool = False
    adaptive: bool = False
    continuous_time: bool = False
    cfg_factor: float = 1.0

    @property
    def options(self) -> dict[str, str]:
        """The `options` object of the HTTP API's sampler list, values as A1111 writes them."""
        flags = {
            "discard_next_to_last_sigma": self.discard_penultimate,
            "uses_ensd": self.uses_ensd,
            "second_order": self.second_order,
            "brownian_noise": self.brownian,
        }
        options = {"scheduler": self.default_scheduler} if self.default_scheduler else {}
        options |= {key: "True" for key, is_set in flags.items() if is_set}
        return options | ({"solver_type": self.solver_type} if self.solver_type else {})


@dataclass(frozen=True)
class ResolvedNames:
    """What a sampler name and a schedule name turned out to mean, with a sentence per guess."""

    sampler: SamplerInfo
    scheduler: SchedulerInfo
    warnings: tuple[str, ...] = ()


SCHEDULERS: tuple[SchedulerInfo, ...] = (
    SchedulerInfo("automatic", "Automatic"),
    SchedulerInfo("uniform", "Uniform", need_inner_model=True),
    SchedulerInfo("karras", "Karras", default_rho=7.0),
    SchedulerInfo("exponential", "Exponential"),
    SchedulerInfo("polyexponential", "Polyexponential", default_rho=1.0),
    SchedulerInfo("sgm_uniform", "SGM Uniform", aliases=("SGMUniform",), need_inner_model=True),
    SchedulerInfo("kl_optimal", "KL Optimal"),
    SchedulerInfo("align_your_steps", "Align Your Steps"),
    SchedulerInfo("simple", "Simple", need_inner_model=True),
    SchedulerInfo("normal", "Normal", need_inner_model=True),
    SchedulerInfo("ddim", "DDIM", need_inner_model=True),
    SchedulerInfo("beta", "Beta", need_inner_model=True),
)
"""All schedule types in the order of the page."""

SAMPLERS: tuple[SamplerInfo, ...] = (
    SamplerInfo("DPM++ 2M", ("k_dpmpp_2m",), "karras"),
    SamplerInfo("DPM++ SDE", ("k_dpmpp_sde",), "karras", second_order=True, brownian=True),
    SamplerInfo("DPM++ 2M SDE", ("k_dpmpp_2m_sde",), "exponential", brownian=True),
    SamplerInfo(
        "DPM++ 2M SDE Heun",
        ("k_dpmpp_2m_sde_heun",),
        "exponential",
        brownian=True,
        solver_type="heun",
    ),
    SamplerInfo("DPM++ 2S a", ("k_dpmpp_2s_a",), "karras", second_order=True, uses_ensd=True),
    SamplerInfo(
        "DPM++ 3M SDE",
        ("k_dpmpp_3m_sde",),
        "exponential",
        discard_penultimate=True,
        brownian=True,
    ),
    SamplerInfo("Euler a", ("k_euler_a", "k_euler_ancestral"), uses_ensd=True),
    SamplerInfo("Euler", ("k_euler",)),
    SamplerInfo("LMS", ("k_lms",)),
    SamplerInfo("Heun", ("k_heun",), second_order=True),
    SamplerInfo("DPM2", ("k_dpm_2",), "karras", second_order=True, discard_penultimate=True),
    SamplerInfo(
        "DPM2 a",
        ("k_dpm_2_a",),
        "karras",
        second_order=True,
        discard_penultimate=True,
        uses_ensd=True,
    ),
    SamplerInfo("DPM fast", ("k_dpm_fast",), uses_ensd=True, ends_only=True),
    SamplerInfo("DPM adaptive", ("k_dpm_ad",), uses_ensd=True, ends_only=True, adaptive=True),
    SamplerInfo("Restart", ("restart",), "karras", second_order=True),
    SamplerInfo("DDIM", ("ddim",), family="timestep"),
    SamplerInfo("DDIM CFG++", ("ddim_cfgpp",), family="timestep", cfg_factor=1 / 12.5),
    SamplerInfo("PLMS", ("plms",), family="timestep"),
    SamplerInfo("UniPC", ("unipc",), family="timestep", continuous_time=True),
    SamplerInfo("LCM", ("k_lcm",)),
)
"""All samplers in the order of the page; the first one stands in for unknown names."""

_NO_SCHEDULER = frozenset({"", "automatic", "n/a", "none"})
"""Schedule names that clients send when they mean "no opinion" (api 2.4)."""


def find_sampler(name: str) -> SamplerInfo | None:
    """Look a sampler up by name or alias, in any letter case."""
    wanted = name.strip().lower()
    for info in SAMPLERS:
        if wanted == info.name.lower():
            return info
    for info in SAMPLERS:
        if wanted in (alias.lower() for alias in info.aliases):
            return info
    return None


def find_scheduler(name: str) -> SchedulerInfo | None:
    """Look a schedule type up by label, name or alias, in any letter case."""
    wanted = name.strip().lower()
    return next((info for info in SCHEDULERS if wanted in info.spellings), None)


def resolve_sampler(name: str, scheduler: str = "") -> ResolvedNames:
    """Understand a sampler and a schedule name as typed, pasted or sent (behaviour 7.2, api 2.4).

    Old combined names ("DPM++ 2M Karras") are split; a schedule given in its own field wins over
    the suffix unless it is Automatic. Nothing raises: an unknown sampler becomes the first of the
    list, an unknown schedule Automatic, each with a warning sentence.
    """
    warnings: list[str] = []
    sampler, suffixes = _split(name)
    if sampler is None:
        sampler = SAMPLERS[0]
        warnings.append(f"Unknown sampler {name!r}: {sampler.name} is used instead.")
    chosen = None if scheduler.strip().lower() in _NO_SCHEDULER else find_scheduler(scheduler)
    if chosen is None and scheduler.strip().lower() not in _NO_SCHEDULER:
        warnings.append(f"Unknown schedule type {scheduler!r}: Automatic is used instead.")
    if chosen is None and suffixes:
        chosen = suffixes[-1]
        warnings += _suffix_warnings(name, sampler, suffixes)
    return ResolvedNames(sampler, chosen or SCHEDULERS[0], tuple(warnings))


def effective_scheduler(sampler: SamplerInfo, scheduler: SchedulerInfo) -> SchedulerInfo:
    """Replace Automatic by the sampler's preference, if it has one.

    The result's label is the infotext's "Schedule type" (behaviour 10.2): it stays "Automatic"
    for a sampler without preference.
    """
    if scheduler.name != "automatic" or sampler.default_scheduler is None:
        return scheduler
    return find_scheduler(sampler.default_scheduler) or scheduler


def _split(name: str) -> tuple[SamplerInfo | None, list[SchedulerInfo]]:
    """Strip schedule suffixes, longest first, until a known sampler is left."""
    rest = name.strip()
    suffixes: list[SchedulerInfo] = []
    while (sampler := find_sampler(rest)) is None:
        found = _longest_suffix(rest)
        if found is None:
            return None, suffixes
        scheduler, spelling = found
        suffixes.append(scheduler)
        rest = rest[: -len(spelling)].strip()
    return sampler, suffixes


def _longest_suffix(name: str) -> tuple[SchedulerInfo, str] | None:
    candidates = [
        (info, spelling)
        for info in SCHEDULERS
        for spelling in info.spellings
        if name.lower().endswith(" " + spelling)
    ]
    return max(candidates, key=lambda candidate: len(candidate[1]), default=None)


def _suffix_warnings(name: str, sampler: SamplerInfo, suffixes: list[SchedulerInfo]) -> list[str]:
    """Say where the reading is kinder than A1111's, which would make another picture."""
    label = suffixes[-1].label
    if len(suffixes) > 1:
        return [f"{name!r} names two schedule types: {sampler.name} with {label} is used."]
    if name.lower().endswith(" sgm uniform"):
        return [
            f"{name!r} is read as {sampler.name} with SGM Uniform; "
            f"AUTOMATIC1111 reads it as {SAMPLERS[0].name} with Uniform."
        ]
    return []
