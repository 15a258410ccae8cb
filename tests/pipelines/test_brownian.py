"""Brownian noise of the SDE samplers (behaviour 8.6)."""

from __future__ import annotations

import warnings
from itertools import pairwise

import pytest
import torch

from pipelines.brownian import BrownianNoise
from pipelines.request import NoiseSource, SamplerTuning
from pipelines.schedules import NoiseSchedule, build_sigmas

KARRAS = build_sigmas("karras", 20, NoiseSchedule.from_betas(), SamplerTuning())
LEVELS: list[float] = KARRAS.tolist()
TINY = (4, 2, 2)


def paths(
    seeds: list[int],
    shape: tuple[int, int, int] = TINY,
    source: NoiseSource = NoiseSource.CPU,
) -> BrownianNoise:
    return BrownianNoise(shape, seeds, KARRAS, source)


def test_vectors() -> None:
    """Behaviour 8.6 [T]."""
    noise = paths([7])
    first = [1.0151845, -0.3426219, -0.0738781, -0.2171053]
    second = [-1.0850630, 1.0284523, 2.3263774, -1.4861727]
    assert noise.between(*LEVELS[0:2]).shape == (1, *TINY)
    assert noise.between(*LEVELS[0:2]).flatten()[:4].tolist() == pytest.approx(first, abs=2e-6)
    assert noise.between(*LEVELS[1:3]).flatten()[:4].tolist() == pytest.approx(second, abs=2e-6)


def test_order_of_the_queries_does_not_matter() -> None:
    there, back = paths([7]), paths([7])
    pairs = list(pairwise(LEVELS[:-1]))
    forward = [there.between(*pair) for pair in pairs]
    backward = [back.between(*pair) for pair in reversed(pairs)]
    assert all(map(torch.equal, forward, reversed(backward)))


def test_batch_of_three_is_three_singles() -> None:
    together = paths([7, 8, 2**63]).between(*LEVELS[3:5])
    alone = [paths([seed]).between(*LEVELS[3:5]) for seed in (7, 8, 2**63)]
    assert torch.equal(together, torch.cat(alone))


def test_increments_add_up() -> None:
    """A path is a path: the steps' increments sum to the increment of the whole."""
    noise = paths([7])
    parts = sum(noise.between(a, b) * (a - b) ** 0.5 for a, b in pairwise(LEVELS[2:10]))
    whole = noise.between(LEVELS[2], LEVELS[9]) * (LEVELS[2] - LEVELS[9]) ** 0.5
    assert torch.allclose(torch.as_tensor(parts), whole, atol=1e-5)


def test_upwards_has_the_other_sign() -> None:
    noise = paths([7])
    assert torch.equal(noise.between(2.0, 1.0), -noise.between(1.0, 2.0))


def test_unit_variance() -> None:
    drawn = paths([7], (4, 64, 64)).between(1.5, 1.2)
    assert float(drawn.std()) == pytest.approx(1.0, abs=0.02)
    assert float(drawn.mean()) == pytest.approx(0.0, abs=0.02)


def test_levels_outside_the_schedule_are_its_ends() -> None:
    noise = paths([7])
    inside = noise.between(LEVELS[0], 2.0) * (LEVELS[0] - 2.0) ** 0.5
    outside = noise.between(99.0, 2.0) * (99.0 - 2.0) ** 0.5
    assert torch.allclose(inside, outside, atol=1e-5)


def test_source_changes_the_numbers() -> None:
    drawn = paths([7], source=NoiseSource.NV).between(*LEVELS[0:2])
    assert bool(torch.isfinite(drawn).all())
    assert not torch.allclose(drawn, paths([7]).between(*LEVELS[0:2]))


def test_same_numbers_as_torchsde() -> None:
    torchsde = pytest.importorskip("torchsde")
    tree = torchsde.BrownianTree(KARRAS[19], torch.zeros(4, 8, 8), KARRAS[0], entropy=7)
    noise = paths([7], (4, 8, 8))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that the rounded ends are outside
        for high, low in pairwise(KARRAS[:-1]):
            expected = -tree(low, high) / (high - low).abs().sqrt()
            assert torch.allclose(noise.between(float(high), float(low))[0], expected, atol=2e-6)
