"""What is shown as the model's view is what the job works on (behaviour 2.3, 2.4, 3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pipelines.geometry import Extent
from pipelines.masks import latent_mask
from pipelines.outpaint import Anchor
from pipelines.prepare import prepare
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, ResizeMode
from ui.model_view import MaskUse, blurred, grid_view, seen_part, sentence, soft_view


def mask_of(box: tuple[int, int, int, int], size: tuple[int, int] = (512, 512)) -> Image.Image:
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


@pytest.mark.parametrize(
    ("padding", "expected"),
    [(32, (158, 128, 342, 312)), (0, (190, 160, 310, 280)), (2048, (0, 0, 512, 512))],
    ids=["behaviour 3 [T] full chain", "padding 0", "padding beyond the picture"],
)
def test_seen_part(padding: int, expected: tuple[int, int, int, int]) -> None:
    use = MaskUse(blur=4, invert=False, only_masked=True, padding=padding)
    part = seen_part(blurred(mask_of((200, 180, 300, 260)), use), use, Extent(512, 512))
    assert part == expected


def test_blur_is_taken_first_and_inverting_before_it() -> None:
    whole = mask_of((0, 0, 512, 512))
    use = MaskUse(blur=0, invert=True, only_masked=True, padding=32)
    assert seen_part(blurred(whole, use), use, Extent(512, 512)) is None
    corner = mask_of((0, 0, 500, 512))
    assert seen_part(blurred(corner, use), use, Extent(256, 512)) == (256, 0, 512, 512)


def test_a_dot_that_the_blur_removes_is_nothing() -> None:
    use = MaskUse(blur=32, invert=False, only_masked=True, padding=32)
    dot = blurred(mask_of((100, 100, 101, 101)), use)
    assert seen_part(dot, use, Extent(512, 512)) is None
    assert grid_view(dot, use, Extent(512, 512)) is None


@pytest.mark.parametrize(
    ("part", "target", "whole", "text"),
    [
        (
            (184, 184),
            (512, 512),
            False,
            "The model sees 184x184 around the mask, at 512x512 (2.8x)",
        ),
        (
            (1280, 1280),
            (512, 512),
            False,
            "The model sees 1280x1280 around the mask, at 512x512 (0.4x: detail will be lost)",
        ),
        (
            (512, 512),
            (512, 512),
            True,
            "The model sees the whole picture, 512x512 at 512x512 (1x)",
        ),
    ],
)
def test_sentence(part: tuple[int, int], target: tuple[int, int], whole: bool, text: str) -> None:
    assert sentence(Extent(*part), Extent(*target), whole=whole) == text


@st.composite
def uses(draw: st.DrawFn) -> tuple[Image.Image, MaskUse, Extent]:
    width, height = draw(st.integers(16, 160)), draw(st.integers(16, 160))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = (x, y, draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height)))
    use = MaskUse(
        blur=draw(st.sampled_from([0, 4, 20])),
        invert=draw(st.booleans()),
        only_masked=draw(st.booleans()),
        padding=draw(st.sampled_from([0, 8, 32, 256])),
        mode=draw(st.sampled_from(list(ResizeMode))),
        rounds=draw(st.booleans()),
    )
    target = Extent(draw(st.integers(64, 160)), draw(st.integers(64, 160)))
    anchor = draw(st.none() | st.sampled_from(Anchor))
    if anchor is not None:
        use = replace(use, mode=ResizeMode.JUST_RESIZE, outpaint=anchor)
        target = Extent(max(width, target.width), max(height, target.height))
    return mask_of(box, (width, height)), use, target


@settings(deadline=None, max_examples=60)
@given(uses())
def test_the_grid_is_the_jobs_own(case: tuple[Image.Image, MaskUse, Extent]) -> None:
    mask, use, target = case
    area = InpaintArea.ONLY_MASKED if use.only_masked else InpaintArea.WHOLE_PICTURE
    request = Img2ImgRequest(
        init_images=("0" * 64,),
        width=target.width,
        height=target.height,
        resize_mode=use.mode,
        outpaint=use.outpaint,
        inpaint=Inpaint(
            mask="0" * 64,
            blur_x=use.blur,
            blur_y=use.blur,
            invert=use.invert,
            area=area,
            padding=use.padding,
            round=use.rounds,
        ),
    )
    job = prepare(request, [Image.new("RGB", mask.size)], mask)
    view = grid_view(blurred(mask, use), use, target)
    if view is None:
        assert job.image_mask is None
        return
    assert job.image_mask is not None
    cells = latent_mask(job.image_mask, target.latent, round=use.rounds)
    assert (np.asarray(view.image) == np.rint(cells * 255)).all()
    if use.only_masked:
        x1, y1, x2, y2 = job.images[0].paste_to or (0, 0, 0, 0)
        left, top, width, height = view.place
        if use.outpaint is not None:
            corner = use.outpaint.place(Extent.of(mask), target)
            left, top = left + corner.x1, top + corner.y1
        assert left <= x1 + 0.5 and top <= y1 + 0.5
        assert left + width >= x2 - 8 * width / target.width - 0.5
        assert top + height >= y2 - 8 * height / target.height - 0.5


@pytest.mark.parametrize(
    ("mode", "place"),
    [
        (ResizeMode.JUST_RESIZE, (0, 0, 200, 100)),
        (ResizeMode.CROP_AND_RESIZE, (50, 0, 100, 100)),
        (ResizeMode.RESIZE_AND_FILL, (0, -50, 200, 200)),
        (ResizeMode.LATENT_UPSCALE, (0, 0, 200, 100)),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_where_the_grid_lies(mode: ResizeMode, place: tuple[int, int, int, int]) -> None:
    use = MaskUse(blur=0, invert=False, only_masked=False, padding=0, mode=mode)
    view = grid_view(mask_of((60, 10, 100, 50), (200, 100)), use, Extent(64, 64))
    assert view is not None
    assert view.place == pytest.approx(place)
    assert view.image.size == (8, 8)
    assert view.image.getextrema() == (0, 255)


def test_a_large_blurred_mask_is_made_small_to_look_at() -> None:
    view = soft_view(mask_of((0, 0, 2048, 100), (4096, 3072)))
    assert view.image.size == (1024, 768)
    assert view.place == (0, 0, 4096, 3072)
    small = mask_of((0, 0, 20, 10), (300, 200))
    assert soft_view(small).image is small
