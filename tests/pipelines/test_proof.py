"""The proof counts exactly the pixels that were promised to stay; the seam is what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from pipelines.geometry import Bounds
from pipelines.prepare import finish, prepare
from pipelines.proof import (
    ALARM,
    OUTLINE,
    Comparison,
    Seam,
    change,
    compare,
    difference_picture,
    is_provable,
    seam,
)
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, SoftInpaint

REF = "a" * 64
AREAS = [InpaintArea.WHOLE_PICTURE, InpaintArea.ONLY_MASKED]
areas = pytest.mark.parametrize("area", AREAS, ids=lambda area: area.label)


def request(area: InpaintArea, **changes: Any) -> Img2ImgRequest:
    inpaint = Inpaint(mask=REF, area=area, blur_x=2, blur_y=2, padding=8, content=0)
    return Img2ImgRequest(init_images=(REF,), inpaint=inpaint, width=128, height=96, **changes)


@pytest.fixture
def photo() -> Image.Image:
    noise = np.random.default_rng(3).integers(0, 255, (96, 128, 3), np.uint8)
    return Image.fromarray(noise)


@pytest.fixture
def mask() -> Image.Image:
    mask = Image.new("L", (128, 96))
    mask.paste(255, (40, 30, 70, 60))
    return mask


def result(job: Img2ImgRequest, photo: Image.Image, mask: Image.Image) -> Image.Image:
    """What a model that paints everything red would give."""
    prepared = prepare(job, [photo], mask).images[0]
    return finish(Image.new("RGB", (job.width, job.height), "red"), prepared, job)


@areas
def test_nothing_outside_has_changed(
    area: InpaintArea, photo: Image.Image, mask: Image.Image
) -> None:
    job = request(area)
    found = change(compare(job, photo, mask, result(job, photo, mask)))
    assert (found.changed, found.box) == (0, None)
    assert 128 * 96 - 60 * 60 < found.outside < 128 * 96 - 30 * 30
    assert 30 * 30 * 0.9 < found.inside <= 128 * 96 - found.outside


@areas
def test_what_has_changed_is_counted(
    area: InpaintArea, photo: Image.Image, mask: Image.Image
) -> None:
    job = request(area)
    pixels = np.array(result(job, photo, mask))
    pixels[90, :5, 2] ^= 1
    pixels[45, 50] = (1, 2, 3)
    found = change(compare(job, photo, mask, Image.fromarray(pixels)))
    assert found.changed == 5
    assert found.box == Bounds(0, 90, 5, 91)


def test_result_of_odd_size_is_compared_where_it_is(photo: Image.Image, mask: Image.Image) -> None:
    job = request(InpaintArea.WHOLE_PICTURE).model_copy(update={"width": 125, "height": 91})
    prepared = prepare(job, [photo], mask).images[0]
    picture = finish(Image.new("RGB", (120, 88), "red"), prepared, job)
    pair = compare(job, photo, mask, picture)
    assert pair.before.size == pair.after.size == (120, 88)
    assert change(pair).changed == 0


def test_a_result_of_another_size_is_compared_and_promises_nothing(
    photo: Image.Image, mask: Image.Image
) -> None:
    pair = compare(request(InpaintArea.ONLY_MASKED), photo, mask, photo.resize((256, 192)))
    assert pair.before.size == (256, 192)
    assert (pair.mask, change(pair).outside) == (None, 0)


def test_without_paste_back_the_part_worked_on_is_compared(
    photo: Image.Image, mask: Image.Image
) -> None:
    job = request(InpaintArea.ONLY_MASKED, overlay_inpaint=False)
    prepared = prepare(job, [photo], mask).images[0]
    assert prepared.paste_to is not None
    pair = compare(job, photo, mask, Image.new("RGB", (128, 96), "red"))
    assert pair.mask is None
    part = photo.crop(prepared.paste_to).resize((1, 1), Image.Resampling.BOX)
    seen = pair.before.resize((1, 1), Image.Resampling.BOX)
    assert seen.getpixel((0, 0)) == pytest.approx(part.getpixel((0, 0)), abs=3)


def test_plain_img2img_is_compared_without_promises(photo: Image.Image) -> None:
    job = Img2ImgRequest(init_images=(REF,), width=64, height=64)
    pair = compare(job, photo, None, Image.new("RGB", (64, 64)))
    assert (pair.before.size, pair.mask) == ((64, 64), None)
    assert seam(pair) is None


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (request(InpaintArea.ONLY_MASKED), True),
        (Img2ImgRequest(init_images=(REF,)), False),
        (request(InpaintArea.ONLY_MASKED, overlay_inpaint=False), False),
        (
            Img2ImgRequest(init_images=(REF,), inpaint=Inpaint(mask=REF, soft=SoftInpaint())),
            False,
        ),
    ],
    ids=["inpaint", "img2img", "nothing is pasted back", "soft inpainting"],
)
def test_only_jobs_that_promise_it_are_judged(job: Img2ImgRequest, expected: bool) -> None:
    assert is_provable(job) is expected


@pytest.mark.parametrize(
    ("width", "upscaler", "judged"),
    [(256, "ESRGAN", False), (128, "ESRGAN", True), (256, "None", True)],
    ids=["enlarged by a model", "not enlarged", "enlarged by LANCZOS"],
)
def test_what_only_the_worker_knows_is_not_judged(
    photo: Image.Image, mask: Image.Image, width: int, upscaler: str, judged: bool
) -> None:
    job = request(InpaintArea.WHOLE_PICTURE, upscaler=upscaler)
    job = job.model_copy(update={"width": width})
    pair = compare(job, photo, mask, Image.new("RGB", (width, 96), "red"))
    assert (pair.mask is not None) is judged


def test_an_empty_mask_promises_nothing(photo: Image.Image) -> None:
    empty = Image.new("L", photo.size)
    assert compare(request(InpaintArea.ONLY_MASKED), photo, empty, photo).mask is None


def square(inside: tuple[int, int, int], outside: tuple[int, int, int]) -> Image.Image:
    """4 x 4 pixels with 2 x 2 others in the middle."""
    picture = Image.new("RGB", (4, 4), outside)
    picture.paste(inside, (1, 1, 3, 3))
    return picture


GREY = (100, 100, 100)
MIDDLE = square((255,) * 3, (0,) * 3).convert("L")


@pytest.mark.parametrize(
    ("before", "after", "mask", "expected"),
    [
        (GREY, (112, 112, 112), MIDDLE, Seam(12.0, 0.0)),
        (GREY, (112, 100, 100), MIDDLE, Seam(4.0, 0.0)),
        ((130, 100, 94), GREY, MIDDLE, Seam(0.0, 12.0)),
        (GREY, (90, 100, 100), MIDDLE.point(lambda value: value // 255 * 128), Seam(10 / 3, 0.0)),
        (GREY, (90, 100, 100), MIDDLE.point(lambda value: value // 255 * 127), None),
        (GREY, (90, 100, 100), None, None),
    ],
    ids=["three channels", "one channel", "input had it", "half", "less than half", "no mask"],
)
def test_seam_is_the_mean_step_over_the_masks_edge(
    before: tuple[int, int, int],
    after: tuple[int, int, int],
    mask: Image.Image | None,
    expected: Seam | None,
) -> None:
    pair = Comparison(square(before, GREY), square(after, GREY), mask)
    assert seam(pair) == pytest.approx(expected)


def test_seam_of_a_corner_counts_pairs_to_the_side_and_below() -> None:
    """One pixel in the corner has two neighbours: steps of 30 and 0 make 15."""
    after, mask = Image.new("RGB", (2, 2), "black"), Image.new("L", (2, 2))
    after.putpixel((0, 0), (30, 30, 30))
    after.putpixel((1, 0), (30, 30, 30))
    mask.putpixel((0, 0), 255)
    assert seam(Comparison(Image.new("RGB", (2, 2)), after, mask)) == Seam(15.0, 0.0)


@given(st.integers(0, 255), st.integers(0, 255))
def test_seam_of_a_picture_with_itself_is_the_inputs(level: int, edge: int) -> None:
    picture = square((level,) * 3, (edge,) * 3)
    found = seam(Comparison(picture, picture, MIDDLE))
    assert found is not None
    assert found.result == found.source == abs(level - edge)


def test_difference_is_amplified_and_marks_what_should_have_stayed() -> None:
    before, mask = Image.new("RGB", (40, 40), GREY), Image.new("L", (40, 40))
    mask.paste(255, (10, 10, 30, 30))
    after = before.copy()
    after.putpixel((20, 20), (100, 97, 101))
    after.putpixel((3, 3), (101, 100, 100))
    seen: NDArray[np.uint8] = np.asarray(difference_picture(Comparison(before, after, mask)))
    assert seen[20, 20].tolist() == [24, 24, 24]
    assert seen[21, 21].tolist() == [0, 0, 0]
    assert seen[9, 20].tolist() == list(OUTLINE)
    assert (seen[1:6, 1:6] == ALARM).all()
    assert seen[7, 7].tolist() == [0, 0, 0]
