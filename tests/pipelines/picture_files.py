"""Picture files made on the spot, good and bad, for the tests of the one load function."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

from PIL import Image as Pillow
from PIL.Image import Exif, Image

from tests.pipelines.pixels import gradient

ORIENTATION = 0x0112


def saved(image: Image, fmt: str, **options: Any) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, fmt, **options)
    return out.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """One PNG chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, *extra: bytes) -> bytes:
    """A PNG of any depth; `rows` are raw scanlines, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            *extra,
            chunk(b"IDAT", zlib.compress(rows, 9)),
            chunk(b"IEND", b""),
        ]
    )


def sixteen_bit_png(values: list[int], *extra: bytes) -> bytes:
    """One row of 16-bit grey."""
    row = b"\0" + struct.pack(f">{len(values)}H", *values)
    return png(len(values), 1, 16, 0, row, *extra)


def sixteen_bit_rgb_png(pixels: list[tuple[int, int, int]], *extra: bytes) -> bytes:
    """One row of 16-bit colour."""
    row = b"\0" + b"".join(struct.pack(">3H", *pixel) for pixel in pixels)
    return png(len(pixels), 1, 16, 2, row, *extra)


def bomb_png(width: int = 20_000, height: int = 20_000) -> bytes:
    """A real, valid 1-bit PNG of 400 megapixels in some 50 KB."""
    packer = zlib.compressobj(9)
    row = bytes(1 + width // 8)
    packed = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"".join(
        [
            b"\x89PNG\r\n\x1a\n",
            chunk(b"IHDR", header),
            chunk(b"IDAT", packed),
            chunk(b"IEND", b""),
        ]
    )


def rotated(image: Image, orientation: int, fmt: str = "JPEG", **options: Any) -> bytes:
    """The picture stored with an EXIF orientation."""
    exif = Exif()
    exif[ORIENTATION] = orientation
    return saved(image, fmt, exif=exif.tobytes(), **options)


def good_files() -> dict[str, bytes]:
    """One small file of every kind that is read."""
    picture = gradient(40, 24)
    kinds = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
    return {kind.lower(): saved(picture, kind) for kind in kinds}


def quadrants() -> Image:
    """A 32x16 picture: red, green above; blue, white below - JPEG keeps them apart."""
    picture = Pillow.new("RGB", (32, 16), "white")
    picture.paste("red", (0, 0, 16, 8))
    picture.paste("lime", (16, 0, 32, 8))
    picture.paste("blue", (0, 8, 16, 16))
    return picture
