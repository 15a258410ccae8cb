"""Guidance: the CFG formula in numbers, AND weights, calls, prompt editing, skipped uncond.

The 'network' predicts a number that its context holds, so that every sum can be done by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from pipelines.guidance import Guidance, Guided
from pipelines.prompt.conditioning import Conditioning, PartCond, StepConditioning
from pipelines.request import SamplerTuning
from tests.pipelines.toy_family import ToyTextEncoder


@dataclass
class Network:
    """Predicts its context's first word; remembers rows, tokens and levels of its calls."""

    calls: list[tuple[int, int]] = field(default_factory=list)
    levels: list[list[float]] = field(default_factory=list)

    def __call__(self, x: Tensor, level: Tensor, context: Tensor) -> Tensor:
        self.calls.append((x.shape[0], context.shape[1]))
        self.levels.append(level.tolist())
        return x * 0 + context[:, 1, 0].view(-1, 1, 1, 1)


class Fixed:
    """Conditioning that is the same at every call."""

    def __init__(self, step: StepConditioning) -> None:
        self.step = step
        self.asked: list[int] = []

    def at(self, call_index: int) -> StepConditioning:
        self.asked.append(call_index)
        return self.step


def text(value: float, tokens: int = 77) -> Tensor:
    return torch.full((tokens, 2), value)


def conditioning(
    parts: list[tuple[int, float, float]], uncond: list[float], tokens: tuple[int, int] = (77, 77)
) -> Fixed:
    """Parts are (picture, weight, value); `tokens` are the lengths of cond and uncond."""
    conds = tuple(PartCond(i, weight, text(value, tokens[0])) for i, weight, value in parts)
    return Fixed(StepConditioning(conds, torch.stack([text(v, tokens[1]) for v in uncond])))


def guide(
    conds: Fixed | Conditioning,
    cfg: float = 7.0,
    tuning: SamplerTuning | None = None,
    steps: int = 10,
    network: Network | None = None,
) -> Guidance:
    return Guidance(
        network or Network(),
        conds,  # type: ignore[arg-type]
        cfg,
        tuning or SamplerTuning(),
        steps,
    )


def values(guided: Guided) -> tuple[list[float], list[float], list[float]]:
    first = [side[:, 0, 0, 0].tolist() for side in (guided.guided, guided.uncond, guided.cond)]
    return first[0], first[1], first[2]


def x(batch: int = 1) -> Tensor:
    return torch.zeros(batch, 4, 2, 3)


def level(batch: int = 1, value: float = 2.0) -> Tensor:
    return torch.full((batch,), value)


@pytest.mark.parametrize(
    ("parts", "uncond", "cfg", "guided"),
    [
        ([(0, 1.0, 3.0)], [1.0], 7.0, [15.0]),
        ([(0, 1.0, 3.0)], [1.0], 1.0, [3.0]),
        ([(0, 1.0, 3.0)], [1.0], 0.0, [1.0]),
        ([(0, 0.5, 3.0)], [1.0], 7.0, [8.0]),
        ([(0, -1.0, 3.0)], [1.0], 7.0, [-13.0]),
        ([(0, 1.0, 3.0), (0, 0.5, 5.0)], [1.0], 2.0, [9.0]),
        ([(0, 1.0, 3.0), (0, -0.5, 5.0), (0, 0.0, 9.0)], [1.0], 2.0, [1.0]),
        ([(0, 1.0, 3.0), (1, 1.0, 4.0)], [1.0, 2.0], 7.0, [15.0, 16.0]),
        ([(0, 1.0, 3.0), (1, 1.0, 4.0), (1, 2.0, 3.0)], [1.0, 2.0], 2.0, [5.0, 10.0]),
    ],
    ids=[
        "cfg 7",
        "cfg 1 is the prompt",
        "cfg 0 is the negative prompt",
        "weight",
        "negative weight",
        "AND",
        "AND with negative and no weight",
        "two pictures",
        "two pictures with unequal parts",
    ],
)
def test_uncond_plus_weight_times_cfg_times_difference(
    parts: list[tuple[int, float, float]], uncond: list[float], cfg: float, guided: list[float]
) -> None:
    """Behaviour 7.5 and 9.4: D = U + sum of w * cfg * (C - U)."""
    batch = len(uncond)
    result = guide(conditioning(parts, uncond), cfg)(x(batch), level(batch), sigma=2.0)
    firsts = [next(value for i, _, value in parts if i == k) for k in range(batch)]
    assert values(result) == (guided, uncond, firsts)


def test_equal_lengths_share_one_call() -> None:
    network = Network()
    parts = [(0, 1.0, 3.0), (0, 1.0, 4.0), (1, 1.0, 5.0)]
    guide(conditioning(parts, [1.0, 2.0]), network=network)(x(2), level(2), sigma=2.0)
    assert network.calls == [(5, 77)]


def test_unequal_lengths_need_one_call_each() -> None:
    """Behaviour 7.5 and trap 31: cond and uncond are not padded to equal length."""
    network = Network()
    parts = [(0, 1.0, 3.0), (1, 1.0, 4.0)]
    conds = conditioning(parts, [1.0, 2.0], tokens=(154, 77))
    result = guide(conds, 2.0, network=network)(x(2), level(2), sigma=2.0)
    assert network.calls == [(2, 154), (2, 77)]
    assert values(result) == ([5.0, 6.0], [1.0, 2.0], [3.0, 4.0])


CALLS = {
    "one picture": ([(0, 1.0, 3.0)], [1.0], [(1, 77), (1, 77)], [5.0]),
    "AND, two pictures": (
        [(0, 1.0, 3.0), (0, 1.0, 4.0), (1, 1.0, 5.0)],
        [1.0, 2.0],
        [(3, 77), (2, 77)],
        [11.0, 8.0],
    ),
}


@pytest.mark.parametrize(("parts", "uncond", "calls", "guided"), CALLS.values(), ids=list(CALLS))
def test_both_sides_can_be_computed_one_after_the_other(
    parts: list[tuple[int, float, float]],
    uncond: list[float],
    calls: list[tuple[int, int]],
    guided: list[float],
) -> None:
    """Behaviour 7.5: A1111's `batch_cond_uncond` off; the result is the same."""
    network, conds, batch = Network(), conditioning(parts, uncond), len(uncond)
    apart = Guidance(network, conds, 2.0, SamplerTuning(), 10, together=False)  # type: ignore[arg-type]
    result = apart(x(batch), level(batch), sigma=2.0)
    assert network.calls == calls
    assert values(result)[0] == guided
    assert values(result) == values(guide(conds, 2.0)(x(batch), level(batch), sigma=2.0))


def test_cfg_1_still_asks_for_the_negative_prompt() -> None:
    """Trap 39."""
    network = Network()
    guide(conditioning([(0, 1.0, 3.0)], [1.0]), 1.0, network=network)(x(), level(), sigma=2.0)
    assert network.calls == [(2, 77)]


def test_each_row_gets_its_own_pictures_level_and_state() -> None:
    seen: list[Tensor] = []

    def network(states: Tensor, levels: Tensor, _context: Tensor) -> Tensor:
        seen.extend((states[:, 0, 0, 0], levels))
        return states

    conds = conditioning([(0, 1.0, 3.0), (1, 1.0, 4.0), (1, 1.0, 5.0)], [1.0, 2.0])
    states = torch.tensor([10.0, 20.0]).view(2, 1, 1, 1).expand(2, 4, 2, 3)
    guidance = Guidance(network, conds, 7.0, SamplerTuning(), 10)  # type: ignore[arg-type]
    guidance(states, torch.tensor([0.1, 0.2]), sigma=0.1)
    assert seen[0].tolist() == [10.0, 20.0, 20.0, 10.0, 20.0]
    assert seen[1].tolist() == pytest.approx([0.1, 0.2, 0.2, 0.1, 0.2])


# ---------------------------------------------------------------- calls are counted


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("[hen:fox:5]", "hhhhhhffff"),
        ("[hen:fox:0.2]", "hhhfffffff"),
        ("[hen|fox]", "hhfhfhfhfh"),
    ],
    ids=["absolute", "share of the steps", "alternating"],
)
def test_calls_drive_prompt_editing(prompt: str, words: str) -> None:
    """Behaviour 9.3: the first stage is used once more than it says."""
    conds = Conditioning.build(ToyTextEncoder(), [prompt], [""], steps=10)
    guidance = guide(conds)
    said = [guidance(x(), level(), sigma=2.0).cond[0, 0, 0, 0].item() for _ in range(10)]
    hen, fox = said[0], next(value for value in said if value != said[0])
    assert said == [hen if word == "h" else fox for word in words]


def test_the_counter_starts_at_0_and_counts_every_call() -> None:
    conds = conditioning([(0, 1.0, 3.0)], [1.0])
    guidance = guide(conds)
    for _ in range(3):
        guidance(x(), level(), sigma=2.0)
    assert conds.asked == [0, 1, 2]


# ---------------------------------------------------------------- without the negative prompt


def skipped(network: Network) -> list[bool]:
    return [rows == 1 for rows, _ in network.calls]


@pytest.mark.parametrize(
    ("ngms", "all_steps", "sigmas", "expected"),
    [
        (1.0, False, [2.0, 2.0, 0.5, 0.5, 0.5, 0.5], [0, 0, 0, 1, 0, 1]),
        (1.0, True, [2.0, 2.0, 0.5, 0.5, 0.5, 0.5], [0, 0, 1, 1, 1, 1]),
        (1.0, True, [1.0, 0.999], [0, 1]),
        (0.0, True, [0.5, 0.5], [0, 0]),
    ],
    ids=["odd calls", "all calls", "below, not at", "off"],
)
def test_negative_guidance_minimum_sigma(
    ngms: float, all_steps: bool, sigmas: list[float], expected: list[int]
) -> None:
    """Behaviour 7.5."""
    network = Network()
    tuning = SamplerTuning(ngms=ngms, ngms_all_steps=all_steps)
    guidance = guide(conditioning([(0, 1.0, 3.0)], [1.0]), tuning=tuning, network=network)
    for sigma in sigmas:
        guidance(x(), level(value=sigma), sigma=sigma)
    assert skipped(network) == [bool(flag) for flag in expected]


@pytest.mark.parametrize(
    ("value", "steps", "count"),
    [(0.0, 10, 0), (0.3, 10, 4), (1.0, 4, 5), (0.05, 10, 1)],
    ids=["off", "up to and with 0.3", "up to and with all steps", "the first"],
)
def test_skip_early_cfg_counts_calls_of_all_steps(value: float, steps: int, count: int) -> None:
    """Behaviour 7.5: while calls / total <= value."""
    network = Network()
    guidance = guide(
        conditioning([(0, 1.0, 3.0)], [1.0]),
        tuning=SamplerTuning(skip_early_cfg=value),
        steps=steps,
        network=network,
    )
    for _ in range(6):
        guidance(x(), level(), sigma=2.0)
    assert skipped(network) == [index < count for index in range(6)]


def test_without_the_negative_prompt_the_prediction_is_the_prompts() -> None:
    """Behaviour 7.5: D = C."""
    tuning = SamplerTuning(ngms=9.0, ngms_all_steps=True)
    guidance = guide(conditioning([(0, 1.0, 3.0), (1, 1.0, 4.0)], [1.0, 2.0]), tuning=tuning)
    assert values(guidance(x(2), level(2), sigma=2.0)) == ([3.0, 4.0],) * 3
