"""What "20 steps at denoising strength 0.75" means: which part of a schedule a job runs. Pure.

Four named meanings (behaviour 6.1-6.3, 6.4, 6.6):

`a1111`          a schedule of n values of which the last int(d*n) + 1 steps run;
`exact`          a finer schedule of int(n/d) values of which the last n steps run
                 (A1111's "do exactly the amount of steps", ComfyUI's KSampler);
`start_at_step`  steps start..end of a schedule of n values, the strength plays no part
                 (ComfyUI's KSampler (Advanced));
`diffusers`      the last int(d*n) steps of a schedule of n values.

Without an init image the strength plays no part and all steps run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pipelines.request import Sampling, StepSemantics
from pipelines.sampler_names import SamplerInfo, effective_scheduler, resolve_sampler

TRAIN_STEPS = 1000
"""Timesteps of the base noise schedule (behaviour 0.2)."""

MAX_STRENGTH = 0.999
"""A1111 computes with at most this denoising strength (behaviour 6.1)."""

MAX_SCHEDULE_STEPS = 100_000
"""The longest schedule that `exact` may ask for at a tiny strength."""


@dataclass(frozen=True)
class StepPlan:
    """Which part of which schedule runs.

    `first`..`last` is an inclusive slice. For k-diffusion samplers it is cut from the descending
    sigma list (`sigmas[first : last + 1]`, one step between neighbours) and the picture is noised
    to `sigmas[noise_index]`, which is the slice's first value. For timestep samplers it is cut
    from the ascending grid `(0, *timesteps(schedule_steps))`, run from its upper end to its lower
    end, and the picture is noised to `grid[noise_index]`: in A1111 one point above the slice
    (behaviour 6.4).
    """

    schedule_steps: int
    """S, the number of steps asked of the schedule."""
    t_enc: int
    """A1111's step index counted from the clean end; one less than the steps of the slice."""
    first: int
    last: int
    noise_index: int
    executed: int
    """Steps that run, as shown to the user. Model calls can be more (second-order samplers)."""
    identity: bool = False
    """True: nothing runs and the prepared input must be returned untouched."""
    add_noise: bool = True
    force_full_denoise: bool = False
    """True: the last value of the slice is replaced by "no noise"."""
    max_denoise: bool = False
    """True: from the very top of the schedule the noise is scaled as ComfyUI does (6.6)."""
    from_top: bool = False
    """True: starts from pure noise, as txt2img does."""


def plan_steps(
    sampling: Sampling,
    *,
    txt2img: bool,
    schedule_length: int | None = None,
    discard_penultimate: bool = False,
) -> StepPlan:
    """Turn steps, strength and semantics into a slice of the schedule.

    `schedule_length` is the true number of sigmas (or of timesteps) where the caller has built
    the schedule; otherwise it is computed from the names. `discard_penultimate` is A1111's option
    to apply the discard trick to every sampler. Raises ValueError when `exact` at a tiny strength
    would need a schedule of more than MAX_SCHEDULE_STEPS values.
    """
    names = resolve_sampler(sampling.sampler, sampling.scheduler)
    wanted = _wanted(sampling, txt2img)
    if wanted is None:
        return StepPlan(0, 0, 0, 0, 0, 0, identity=True)
    steps, count = wanted
    if names.sampler.family == "timestep":
        length = schedule_length or timestep_count(steps + discard_penultimate)
        plan = _timestep_plan(names.sampler, steps, count, length, sampling, txt2img)
    else:
        scheduler = effective_scheduler(names.sampler, names.scheduler)
        discard = discard_penultimate or names.sampler.discard_penultimate
        length = schedule_length or sigma_count(scheduler.name, steps, discard=discard)
        plan = _sigma_plan(steps, count, length, sampling, txt2img)
    return plan if plan.executed > 0 else replace(plan, identity=True)


def executed_steps(sampling: Sampling, txt2img: bool, discard_penultimate: bool = False) -> int:
    """Return how many steps will run, for the line "will run 16 of 20 steps"."""
    plan = plan_steps(sampling, txt2img=txt2img, discard_penultimate=discard_penultimate)
    return plan.executed


def sigma_count(scheduler_name: str, steps: int, *, discard: bool = False) -> int:
    """Return how many sigmas (with the final 0) a schedule of `steps` steps has (7.3 [T])."""
    asked = steps + discard
    if scheduler_name == "ddim" and asked > 0:
        return len(range(1, TRAIN_STEPS, max(TRAIN_STEPS // asked, 1))) + 1 - discard
    return steps + 1


def timestep_count(steps: int) -> int:
    """Return how many timesteps the grid of behaviour 6.4 has; can be more than `steps`."""
    return len(timestep_grid(steps))


def timestep_grid(steps: int) -> tuple[int, ...]:
    """Return the ascending timesteps that DDIM, PLMS and UniPC run on (behaviour 6.4).

    For one step A1111's grid is (1,), which leaves txt2img nothing to run; ours adds the top.
    """
    if steps == 1:
        return (1, TRAIN_STEPS - 1)
    stride = max(TRAIN_STEPS // max(steps, 1), 1)
    return tuple(min(t + 1, TRAIN_STEPS - 1) for t in range(0, TRAIN_STEPS, stride))


def _wanted(sampling: Sampling, txt2img: bool) -> tuple[int, int] | None:
    """Return (steps of the schedule, steps to run from its end), None for nothing to run.

    The second number is A1111's t_enc + 1; timestep samplers run fewer (6.4).
    """
    steps, strength = sampling.steps, sampling.denoising_strength
    if txt2img or sampling.semantics is StepSemantics.START_AT_STEP:
        return steps, steps
    if sampling.semantics is StepSemantics.EXACT:
        if strength == 0:
            return None
        return _exact_schedule(steps, strength), steps
    if sampling.semantics is StepSemantics.DIFFUSERS:
        count = min(int(steps * strength), steps)
        return (steps, count) if count else None
    return steps, int(min(strength, MAX_STRENGTH) * steps) + 1


def _exact_schedule(steps: int, strength: float) -> int:
    exact = steps / min(strength, MAX_STRENGTH)
    if exact > MAX_SCHEDULE_STEPS:
        raise ValueError(
            f"denoising strength {strength:g} with exactly {steps} steps needs a schedule of "
            f"{exact:.0f} values, the limit is {MAX_SCHEDULE_STEPS}: use a strength of 0 or of "
            f"at least {steps / MAX_SCHEDULE_STEPS:g}"
        )
    return int(exact)


def _sigma_plan(steps: int, count: int, length: int, sampling: Sampling, txt2img: bool) -> StepPlan:
    """Plan for k-diffusion samplers: a slice of `length` descending sigmas."""
    last = length - 1
    if sampling.semantics is StepSemantics.START_AT_STEP:
        plan = _advanced(sampling, steps, last)
        return replace(plan, from_top=txt2img and plan.first == 0)
    # A1111 counts from the asked length, so longer lists (DDIM schedule) run more steps.
    # Lists cut short by the table's 1000 entries are counted from their end instead.
    first = max(0, min(steps, last) - count)
    return StepPlan(steps, count - 1, first, last, first, last - first, from_top=txt2img)


def _advanced(sampling: Sampling, steps: int, last: int) -> StepPlan:
    """Plan ComfyUI's start and end step on a list of `last` steps (behaviour 6.6)."""
    end = min(sampling.end_at_step, last)
    first = min(sampling.start_at_step, end)
    return StepPlan(
        steps,
        last - first - 1,
        first,
        end,
        first,
        end - first,
        add_noise=sampling.add_noise,
        force_full_denoise=end < last and not sampling.return_with_leftover_noise,
        max_denoise=True,
    )


def _timestep_plan(
    info: SamplerInfo, steps: int, count: int, length: int, sampling: Sampling, txt2img: bool
) -> StepPlan:
    """Plan for timestep samplers: a slice of `(0, *timesteps)`, whose last index is `length`.

    At A1111's normal strengths the slice ends at timesteps[0], so that DDIM and PLMS leave the
    little noise of timestep 1 in the picture. UniPC takes one step more on the same slice.
    """
    full_run = length if info.continuous_time else length - 1
    if sampling.semantics is StepSemantics.START_AT_STEP:
        return _from_clean_end(_advanced(sampling, steps, full_run), length, txt2img)
    if txt2img:
        return StepPlan(steps, length - 1, 1, length, length, full_run, from_top=True)
    if sampling.semantics is StepSemantics.DIFFUSERS:
        last = min(count + 1, length)
        return StepPlan(steps, count, 1, last, last, min(count, full_run))
    t_enc = min(count - 1, length - 1)
    if t_enc >= (3 if info.continuous_time else 2):
        executed = t_enc if info.continuous_time else t_enc - 1
        return StepPlan(steps, t_enc, 1, t_enc, t_enc + 1, executed)
    # A1111 makes no model call here (UniPC raises); we start at the noise level itself.
    first = 0 if t_enc == 0 else 1
    return StepPlan(steps, t_enc, first, t_enc + 1, t_enc + 1, max(t_enc, 1))


def _from_clean_end(plan: StepPlan, length: int, txt2img: bool) -> StepPlan:
    """Turn a slice counted from the noisy end into one of the ascending timestep grid."""
    return replace(
        plan,
        first=length - plan.last,
        last=length - plan.first,
        noise_index=length - plan.first,
        max_denoise=False,
        from_top=txt2img and plan.first == 0,
    )
