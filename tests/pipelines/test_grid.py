"""The grid of a job (behaviour 10.6)."""

from __future__ import annotations

import PIL.Image
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.grid import grid_rows, make_grid

ROWS = {
    "1": (1, -1, False, 1),
    "2": (2, -1, False, 1),
    "3": (3, -1, False, 2),
    "4": (4, -1, False, 2),
    "5": (5, -1, False, 2),
    "6": (6, -1, False, 2),
    "7": (7, -1, False, 3),
    "12": (12, -1, False, 3),
    "batch size": (6, 0, False, 4),
    "fixed": (6, 3, False, 3),
    "fixed, too many": (2, 5, False, 2),
    "no empty cells: 5": (5, -1, True, 1),
    "no empty cells: 6": (6, -1, True, 2),
    "no empty cells: 8": (8, -1, True, 2),
    "no empty cells: 9": (9, -1, True, 3),
}


@pytest.mark.parametrize(("count", "wanted", "prevent", "rows"), ROWS.values(), ids=ROWS)
def test_rows(count: int, wanted: int, prevent: bool, rows: int) -> None:
    assert grid_rows(count, wanted=wanted, batch_size=4, prevent_empty=prevent) == rows


def test_no_grid_of_nothing() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        grid_rows(0)


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(-1, 20), st.booleans())
def test_rows_hold_all_pictures(count: int, wanted: int, prevent: bool) -> None:
    rows = grid_rows(count, wanted=wanted, prevent_empty=prevent)
    assert 1 <= rows <= count
    if prevent and wanted < 0:
        assert count % rows == 0


def solid(size: tuple[int, int], color: object, mode: str = "RGB") -> PIL.Image.Image:
    return PIL.Image.new(mode, size, color)  # type: ignore[arg-type]


def test_cells_go_row_by_row_and_empty_ones_show_the_background() -> None:
    images = [solid((2, 2), color) for color in ("red", "lime", "blue")]
    grid = make_grid(images, 2, "#010203")
    assert grid.size == (4, 4)
    assert [grid.getpixel(at) for at in ((0, 0), (2, 0), (0, 2), (2, 2))] == [
        (255, 0, 0),
        (0, 255, 0),
        (0, 0, 255),
        (1, 2, 3),
    ]


def test_smaller_pictures_lie_in_the_middle() -> None:
    grid = make_grid([solid((6, 4), "white"), solid((2, 2), "red")], 1, "#000000")
    assert grid.size == (12, 4)
    box = grid.convert("RGB").crop((6, 0, 12, 4))
    reds = [(x, y) for x in range(6) for y in range(4) if box.getpixel((x, y)) == (255, 0, 0)]
    assert reds == [(2, 1), (2, 2), (3, 1), (3, 2)]


def test_transparency_shows_the_background() -> None:
    grid = make_grid([solid((1, 1), (255, 0, 0, 0), "RGBA")], 1, "#0000ff")
    assert grid.getpixel((0, 0)) == (0, 0, 255)
