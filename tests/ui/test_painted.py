"""Which pictures a job gets from each tab (behaviour 2.1 and 2.5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from jobs.assets import AssetStore
from pipelines.pictures import PictureLimits
from ui.painted import PaintError, PictureTaker
from ui.painting import Painting

SIZE = 64
GROUND = (40, 80, 120)
PAINT = (250, 10, 10)
SQUARE = slice(20, 44)


@pytest.fixture
def taker(tmp_path: Path) -> PictureTaker:
    return PictureTaker(AssetStore(tmp_path / "assets"), PictureLimits(), "#ffffff")


def write(path: Path, pixels: NDArray[np.uint8]) -> str:
    Image.fromarray(pixels).save(path)
    return str(path)


@pytest.fixture
def photo(tmp_path: Path) -> str:
    return write(tmp_path / "photo.png", np.full((SIZE, SIZE, 3), GROUND, np.uint8))


def layer(tmp_path: Path, colour: tuple[int, ...] = PAINT, alpha: int = 255) -> str:
    """A square of one colour on a drawing without anything else."""
    pixels = np.zeros((SIZE, SIZE, 4), np.uint8)
    pixels[SQUARE, SQUARE] = (*colour, alpha)
    return write(tmp_path / "drawing.png", pixels)


def mask(tmp_path: Path, value: int) -> str:
    pixels = np.zeros((SIZE, SIZE), np.uint8)
    pixels[SQUARE, SQUARE] = value
    return write(tmp_path / "mask.png", pixels)


def values(tab: str, **changes: Any) -> dict[str, Any]:
    return {
        "tab": tab,
        "image": None,
        "sketch": None,
        "inpaint": None,
        "inpaint_sketch": None,
        "inpaint_image": None,
        "inpaint_mask": None,
        "mask_mode": 0,
        "mask_blur": 4,
        "mask_transparency": 0,
        **changes,
    }


def pixels(taker: PictureTaker, ref: str | None) -> NDArray[np.uint8]:
    assert ref is not None
    with Image.open(taker.assets.path(ref)) as image:
        return np.asarray(image)


def bytes_of(taker: PictureTaker, ref: str) -> bytes:
    return taker.assets.path(ref).read_bytes()


def test_img2img_hands_the_file_over_untouched(taker: PictureTaker, photo: str) -> None:
    taken = taker.take(values("img2img", image=photo))
    assert bytes_of(taker, taken.image) == Path(photo).read_bytes()
    assert taken.mask is None


def test_sketch_is_flattened(taker: PictureTaker, photo: str, tmp_path: Path) -> None:
    taken = taker.take(values("sketch", sketch=Painting(photo, layer(tmp_path, alpha=128))))
    image = pixels(taker, taken.image)
    assert image.shape == (SIZE, SIZE, 3)
    assert tuple(image[0, 0]) == GROUND
    assert np.abs(image[30, 30].astype(int) - (145, 45, 65)).max() <= 1
    assert taken.mask is None


@pytest.mark.parametrize("alpha", [None, 0], ids=["never drawn", "drawn and erased"])
def test_sketch_without_strokes_is_the_file_itself(
    taker: PictureTaker, photo: str, tmp_path: Path, alpha: int | None
) -> None:
    drawing = None if alpha is None else layer(tmp_path, alpha=alpha)
    taken = taker.take(values("sketch", sketch=Painting(photo, drawing)))
    assert bytes_of(taker, taken.image) == Path(photo).read_bytes()


def test_sketch_on_a_transparent_picture_lies_on_the_background(
    taker: PictureTaker, tmp_path: Path
) -> None:
    clear = write(tmp_path / "clear.png", np.zeros((SIZE, SIZE, 4), np.uint8))
    taken = taker.take(values("sketch", sketch=Painting(clear, layer(tmp_path))))
    image = pixels(taker, taken.image)
    assert tuple(image[0, 0]) == (255, 255, 255)
    assert tuple(image[30, 30]) == PAINT


def test_drawn_mask_keeps_its_grey(taker: PictureTaker, photo: str, tmp_path: Path) -> None:
    drawing = mask(tmp_path, 77)
    taken = taker.take(values("inpaint", inpaint=Painting(photo, drawing)))
    assert bytes_of(taker, taken.image) == Path(photo).read_bytes()
    assert pixels(taker, taken.mask)[30, 30] == 77
    assert pixels(taker, taken.mask)[0, 0] == 0


@pytest.mark.parametrize("value", [None, 0], ids=["never drawn", "drawn and erased"])
def test_empty_mask_is_said(
    taker: PictureTaker, photo: str, tmp_path: Path, value: int | None
) -> None:
    drawing = None if value is None else mask(tmp_path, value)
    with pytest.raises(PaintError, match="mask is empty: paint over"):
        taker.take(values("inpaint", inpaint=Painting(photo, drawing)))


def test_empty_mask_means_everything_with_inpaint_not_masked(
    taker: PictureTaker, photo: str, tmp_path: Path
) -> None:
    painting = Painting(photo, mask(tmp_path, 0))
    taken = taker.take(values("inpaint", inpaint=painting, mask_mode=1))
    assert not pixels(taker, taken.mask).any()


@pytest.mark.parametrize(
    ("transparency", "columns"),
    [
        (0, {16: (48, 77, 116), 20: (103, 59, 87), 24: (196, 28, 38), 32: (250, 10, 10)}),
        (25, {16: (46, 78, 117), 20: (87, 65, 96), 32: (197, 28, 38)}),
    ],
)
def test_inpaint_sketch_blends_as_a1111(
    taker: PictureTaker,
    photo: str,
    tmp_path: Path,
    transparency: int,
    columns: dict[int, tuple[int, int, int]],
) -> None:
    """Behaviour 2.5 [T]."""
    painting = Painting(photo, layer(tmp_path))
    taken = taker.take(
        values("inpaint_sketch", inpaint_sketch=painting, mask_transparency=transparency)
    )
    image = pixels(taker, taken.image)
    for x, expected in columns.items():
        assert tuple(image[32, x]) == expected, x


@pytest.mark.parametrize(
    ("transparency", "value"), [(0, 255), (25, 191), (50, 127), (51, 124), (75, 63), (100, 0)]
)
def test_inpaint_sketch_dims_the_mask(
    taker: PictureTaker, photo: str, tmp_path: Path, transparency: int, value: int
) -> None:
    """Behaviour 2.5 [T]."""
    painting = Painting(photo, layer(tmp_path))
    taken = taker.take(
        values("inpaint_sketch", inpaint_sketch=painting, mask_transparency=transparency)
    )
    found = pixels(taker, taken.mask)
    assert found[32, 32] == value
    assert found[0, 0] == 0


def test_paint_in_the_pictures_own_colour_counts(
    taker: PictureTaker, photo: str, tmp_path: Path
) -> None:
    """A1111 compares pixels and misses it (ui 20.4); the stroke layer does not."""
    painting = Painting(photo, layer(tmp_path, colour=GROUND))
    taken = taker.take(values("inpaint_sketch", inpaint_sketch=painting))
    assert pixels(taker, taken.mask)[30, 30] == 255


def test_nothing_painted_is_said(taker: PictureTaker, photo: str, tmp_path: Path) -> None:
    painting = Painting(photo, layer(tmp_path, alpha=0))
    with pytest.raises(PaintError, match="Nothing is painted"):
        taker.take(values("inpaint_sketch", inpaint_sketch=painting))


def test_drawing_of_another_size_is_said(taker: PictureTaker, photo: str, tmp_path: Path) -> None:
    wrong = write(tmp_path / "wrong.png", np.full((32, 48, 4), 255, np.uint8))
    with pytest.raises(PaintError, match="drawing is 48x32 and its picture 64x64"):
        taker.take(values("sketch", sketch=Painting(photo, wrong)))


def test_upload_needs_its_mask(taker: PictureTaker, photo: str, tmp_path: Path) -> None:
    with pytest.raises(PaintError, match="no mask: drop one"):
        taker.take(values("inpaint_upload", inpaint_image=photo))
    drawing = mask(tmp_path, 255)
    taken = taker.take(values("inpaint_upload", inpaint_image=photo, inpaint_mask=drawing))
    assert taken.mask is not None
    assert bytes_of(taker, taken.mask) == Path(drawing).read_bytes()


OUTPAINTS = {"resize_mode": 4, "outpaint_anchor": "left", "mask_mode": 0}


@pytest.mark.parametrize("tab", ["inpaint", "inpaint_sketch", "inpaint_upload"])
def test_outpainting_needs_nothing_drawn(taker: PictureTaker, photo: str, tab: str) -> None:
    picture = {"inpaint_upload": {"inpaint_image": photo}}.get(tab, {tab: Painting(photo)})
    taken = taker.take(values(tab, **OUTPAINTS, **picture))
    assert bytes_of(taker, taken.image) == Path(photo).read_bytes()
    assert taken.mask is None


def test_outpainting_takes_what_is_drawn(taker: PictureTaker, photo: str, tmp_path: Path) -> None:
    drawn = mask(tmp_path, 255)
    taken = taker.take(values("inpaint", **OUTPAINTS, inpaint=Painting(photo, drawn)))
    assert bytes_of(taker, str(taken.mask)) == Path(drawn).read_bytes()
