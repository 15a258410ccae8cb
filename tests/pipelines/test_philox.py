"""The software version of NVIDIA's generator (behaviour 8.4 [T])."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.philox import Philox

FIRST = {
    "seed 0": (
        0,
        (3, 4),
        "-0.9246624 -0.425344 -2.6438458 0.1451839 -0.1208665 -0.5797257 "
        "-0.6228513 -0.3283871 -1.074542 -0.3631441 -1.6710504 2.265505",
    ),
    "seed 1234": (
        1234,
        (4, 64, 64),
        "-1.6164904 0.5684552 -0.5102246 -0.9113394 -1.1555171 -0.2261509 -1.2891325 1.0653822",
    ),
    "seed above 32 bits": (2**32 + 5, (4,), "-2.8427474 1.3404924 0.2722309 1.4550629"),
}


@pytest.mark.parametrize(("seed", "shape", "text"), FIRST.values(), ids=FIRST)
def test_first_numbers(seed: int, shape: tuple[int, ...], text: str) -> None:
    expected = [float(word) for word in text.split()]
    numbers = Philox(seed).randn(shape)
    assert numbers.shape == shape
    assert numbers.dtype == np.float32
    assert numbers.ravel()[: len(expected)] == pytest.approx(expected, abs=1e-6)


def test_second_call_goes_on() -> None:
    philox = Philox(0)
    philox.randn((3, 4))
    expected = [0.1808259, -0.5522627, 0.9238134, -0.7349703]
    assert philox.randn((4,)) == pytest.approx(expected, abs=1e-6)


def test_a_call_moves_on_by_one_whatever_its_size() -> None:
    small, large = Philox(3), Philox(3)
    small.randn((1,))
    large.randn((500,))
    assert np.array_equal(small.randn((6,)), large.randn((6,)))


def test_seeds_wrap_at_64_bits() -> None:
    assert np.array_equal(Philox(-1).randn((4,)), Philox(2**64 - 1).randn((4,)))
