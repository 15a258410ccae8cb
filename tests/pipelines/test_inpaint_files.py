"""From picture and mask files to the result: right size, outside bit-identical, nothing crashes.

The largest family of inpaint bugs elsewhere is "images do not match" (users 1.A.4): here all of
picture size, EXIF orientation, mask size, target size, resize mode, padding and blur vary at once,
and the bad inputs that people really hand in have names. The model is `noise`: it changes all that
it may.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.Image import Image, Transpose

from pipelines import masks
from pipelines.geometry import Extent
from pipelines.pictures import open_picture
from pipelines.prepare import PreparedJob, finish, prepare
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, ResizeMode
from pipelines.resize import resize_image
from tests.pipelines.picture_files import ORIENTATION, saved, sixteen_bit_png
from tests.pipelines.pixels import array, box_mask, noise

REF = "0" * 64
ONLY, WHOLE = InpaintArea.ONLY_MASKED, InpaintArea.WHOLE_PICTURE

STORED_AS = {
    1: None,
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}
"""How a camera lays an upright picture down, by the orientation it then writes (EXIF 2.32)."""


def photographed(upright: Image, orientation: int) -> bytes:
    """A file whose EXIF says how to turn it; PNG, so that no pixel is lost."""
    turn = STORED_AS[orientation]
    exif = Pillow.Exif()
    exif[ORIENTATION] = orientation
    return saved(upright if turn is None else upright.transpose(turn), "PNG", exif=exif)


class Done(NamedTuple):
    request: Img2ImgRequest
    picture: Image
    job: PreparedJob
    result: Image


def inpainted(picture: bytes, mask: bytes, inpaint: dict[str, Any], **fields: Any) -> Done:
    request = Img2ImgRequest(
        init_images=(REF,),
        inpaint=Inpaint(mask=REF, **{"blur_x": 0, "blur_y": 0, **inpaint}),
        **{"width": 64, "height": 64, **fields},
    )
    opened = open_picture(picture)
    job = prepare(request, [opened], open_picture(mask))
    size = (request.width // 8 * 8, request.height // 8 * 8)
    return Done(request, opened, job, finish(noise(*size, seed=99), job.images[0], request))


def assert_promise(done: Done, mask: Image) -> None:
    """Where the used mask is 0 the result has the picture's bytes, and it has the right size."""
    request, picture, result = done.request, done.picture.convert("RGB"), done.result
    inpaint = request.inpaint
    assert inpaint is not None
    shaped = resize_image(
        masks.binary_mask(mask, round=inpaint.rounds),
        ResizeMode.JUST_RESIZE,
        Extent.of(picture),
    )
    shaped = masks.invert(shaped) if inpaint.invert else shaped
    shaped = masks.blur(shaped, inpaint.blur_x, inpaint.blur_y)
    target = Extent(request.width, request.height)
    if inpaint.area is ONLY:
        if done.job.mask_was_empty:
            assert result.size == (target.width // 8 * 8, target.height // 8 * 8)
            return
        assert result.size == picture.size
        kept, before = array(shaped) == 0, array(picture)
    else:
        assert result.size == (target.width // 8 * 8, target.height // 8 * 8)
        latent = request.resize_mode is ResizeMode.LATENT_UPSCALE
        mode = ResizeMode.JUST_RESIZE if latent else request.resize_mode
        rows, columns = slice(0, result.height), slice(0, result.width)
        kept = array(resize_image(shaped, mode, target).convert("L"))[rows, columns] == 0
        before = array(resize_image(picture, mode, target))[rows, columns]
    assert (array(result)[kept] == before[kept]).all()


side = st.integers(8, 120)


@st.composite
def cases(draw: st.DrawFn) -> tuple[int, Image, Image, dict[str, Any], dict[str, Any]]:
    picture = noise(draw(side), draw(side), seed=draw(st.integers(0, 99)))
    same = draw(st.booleans())
    width, height = picture.size if same else (draw(side), draw(side))
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    box = (x, y, draw(st.integers(x + 1, width)), draw(st.integers(y + 1, height)))
    blur = st.sampled_from([0, 1, 4, 20, 64])
    inpaint: dict[str, Any] = {
        "area": draw(st.sampled_from([ONLY, WHOLE])),
        "content": draw(st.sampled_from(list(MaskedContent))),
        "invert": draw(st.booleans()),
        "blur_x": draw(blur),
        "blur_y": draw(blur),
        "padding": draw(st.sampled_from([0, 4, 32, 256])),
    }
    fields = {
        "width": draw(st.integers(64, 136)),
        "height": draw(st.integers(64, 136)),
        "resize_mode": draw(st.sampled_from(list(ResizeMode))),
    }
    mask = box_mask(width, height, box, draw(st.sampled_from([1, 127, 128, 255])))
    return draw(st.sampled_from(list(STORED_AS))), picture, mask, inpaint, fields


@settings(deadline=None, max_examples=150)
@given(cases())
def test_right_size_and_outside_bit_identical(
    case: tuple[int, Image, Image, dict[str, Any], dict[str, Any]],
) -> None:
    orientation, picture, mask, inpaint, fields = case
    done = inpainted(photographed(picture, orientation), saved(mask, "PNG"), inpaint, **fields)
    assert (array(done.picture) == array(picture)).all(), "upright, and no byte changed"
    assert_promise(done, mask)


@pytest.mark.parametrize("orientation", list(STORED_AS))
@pytest.mark.parametrize("area", [ONLY, WHOLE], ids=lambda area: area.name)
def test_a_turned_photograph_is_repainted_where_the_mask_stands_upright(
    orientation: int, area: InpaintArea
) -> None:
    picture, mask = noise(64, 96), box_mask(64, 96, (8, 16, 24, 48))
    done = inpainted(
        photographed(picture, orientation),
        saved(mask, "PNG"),
        {"area": area, "padding": 0},
        width=64,
        height=96,
    )
    changed = (array(done.result) != array(picture)).any(axis=2)
    assert Pillow.fromarray(changed).getbbox() == (8, 16, 24, 48)


# ---------------------------------------------------------------- bad input, by name


def palette_mask() -> Image:
    mask = Pillow.fromarray((array(box_mask(60, 40, (10, 10, 30, 30))) > 0).astype(np.uint8), "P")
    mask.putpalette([0, 0, 0, 255, 255, 255])
    return mask


def alpha_mask() -> Image:
    mask = Pillow.new("RGBA", (60, 40))
    mask.putalpha(box_mask(60, 40, (10, 10, 30, 30)))
    return mask


BAD: dict[str, tuple[bytes, dict[str, Any], str | None]] = {
    "empty mask": (saved(Pillow.new("L", (60, 40)), "PNG"), {}, "The mask is empty"),
    "mask larger than the picture": (
        saved(box_mask(600, 400, (100, 100, 300, 300)), "PNG"),
        {},
        "The mask is 600x400 and the picture 60x40; the mask was stretched to the picture.",
    ),
    "mask of one pixel's size": (
        saved(Pillow.new("L", (1, 1), 255), "PNG"),
        {},
        "The mask is 1x1 and the picture 60x40; the mask was stretched to the picture.",
    ),
    "1 px mask": (saved(box_mask(60, 40, (30, 20, 31, 21)), "PNG"), {}, None),
    "1 px mask blurred away": (
        saved(box_mask(60, 40, (30, 20, 31, 21)), "PNG"),
        {"blur_x": 64, "blur_y": 64},
        "A mask blur of 64 leaves nothing of the mask",
    ),
    "mask in the corner": (saved(box_mask(60, 40, (0, 0, 5, 5)), "PNG"), {}, None),
    "mask at the far corner": (saved(box_mask(60, 40, (55, 35, 60, 40)), "PNG"), {}, None),
    "mask along an edge": (saved(box_mask(60, 40, (0, 39, 60, 40)), "PNG"), {}, None),
    "padding 0": (saved(box_mask(60, 40, (10, 10, 30, 30)), "PNG"), {"padding": 0}, None),
    "padding beyond the picture": (
        saved(box_mask(60, 40, (10, 10, 30, 30)), "PNG"),
        {"padding": 256},
        None,
    ),
    "whole-picture mask": (saved(Pillow.new("L", (60, 40), 255), "PNG"), {}, None),
    "whole-picture mask, inverted": (
        saved(Pillow.new("L", (60, 40), 255), "PNG"),
        {"invert": True},
        'The mask covers everything and "Inpaint not masked" leaves nothing of it',
    ),
    "blur wider than the mask": (
        saved(box_mask(60, 40, (28, 18, 34, 24)), "PNG"),
        {"blur_x": 20, "blur_y": 20},
        None,
    ),
    "16-bit mask": (sixteen_bit_png([0, 65535, 65535, 0]), {}, "The mask is 4x1"),
    "palette mask": (saved(palette_mask(), "PNG"), {}, None),
    "mask in alpha": (saved(alpha_mask(), "PNG"), {}, None),
    "1-bit mask": (saved(box_mask(60, 40, (10, 10, 30, 30)).convert("1"), "PNG"), {}, None),
}


@pytest.mark.parametrize("area", [ONLY, WHOLE], ids=lambda area: area.name)
@pytest.mark.parametrize("name", BAD)
def test_bad_input(name: str, area: InpaintArea) -> None:
    mask, inpaint, words = BAD[name]
    picture = noise(60, 40)
    for mode in ResizeMode:
        done = inpainted(
            saved(picture, "PNG"),
            mask,
            {"area": area, **inpaint},
            width=72,
            height=64,
            resize_mode=mode,
        )
        assert_promise(done, open_picture(mask))
        said = " ".join(done.job.notes)
        if words is not None:
            assert words in said


@pytest.mark.parametrize("name", ["palette mask", "mask in alpha", "1-bit mask"])
def test_every_kind_of_file_marks_the_same_pixels(name: str) -> None:
    done = inpainted(saved(noise(60, 40), "PNG"), BAD[name][0], {"area": ONLY})
    changed = (array(done.result) != array(noise(60, 40))).any(axis=2)
    assert Pillow.fromarray(changed).getbbox() == (10, 10, 30, 30)
