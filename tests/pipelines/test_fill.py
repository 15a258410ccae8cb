"""Masked content "fill": behaviour 4.1."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pipelines.fill import fill
from tests.pipelines.pixels import array, box_mask, gradient, grid, noise


def test_vector_of_behaviour_4_1() -> None:
    filled = fill(gradient(128, 96), box_mask(128, 96, (40, 30, 90, 70)))
    assert filled.getpixel((65, 50)) == (129, 131, 113)
    assert filled.getpixel((45, 35)) == (81, 82, 75)


def test_a_flat_picture_stays_flat() -> None:
    flat = Pillow.new("RGB", (100, 80), (10, 200, 90))
    filled = array(fill(flat, box_mask(100, 80, (30, 20, 70, 60)))).astype(int)
    assert abs(filled - (10, 200, 90)).max() <= 8


def test_a_mask_over_everything_leaves_black() -> None:
    assert array(fill(noise(32, 32), Pillow.new("L", (32, 32), 255))).max() == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(0, 1000))
def test_unmasked_pixels_are_untouched(width: int, height: int, seed: int) -> None:
    picture = noise(width, height, seed=seed)
    grey = array(noise(width, height, seed=seed + 1, channels=1)).astype(int)
    mask = Pillow.fromarray(np.clip(grey * 2 - 255, 0, 255).astype(np.uint8))
    kept = array(mask) == 0
    assert (array(fill(picture, mask))[kept] == array(picture)[kept]).all()


def test_every_layer_counts() -> None:
    """A busy picture, where one repeat more or less of any layer shows (values of 4.1's recipe)."""
    x, y = grid(128, 96)
    channels = [(x * x * 7 + y * y * 13 + 50 * c) % 256 for c in range(3)]
    busy = Pillow.fromarray(np.stack(channels, axis=-1).astype(np.uint8))
    filled = fill(busy, box_mask(128, 96, (40, 30, 90, 70)))
    assert filled.getpixel((58, 31)) == (137, 139, 131)
    assert filled.getpixel((48, 36)) == (128, 128, 126)
