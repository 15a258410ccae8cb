"""The proof counts exactly the pixels that were promised to stay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.prepare import finish, prepare
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea
from ui.proof import is_provable, prove

REF = "a" * 64
AREAS = [InpaintArea.WHOLE_PICTURE, InpaintArea.ONLY_MASKED]


def request(area: InpaintArea, **changes: Any) -> Img2ImgRequest:
    inpaint = Inpaint(mask=REF, area=area, blur_x=2, blur_y=2, padding=8)
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


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.label)
def test_nothing_outside_has_changed(
    area: InpaintArea, photo: Image.Image, mask: Image.Image
) -> None:
    job = request(area)
    proof = prove(job, photo, mask, result(job, photo, mask))
    assert proof is not None
    assert proof.changed == 0
    assert 128 * 96 - 60 * 60 < proof.outside < 128 * 96 - 30 * 30
    assert proof.sentence == f"0 of {proof.outside} pixels outside the mask changed"


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.label)
def test_what_has_changed_is_counted(
    area: InpaintArea, photo: Image.Image, mask: Image.Image
) -> None:
    job = request(area)
    pixels = np.array(result(job, photo, mask))
    pixels[90, :5, 2] ^= 1
    pixels[45, 50] = (1, 2, 3)
    picture = Image.fromarray(pixels)
    proof = prove(job, photo, mask, picture)
    assert proof is not None
    assert proof.changed == 5


def test_result_of_odd_size_is_compared_where_it_is(photo: Image.Image, mask: Image.Image) -> None:
    job = request(InpaintArea.WHOLE_PICTURE).model_copy(update={"width": 125, "height": 91})
    prepared = prepare(job, [photo], mask).images[0]
    picture = finish(Image.new("RGB", (120, 88), "red"), prepared, job)
    proof = prove(job, photo, mask, picture)
    assert proof is not None
    assert proof.changed == 0


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (request(InpaintArea.ONLY_MASKED), True),
        (Img2ImgRequest(init_images=(REF,)), False),
        (request(InpaintArea.ONLY_MASKED, overlay_inpaint=False), False),
    ],
    ids=["inpaint", "img2img", "nothing is pasted back"],
)
def test_only_jobs_that_promise_it_are_judged(job: Img2ImgRequest, expected: bool) -> None:
    assert is_provable(job) is expected


def test_an_empty_mask_keeps_everything_or_promises_nothing(photo: Image.Image) -> None:
    empty = Image.new("L", photo.size)
    assert prove(request(InpaintArea.ONLY_MASKED), photo, empty, photo) is None
