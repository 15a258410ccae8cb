"""How far our trajectories are from the published formulas: sampler x schedule x kind of job.

    python -m benchmarks.sampler_errors [--steps 20] [--json FILE]

Ours runs as in a job: course, guidance at CFG 7, mask, noise, float32. The other side is float64
numpy written from the papers (tests/pipelines/*_reference.py): its own schedule, slice, start,
guidance and blend; the noise alone is shared. The network is the exact denoiser of pictures whose
values lie around two levels, which neither loses nor gains precision by itself. A figure is the
largest difference at any model call or at the end, in units of the largest value there.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from pipelines import samplers
from pipelines.brownian import BrownianNoise
from pipelines.denoise import DenoiseJob, denoise
from pipelines.inpaint import LatentMask
from pipelines.noise import ImageNoise
from pipelines.prompt.conditioning import PartCond, StepConditioning
from pipelines.request import SamplerTuning, Sampling, Seeds
from pipelines.sampler_names import SAMPLERS, find_sampler
from pipelines.samplers import plan_course
from tests.pipelines import sampler_reference as ref
from tests.pipelines import schedule_reference as grid
from tests.pipelines import solver_reference as solver
from tests.pipelines.sampler_reference import Array
from tests.pipelines.sampler_toys import SCHEDULE, SHAPE

CFG = 7.0
KINDS = {"txt2img": None, "img2img 0.5": 0.5, "inpaint 0.75": 0.75}
"""Kinds of job, with their denoising strength."""
GOAL = 1e-5
LEVEL, SPREAD, CENTRE = 0.6, 0.5, 0.1
"""Pictures lie around CENTRE +- LEVEL with the standard deviation SPREAD; without prompt, -CENTRE.

Their best prediction follows from Bayes' rule for two Gaussians.
"""


FINE = replace(SCHEDULE, sigmas=torch.from_numpy(ref.SIGMAS))
"""The noise schedule with a table in float64."""


class Increment(NamedTuple):
    """Brownian noise that was asked for between two sigmas."""

    start: float
    end: float
    value: Array


@dataclass
class Calls:
    """What the network was given, call after call, and the end.

    Formulas ask more than once for what an implementation remembers: repetitions do not count.
    """

    states: list[Array] = field(default_factory=list)

    def note(self, x: Array) -> Array:
        """Keep a copy of a state; gives the state back."""
        if not any(np.array_equal(x, known) for known in self.states[-4:]):
            self.states.append(np.array(x, dtype=np.float64))
        return x


class Run(NamedTuple):
    """One run of ours."""

    states: list[Array]
    increments: list[Increment]


@dataclass(frozen=True)
class Case:
    """One cell of the table."""

    sampler: str
    schedule: str
    kind: str
    steps: int = 20

    @property
    def strength(self) -> float | None:
        """Denoising strength; None is txt2img."""
        return KINDS[self.kind]

    @property
    def is_timestep(self) -> bool:
        """Whether the sampler runs on timesteps, whatever the schedule."""
        info = find_sampler(self.sampler)
        return info is not None and info.family == "timestep"


def _listed(seed: int) -> Array:
    numbers = np.random.default_rng(seed).standard_normal(SHAPE)
    return np.asarray(numbers, dtype=np.float32).astype(np.float64)


INIT, START = 0.8 * _listed(11), _listed(12)
REPAINT: Array = np.zeros((1, 1, *SHAPE[2:]))
REPAINT[..., 1:4, 1:3] = 1.0


class _Family:
    """The analytic network as the denoise loop knows families; a context of 1 is the prompt."""

    latent_channels = SHAPE[1]
    device = torch.device("cpu")

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def denoised(
        self, x: Tensor, sigma: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None
    ) -> Tensor:
        wide = sigma.view(-1, 1, 1, 1)
        self._calls.note(x[: SHAPE[0]].numpy())
        return x - wide * _both(x / (wide**2 + 1) ** 0.5, t, context)

    def epsilon(self, x: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None) -> Tensor:
        self._calls.note(x[: SHAPE[0]].numpy())
        return _both(x, t, context)


def _both(z: Tensor, t: Tensor, context: Tensor) -> Tensor:
    """Predicted noise (N,C,h,w) in the type of `z`, of the prompt or without it."""
    logs = torch.from_numpy(grid.LOG_SIGMAS).to(z.dtype)
    low = t.long().clamp(max=len(logs) - 2)
    sigma = torch.lerp(logs[low], logs[low + 1], t.to(z.dtype) - low).exp().view(-1, 1, 1, 1)
    is_prompt = context[:, :1, :1].unsqueeze(-1) == 1
    centre = torch.where(is_prompt, CENTRE, -CENTRE)
    x, wide = z * (sigma**2 + 1) ** 0.5, SPREAD**2 + sigma**2
    pull = centre + LEVEL * torch.tanh(LEVEL * (x - centre) / wide)
    return (x - pull) * (sigma / wide)


def exact_eps(z: Array, t: float, centre: float) -> Array:
    """The same in float64."""
    sigma = float(grid.sigma_at(np.array(t)))
    x, wide = z * math.sqrt(sigma**2 + 1), SPREAD**2 + sigma**2
    pull = centre + LEVEL * np.tanh(LEVEL * (x - centre) / wide)
    return np.asarray((x - pull) * (sigma / wide))


class _Texts:
    """Conditioning that is the same at every call."""

    def at(self, call_index: int) -> StepConditioning:
        parts = tuple(PartCond(i, 1.0, torch.ones(1, 1)) for i in range(SHAPE[0]))
        return StepConditioning(parts, torch.zeros(SHAPE[0], 1, 1))


def ours(case: Case) -> Run:
    """Our own run of a case, float32.

    DPM adaptive runs in float64: it takes its step lengths from the difference of two results, of
    which float32 leaves little while steps are short, so that the sigmas it asks for move by 1e-4.
    """
    calls = Calls()
    family: Any = _Family(calls)
    texts: Any = _Texts()
    sampling = Sampling(
        sampler=case.sampler,
        scheduler=case.schedule,
        steps=case.steps,
        denoising_strength=case.strength or 0.0,
    )
    txt2img = case.strength is None
    is_fine = case.sampler == "DPM adaptive"
    dtype, schedule = (torch.float64, FINE) if is_fine else (torch.float32, SCHEDULE)
    course = plan_course(sampling, SamplerTuning(), schedule, txt2img=txt2img)
    init, start, repaint = (torch.from_numpy(one).to(dtype) for one in (INIT, START, REPAINT))
    x = course.noised(None if txt2img else init, start)
    mask = LatentMask(init, repaint) if case.kind.startswith("inpaint") else None
    job = DenoiseJob(family, course, texts, CFG, case.steps, mask)
    calls_made: list[Increment] = []
    with mock.patch.object(samplers, "BrownianNoise", partial(_recording, calls_made)):
        end = denoise(job, x, _noise(), lambda info, seen: None).latents
    calls.note(end.numpy())
    return Run(calls.states, calls_made)


def _noise() -> ImageNoise:
    """The noise of both sides; the first draw is `START`'s business."""
    return ImageNoise(SHAPE[1:], [3, 4], [0, 0], Seeds())


def _recording(into: list[Increment], *args: Any) -> BrownianNoise:
    """Brownian noise that remembers what it was asked and what it gave."""
    noise = BrownianNoise(*args)
    between = noise.between

    def remembered(sigma: float, sigma_next: float) -> Tensor:
        given = between(sigma, sigma_next)
        into.append(Increment(sigma, sigma_next, given.double().numpy()))
        return given

    noise.between = remembered  # type: ignore[method-assign]
    return noise


@dataclass
class _Told:
    """Brownian increments told again in their order.

    They are recorded, because the last bit of a float32 sigma moves them by 1e-3 (behaviour 8.6);
    that the formula asks for the same interval is checked to the precision of float32.
    """

    increments: Iterator[Increment]

    def between(self, sigma: float, sigma_next: float) -> Array:
        told = next(self.increments)
        asked = (sigma, sigma_next)
        if not np.allclose(asked, (told.start, told.end), rtol=2e-6, atol=0):
            raise ValueError(f"asked for noise between {asked}, ours between {told[:2]}")
        return told.value


def published(case: Case, increments: Sequence[Increment]) -> list[Array]:
    """The same run by the published formulas in float64."""
    calls = Calls()
    is_inpaint = case.kind.startswith("inpaint")

    def blended(x: Array) -> Array:
        return x * REPAINT + INIT * (1 - REPAINT) if is_inpaint else x

    work = _timestep_run if case.is_timestep else _sigma_run
    calls.note(blended(work(case, calls.note, blended, _Told(iter(increments)))))
    return calls.states


def _draws() -> Iterator[Array]:
    noise = _noise()
    while True:
        yield noise.next().double().numpy()


def _timestep_run(
    case: Case, seen: Callable[[Array], Array], blended: Callable[[Array], Array], told: _Told
) -> Array:
    """DDIM, DDIM CFG++, PLMS, UniPC: what the network sees is blended (behaviour 5.2, 6.4)."""
    times, start = grid.timestep_slice(case.sampler, case.steps, case.strength)
    alpha = ref.ALPHAS[start]
    x = START if case.strength is None else math.sqrt(alpha) * INIT + math.sqrt(1 - alpha) * START
    scale = CFG / 12.5 if case.sampler == "DDIM CFG++" else CFG

    def eps(z: Array, t: float) -> Array:
        z = seen(blended(z))
        without = exact_eps(z, t, -CENTRE)
        return without + scale * (exact_eps(z, t, CENTRE) - without)

    if case.sampler == "PLMS":
        return ref.reference_plms(x, [int(t) for t in times], eps=eps)
    if case.sampler == "UniPC":
        return solver.reference_unipc(x, times, eps=eps)
    is_cfgpp = case.sampler == "DDIM CFG++"

    def uncond(z: Array, t: float) -> Array:
        return exact_eps(blended(z), t, -CENTRE)

    whole = [int(t) for t in times]
    return ref.reference_ddim(x, whole, _draws(), cfg_pp=is_cfgpp, eps=eps, uncond=uncond)


def _sigma_run(
    case: Case, seen: Callable[[Array], Array], blended: Callable[[Array], Array], told: _Told
) -> Array:
    """All others: the prediction is blended (behaviour 5.2, 6.2, 7.4)."""
    sigmas, start = grid.sigma_slice(case.sampler, case.schedule, case.steps, case.strength)
    timestep = grid.lcm_timestep_of if case.sampler == "LCM" else grid.timestep_of

    def model(x: Array, sigma: float) -> Array:
        seen(x)
        z, t = x / math.sqrt(sigma**2 + 1), timestep(sigma)
        without = exact_eps(z, t, -CENTRE)
        return blended(x - sigma * (without + CFG * (exact_eps(z, t, CENTRE) - without)))

    x = START * start if case.strength is None else INIT + START * start
    formula = _FORMULAS[case.sampler]
    if "SDE" in case.sampler:
        return formula(model, x, sigmas, told.between)
    if case.sampler == "LCM":
        times = [timestep(float(sigma)) for sigma in sigmas[:-1]]
        return formula(model, x, sigmas, _draws(), timesteps=times)
    if case.sampler == "Restart":
        sigmas = grid.restart_levels(sigmas)
    if case.sampler in ("DPM fast", "DPM adaptive") and sigmas[-1] > 0:
        sigmas = np.append(sigmas[:-2], [sigmas[-1], 0.0])  # they end at the smallest sigma
    return formula(model, x, sigmas, _draws())


_FORMULAS: dict[str, Callable[..., Array]] = {
    "DPM++ 2M": ref.reference_dpmpp_2m,
    "DPM++ SDE": ref.reference_dpmpp_sde,
    "DPM++ 2M SDE": ref.reference_dpmpp_2m_sde,
    "DPM++ 2M SDE Heun": partial(ref.reference_dpmpp_2m_sde, heun=True),
    "DPM++ 2S a": ref.reference_dpmpp_2s_ancestral,
    "DPM++ 3M SDE": ref.reference_dpmpp_3m_sde,
    "Euler a": ref.reference_euler_ancestral,
    "Euler": ref.reference_euler,
    "LMS": ref.reference_lms,
    "Heun": ref.reference_heun,
    "DPM2": ref.reference_dpm_2,
    "DPM2 a": partial(ref.reference_dpm_2, ancestral=True),
    "DPM fast": solver.reference_dpm_fast,
    "DPM adaptive": solver.reference_dpm_adaptive,
    "Restart": ref.reference_restart,
    "LCM": ref.reference_lcm,
}


def worst_error(case: Case) -> float:
    """The largest relative difference of a case; infinite when the model calls are not as many."""
    run = ours(case)
    wanted = published(case, run.increments)
    if len(run.states) != len(wanted):
        return math.inf
    return max(
        float(np.abs(one - other).max() / np.abs(other).max())
        for one, other in zip(run.states, wanted, strict=True)
    )


def cases(steps: int) -> list[Case]:
    """Every cell: timestep samplers have one schedule, their own."""
    every = []
    for info in SAMPLERS:
        schedules = ("own",) if info.family == "timestep" else grid.SCHEDULES
        every += [Case(info.name, one, kind, steps) for kind in KINDS for one in schedules]
    return every


def table(errors: dict[Case, float], kind: str) -> str:
    """Markdown: a row for each sampler, a column for each schedule."""
    lines = [f"| {kind} | " + " | ".join(grid.SCHEDULES) + " |"]
    lines.append("|---" * (len(grid.SCHEDULES) + 1) + "|")
    for info in SAMPLERS:
        found = [
            error
            for case, error in errors.items()
            if (case.sampler, case.kind) == (info.name, kind)
        ]
        cells = [f"{error:.0e}" for error in found]
        cells += [""] * (len(grid.SCHEDULES) - len(cells))
        lines.append(f"| {info.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each kind of job, and the worst of all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--json", type=Path)
    flags = parser.parse_args(arguments)
    errors = {case: worst_error(case) for case in cases(flags.steps)}
    for kind in KINDS:
        print(table(errors, kind), end="\n\n")
    worst = max(errors, key=lambda case: errors[case])
    above = [case for case, error in errors.items() if error > GOAL]
    print(f"{len(errors)} runs; the worst: {errors[worst]:.1e} ({worst.sampler}, {worst.schedule},")
    print(f"{worst.kind}); {len(above)} above {GOAL:g}")
    if flags.json:
        rows = [[c.sampler, c.schedule, c.kind, error] for c, error in errors.items()]
        flags.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return int(bool(above))


if __name__ == "__main__":
    sys.exit(main())
