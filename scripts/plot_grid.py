"""The grid picture of a plot, drawn as A1111 draws it: legend, margins, sub-grids (12.1). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import PIL.Image
from PIL import ImageDraw, ImageFont
from PIL.Image import Image

from pipelines.grid import grid_rows, make_grid
from scripts.plan import Plan

ACTIVE, BACKGROUND, FAILED, MISSING = "#000000", "#ffffff", "#b00020", "#e4e4e4"
SMALLEST_FONT = 8

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
Tile = Callable[[int, int, int], Image]
"""The picture of the cell at (x, y, z)."""


@dataclass(frozen=True)
class PlotPictures:
    """The main grid, and with several z values the grid of each; lone images are the cells'."""

    main: Image
    subs: tuple[Image, ...]


def draw_plot(plan: Plan, tile: Tile) -> PlotPictures:
    """Draw all cells. With several z values the main grid is the sub-grids side by side."""
    x, y, z = plan.axes
    columns = x.legends if plan.spec.draw_legend else ("",) * len(x)
    rows = y.legends if plan.spec.draw_legend else ("",) * len(y)
    titles = z.legends if plan.spec.draw_legend else ("",) * len(z)
    subs = tuple(
        draw_grid(
            [[tile(i, j, k) for i in range(len(x))] for j in range(len(y))],
            columns,
            rows,
            plan.spec.margin,
        )
        for k in range(len(z))
    )
    if len(subs) == 1 and not titles[0]:
        return PlotPictures(subs[0], ())
    main = draw_grid([list(subs)], titles, ("",), plan.spec.margin)
    return PlotPictures(main, subs if len(subs) > 1 else ())


def draw_grid(
    cells: Sequence[Sequence[Image]], columns: Sequence[str], rows: Sequence[str], margin: int = 0
) -> Image:
    """Rows of pictures with a line of text above each column and beside each row; RGB.

    All cells get the largest width and height; smaller pictures lie in the middle. Without any
    text there is no room for it.
    """
    width = max(image.width for row in cells for image in row)
    height = max(image.height for row in cells for image in row)
    legend = _Legend(width, height, columns, rows)
    canvas = PIL.Image.new(
        "RGB",
        (
            legend.left + len(columns) * width + (len(columns) - 1) * margin,
            legend.top + len(rows) * height + (len(rows) - 1) * margin,
        ),
        BACKGROUND,
    )
    for j, row in enumerate(cells):
        for i, image in enumerate(row):
            at = (
                legend.left + i * (width + margin) + (width - image.width) // 2,
                legend.top + j * (height + margin) + (height - image.height) // 2,
            )
            canvas.paste(image.convert("RGB"), at, image if image.mode == "RGBA" else None)
    legend.draw(canvas, margin)
    return canvas


class _Legend:
    """Where the words stand and how large they are (behaviour 12.1, legend)."""

    def __init__(
        self, width: int, height: int, columns: Sequence[str], rows: Sequence[str]
    ) -> None:
        self._cell = width, height
        self._size = max(SMALLEST_FONT, (width + height) // 25)
        self._spacing = self._size // 2
        self.left = width * 3 // 4 if any(rows) else 0
        self._columns = [_Words(text, width, self._size, self._spacing) for text in columns]
        self._rows = [_Words(text, self.left, self._size, self._spacing) for text in rows]
        tallest = max(words.height for words in self._columns)
        self.top = tallest + 2 * self._spacing if any(columns) else 0

    def draw(self, canvas: Image, margin: int) -> None:
        draw = ImageDraw.Draw(canvas)
        width, height = self._cell
        for i, words in enumerate(self._columns):
            words.draw(draw, self.left + i * (width + margin) + width / 2, self.top / 2)
        for j, words in enumerate(self._rows):
            words.draw(draw, self.left / 2, self.top + j * (height + margin) + height / 2)


class _Words:
    """A text wrapped to a width; its font shrinks until the longest word fits."""

    def __init__(self, text: str, width: int, size: int, spacing: int) -> None:
        self._spacing = spacing
        self._font = _font(size)
        while size > SMALLEST_FONT and any(
            self._font.getlength(word) > width for word in text.split()
        ):
            size -= 1
            self._font = _font(size)
        self._lines = _wrapped(text, self._font, width) if text else []
        ascent, descent = _metrics(self._font)
        self._line = ascent + descent
        self.height = max(0, len(self._lines) * (self._line + spacing) - spacing)

    def draw(self, draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
        """Draw the lines with (x, y) in the middle of all of them."""
        top = y - self.height / 2
        for line in self._lines:
            draw.text((x, top), line, fill=ACTIVE, font=self._font, anchor="ma")
            top += self._line + self._spacing


def _wrapped(text: str, font: Font, width: int) -> list[str]:
    """Lines of whole words; a word that is still too long is cut where it must be."""
    lines: list[str] = []
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(joined) <= width:
            lines[-1] = joined
            continue
        rest = word
        while rest:
            fits = next(
                (n for n in range(len(rest), 1, -1) if font.getlength(rest[:n]) <= width), 1
            )
            lines.append(rest[:fits])
            rest = rest[fits:]
    return lines


def _font(size: int) -> Font:
    """DejaVu Sans where the system has it (Greek, Cyrillic), else the font that Pillow brings."""
    try:
        return ImageFont.truetype("DejaVuSans.ttf", size)
    except OSError:
        return ImageFont.load_default(size)


def _metrics(font: Font) -> tuple[int, int]:
    return font.getmetrics() if isinstance(font, ImageFont.FreeTypeFont) else (11, 0)


def joined_tile(images: Sequence[Image]) -> Image:
    """What enters the plot for one cell: its picture, or the grid of its batch (12.1)."""
    return images[0] if len(images) == 1 else make_grid(images, grid_rows(len(images)))


def notice_tile(width: int, height: int, text: str, *, failed: bool) -> Image:
    """A red cell with the message of what failed, or a grey one for what was not made."""
    tile = PIL.Image.new("RGB", (width, height), FAILED if failed else MISSING)
    draw = ImageDraw.Draw(tile)
    size = max(SMALLEST_FONT, (width + height) // 40)
    font = _font(size)
    lines = _wrapped(text, font, width - size)
    shown = "\n".join(lines[: max(1, (height - size) // (size + size // 2))])
    fill = "#ffffff" if failed else "#505050"
    middle = (width / 2, height / 2)
    draw.multiline_text(
        middle, shown, fill=fill, font=font, anchor="mm", align="center", spacing=size // 4
    )
    return tile
