"""The grid picture: sizes and places of legend, cells, margins and z titles (12.1)."""

import numpy as np
import pytest
from PIL import Image

from scripts.plan import AxisChoice, make_plan
from scripts.plot_grid import draw_grid, draw_plot, joined_tile, notice_tile
from tests.scripts.making import CONTEXT, plot

RED, BLUE = (255, 0, 0), (0, 0, 255)


def flat(colour: tuple[int, int, int] = RED, width: int = 100, height: int = 100) -> Image.Image:
    return Image.new("RGB", (width, height), colour)


def test_without_text_there_is_no_room_for_it() -> None:
    grid = draw_grid([[flat(), flat(BLUE)]], ("", ""), ("",))
    assert grid.size == (200, 100)
    assert (grid.getpixel((99, 50)), grid.getpixel((100, 50))) == (RED, BLUE)


def test_margins_are_white_and_only_between_cells() -> None:
    grid = draw_grid([[flat(), flat()], [flat(), flat()]], ("", ""), ("", ""), margin=10)
    assert grid.size == (210, 210)
    assert grid.getpixel((105, 50)) == (255, 255, 255)
    assert grid.getpixel((110, 110)) == RED


def test_row_text_takes_three_quarters_of_a_cell() -> None:
    assert draw_grid([[flat()]], ("",), ("Steps: 5",)).size == (175, 100)


def test_column_text_takes_its_height_and_twice_half_a_font() -> None:
    one = draw_grid([[flat()]], ("Steps: 5",), ("",))
    two = draw_grid([[flat()]], ("many words that need a second line",), ("",))
    assert one.width == 100
    assert 100 + 2 * 4 < one.height < two.height
    assert one.getpixel((50, one.height - 1)) == RED


def test_legend_is_black_on_white_and_beside_its_cell() -> None:
    grid = draw_grid([[flat(), flat()]], ("left", "right"), ("row",))
    pixels = np.asarray(grid)
    top = grid.height - 100
    assert pixels[:top].min() < 60
    assert pixels[top:, :75].min() < 60
    assert (pixels[top:, 75:] == RED).all()


def test_smaller_cells_lie_in_the_middle() -> None:
    grid = draw_grid([[flat(), flat(BLUE, 50, 20)]], ("", ""), ("",))
    assert grid.size == (200, 100)
    assert grid.getpixel((125, 40)) == BLUE
    assert grid.getpixel((124, 40)) == (255, 255, 255)


def test_long_words_shrink_and_then_break() -> None:
    grid = draw_grid([[flat()]], ("w" * 400,), ("",))
    assert grid.width == 100
    assert grid.height > 200


@pytest.mark.parametrize(("legend", "taller"), [(True, True), (False, False)])
def test_z_titles_stand_above_the_sub_grids(legend: bool, taller: bool) -> None:
    z = AxisChoice(type="CFG Scale", values="1,2,3")
    plan = make_plan(plot("Steps", "1,2", z=z, draw_legend=legend), CONTEXT)
    made = draw_plot(plan, lambda x, y, z: flat())
    assert len(made.subs) == 3
    assert made.main.width == 3 * 200
    assert (made.main.height > made.subs[0].height) is taller


def test_one_z_value_makes_one_grid() -> None:
    plan = make_plan(plot("Steps", "1,2", draw_legend=False), CONTEXT)
    made = draw_plot(plan, lambda x, y, z: flat(RED if x else BLUE))
    assert (made.main.size, made.subs) == ((200, 100), ())
    assert made.main.getpixel((0, 0)) == BLUE


def test_a_batch_enters_as_its_own_grid() -> None:
    assert joined_tile([flat()] * 4).size == (200, 200)
    assert joined_tile([flat()]).size == (100, 100)


def test_a_failed_cell_is_red_with_words() -> None:
    tile = notice_tile(100, 100, "the model gave NaN", failed=True)
    colours = {colour for _, colour in tile.getcolors(10000) or []}
    assert tile.getpixel((0, 0)) == (176, 0, 32)
    assert (255, 255, 255) in colours
