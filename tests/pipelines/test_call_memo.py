"""Calls shared between pictures: the same bits with fewer calls (performance.md 3, 20 and 23)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from pipelines.call_memo import MOST_RUNS, CallMemo
from pipelines.request import Img2ImgRequest, Refiner
from pipelines.run import Pipeline, run
from tests.pipelines.pixels import box_mask, noise
from tests.pipelines.run_doubles import INIT, MASK, Recorder, request_for
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

PICTURES = {INIT: noise(64, 64), MASK: box_mask(64, 64, (16, 16, 48, 48))}


@dataclass
class Shared:
    """A pipeline and a memo that several runs use one after the other."""

    family: ToyFamily
    pipeline: Pipeline
    memo: CallMemo | None
    shared: int = 0

    def picture(self, request: Img2ImgRequest) -> tuple[list[bytes], int]:
        """The pictures' bytes, and how many calls the network got."""
        before = len(self.family.levels)
        heard = Recorder()
        report = run(
            request,
            self.pipeline,
            PICTURES.__getitem__,
            heard,
            memo=self.memo,
            load=lambda _: self.pipeline,
        )
        self.shared = int(report.facts["shared_calls"])
        return [image.tobytes() for image in heard.images], len(self.family.levels) - before


@pytest.fixture
def cells() -> Shared:
    family = ToyFamily()
    return Shared(family, toy_pipeline(family), CallMemo())


def unshared(*requests: Img2ImgRequest) -> tuple[list[bytes], int]:
    """The last of them, all made one after the other without a memo.

    The earlier ones matter: a text that was encoded beside others may differ in its last bit.
    """
    family = ToyFamily()
    cells = Shared(family, toy_pipeline(family), None)
    return [cells.picture(request) for request in requests][-1]


def hires(**fields: Any) -> Img2ImgRequest:
    return request_for(init_images=(), hires={"scale": 1.5, **fields})


PAIRS = {
    "cfg": (
        request_for(sampling={"cfg_scale": 3}),
        request_for(sampling={"cfg_scale": 8}),
        1,
    ),
    "sampler": (
        request_for(sampling={"sampler": "Euler"}),
        request_for(sampling={"sampler": "DPM++ 2M", "scheduler": "Uniform"}),
        1,
    ),
    "prompt edited later": (
        request_for(prompt="a [cat:dog:2]", sampling={"denoising_strength": 1.0}),
        request_for(prompt="a [cat:cow:2]", sampling={"denoising_strength": 1.0}),
        2,
    ),
    "timestep sampler": (
        request_for(sampling={"sampler": "DDIM", "cfg_scale": 3}),
        request_for(sampling={"sampler": "DDIM", "cfg_scale": 8}),
        1,
    ),
    "refiner enters later": (
        request_for(
            refiner=Refiner(checkpoint="toy", switch_at=0.4, by_steps=True),
            sampling={"denoising_strength": 1.0},
        ),
        request_for(
            refiner=Refiner(checkpoint="toy", switch_at=0.8, by_steps=True),
            sampling={"denoising_strength": 1.0},
        ),
        4,  # the toy refiner is the same network: even its calls are the same
    ),
    "the same again": (request_for(inpaint={}), request_for(inpaint={}), 3),
    "second pass differs": (
        hires(steps=3, sampler="Euler a"),
        hires(steps=3, sampler="DPM++ 2M"),
        4,
    ),
}


@pytest.mark.parametrize(("first", "second", "shared"), PAIRS.values(), ids=PAIRS)
def test_shared_calls_change_no_bit(
    cells: Shared, first: Img2ImgRequest, second: Img2ImgRequest, shared: int
) -> None:
    cells.picture(first)
    picture, calls = cells.picture(second)
    expected, all_calls = unshared(first, second)
    assert picture == expected
    assert cells.shared >= shared
    assert calls == all_calls - cells.shared


DIFFERENT = {
    "seed": request_for(seeds={"seed": 2}),
    "denoise": request_for(sampling={"denoising_strength": 0.5}),
    "prompt": request_for(prompt="other"),
    "steps": request_for(sampling={"steps": 7}),
    "tiling": request_for(tiling=True),
}


@pytest.mark.parametrize("second", DIFFERENT.values(), ids=DIFFERENT)
def test_what_differs_from_the_first_call_on_shares_nothing(
    cells: Shared, second: Img2ImgRequest
) -> None:
    cells.picture(request_for())
    picture, calls = cells.picture(second)
    assert (picture, calls) == unshared(request_for(), second)
    assert cells.shared == 0


def test_another_network_shares_nothing(cells: Shared) -> None:
    cells.picture(request_for())
    other = ToyFamily()
    moved = Shared(other, toy_pipeline(other), cells.memo)
    moved.picture(request_for())
    assert moved.shared == 0


def test_several_batches_go_on_sharing(cells: Shared) -> None:
    cells.picture(request_for(n_iter=2))
    picture, calls = cells.picture(request_for(n_iter=2))
    assert (picture, calls) == (unshared(request_for(n_iter=2))[0], 0)


# ---------------------------------------------------------------- the memo itself


class Network:
    """Something to refer to."""


def fill_run(memo: CallMemo, network: Network, values: list[float]) -> int:
    one = memo.begin()
    for value in values:
        given = torch.full((256,), value)
        one.call(network, (), (given, None), lambda given=given: given * 2)  # type: ignore[misc]
    return one.shared


def test_a_run_stops_looking_at_the_first_difference() -> None:
    memo, network = CallMemo(), Network()
    assert fill_run(memo, network, [1, 2, 3]) == 0
    assert fill_run(memo, network, [1, 9, 3]) == 1
    assert fill_run(memo, network, [1, 9, 3, 4]) == 3


def test_the_oldest_runs_go_when_there_is_no_room() -> None:
    memo, network = CallMemo(most_bytes=3 * 2048), Network()
    for value in (1.0, 2.0, 3.0, 4.0, 5.0):
        fill_run(memo, network, [value])
    assert fill_run(memo, network, [5.0]) == 1
    assert fill_run(memo, network, [1.0]) == 0


def test_a_long_plot_does_not_keep_a_run_of_every_cell() -> None:
    memo, network = CallMemo(), Network()
    for value in range(MOST_RUNS + 2):
        fill_run(memo, network, [float(value)])
    assert fill_run(memo, network, [0.0]) == 0
    assert fill_run(memo, network, [float(MOST_RUNS)]) == 1


def test_the_first_calls_of_old_runs_outlive_their_later_ones() -> None:
    memo, network = CallMemo(most_bytes=8 * 2048), Network()
    for value in (1.0, 2.0, 3.0, 4.0):
        fill_run(memo, network, [value, value + 0.1, value + 0.2, value + 0.3])
    assert fill_run(memo, network, [1.0, 7.0]) == 1
    assert fill_run(memo, network, [4.0, 4.1, 4.2, 4.3]) == 4


def test_a_text_that_all_runs_have_is_kept_once() -> None:
    """The memory of a long plot: four runs fit with one text, not with four."""
    memo, network = CallMemo(most_bytes=4 * 2048 + 8192), Network()

    def cell(value: float) -> int:
        one, given, text = memo.begin(), torch.full((256,), value), torch.ones(2048)
        one.call(network, (), (given, text), lambda: given * 2)
        return one.shared

    assert [cell(value) for value in (1.0, 2.0, 3.0, 4.0)] == [0, 0, 0, 0]
    assert [cell(value) for value in (1.0, 2.0, 3.0, 4.0)] == [1, 1, 1, 1]


def test_networks_are_not_kept_alive() -> None:
    memo, network = CallMemo(), Network()
    fill_run(memo, network, [1.0])
    del network
    assert fill_run(memo, Network(), [1.0]) == 0


def test_numbers_that_only_look_alike_are_no_match() -> None:
    memo, network = CallMemo(), Network()
    zero = torch.zeros(4)

    def asked(given: Tensor) -> int:
        one = memo.begin()
        one.call(network, (), (given,), lambda: zero)
        return one.shared

    assert asked(zero) == 0
    assert asked(zero.double()) == 0
    assert asked(torch.full((4,), torch.nan)) == 0
    assert asked(torch.full((4,), torch.nan)) == 0
    assert asked(torch.zeros(4)) == 1
