"""The one load function: every kind of file becomes an upright L, RGB or RGBA picture, or a clear
sentence (users.md A.8 and S35)."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms, ImageFile
from PIL.Image import Image

from pipelines.picture_header import PictureError, PictureLimits
from pipelines.pictures import encode_picture, open_picture
from tests.pipelines.picture_files import (
    bomb_png,
    chunk,
    good_files,
    quadrants,
    rotated,
    saved,
    sixteen_bit_png,
    sixteen_bit_rgb_png,
)
from tests.pipelines.pixels import array, gradient, noise

GOOD = good_files()


@pytest.mark.parametrize("kind", GOOD)
def test_every_kind_opens_from_bytes_and_from_a_path(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.dat"
    path.write_bytes(GOOD[kind])
    for picture in (open_picture(GOOD[kind]), open_picture(path)):
        assert (picture.mode, picture.size) == ("RGB", (40, 24))
        difference = abs(array(picture).astype(int) - array(gradient(40, 24)))
        assert difference.mean() < 12
        assert picture.info == {}


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff"])
def test_lossless_kinds_are_bit_identical(kind: str) -> None:
    assert (array(open_picture(GOOD[kind])) == array(gradient(40, 24))).all()


# ---------------------------------------------------------------- depth and colour


def palette_picture(**options: Any) -> bytes:
    picture = Pillow.new("P", (3, 1))
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.putdata([0, 1, 2])
    return saved(picture, "PNG", **options)


@pytest.mark.parametrize(
    ("data", "mode", "row"),
    [
        (sixteen_bit_png([0, 257, 32768, 65535]), "L", [0, 1, 128, 255]),
        (
            sixteen_bit_png([0, 1000, 65535], chunk(b"tRNS", b"\x03\xe8")),
            "RGBA",
            [[0, 0, 0, 255], [4, 4, 4, 0], [255, 255, 255, 255]],
        ),
        (
            sixteen_bit_rgb_png([(65535, 32768, 0), (0, 65535, 257)]),
            "RGB",
            [[255, 128, 0], [0, 255, 1]],
        ),
        (
            sixteen_bit_rgb_png(
                [(65535, 0, 0), (0, 65535, 0)], chunk(b"tRNS", b"\xff\xff\0\0\0\0")
            ),
            "RGBA",
            [[255, 0, 0, 0], [0, 255, 0, 255]],
        ),
        (palette_picture(), "RGB", [[255, 0, 0], [0, 255, 0], [0, 0, 255]]),
        (
            palette_picture(transparency=bytes([255, 0, 128])),
            "RGBA",
            [[255, 0, 0, 255], [0, 255, 0, 0], [0, 0, 255, 128]],
        ),
        (
            palette_picture(transparency=1),
            "RGBA",
            [[255, 0, 0, 255], [0, 255, 0, 0], [0, 0, 255, 255]],
        ),
        (
            saved(Pillow.new("RGB", (1, 1), (9, 8, 7)), "PNG", transparency=(9, 8, 7)),
            "RGBA",
            [[9, 8, 7, 0]],
        ),
        (
            saved(Pillow.new("L", (2, 1), 9), "PNG", transparency=9),
            "RGBA",
            [[9, 9, 9, 0], [9, 9, 9, 0]],
        ),
        (saved(Pillow.new("LA", (1, 1), (50, 60)), "PNG"), "RGBA", [[50, 50, 50, 60]]),
        (saved(Pillow.new("1", (2, 1), 1), "PNG"), "L", [255, 255]),
        (saved(Pillow.new("I", (2, 1), 65535), "TIFF"), "L", [255, 255]),
        (saved(Pillow.new("F", (2, 1), 0.5), "TIFF"), "L", [128, 128]),
        (saved(Pillow.new("F", (1, 1), float("nan")), "TIFF"), "L", [0]),
        (saved(Pillow.new("F", (1, 1), 200.0), "TIFF"), "L", [200]),
        (saved(Pillow.new("I;16", (1, 1), 32768), "TIFF"), "L", [128]),
        (saved(Pillow.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF"), "RGB", [[255, 0, 0]]),
        (saved(Pillow.new("LAB", (1, 1), (255, 128, 128)), "TIFF"), "RGB", [[254, 255, 254]]),
    ],
    ids=[
        "16-bit-grey-is-scaled-not-clipped",
        "16-bit-grey-with-transparent-value",
        "16-bit-rgb",
        "16-bit-rgb-with-transparent-colour",
        "palette",
        "palette-with-alpha-table",
        "palette-with-one-clear-entry",
        "rgb-with-transparent-colour",
        "grey-with-transparent-value",
        "grey-with-alpha",
        "one-bit",
        "32-bit-integers",
        "floats-up-to-1",
        "floats-without-numbers",
        "floats-up-to-255",
        "16-bit-tiff",
        "cmyk-tiff",
        "lab-tiff",
    ],
)
def test_depths_and_colour_models(data: bytes, mode: str, row: list[Any]) -> None:
    picture = open_picture(data)
    assert picture.mode == mode
    assert array(picture)[0].tolist() == row


def test_cmyk_jpeg_is_not_inverted() -> None:
    red = Pillow.new("RGB", (16, 16), "red").convert("CMYK")
    picture = open_picture(saved(red, "JPEG", quality=95))
    assert picture.mode == "RGB"
    assert abs(array(picture).astype(int) - (255, 0, 0)).max() < 10


def test_gif_gives_its_first_frame() -> None:
    frames = [Pillow.new("RGB", (8, 8), colour) for colour in ("red", "blue", "lime")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert open_picture(data).convert("RGB").getpixel((4, 4)) == (255, 0, 0)


def test_webp_keeps_alpha() -> None:
    clear = Pillow.new("RGBA", (8, 8), (200, 100, 50, 0))
    clear.paste((200, 100, 50, 255), (0, 0, 4, 8))
    picture = open_picture(saved(clear, "WEBP", lossless=True))
    assert picture.mode == "RGBA"
    assert array(picture)[0, :, 3].tolist() == [255] * 4 + [0] * 4


# ---------------------------------------------------------------- orientation

EXPECTED = {
    1: ("red", "lime", "blue", "white"),
    2: ("lime", "red", "white", "blue"),
    3: ("white", "blue", "lime", "red"),
    4: ("blue", "white", "red", "lime"),
    5: ("red", "blue", "lime", "white"),
    6: ("blue", "red", "white", "lime"),
    7: ("white", "lime", "blue", "red"),
    8: ("lime", "white", "red", "blue"),
}
"""EXIF orientation -> colours of the upright picture, row by row."""


def corners(picture: Image) -> tuple[str, ...]:
    width, height = picture.size
    names = {(1, 0, 0): "red", (0, 1, 0): "lime", (0, 0, 1): "blue", (1, 1, 1): "white"}
    places = [(x, y) for y in (height // 4, 3 * height // 4) for x in (width // 4, 3 * width // 4)]
    pixels = array(picture.convert("RGB")) > 127
    return tuple(names[tuple(pixels[y, x].astype(int).tolist())] for x, y in places)


@pytest.mark.parametrize("orientation", EXPECTED)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_exif_orientation_is_applied_once(kind: str, orientation: int) -> None:
    picture = open_picture(rotated(quadrants(), orientation, kind))
    assert picture.size == ((32, 16) if orientation < 5 else (16, 32))
    assert corners(picture) == EXPECTED[orientation]
    again = open_picture(encode_picture(picture, "png", infotext=None))
    assert corners(again) == EXPECTED[orientation]


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_nonsense_orientations_mean_upright(orientation: int) -> None:
    assert corners(open_picture(rotated(quadrants(), orientation))) == EXPECTED[1]


def test_damaged_exif_is_ignored() -> None:
    data = saved(quadrants(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(30))
    assert corners(open_picture(data)) == EXPECTED[1]


# ---------------------------------------------------------------- colour profiles


def profile_bytes(name: str) -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()  # type: ignore[arg-type]


def swapped_profile(*, renamed: bool = True) -> bytes:
    """A made-up RGB space: sRGB with the tags of red and blue exchanged and another name."""
    data = profile_bytes("sRGB")
    swap = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    count = int.from_bytes(data[128:132], "big")
    table = bytearray(data)
    for entry in range(132, 132 + 12 * count, 12):
        table[entry : entry + 4] = swap.get(data[entry : entry + 4], data[entry : entry + 4])
    if renamed:
        for name in ("sRGB", "s\0R\0G\0B"):
            table = table.replace(name.encode(), name.replace("s", "x").encode())
    return bytes(table)


@pytest.mark.parametrize("profile", [profile_bytes("sRGB"), swapped_profile(renamed=False)])
def test_what_calls_itself_srgb_changes_no_pixel(profile: bytes) -> None:
    """Not even by rounding: pixels outside a mask are promised unchanged."""
    picture = noise(30, 20)
    data = saved(picture, "PNG", icc_profile=profile)
    assert (array(open_picture(data)) == array(picture)).all()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_another_profile_is_converted_to_srgb(mode: str) -> None:
    blue = Pillow.new("RGBA", (4, 4), (0, 0, 255, 77)).convert(mode)
    picture = open_picture(saved(blue, "PNG", icc_profile=swapped_profile()))
    assert picture.mode == mode
    red, green, blue_value = array(picture)[0, 0, :3].tolist()
    assert red > 200 and blue_value < 100 and green < 100
    assert mode == "RGB" or array(picture)[0, 0, 3] == 77
    assert picture.info == {}


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("RGB", b"rubbish"), ("L", profile_bytes("sRGB")), ("RGB", profile_bytes("LAB"))],
    ids=["not-a-profile", "rgb-profile-on-grey", "lab-profile-on-rgb"],
)
def test_profiles_that_do_not_fit_are_ignored(mode: str, profile: bytes) -> None:
    picture = noise(8, 8).convert(mode)
    out = open_picture(saved(picture, "PNG", icc_profile=profile))
    assert (array(out) == array(picture)).all()


# ---------------------------------------------------------------- bad input


def cut(data: bytes) -> bytes:
    return data[: len(data) * 2 // 3]


@pytest.mark.parametrize("kind", GOOD)
def test_cut_off_files_are_refused(kind: str) -> None:
    with pytest.raises(PictureError, match="damaged or cut off"):
        open_picture(cut(saved(noise(64, 64), kind.upper())))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<svg/>", "SVG"),
        (b"GIF89a", "damaged or cut off"),
        (b"just text", "known kind"),
    ],
    ids=["empty", "svg", "gif-magic-only", "text"],
)
def test_other_bad_files_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        open_picture(data)


def test_the_bomb_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bomb_png()
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it is decoded"))
    with pytest.raises(PictureError, match="20000x20000 = 400,000,000 pixels"):
        open_picture(bomb)


def test_limits_count_for_opening_too() -> None:
    with pytest.raises(PictureError, match="allowed are 100"):
        open_picture(GOOD["png"], PictureLimits(max_pixels=100))


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(sorted(GOOD)),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12),
    st.floats(0, 1),
)
def test_mutilated_files_open_or_say_why(
    kind: str, changes: list[tuple[float, int]], kept: float
) -> None:
    data = bytearray(GOOD[kind])
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    limits = PictureLimits(max_pixels=1_000_000)
    try:
        picture = open_picture(bytes(data[: int(len(data) * (1 - kept**4)) + 1]), limits)
    except PictureError as error:
        assert str(error).endswith(".")
    else:
        assert picture.mode in ("L", "RGB", "RGBA")
        assert picture.width * picture.height <= 1_000_000


@pytest.mark.slow
def test_a_64_megapixel_picture_opens() -> None:
    out = io.BytesIO()
    Pillow.new("RGB", (8000, 8000), "teal").save(out, "JPEG")
    assert open_picture(out.getvalue()).size == (8000, 8000)
    assert np.asarray(open_picture(out.getvalue()).getpixel((9, 9))).shape == (3,)
