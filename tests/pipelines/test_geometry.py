"""Crop regions and resize plans: the vectors of behaviour 1.2 and 3, and what must always hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pipelines.geometry import (
    Bounds,
    Extent,
    crop_and_resize_plan,
    crop_region,
    resize_and_fill_plan,
)

sides = st.integers(1, 3000)
extents = st.builds(Extent, sides, sides)


@st.composite
def boxes_within(draw: st.DrawFn) -> tuple[Bounds, Extent]:
    within = draw(extents)
    x1, y1 = draw(st.integers(0, within.width - 1)), draw(st.integers(0, within.height - 1))
    x2 = draw(st.integers(x1 + 1, within.width))
    y2 = draw(st.integers(y1 + 1, within.height))
    return Bounds(x1, y1, x2, y2), within


def test_extent_knows_its_latent_and_its_name() -> None:
    assert Extent(515, 769).latent == Extent(64, 96)
    assert Extent(4, 3).aspect == 4 / 3
    assert Extent(20, 30).pixels == 600
    assert str(Extent(512, 768)) == "512x768"
    assert Extent.of(Pillow.new("L", (7, 5))) == Extent(7, 5)


def test_bounds_are_half_open() -> None:
    assert Bounds(2, 3, 10, 5).extent == Extent(8, 2)


@pytest.mark.parametrize(
    ("box", "within", "target", "expected"),
    [
        ((10, 10, 74, 42), (512, 512), (512, 512), (10, 0, 74, 64)),
        ((0, 0, 30, 300), (400, 300), (512, 512), (0, 0, 300, 300)),
        ((100, 50, 300, 60), (640, 480), (512, 768), (100, 0, 300, 300)),
        ((5, 5, 635, 475), (640, 480), (512, 512), (5, 0, 635, 480)),
    ],
    ids=["wide-box-shifts-down", "tall-box-shifts-right", "to-portrait", "does-not-fit"],
)
def test_crop_region_vectors_of_behaviour_3(
    box: tuple[int, int, int, int],
    within: tuple[int, int],
    target: tuple[int, int],
    expected: tuple[int, int, int, int],
) -> None:
    assert crop_region(Bounds(*box), Extent(*within), Extent(*target), 0) == expected


def test_crop_region_full_chain_of_behaviour_3() -> None:
    picture = Extent(512, 512)
    box = Bounds(190, 170, 310, 270)
    assert box.pad(32, picture) == (158, 138, 342, 302)
    assert crop_region(box, picture, picture, 32) == (158, 128, 342, 312)


@pytest.mark.parametrize(
    ("box", "padding", "expected"),
    [
        ((0, 0, 4, 4), 8, (0, 0, 12, 12)),
        ((60, 60, 64, 64), 8, (52, 52, 64, 64)),
        ((31, 31, 32, 32), 0, (31, 31, 32, 32)),
        ((0, 0, 64, 64), 256, (0, 0, 64, 64)),
        ((30, 30, 33, 32), 0, (30, 30, 33, 33)),
        ((30, 30, 32, 35), 0, (29, 30, 34, 35)),
    ],
    ids=[
        "top-left-corner",
        "bottom-right-corner",
        "one-pixel-no-padding",
        "whole-picture",
        "odd-growth-goes-down",
        "odd-growth-goes-right",
    ],
)
def test_crop_region_at_the_edges(
    box: tuple[int, int, int, int], padding: int, expected: tuple[int, int, int, int]
) -> None:
    square = Extent(64, 64)
    assert crop_region(Bounds(*box), square, square, padding) == expected


@settings(deadline=None, max_examples=300)
@given(boxes_within(), extents, st.integers(0, 300))
def test_crop_region_holds_the_padded_box_and_stays_inside(
    case: tuple[Bounds, Extent], target: Extent, padding: int
) -> None:
    box, within = case
    region = crop_region(box, within, target, padding)
    padded = box.pad(padding, within)
    assert 0 <= region.x1 <= padded.x1 < padded.x2 <= region.x2 <= within.width
    assert 0 <= region.y1 <= padded.y1 < padded.y2 <= region.y2 <= within.height


@settings(deadline=None, max_examples=300)
@given(boxes_within(), extents)
def test_crop_region_reaches_the_aspect_or_the_rim(
    case: tuple[Bounds, Extent], target: Extent
) -> None:
    box, within = case
    width, height = crop_region(box, within, target, 0).extent
    wanted_width, wanted_height = height * target.aspect, width / target.aspect
    assert (
        abs(width - wanted_width) <= 1
        or abs(height - wanted_height) <= 1
        or width == within.width
        or height == within.height
    )


@pytest.mark.parametrize(
    ("source", "target", "resized", "corner"),
    [
        ((1000, 600), (512, 512), (853, 512), (-170, 0)),
        ((600, 1000), (768, 512), (768, 1280), (0, -384)),
        ((333, 777), (512, 512), (512, 1194), (0, -341)),
        ((512, 512), (512, 512), (512, 512), (0, 0)),
    ],
    ids=["landscape", "portrait-to-landscape", "tall", "same"],
)
def test_crop_and_resize_vectors_of_behaviour_1_2(
    source: tuple[int, int],
    target: tuple[int, int],
    resized: tuple[int, int],
    corner: tuple[int, int],
) -> None:
    plan = crop_and_resize_plan(Extent(*source), Extent(*target))
    assert (plan.resized, (plan.x, plan.y), plan.bars) == (resized, corner, ())


@pytest.mark.parametrize(
    ("source", "target", "resized", "corner", "second_bar"),
    [
        ((1000, 600), (512, 512), (512, 307), (0, 103), (0, 410, 512, 513)),
        ((600, 1000), (768, 512), (307, 512), (231, 0), (538, 0, 769, 512)),
        ((333, 777), (512, 512), (219, 512), (147, 0), (366, 0, 513, 512)),
        ((1000, 599), (511, 513), (511, 306), (0, 103), (0, 409, 511, 512)),
    ],
    ids=["landscape", "portrait-to-landscape", "tall", "odd-remainder"],
)
def test_resize_and_fill_vectors_of_behaviour_1_2(
    source: tuple[int, int],
    target: tuple[int, int],
    resized: tuple[int, int],
    corner: tuple[int, int],
    second_bar: tuple[int, int, int, int],
) -> None:
    plan = resize_and_fill_plan(Extent(*source), Extent(*target))
    assert (plan.resized, (plan.x, plan.y)) == (resized, corner)
    assert plan.bars[1] == second_bar


@pytest.mark.parametrize(
    ("source", "target"),
    [((512, 512), (512, 512)), ((512, 512), (512, 513))],
    ids=["same", "one-line-left-over"],
)
def test_resize_and_fill_without_bars(source: tuple[int, int], target: tuple[int, int]) -> None:
    assert resize_and_fill_plan(Extent(*source), Extent(*target)).bars == ()


@settings(deadline=None, max_examples=300)
@given(extents, extents)
def test_plans_cover_or_fit(source: Extent, target: Extent) -> None:
    covering = crop_and_resize_plan(source, target)
    assert covering.x <= 0 and covering.x + covering.resized.width >= target.width
    assert covering.y <= 0 and covering.y + covering.resized.height >= target.height
    fitting = resize_and_fill_plan(source, target)
    assert fitting.x >= 0 and fitting.x + fitting.resized.width <= target.width
    assert fitting.y >= 0 and fitting.y + fitting.resized.height <= target.height
    assert min(fitting.resized) >= 1
