"""The README's sheets of what the built-in checkpoint paints, cut from builtin_quality's grids.

    python -m benchmarks.builtin_quality --count 30 --only painting,editing --grids GRIDS
    python -m benchmarks.builtin_sheets GRIDS docs/images

Nothing is chosen: each row is the first pictures of its group, in the order of their seeds.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from benchmarks.builtin_quality import GRID_COLUMNS, GRID_LINE, SIDE

SHEETS = {
    "builtin.jpg": ("portraits", "landscapes", "characters", "objects"),
    "hair.jpg": ("img2img", "inpaint"),
}
"""Rows of each sheet, by the names of their grids."""
COLUMNS = 8
TILE = 180


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the sheets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("grids", type=Path)
    parser.add_argument("images", type=Path)
    given = parser.parse_args(arguments)
    for name, groups in SHEETS.items():
        sheet = Image.new("RGB", (COLUMNS * TILE, len(groups) * TILE), "white")
        for row, group in enumerate(groups):
            with Image.open(given.grids / f"{group}.png") as grid:
                for column, tile in enumerate(tiles(grid.convert("RGB"), COLUMNS)):
                    small = tile.resize((TILE, TILE), Image.Resampling.LANCZOS)
                    sheet.paste(small, (column * TILE, row * TILE))
        sheet.save(given.images / name, quality=88)


def tiles(grid: Image.Image, count: int) -> list[Image.Image]:
    """The first pictures of a grid, without their prompts."""
    found = []
    for number in range(count):
        x, y = number % GRID_COLUMNS * SIDE, number // GRID_COLUMNS * GRID_LINE
        top = y + GRID_LINE - SIDE
        found.append(grid.crop((x, top, x + SIDE, top + SIDE)))
    return found


if __name__ == "__main__":
    main()
