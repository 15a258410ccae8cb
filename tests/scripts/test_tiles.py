"""Tiles with overlap and their soft seams (behaviour 12.2)."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.geometry import Extent
from scripts.tiles import merge, plan_tiles, split, tile_starts


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "expected"),
    [
        (1024, 512, 64, (0, 256, 512)),
        (1000, 512, 64, (0, 244, 488)),
        (700, 512, 64, (0, 188)),
        (512, 512, 64, (0,)),
        (300, 512, 64, (-212,)),
        (128, 64, 8, (0, 32, 64)),
    ],
    ids=["1024 of 12.2", "1000 of 12.2", "700 of 12.2", "one tile", "smaller", "suite of A1111"],
)
def test_tile_starts_of_12_2(
    length: int, tile: int, overlap: int, expected: tuple[int, ...]
) -> None:
    assert tile_starts(length, tile, overlap) == expected


def noise(width: int, height: int) -> Image.Image:
    rng = np.random.default_rng(3)
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))


@settings(deadline=None, max_examples=40)
@given(st.integers(20, 90), st.integers(20, 90), st.integers(17, 40), st.integers(0, 16))
def test_untouched_tiles_give_the_picture_back(
    width: int, height: int, tile: int, overlap: int
) -> None:
    image = noise(width, height)
    plan = plan_tiles(Extent.of(image), Extent(tile, tile), overlap)
    back = np.asarray(merge(split(image, plan), plan), dtype=int)
    # Blending a value with itself may round by one level.
    assert np.abs(back - np.asarray(image, dtype=int)).max() <= 1


def test_the_ramp_begins_with_the_left_tile_and_is_linear() -> None:
    plan = plan_tiles(Extent(24, 16), Extent(16, 16), 8)
    black, white = (Image.new("RGB", (16, 16), (v, v, v)) for v in (0, 255))
    line = np.asarray(merge([black, white], plan))[0, :, 0]
    assert plan.columns == (0, 8)
    assert line.tolist() == [0] * 8 + [0, 31, 63, 95, 127, 159, 191, 223] + [255] * 8


def test_outside_the_picture_tiles_are_black() -> None:
    white = Image.new("RGB", (20, 64), (255, 255, 255))
    plan = plan_tiles(Extent.of(white), Extent(64, 64), 8)
    (tile,) = split(white, plan)
    assert tile.size == (64, 64)
    assert tile.getpixel((43, 0)) == (0, 0, 0)
    assert tile.getpixel((44, 0)) == (255, 255, 255)
    assert merge([tile], plan).size == (20, 64)


def test_a_tile_that_is_all_overlap_is_refused() -> None:
    with pytest.raises(ValueError, match="leaves nothing"):
        plan_tiles(Extent(100, 100), Extent(64, 64), 64)
