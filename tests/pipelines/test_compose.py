"""Overlays and paste-back: behaviour 2.1, 2.7, 3 step 7, 1.4 and 5.7."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow

from pipelines.compose import (
    apply_overlay,
    build_overlay,
    flatten,
    mask_composite,
    overlay_mask,
    paste_back,
)
from pipelines.geometry import Bounds, Extent
from tests.pipelines.pixels import array, box_mask, gradient, noise


@pytest.mark.parametrize(
    ("pixel", "background", "expected"),
    [
        ((10, 20, 30, 255), "#ffffff", (10, 20, 30)),
        ((10, 20, 30, 0), "#ffffff", (255, 255, 255)),
        ((10, 20, 30, 0), "#0080ff", (0, 128, 255)),
        ((0, 0, 0, 51), "#ffffff", (204, 204, 204)),
    ],
    ids=["opaque", "clear-on-white", "clear-on-colour", "a-fifth-black"],
)
def test_flatten_of_behaviour_2_1(
    pixel: tuple[int, ...], background: str, expected: tuple[int, int, int]
) -> None:
    assert flatten(Pillow.new("RGBA", (2, 2), pixel), background).getpixel((1, 1)) == expected


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_flatten_only_converts_opaque_pictures(mode: str) -> None:
    picture = noise(5, 5).convert(mode)
    flat = flatten(picture, "#ff0000")
    assert flat.mode == "RGB"
    assert (array(flat) == array(picture.convert("RGB"))).all()


def test_overlay_alpha_is_255_minus_mask() -> None:
    picture, mask = gradient(40, 30), noise(40, 30, channels=1)
    overlay = build_overlay(picture, mask)
    assert overlay.mode == "RGBA"
    assert (array(overlay)[..., 3] == 255 - array(mask)).all()
    assert (array(overlay_mask(overlay)) == array(mask)).all()


def test_overlay_equals_the_premultiplied_paste_of_behaviour_2_7() -> None:
    """The short cut outside the mask's box must not show."""
    picture = noise(40, 30)
    mask = box_mask(40, 30, (8, 9, 20, 21), 100)
    canvas = Pillow.new("RGBa", picture.size)
    keep = Pillow.fromarray(255 - array(mask))
    canvas.paste(picture.convert("RGBA").convert("RGBa"), mask=keep)
    expected = canvas.convert("RGBA")
    assert (array(build_overlay(picture, mask)) == array(expected)).all()
    painted = noise(40, 30, seed=1)
    blended = Pillow.alpha_composite(painted.convert("RGBA"), expected).convert("RGB")
    assert (array(apply_overlay(painted, expected, None)) == array(blended)).all()


def test_mask_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="picture is 40x30 but its mask is 30x40"):
        build_overlay(gradient(40, 30), Pillow.new("L", (30, 40)))


def test_full_mask_shows_paint_and_empty_mask_shows_picture() -> None:
    picture, painted = noise(20, 20, seed=1), noise(20, 20, seed=2)
    full, empty = Pillow.new("L", (20, 20), 255), Pillow.new("L", (20, 20))
    assert (
        array(apply_overlay(painted, build_overlay(picture, full), None)) == array(painted)
    ).all()
    assert (
        array(apply_overlay(painted, build_overlay(picture, empty), None)) == array(picture)
    ).all()


def test_a_smaller_result_lies_at_the_top_left_and_keeps_its_size() -> None:
    """Behaviour 1.4: no rescaling."""
    picture, painted = noise(71, 69, seed=1), noise(64, 64, seed=2)
    mask = box_mask(71, 69, (10, 10, 30, 30))
    out = apply_overlay(painted, build_overlay(picture, mask), None)
    assert out.size == (64, 64)
    assert (array(out)[10:30, 10:30] == array(painted)[10:30, 10:30]).all()
    assert (array(out)[40:] == array(picture)[40:64, :64]).all()


def test_a_larger_result_is_refused() -> None:
    overlay = build_overlay(noise(64, 64), Pillow.new("L", (64, 64)))
    with pytest.raises(ValueError, match="72x64 but the picture around it is 64x64"):
        apply_overlay(noise(72, 64), overlay, None)


def test_paste_back_of_behaviour_3() -> None:
    painted = noise(64, 64)
    canvas = paste_back(painted, Bounds(5, 7, 69, 71), Extent(100, 90))
    assert (canvas.mode, canvas.size) == ("RGBA", (100, 90))
    assert (array(canvas)[7:71, 5:69, :3] == array(painted)).all()
    assert array(canvas)[..., 3].sum() == 64 * 64 * 255


def test_paste_back_covers_its_box_and_crops_the_rest() -> None:
    """A box of another aspect is covered (mode 1), never stretched."""
    halves = Pillow.new("RGB", (64, 64), "red")
    halves.paste("blue", (0, 0, 64, 8))
    halves.paste("blue", (0, 56, 64, 64))
    canvas = paste_back(halves, Bounds(0, 0, 64, 48), Extent(64, 64))
    assert (array(canvas)[:48, :, :3] == (255, 0, 0)).all()


def test_only_masked_result_has_the_overlays_size() -> None:
    picture, painted = noise(100, 90, seed=1), noise(64, 64, seed=2)
    mask = box_mask(100, 90, (20, 20, 40, 40))
    out = apply_overlay(painted, build_overlay(picture, mask), Bounds(10, 10, 74, 74))
    assert out.size == (100, 90)
    assert (array(out)[20:40, 20:40] == array(painted)[10:30, 10:30]).all()
    assert (array(out)[:20] == array(picture)[:20]).all()


def test_mask_composite_cuts_out_what_was_painted() -> None:
    """Behaviour 5.7."""
    painted, mask = noise(32, 32), box_mask(32, 32, (4, 4, 20, 20))
    cut = mask_composite(painted, mask)
    assert (array(cut)[..., :3] == array(painted)).all()
    assert (array(cut)[..., 3] == array(mask)).all()


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 999), st.integers(1, 255))
def test_unmasked_pixels_are_bit_identical(
    width: int, height: int, seed: int, threshold: int
) -> None:
    picture, painted = noise(width, height, seed=seed), noise(width, height, seed=seed + 1)
    grey = array(noise(width, height, seed=seed + 2, channels=1)).copy()
    grey[grey < threshold] = 0
    mask = Pillow.fromarray(grey)
    out = array(apply_overlay(painted, build_overlay(picture, mask), None))
    assert (out[grey == 0] == array(picture)[grey == 0]).all()
    assert (out[grey == 255] == array(painted)[grey == 255]).all()
    lowest = np.minimum(array(picture), array(painted)).astype(int) - 2
    highest = np.maximum(array(picture), array(painted)).astype(int) + 2
    faint = grey[..., np.newaxis] > 250
    inside = (lowest <= out) & (out <= highest)
    assert (inside | faint).all()
