"""Kinds, sizes and limits before anything is decoded (users.md S35)."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageFile

from pipelines.geometry import Extent
from pipelines.picture_header import PictureError, PictureLimits, read_header, sniff
from tests.pipelines.picture_files import bomb_png, good_files, png, saved
from tests.pipelines.pixels import gradient

GOOD = good_files()


@pytest.mark.parametrize("kind", GOOD)
def test_every_kind_is_known_and_measured(kind: str, tmp_path: Path) -> None:
    assert sniff(GOOD[kind][:64]) == kind
    assert read_header(GOOD[kind]) == Extent(40, 24)
    path = tmp_path / "picture"
    path.write_bytes(GOOD[kind])
    assert read_header(path) == Extent(40, 24)


@pytest.mark.parametrize("options", [{}, {"lossless": True}, {"exif": b"Exif\0\0"}], ids=str)
def test_all_webp_layouts_are_measured(options: dict[str, object]) -> None:
    assert read_header(saved(gradient(300, 17), "WEBP", **options)) == Extent(300, 17)


def test_a_400_megapixel_bomb_is_refused_by_its_header(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = bomb_png()
    assert len(bomb) < 60_000
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("it is decoded"))
    with pytest.raises(PictureError, match="20000x20000 = 400,000,000 pixels; allowed are 64,000"):
        read_header(bomb)


@pytest.mark.parametrize(
    ("width", "height"), [(9000, 9000), (12_000, 12_000), (2**31 - 1, 2**31 - 1)]
)
def test_sizes_around_pillows_own_limits_are_ours_to_refuse(width: int, height: int) -> None:
    with pytest.raises(PictureError, match=f"{width}x{height} = "):
        read_header(png(width, height, 8, 2, b"\0"))


def webp_header(kind: bytes, body: bytes) -> bytes:
    data = b"WEBP" + kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(data)) + data


@pytest.mark.parametrize(
    "data",
    [
        webp_header(b"VP8X", bytes(4) + b"\xff\xff\xff" + b"\xff\xff\xff"),
        webp_header(b"VP8 ", bytes(6) + b"\xff\x3f\xff\x3f"),
        webp_header(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(8)),
        b"GIF89a" + struct.pack("<HH", 65535, 65535) + b"\0\0\0" + b",\0\0\0\0\1\0\1\0\0\2\0;",
        b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 999, 0, 0, 54, 40, 60000, 60000, 1, 24, 0, 0, 0, 0, 0, 0),
    ],
    ids=["webp-extended", "webp-lossy", "webp-lossless", "gif", "bmp"],
)
def test_claimed_giants_of_other_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError, match="pixels; allowed are 64,000,000"):
        read_header(data)


def test_a_gif_frame_cannot_outgrow_the_limit() -> None:
    """GIF frames may be larger than the screen the header announces."""
    frame = b",\0\0\0\0" + struct.pack("<HH", 40_000, 40_000) + b"\0\2\0;"
    with pytest.raises(PictureError):
        read_header(b"GIF89a" + struct.pack("<HH", 8, 8) + b"\x80\0\0" + bytes(6) + frame)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG, HTML and XML"),
        (b"\xef\xbb\xbf  <?xml version='1.0'?><svg/>", "SVG, HTML and XML"),
        (b"%PDF-1.7", "no picture of a known kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "no picture of a known kind"),
        (b"hello", "no picture of a known kind"),
        (b"\x89PNG\r\n\x1a\n", "PNG picture is damaged or cut off"),
        (b"\xff\xd8\xff", "JPEG picture is damaged or cut off"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "WEBP picture is damaged or cut off"),
        (b"RIFF" + bytes(4) + b"WEBPJUNK" + bytes(40), "WEBP picture is damaged or cut off"),
        (b"\0\0\0\x1cftypavif" + bytes(40), "AVIF picture is damaged or cut off"),
        (b"II*\0\x08\0\0\0", "TIFF picture is damaged or cut off"),
        (png(0, 5, 8, 2, b""), "PNG picture is damaged|no pixels"),
    ],
    ids=[
        "empty",
        "svg",
        "svg-with-bom",
        "pdf",
        "eps",
        "text",
        "png-magic-only",
        "jpeg-magic-only",
        "webp-too-short",
        "webp-unknown-chunk",
        "avif-without-boxes",
        "tiff-without-directory",
        "png-without-width",
    ],
)
def test_what_is_no_picture_is_named(data: bytes, words: str) -> None:
    with pytest.raises(PictureError, match=words):
        read_header(data)


def test_limits_are_the_callers() -> None:
    data = GOOD["png"]
    assert read_header(data, PictureLimits(max_pixels=960)) == Extent(40, 24)
    with pytest.raises(PictureError, match="40x24 = 960 pixels; allowed are 959"):
        read_header(data, PictureLimits(max_pixels=959))
    with pytest.raises(PictureError, match="40x24; a side may have at most 39"):
        read_header(data, PictureLimits(max_side=39))
    with pytest.raises(PictureError, match=f"has {len(data)} bytes; allowed are 10"):
        read_header(data, PictureLimits(max_bytes=10))


@pytest.mark.parametrize(
    "limits", [{"max_pixels": 0}, {"max_pixels": 10**9}, {"max_bytes": 0}, {"max_side": 0}], ids=str
)
def test_limits_cannot_switch_the_protection_off(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="max_"):
        PictureLimits(**limits)
    assert Pillow.MAX_IMAGE_PIXELS is not None


def test_an_unreadable_path_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"^Cannot read the picture gone\.png: "):
        read_header(tmp_path / "gone.png")
    with pytest.raises(PictureError, match="Cannot read the picture"):
        read_header(tmp_path)
