"""Several pictures in one: the grid of a job (behaviour 10.6). Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence

import PIL.Image
from PIL.Image import Image


def grid_rows(
    count: int, *, wanted: int = -1, batch_size: int = 1, prevent_empty: bool = False
) -> int:
    """How many rows `count` pictures get.

    `wanted` is A1111's `n_rows`: above 0 as it is, 0 the batch size, below 0 as square as possible.
    `prevent_empty` then looks for fewer rows that leave no cell empty. Raises ValueError without
    pictures.
    """
    if count < 1:
        raise ValueError(f"a grid needs at least one picture, not {count}")
    if wanted > 0:
        rows = wanted
    elif wanted == 0:
        rows = batch_size
    elif prevent_empty:
        rows = next(rows for rows in range(math.isqrt(count), 0, -1) if count % rows == 0)
    else:
        rows = round(math.sqrt(count))
    return max(1, min(rows, count))


def make_grid(images: Sequence[Image], rows: int, background: str = "#ffffff") -> Image:
    """Lay pictures out row by row in `rows` rows; RGB.

    All cells have the largest width and height; a smaller picture lies in the middle of its cell.
    Transparency shows the background.
    """
    columns = math.ceil(len(images) / rows)
    width = max(image.width for image in images)
    height = max(image.height for image in images)
    grid = PIL.Image.new("RGB", (columns * width, rows * height), background)
    for place, image in enumerate(images):
        row, column = divmod(place, columns)
        left = column * width + (width - image.width) // 2
        top = row * height + (height - image.height) // 2
        mask = image.getchannel("A") if image.mode == "RGBA" else None
        grid.paste(image.convert("RGB"), (left, top), mask)
    return grid
