"""Reading a picture file's kind and size before a single pixel is decoded.

Twenty thousand by twenty thousand pixels fit into a 48 KB file: sizes are judged here, from the
header. Decoding is in `pipelines.pictures`, metadata in `pipelines.picture_text`.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image as Pillow
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from pipelines.geometry import Extent

KINDS = "PNG, JPEG, WEBP, GIF, BMP, TIFF or AVIF"


class _Jpeg(JpegImageFile):
    """JPEG without the look for a resolution in EXIF, which trips over damaged EXIF blocks."""

    def _read_dpi_from_exif(self) -> None:
        pass


# Pillow's decoders by name. They are called directly: Image.open would also run MPO, EPS and every
# other plugin, and would warn about large pictures before we can name their size.
_DECODERS: Mapping[str, Callable[[BinaryIO], ImageFile]] = {
    "png": PngImageFile,
    "jpeg": _Jpeg,
    "webp": WebPImageFile,
    "gif": GifImageFile,
    "bmp": BmpImageFile,
    "tiff": TiffImageFile,
    "avif": AvifImageFile,
}

_PILLOW_LIMIT = 89_478_485
"""Pixels from which Pillow itself speaks of a decompression bomb."""


EXIF_FAULTS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    Warning,
    struct.error,
)
"""What Pillow's EXIF reader raises on a damaged block. Such a block says nothing, but is no reason
to refuse the picture."""


class PictureError(ValueError):
    """A picture file that cannot be used, said in a sentence for the person who sent it."""


@dataclass(frozen=True)
class PictureLimits:
    """What a picture file may be: bytes on disk, pixels (width x height) and pixels a side.

    `max_pixels` is at most 89,478,485, where Pillow's own protection begins.
    """

    max_bytes: int = 256 * 1024 * 1024
    max_pixels: int = 64_000_000
    max_side: int = 65_535

    def __post_init__(self) -> None:
        if not 0 < self.max_pixels <= _PILLOW_LIMIT:
            raise ValueError(f"max_pixels is {self.max_pixels}; allowed is 1 to {_PILLOW_LIMIT}")
        if self.max_bytes <= 0 or self.max_side <= 0:
            raise ValueError("max_bytes and max_side must be above 0")

    def check_bytes(self, count: int) -> None:
        """Refuse an empty or too large file."""
        if count == 0:
            raise PictureError("The picture file is empty (0 bytes).")
        if count > self.max_bytes:
            raise PictureError(
                f"The picture file has {count:,} bytes; allowed are {self.max_bytes:,}. "
                "Save it smaller or compressed."
            )

    def check_extent(self, extent: Extent) -> None:
        """Refuse a picture without area, with too many pixels or with too long a side."""
        if extent.width <= 0 or extent.height <= 0:
            raise PictureError(f"The picture is {extent}: it has no pixels.")
        if extent.pixels > self.max_pixels:
            raise PictureError(
                f"The picture is {extent} = {extent.pixels:,} pixels; "
                f"allowed are {self.max_pixels:,}. Scale it down first."
            )
        if max(extent) > self.max_side:
            raise PictureError(
                f"The picture is {extent}; a side may have at most {self.max_side:,} pixels."
            )


DEFAULT_LIMITS = PictureLimits()


def sniff(start: bytes) -> str | None:
    """The kind of picture by its first 64 bytes: "png", "jpeg", ...; None for anything else."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if start.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if start.startswith(b"BM"):
        return "bmp"
    if start.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "tiff"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "webp"
    if start[4:8] == b"ftyp" and (b"avif" in start[8:64] or b"avis" in start[8:64]):
        return "avif"
    return None


def read_header(data: bytes | Path, limits: PictureLimits = DEFAULT_LIMITS) -> Extent:
    """Size of a picture file as stored (before EXIF rotation), without decoding it.

    Raises PictureError when it is no picture of a known kind or breaks a limit.
    """
    with opened(data, limits) as picture:
        return Extent.of(picture)


@contextmanager
def opened(data: bytes | Path, limits: PictureLimits) -> Iterator[ImageFile]:
    """Open a picture whose header has passed the limits; pixels are not decoded yet.

    Whatever a decoder raises, here or inside the `with` block, becomes a PictureError.
    """
    with _stream(data, limits) as stream:
        kind = _kind(stream)
        try:
            if kind == "webp":
                _check_webp(stream, limits)
            picture = _DECODERS[kind](stream)
            limits.check_extent(Extent.of(picture))
            yield picture
        except PictureError:
            raise
        except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
            raise PictureError(
                f"The {kind.upper()} picture unpacks to more than the allowed "
                f"{limits.max_pixels:,} pixels."
            ) from error
        except MemoryError as error:
            raise PictureError(
                f"There is not enough memory to open this {kind.upper()} picture."
            ) from error
        # Decoders answer hostile bytes with nearly any exception; all of them mean the same.
        except Exception as error:
            reason = str(error) or type(error).__name__
            raise PictureError(
                f"The {kind.upper()} picture is damaged or cut off: {reason}."
            ) from error


@contextmanager
def _stream(data: bytes | Path, limits: PictureLimits) -> Iterator[BinaryIO]:
    if isinstance(data, bytes):
        limits.check_bytes(len(data))
        yield io.BytesIO(data)
        return
    try:
        limits.check_bytes(data.stat().st_size)
        stream = data.open("rb")
    except OSError as error:
        raise PictureError(f"Cannot read the picture {data.name}: {error.strerror}.") from error
    with stream:
        yield stream


def _kind(stream: BinaryIO) -> str:
    """Sniff the stream and rewind it."""
    start = stream.read(512)
    stream.seek(0)
    kind = sniff(start)
    if kind is not None:
        return kind
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise PictureError(f"SVG, HTML and XML files are no pictures here; send {KINDS}.")
    raise PictureError(f"The file is no picture of a known kind; send {KINDS}.")


def _check_webp(stream: BinaryIO, limits: PictureLimits) -> None:
    """Check a WEBP's size by hand: its decoder reserves the canvas as soon as it is opened."""
    start = stream.read(30)
    stream.seek(0)
    extent = _webp_extent(start)
    if extent is None:
        raise PictureError("The WEBP picture is damaged or cut off: its header is not readable.")
    limits.check_extent(extent)


def _webp_extent(start: bytes) -> Extent | None:
    """Canvas size from the first 30 bytes (RFC 9649, sections 2.5 to 2.7)."""
    if len(start) < 30:
        return None
    number = int.from_bytes
    kind = start[12:16]
    if kind == b"VP8X":
        return Extent(number(start[24:27], "little") + 1, number(start[27:30], "little") + 1)
    if kind == b"VP8 ":
        width, height = number(start[26:28], "little"), number(start[28:30], "little")
        return Extent(width & 0x3FFF, height & 0x3FFF)
    if kind == b"VP8L":
        bits = number(start[21:25], "little")
        return Extent((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    return None
