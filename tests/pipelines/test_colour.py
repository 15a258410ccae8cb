"""Colour correction: behaviour 5.6 with the correction of 0.5 (truncation)."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.exposure import match_histograms

from pipelines import colour
from pipelines.colour import match_colours
from tests.pipelines.pixels import array, gradient, noise


@pytest.mark.parametrize(
    ("pixel", "generated", "matched", "final"),
    [
        ((5, 5), (245, 242, 250), (222, 235, 99), (247, 255, 176)),
        ((30, 20), (195, 201, 230), (140, 151, 63), (204, 215, 127)),
        ((60, 40), (134, 147, 205), (36, 38, 0), (152, 154, 116)),
    ],
)
def test_vector_of_behaviour_5_6(
    pixel: tuple[int, int],
    generated: tuple[int, int, int],
    matched: tuple[int, int, int],
    final: tuple[int, int, int],
) -> None:
    """Behaviour 5.6 [T]: after the histogram, and at the end."""
    target = gradient(64, 48)
    painted = Pillow.fromarray((255 - array(target) // 2).astype(np.uint8))
    assert painted.getpixel(pixel) == generated
    between = Pillow.fromarray(colour._with_histogram(array(painted), array(target)))
    assert between.getpixel(pixel) == matched
    assert match_colours(painted, target).getpixel(pixel) == final


def test_histogram_matching_equals_scikit_image() -> None:
    source = array(noise(70, 50, seed=1, channels=1)) // 3
    target = array(gradient(90, 40))[..., 1]
    expected = match_histograms(source, target).astype(np.uint8)
    assert (colour._match_histogram(source, target) == expected).all()


@pytest.mark.parametrize(
    ("colours", "light", "expected"),
    [
        ((10, 20, 30), (10, 20, 30), (10, 20, 30)),
        ((200, 10, 10), (250, 250, 250), (255, 247, 247)),
        ((10, 250, 10), (5, 5, 5), (0, 8, 0)),
        ((0, 0, 0), (255, 0, 0), (76, 76, 76)),
        ((255, 255, 255), (0, 0, 255), (29, 29, 29)),
        ((255, 0, 255), (0, 255, 0), (255, 75, 255)),
        ((255, 0, 0), (128, 128, 128), (255, 73, 73)),
        ((3, 141, 59), (26, 53, 58), (0, 71, 29)),
    ],
    ids=[
        "unchanged",
        "too-bright",
        "too-dark",
        "black",
        "white",
        "magenta-lit-green",
        "red-lit-grey",
        "mixed",
    ],
)
def test_luminosity_blend_equals_blendmodes_2022(
    colours: tuple[int, int, int], light: tuple[int, int, int], expected: tuple[int, int, int]
) -> None:
    blended = colour._with_luminosity(
        np.array([[colours]], dtype=np.uint8), np.array([[light]], dtype=np.uint8)
    )
    assert tuple(blended[0, 0].tolist()) == expected


def test_strips_do_not_show() -> None:
    first, second = array(noise(9, 700, seed=4)), array(noise(9, 700, seed=5))
    whole = colour._with_luminosity(first, second, rows=10_000)
    assert (colour._with_luminosity(first, second) == whole).all()


def test_a_picture_that_is_its_own_target_barely_moves() -> None:
    picture = gradient(64, 48)
    difference = array(match_colours(picture, picture)).astype(int) - array(picture)
    assert abs(difference).max() <= 12
    assert abs(difference).mean() <= 1


def test_inputs_are_left_alone() -> None:
    painted, target = noise(20, 20, seed=1), noise(30, 10, seed=2)
    before = painted.tobytes(), target.tobytes()
    match_colours(painted, target)
    assert (painted.tobytes(), target.tobytes()) == before
