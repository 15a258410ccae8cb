"""Steps and denoising strength (behaviour 6.1-6.4, 6.6)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.request import Sampling, StepSemantics
from pipelines.sampler_names import SAMPLERS, SCHEDULERS
from pipelines.steps import executed_steps, plan_steps, sigma_count, timestep_grid

# (n, d) -> A1111: first index, executed | exact: S, first index | diffusers: executed
SIX_TWO = {
    (20, 0.75): (4, 16, 26, 6, 15),
    (20, 0.5): (9, 11, 40, 20, 10),
    (20, 1.0): (0, 20, 20, 0, 20),
    (20, 0.9): (1, 19, 22, 2, 18),
    (20, 0.3): (13, 7, 66, 46, 6),
    (30, 0.35): (19, 11, 85, 55, 10),
    (50, 0.3): (34, 16, 166, 116, 15),
    (7, 0.9): (0, 7, 7, 0, 6),
    (20, 0.05): (18, 2, 400, 380, 1),
}


def sampling(n: int, d: float, semantics: str = "a1111", **changes: Any) -> Sampling:
    fields = {"sampler": "Euler", "steps": n, "denoising_strength": d, "semantics": semantics}
    return Sampling.model_validate(fields | changes)


@pytest.mark.parametrize(("n", "d"), SIX_TWO, ids=str)
class TestSixTwo:
    """The table of behaviour 6.2 [T]."""

    def test_a1111(self, n: int, d: float) -> None:
        plan = plan_steps(sampling(n, d), txt2img=False)
        first, executed = SIX_TWO[n, d][:2]
        assert (plan.schedule_steps, plan.first, plan.executed) == (n, first, executed)
        assert (plan.t_enc, plan.last, plan.noise_index) == (executed - 1, n, first)

    def test_exact(self, n: int, d: float) -> None:
        plan = plan_steps(sampling(n, d, "exact"), txt2img=False)
        schedule, first = SIX_TWO[n, d][2:4]
        assert (plan.schedule_steps, plan.first, plan.executed) == (schedule, first, n)

    def test_diffusers(self, n: int, d: float) -> None:
        plan = plan_steps(sampling(n, d, "diffusers"), txt2img=False)
        executed = SIX_TWO[n, d][4]
        assert (plan.schedule_steps, plan.first, plan.executed) == (n, n - executed, executed)


class TestLimits:
    """Behaviour 6.3."""

    def test_strength_0_runs_one_step(self) -> None:
        plan = plan_steps(sampling(20, 0.0), txt2img=False)
        assert (plan.first, plan.last, plan.executed, plan.identity) == (19, 20, 1, False)

    @pytest.mark.parametrize("sampler", [info.name for info in SAMPLERS])
    def test_strength_0_exact_is_the_identity(self, sampler: str) -> None:
        plan = plan_steps(sampling(20, 0.0, "exact", sampler=sampler), txt2img=False)
        assert (plan.executed, plan.identity) == (0, True)

    def test_diffusers_without_a_step_is_the_identity(self) -> None:
        assert plan_steps(sampling(10, 0.05, "diffusers"), txt2img=False).identity

    def test_a_thousand_steps_are_all_run(self) -> None:
        plan = plan_steps(sampling(1000, 1.0), txt2img=False)
        assert (plan.t_enc, plan.first, plan.executed) == (999, 0, 1000)

    def test_exact_refuses_endless_schedules(self) -> None:
        with pytest.raises(
            ValueError, match=r"limit is 100000: use a strength of 0 or of at least"
        ):
            plan_steps(sampling(20, 1e-9, "exact"), txt2img=False)


ADVANCED = {
    "whole": ({}, 0, 20, 20, False),
    "start": ({"start_at_step": 8}, 8, 20, 12, False),
    "end": ({"end_at_step": 8}, 0, 8, 8, True),
    "end with leftover": (
        {"end_at_step": 8, "return_with_leftover_noise": True},
        0,
        8,
        8,
        False,
    ),
    "middle": ({"start_at_step": 5, "end_at_step": 10}, 5, 10, 5, True),
    "end at the end": ({"end_at_step": 20}, 0, 20, 20, False),
    "end before the end": ({"end_at_step": 19}, 0, 19, 19, True),
}


@pytest.mark.parametrize(
    ("fields", "first", "last", "executed", "force"), ADVANCED.values(), ids=ADVANCED
)
def test_start_at_step(
    fields: dict[str, Any], first: int, last: int, executed: int, force: bool
) -> None:
    plan = plan_steps(sampling(20, 0.3, "start_at_step", **fields), txt2img=False)
    assert (plan.schedule_steps, plan.first, plan.last, plan.executed) == (
        20,
        first,
        last,
        executed,
    )
    assert (plan.force_full_denoise, plan.identity, plan.max_denoise) == (force, False, True)


@pytest.mark.parametrize(
    "fields",
    [{"start_at_step": 20}, {"start_at_step": 999}, {"start_at_step": 8, "end_at_step": 8}],
    ids=str,
)
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_start_at_the_end_is_the_identity(sampler: str, fields: dict[str, Any]) -> None:
    asked = sampling(20, 0.3, "start_at_step", sampler=sampler, **fields)
    plan = plan_steps(asked, txt2img=False)
    assert (plan.executed, plan.identity) == (0, True)


def test_add_noise_is_handed_on() -> None:
    asked = sampling(20, 0.3, "start_at_step", add_noise=False)
    assert not plan_steps(asked, txt2img=False).add_noise


@pytest.mark.parametrize("semantics", list(StepSemantics))
def test_txt2img_runs_all_steps_whatever_the_strength(semantics: StepSemantics) -> None:
    plan = plan_steps(sampling(20, 0.1, semantics), txt2img=True)
    assert (plan.schedule_steps, plan.first, plan.last, plan.executed) == (20, 0, 20, 20)
    assert plan.from_top


GRIDS = {
    20: (20, (1, 51), (901, 951)),
    30: (31, (1, 34), (958, 991)),
    15: (16, (1, 67), (925, 991)),
    7: (8, (1, 143), (853, 995)),
    1000: (1000, (1, 2), (999, 999)),
}


@pytest.mark.parametrize("n", GRIDS)
def test_timestep_grid(n: int) -> None:
    """Behaviour 6.4 [T]: the grid may have more points than steps were asked for."""
    grid = timestep_grid(n)
    assert (len(grid), grid[:2], grid[-2:]) == GRIDS[n]


# (d) -> index of the noise level in (0, *grid), first and last index of the slice, evaluations
DDIM_20 = {
    0.75: (16, 1, 15, 14),
    1.0: (20, 1, 19, 18),
    0.2: (5, 1, 4, 3),
    0.15: (4, 1, 3, 2),
    0.1: (3, 1, 2, 1),
    0.05: (2, 1, 2, 1),
    0.0: (1, 0, 1, 1),
}


@pytest.mark.parametrize("d", DDIM_20)
def test_ddim_img2img(d: float) -> None:
    """Behaviour 6.4 [T]; below 0.1 A1111 makes no model call and we make one."""
    plan = plan_steps(sampling(20, d, sampler="DDIM"), txt2img=False)
    assert (plan.noise_index, plan.first, plan.last, plan.executed) == DDIM_20[d]


@pytest.mark.parametrize(("n", "executed"), [(20, 19), (30, 30), (15, 15), (7, 7), (1, 1)])
def test_ddim_txt2img(n: int, executed: int) -> None:
    """Behaviour 6.4 [T]: the lowest grid point is never evaluated."""
    plan = plan_steps(sampling(n, 0.5, sampler="DDIM"), txt2img=True)
    assert (plan.first, plan.last, plan.executed) == (1, executed + 1, executed)


@pytest.mark.parametrize(
    ("d", "executed", "last"),
    [(0.75, 15, 15), (1.0, 19, 19), (0.15, 3, 3), (0.1, 2, 3), (0.05, 1, 2), (0.0, 1, 1)],
    ids=str,
)
def test_unipc_img2img(d: float, executed: int, last: int) -> None:
    """Behaviour 6.4 [T]; below order 3 A1111 fails and we take steps of a lower order."""
    plan = plan_steps(sampling(20, d, sampler="UniPC"), txt2img=False)
    assert (plan.executed, plan.last) == (executed, last)
    assert plan.noise_index == int(min(d, 0.999) * 20) + 1


@pytest.mark.parametrize(("n", "executed"), [(20, 20), (7, 8), (30, 31)])
def test_unipc_txt2img(n: int, executed: int) -> None:
    """Behaviour 0.5 [T]: as many steps as the grid has entries."""
    assert executed_steps(sampling(n, 0.5, sampler="UniPC"), txt2img=True) == executed


DDIM_OTHERS = {
    "exact": ({"semantics": "exact"}, 26, 1, 19, 20, 18),
    "diffusers": ({"semantics": "diffusers"}, 20, 1, 16, 16, 15),
    "diffusers 1.0": ({"semantics": "diffusers", "denoising_strength": 1.0}, 20, 1, 20, 20, 19),
    "start": ({"semantics": "start_at_step", "start_at_step": 5}, 20, 1, 15, 15, 14),
    "end": ({"semantics": "start_at_step", "end_at_step": 5}, 20, 15, 20, 20, 5),
}


@pytest.mark.parametrize(
    ("fields", "schedule", "first", "last", "noise", "executed"),
    DDIM_OTHERS.values(),
    ids=DDIM_OTHERS,
)
def test_ddim_other_semantics(
    fields: dict[str, Any], schedule: int, first: int, last: int, noise: int, executed: int
) -> None:
    plan = plan_steps(sampling(20, 0.75, **({"sampler": "DDIM"} | fields)), txt2img=False)
    assert (plan.schedule_steps, plan.first, plan.last) == (schedule, first, last)
    assert (plan.noise_index, plan.executed) == (noise, executed)


PAGE_LINE = {
    "Euler": ("Euler", "Automatic", 16),
    "DDIM": ("DDIM", "Automatic", 14),
    "DDIM CFG++": ("DDIM CFG++", "Automatic", 14),
    "PLMS": ("PLMS", "Automatic", 14),
    "UniPC": ("UniPC", "Automatic", 15),
    "second order": ("Heun", "Automatic", 16),
    "discard trick": ("DPM2", "Automatic", 16),
    "discard trick on the DDIM schedule": ("DPM2", "DDIM", 17),
    "combined name": ("DPM++ 2M Karras", "Automatic", 16),
    "KL Optimal": ("Euler", "KL Optimal", 16),
    "DDIM schedule": ("Euler", "DDIM", 16),
    "unknown name": ("Foo", "Automatic", 16),
}


@pytest.mark.parametrize(("sampler", "scheduler", "executed"), PAGE_LINE.values(), ids=PAGE_LINE)
def test_will_run_n_of_20_steps(sampler: str, scheduler: str, executed: int) -> None:
    asked = sampling(20, 0.75, sampler=sampler, scheduler=scheduler)
    assert executed_steps(asked, txt2img=False) == executed


@pytest.mark.parametrize(("n", "count"), [(7, 9), (15, 17), (20, 21), (24, 26), (30, 32)])
def test_ddim_schedule_has_odd_lengths(n: int, count: int) -> None:
    """Behaviour 7.3 [T]; the slice then runs more steps than t_enc + 1."""
    assert sigma_count("ddim", n) == count
    plan = plan_steps(sampling(n, 0.5, scheduler="DDIM"), txt2img=False)
    assert plan.executed == int(n * 0.5) + 1 + (count - n - 1)


@settings(deadline=None)
@given(
    sampler=st.sampled_from([info.name for info in SAMPLERS]),
    scheduler=st.sampled_from([info.label for info in SCHEDULERS]),
    n=st.integers(1, 1000),
    d=st.floats(0.02, 1.0) | st.just(0.0),
    semantics=st.sampled_from(StepSemantics),
    start=st.integers(0, 1100),
    end=st.integers(0, 1100),
    txt2img=st.booleans(),
)
def test_every_plan_is_a_slice(
    sampler: str,
    scheduler: str,
    n: int,
    d: float,
    semantics: StepSemantics,
    start: int,
    end: int,
    txt2img: bool,
) -> None:
    asked = sampling(
        n, d, semantics, sampler=sampler, scheduler=scheduler, start_at_step=start, end_at_step=end
    )
    plan = plan_steps(asked, txt2img=txt2img)
    assert plan.identity == (plan.executed == 0)
    assert plan.executed >= 0
    assert 0 <= plan.first <= plan.last
    if not plan.identity:
        assert plan.first < plan.last
