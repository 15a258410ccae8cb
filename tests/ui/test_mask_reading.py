"""Mask files on the canvas: what counts as mask, which sizes, what is said (issue's bad input)."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.geometry import Extent
from pipelines.pictures import open_picture
from ui.mask_reading import MaskError, fitted, read_mask

ROW = np.array([[0, 255], [0, 255]], np.uint8)


def stored(picture: Image.Image) -> Image.Image:
    """The picture after a way through a PNG file, as an upload makes it."""
    file = io.BytesIO()
    picture.save(file, "png")
    return open_picture(file.getvalue())


def palette() -> Image.Image:
    picture = Image.fromarray(np.array([[0, 1], [0, 1]], np.uint8), "P")
    picture.putpalette([0, 0, 0, 255, 255, 255])
    return picture


def alpha() -> Image.Image:
    picture = Image.new("RGBA", (2, 2))
    picture.putalpha(Image.fromarray(ROW))
    return picture


@pytest.mark.parametrize(
    "picture",
    [
        Image.fromarray(ROW),
        Image.fromarray(ROW).convert("RGB"),
        Image.fromarray(ROW).convert("1"),
        Image.fromarray(ROW.astype(np.uint16) * 257),
        palette(),
        alpha(),
    ],
    ids=["grey", "colour", "1 bit", "16 bits", "palette", "alpha"],
)
def test_every_kind_of_file_says_the_same(picture: Image.Image) -> None:
    assert (np.asarray(read_mask(stored(picture))) == ROW).all()


@pytest.mark.parametrize(
    "picture",
    [Image.new("L", (2, 2)), Image.new("RGBA", (2, 2)), Image.new("1", (2, 2))],
    ids=["black", "transparent", "1 bit"],
)
def test_a_file_that_marks_nothing_is_refused(picture: Image.Image) -> None:
    with pytest.raises(MaskError, match="marks nothing"):
        read_mask(stored(picture))


def test_another_size_is_stretched_and_said() -> None:
    mask, note = fitted(Image.fromarray(ROW), Extent(2, 2))
    assert (mask.size, note) == ((2, 2), "")
    mask, note = fitted(Image.new("L", (10, 10), 255), Extent(30, 20))
    assert note == "The mask is 10x10 and the picture 30x20: it was stretched."
    assert mask.size == (30, 20)
    assert mask.getextrema() == (255, 255)
