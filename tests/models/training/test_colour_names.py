"""The colour rule names colours as people do, and what is drawn goes by its name."""

import numpy as np
import pytest

from models.builtin.training.colour_names import colour_name, region_colour, sky_name
from models.builtin.training.world.drawing import draw
from models.builtin.training.world.looks import LOOKS
from models.builtin.training.world.palette import COLOURS
from models.builtin.training.world.scene import SKIES


@pytest.mark.parametrize(
    ("rgb", "name"),
    [
        ((255, 0, 0), "red"), ((139, 0, 0), "red"), ((255, 165, 0), "orange"),
        ((255, 255, 0), "yellow"), ((0, 128, 0), "green"), ((0, 0, 255), "blue"),
        ((128, 0, 128), "purple"), ((255, 192, 203), "pink"), ((255, 105, 180), "pink"),
        ((139, 69, 19), "brown"), ((0, 0, 0), "black"), ((255, 255, 255), "white"),
        ((128, 128, 128), "gray"), ((0, 128, 128), "teal"), ((64, 224, 208), "teal"),
    ],
)  # fmt: skip
def test_colours_of_the_css_list(rgb: tuple[int, int, int], name: str) -> None:
    assert colour_name(rgb) == name


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("look", LOOKS)
def test_drawn_walls_go_by_their_name(name: str, look: str) -> None:
    for seed in range(4):
        drawing = draw(seed, 96, kind="objects", look=look, fixed={"background": name})
        assert region_colour(drawing.pixels, drawing.mask("background")) == name


@pytest.mark.parametrize("sky", SKIES)
@pytest.mark.parametrize("look", LOOKS)
def test_drawn_skies_go_by_their_name(sky: str, look: str) -> None:
    for seed in range(6):
        drawing = draw(seed, 96, kind="landscape", look=look, fixed={"sky": sky})
        assert sky_name(drawing.pixels) == sky, seed


def test_a_grey_picture_has_no_blue_sky() -> None:
    assert sky_name(np.full((64, 64, 3), 150, np.uint8)) == "cloudy"
