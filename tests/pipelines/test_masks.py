"""Mask arithmetic: behaviour 2.2, 2.4, 2.6, 5.1 and 5.5."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import Extent
from tests.pipelines.pixels import array, box_mask, noise


def rgba(*alphas: int, colour: tuple[int, int, int] = (255, 255, 255)) -> Image:
    """One row of pixels with the given alphas."""
    row = np.array([[(*colour, alpha) for alpha in alphas]], dtype=np.uint8)
    return Pillow.fromarray(row)


@pytest.mark.parametrize(
    ("picture", "round_", "expected"),
    [
        (rgba(0, 128, 129, 255), True, [0, 0, 255, 255]),
        (rgba(0, 128, 129, 255), False, [0, 128, 129, 255]),
        (rgba(255, 255, colour=(255, 0, 0)), True, [76, 76]),
        (rgba(255, 255, colour=(0, 255, 0)), True, [150, 150]),
        (rgba(255, 255, colour=(0, 0, 255)), True, [29, 29]),
        (rgba(0, 0, colour=(255, 255, 255)), True, [0, 0]),
        (Pillow.fromarray(np.array([[0, 100, 128, 255]], np.uint8)), True, [0, 100, 128, 255]),
        (rgba(255, 10).convert("LA"), True, [255, 0]),
    ],
    ids=[
        "alpha-is-thresholded-at-128",
        "alpha-stays-grey-unrounded",
        "opaque-red-is-luma",
        "opaque-green-is-luma",
        "opaque-blue-is-luma",
        "fully-transparent-white-is-empty",
        "grey-is-never-thresholded",
        "grey-with-alpha-counts-as-alpha",
    ],
)
def test_binary_mask_of_behaviour_2_2(picture: Image, round_: bool, expected: list[int]) -> None:
    mask = masks.binary_mask(picture, round=round_)
    assert mask.mode == "L"
    assert array(mask)[0].tolist() == expected


def test_a_mask_has_one_name_in_every_file() -> None:
    """Grey, opaque colour and alpha that say the same have the same hash."""
    grey = Pillow.fromarray(np.array([[0, 100, 255]], np.uint8))
    alpha = rgba(0, 100, 255)
    names = {masks.fingerprint(mask) for mask in (grey, grey.convert("RGB"), alpha)}
    assert names == {hashlib.sha256(b"3x1:" + bytes([0, 100, 255])).hexdigest()[:12]}


@pytest.mark.parametrize(
    "other",
    [
        Pillow.fromarray(np.array([[0, 101, 255]], np.uint8)),
        Pillow.fromarray(np.array([[0], [100], [255]], np.uint8)),
    ],
    ids=["one-level-apart", "other-shape"],
)
def test_other_masks_have_other_names(other: Image) -> None:
    grey = Pillow.fromarray(np.array([[0, 100, 255]], np.uint8))
    assert masks.fingerprint(grey) != masks.fingerprint(other)


def test_invert_and_double() -> None:
    row = Pillow.fromarray(np.array([[0, 1, 127, 128, 255]], np.uint8))
    assert array(masks.invert(row))[0].tolist() == [255, 254, 128, 127, 0]
    assert array(masks.double(row))[0].tolist() == [0, 2, 254, 255, 255]


def test_blur_vector_of_behaviour_2_4() -> None:
    mask = box_mask(64, 64, (20, 30, 40, 44))
    blurred = masks.blur(mask, 4, 4)
    expected = (
        "1 3 6 11 19 30 44 62 83 106 130 153 174 192 206 217 225 230 233 235 "
        "235 233 230 225 217 206 192 174 153 130 106 83 62 44 30 19"
    )
    assert array(blurred)[37, 10:46].tolist() == [int(value) for value in expected.split()]
    assert masks.bounding_box(blurred) == (10, 20, 50, 54)


@pytest.mark.parametrize(("sigma", "length"), [(1, 7), (4, 21), (8, 41), (64, 321)])
def test_kernel_lengths_of_behaviour_2_4(sigma: int, length: int) -> None:
    """A bright pixel reaches exactly half a kernel far, if its 8 bits last that long."""
    assert masks._kernel_length(sigma) == length


def test_blur_works_per_axis_and_leaves_its_input() -> None:
    mask = box_mask(41, 41, (20, 20, 21, 21))
    assert masks.bounding_box(masks.blur(mask, 0, 0)) == (20, 20, 21, 21)
    assert masks.bounding_box(masks.blur(mask, 1, 0)) == (17, 20, 24, 21)
    assert masks.bounding_box(masks.blur(mask, 0, 1)) == (20, 17, 21, 24)
    assert masks.bounding_box(mask) == (20, 20, 21, 21)


def test_bounding_box_of_an_empty_mask_is_none() -> None:
    assert masks.bounding_box(Pillow.new("L", (9, 9))) is None
    assert masks.bounding_box(Pillow.new("L", (9, 7), 1)) == (0, 0, 9, 7)


def test_latent_mask_vector_of_behaviour_5_1() -> None:
    mask = box_mask(512, 512, (37, 100, 411, 300))
    grey = masks.latent_mask(mask, Extent(64, 64), round=False)
    hard = masks.latent_mask(mask, Extent(64, 64), round=True)
    assert grey.dtype == np.float32
    assert grey.shape == (64, 64)
    assert (grey[20] * 255)[:7].round().tolist() == [0, 0, 0, 0, 96, 255, 255]
    assert hard[20, :8].tolist() == [0, 0, 0, 0, 0, 1, 1, 1]
    assert (grey[:, 20] * 255)[10:14].round().tolist() == [0, 0, 128, 255]
    assert hard[10:14, 20].tolist() == [0, 0, 1, 1]


def test_conditioning_mask_is_rounded_per_pixel_then_nearest() -> None:
    """Behaviour 5.5: unlike the latent mask, a thin line on the sampled pixels survives."""
    mask = box_mask(64, 64, (0, 16, 64, 17))
    cells = Extent(8, 8)
    nearest = masks.conditioning_mask(mask, cells, round=True)
    assert nearest[:, 0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert masks.latent_mask(mask, cells, round=True).max() == 0
    grey = Pillow.new("L", (64, 64), 128)
    assert masks.conditioning_mask(grey, cells, round=True).min() == 1
    assert masks.conditioning_mask(grey, cells, round=False).max() == np.float32(128 / 255)


def test_pixel_mask_rounds_at_half() -> None:
    row = Pillow.fromarray(np.array([[0, 127, 128, 255]], np.uint8))
    assert masks.pixel_mask(row, round=True)[0].tolist() == [0, 0, 1, 1]


@settings(deadline=None, max_examples=100)
@given(
    st.integers(1, 80), st.integers(1, 80), st.integers(0, 64), st.integers(0, 64), st.booleans()
)
def test_masks_keep_their_size_and_range(
    width: int, height: int, blur_x: int, blur_y: int, round_: bool
) -> None:
    mask = noise(width, height, seed=width, channels=1)
    blurred = masks.blur(mask, blur_x, blur_y)
    assert (blurred.size, blurred.mode) == (mask.size, "L")
    latent = Extent(max(width // 8, 1), max(height // 8, 1))
    for cells in (
        masks.latent_mask(blurred, latent, round=round_),
        masks.conditioning_mask(blurred, latent, round=round_),
    ):
        assert cells.shape == (latent.height, latent.width)
        assert cells.min() >= 0 and cells.max() <= 1
        assert not round_ or set(np.unique(cells)) <= {0, 1}


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 20), st.integers(0, 40), st.integers(0, 40))
def test_blur_reaches_no_further_than_its_kernel(sigma: int, x: int, y: int) -> None:
    mask = box_mask(200, 200, (80 + x, 80 + y, 100 + x, 100 + y))
    reach = masks._kernel_length(sigma) // 2
    box = masks.bounding_box(masks.blur(mask, sigma, sigma))
    assert box is not None
    assert box.x1 >= 80 + x - reach and box.x2 <= 100 + x + reach
    assert box.y1 >= 80 + y - reach and box.y2 <= 100 + y + reach
