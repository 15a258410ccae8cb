"""Infotext in and out of picture files: behaviour 10.5."""

from __future__ import annotations

import zlib
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.ExifTags import IFD, Base
from PIL.Image import Exif
from PIL.PngImagePlugin import PngInfo

from pipelines.geometry import Extent
from pipelines.picture_header import PictureError
from pipelines.picture_text import (
    PictureFormat,
    encode_picture,
    read_infotext,
    read_metadata,
    storable_format,
)
from pipelines.pictures import open_picture
from tests.pipelines.picture_files import chunk, png, saved
from tests.pipelines.pixels import array, gradient

INFOTEXT = 'a cat, (masterpiece:1.2)\nNegative prompt: "dog"\nSteps: 20, Sampler: Euler a, Seed: 1'
FORMATS = cast("list[PictureFormat]", ["png", "jpeg", "webp"])


def exif_comment(raw: bytes) -> bytes:
    exif = Exif()
    exif.get_ifd(IFD.Exif)[Base.UserComment] = raw
    return exif.tobytes()


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("text", [INFOTEXT, "猫 und Käse 🐈", "é", "x"], ids=ascii)
def test_infotext_comes_back(fmt: PictureFormat, text: str) -> None:
    data = encode_picture(gradient(20, 10), fmt, infotext=text)
    assert read_infotext(data) == text
    assert open_picture(data).size == (20, 10)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("text", [None, ""], ids=["none", "empty"])
def test_no_infotext_is_no_text(fmt: PictureFormat, text: str | None) -> None:
    data = encode_picture(gradient(20, 10), fmt, infotext=text)
    assert read_infotext(data) == ""
    assert read_metadata(data) == {}
    assert b"UNICODE" not in data


def test_png_uses_text_chunks_latin_1_first() -> None:
    picture = gradient(20, 10)
    assert b"tEXtparameters\0caf\xe9" in encode_picture(picture, "png", infotext="café")
    assert b"iTXtparameters\0" in encode_picture(picture, "png", infotext="猫")


@pytest.mark.parametrize("fmt", FORMATS[1:])
def test_exif_comment_is_unicode_big_endian(fmt: PictureFormat) -> None:
    data = encode_picture(gradient(20, 10), fmt, infotext="ab")
    assert b"UNICODE\0\0a\0b" in data


def test_png_pixels_are_lossless() -> None:
    for mode in ("L", "RGB", "RGBA"):
        picture = gradient(20, 10).convert(mode)
        again = open_picture(encode_picture(picture, "png", infotext=INFOTEXT))
        assert again.mode == mode
        assert (array(again) == array(picture)).all()


def test_jpeg_flattens_alpha_on_white() -> None:
    clear = Pillow.new("RGBA", (16, 16), (0, 0, 0, 0))
    for fmt in FORMATS[1:]:
        again = open_picture(encode_picture(clear, fmt, infotext=None))
        assert again.mode == "RGB"
        assert array(again).min() >= 250


def test_quality_matters() -> None:
    picture = gradient(64, 64)
    sizes = [len(encode_picture(picture, "jpeg", infotext=None, quality=q)) for q in (10, 80, 95)]
    assert sizes == sorted(sizes)
    assert sizes[1] == len(encode_picture(picture, "jpeg", infotext=None))


@pytest.mark.parametrize(
    ("wanted", "extent", "text", "stored"),
    [
        ("jpeg", (65_500, 10), None, "jpeg"),
        ("jpeg", (65_501, 10), None, "png"),
        ("webp", (10, 16_383), None, "webp"),
        ("webp", (10, 16_384), None, "png"),
        ("png", (70_000, 10), None, "png"),
        ("jpeg", (10, 10), "x" * 32_000, "jpeg"),
        ("jpeg", (10, 10), "x" * 33_000, "png"),
        ("webp", (10, 10), "x" * 100_000, "webp"),
    ],
)
def test_png_takes_what_others_cannot_hold(
    wanted: PictureFormat, extent: tuple[int, int], text: str | None, stored: str
) -> None:
    assert storable_format(wanted, Extent(*extent), text) == stored


def test_the_border_of_the_jpeg_limit_really_fits() -> None:
    text = "x" * 32_000
    while storable_format("jpeg", Extent(8, 8), text + "x") == "jpeg":
        text += "x"
    assert read_infotext(encode_picture(gradient(8, 8), "jpeg", infotext=text)) == text
    with pytest.raises(PictureError, match="too many for a JPEG file"):
        encode_picture(gradient(8, 8), "jpeg", infotext=text + "x")


def test_too_long_sides_are_named() -> None:
    with pytest.raises(PictureError, match="at most 16,383 pixels a side; the picture is 16384x1"):
        encode_picture(Pillow.new("RGB", (16_384, 1)), "webp", infotext=None)


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"UNICODE\0" + "käse".encode("utf-16-be"), "käse"),
        (b"UNICODE\0" + "kaese".encode("utf-16-le"), "kaese"),
        (b"UNICODE\0\xff\xfe" + "猫".encode("utf-16-le"), "猫"),
        (b"UNICODE\0\xfe\xff" + "猫".encode("utf-16-be"), "猫"),
        (b"UNICODE\0" + "猫".encode("utf-16-be"), "猫"),
        (b"ASCII\0\0\0plain", "plain"),
        (bytes(8) + b"undefined", "undefined"),
        (b"no prefix at all", "no prefix at all"),
        (b"ASCII\0\0\0" + b" " * 20 + bytes(4), ""),
        (b"UNICODE\0a", "\ufffd"),
    ],
    ids=[
        "big-endian",
        "little-endian",
        "mark-little",
        "mark-big",
        "chinese-big-endian",
        "ascii",
        "undefined",
        "bare",
        "camera-filler",
        "odd-length",
    ],
)
def test_user_comments_of_other_programs(raw: bytes, text: str) -> None:
    assert read_infotext(saved(gradient(8, 8), "JPEG", exif=exif_comment(raw))) == text


def test_exif_goes_before_the_png_chunk_and_that_before_comments() -> None:
    chunks = PngInfo()
    chunks.add_text("parameters", "from chunk")
    chunks.add_text("Software", "somebody")
    exif = exif_comment(b"ASCII\0\0\0from exif")
    data = saved(gradient(8, 8), "PNG", pnginfo=chunks, exif=exif)
    assert read_metadata(data) == {"parameters": "from exif", "Software": "somebody"}
    without = saved(gradient(8, 8), "PNG", pnginfo=chunks)
    assert read_metadata(without) == {"parameters": "from chunk", "Software": "somebody"}


@pytest.mark.parametrize("kind", ["GIF", "JPEG"])
def test_comments_are_the_last_resort(kind: str) -> None:
    assert read_infotext(saved(gradient(8, 8), kind, comment=b"Steps: 4")) == "Steps: 4"


def test_text_behind_the_pixels_is_found() -> None:
    data = encode_picture(gradient(8, 8), "png", infotext=None)
    end = chunk(b"IEND", b"")
    text = chunk(b"tEXt", b"parameters\0late")
    assert read_infotext(data.replace(end, text + end)) == "late"


def test_a_text_bomb_is_refused() -> None:
    bomb = b"parameters\0\0" + zlib.compress(bytes(50_000_000), 9)
    assert len(bomb) < 60_000
    data = png(1, 1, 8, 2, bytes(4), chunk(b"zTXt", bomb))
    with pytest.raises(PictureError, match="damaged or cut off"):
        read_infotext(data)
    with pytest.raises(PictureError, match="damaged or cut off"):
        open_picture(data)


def test_many_text_chunks_are_refused_before_they_fill_the_memory() -> None:
    one = chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(1_000_000), 9))
    with pytest.raises(PictureError, match="damaged or cut off"):
        read_metadata(png(1, 1, 8, 2, bytes(4), *[one] * 80))


def test_damaged_exif_says_nothing() -> None:
    data = saved(gradient(8, 8), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(30))
    assert read_infotext(data) == ""


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=200), st.sampled_from(FORMATS))
def test_any_text_can_be_written(text: str, fmt: PictureFormat) -> None:
    """Lone surrogates and NULs have no place in a file; everything else comes back."""
    again = read_infotext(encode_picture(gradient(4, 4), fmt, infotext=text))
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    assert again == clean or again == clean.strip(" \ufeff")
