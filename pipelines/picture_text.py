"""Picture files with words in them: encoding with infotext, and reading text back.

PNG keeps it in the text chunk `parameters`, the other formats in EXIF UserComment (behaviour
10.5). What the infotext says is for `pipelines.infotext`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from PIL.ExifTags import IFD, Base
from PIL.Image import Exif, Image
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile, PngInfo

from pipelines.compose import flatten
from pipelines.geometry import Extent
from pipelines.picture_header import (
    DEFAULT_LIMITS,
    EXIF_FAULTS,
    PictureError,
    PictureLimits,
    opened,
)
from pipelines.picture_novelai import novelai_infotext

PictureFormat = Literal["png", "jpeg", "webp", "avif"]

PARAMETERS = "parameters"
"""The PNG text chunk that A1111 writes and every tool reads."""

_LONGEST_SIDE: Mapping[PictureFormat, int] = {
    "png": 2**31 - 1,
    "jpeg": 65_500,
    "webp": 16_383,
    "avif": 65_536,
}
_JPEG_EXIF_BYTES = 65_533 - len(b"Exif\0\0")
_UNICODE = b"UNICODE\0"
_KEYWORD = re.compile(r"[ -~]{1,79}")
"""What a PNG chunk may be called."""


def storable_format(
    wanted: PictureFormat, extent: Extent, infotext: str | None = None
) -> PictureFormat:
    """`wanted`, or "png" where that format cannot hold such sides or so long an infotext."""
    return "png" if _obstacle(wanted, extent, infotext) else wanted


def encode_picture(
    image: Image,
    fmt: PictureFormat,
    *,
    infotext: str | None,
    quality: int = 80,
    lossless: bool = False,
    texts: Mapping[str, str] = MappingProxyType({}),
) -> bytes:
    """Write an L, RGB or RGBA picture as a file with its infotext (behaviour 10.5).

    `texts` are further chunks of a PNG by keyword; `parameters` among them replaces the infotext
    there. `quality` (1..100) is for JPEG, WEBP and AVIF, where RGBA is flattened on white;
    `lossless` is for WEBP. Raises PictureError when the format cannot hold the picture or the
    infotext; `storable_format` tells beforehand.
    """
    text = _writable(infotext)
    if obstacle := _obstacle(fmt, Extent.of(image), text):
        raise PictureError(obstacle)
    out = io.BytesIO()
    if fmt == "png":
        chunks = PngInfo()
        for key, words in {PARAMETERS: text, **texts}.items():
            if words and _KEYWORD.fullmatch(key):
                # Becomes iTXt by itself when the text is not latin-1.
                chunks.add_text(key, _writable(words))
        image.save(out, "PNG", pnginfo=chunks, icc_profile=None)
        return out.getvalue()
    if image.mode == "RGBA":
        image = flatten(image, "#ffffff")
    more = {"lossless": True} if lossless and fmt == "webp" else {}
    image.save(out, fmt.upper(), quality=quality, exif=_exif(text), icc_profile=None, **more)
    return out.getvalue()


def _writable(infotext: str | None) -> str:
    """Text without what no file can hold: NUL ends a chunk, lone surrogates have no encoding."""
    return (infotext or "").replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _obstacle(fmt: PictureFormat, extent: Extent, infotext: str | None) -> str | None:
    """Why the format cannot hold this, as a sentence, or None."""
    longest = _LONGEST_SIDE[fmt]
    if max(extent) > longest:
        return (
            f"A {fmt.upper()} file holds at most {longest:,} pixels a side; "
            f"the picture is {extent}. Save it as PNG."
        )
    if fmt == "jpeg" and infotext and len(_exif(_writable(infotext))) > _JPEG_EXIF_BYTES:
        return (
            f"The infotext has {len(infotext):,} characters, too many for a JPEG file "
            "(about 32,700). Save the picture as PNG or WEBP."
        )
    return None


def _exif(text: str) -> bytes:
    """An EXIF block whose UserComment is the text in UTF-16, or nothing for no text."""
    if not text:
        return b""
    exif = Exif()
    exif.get_ifd(IFD.Exif)[Base.UserComment] = _UNICODE + text.encode("utf-16-be")
    return exif.tobytes()


def read_infotext(data: bytes | Path, limits: PictureLimits = DEFAULT_LIMITS) -> str:
    """The generation parameters in a picture file, "" when there are none.

    Raises PictureError as `pipelines.pictures.open_picture` does.
    """
    return read_metadata(data, limits).get(PARAMETERS, "")


def read_metadata(data: bytes | Path, limits: PictureLimits = DEFAULT_LIMITS) -> dict[str, str]:
    """All text in a picture file: PNG chunks by keyword, the generation data as "parameters".

    An EXIF UserComment goes before the PNG chunk, then comes a GIF or JPEG comment. What NovelAI
    writes becomes an infotext (behaviour 10.4).
    """
    with opened(data, limits) as picture:
        texts = _png_texts(picture)
        comment = picture.info.get("comment")
        parameters = (
            _user_comment(picture)
            or texts.get(PARAMETERS)
            or (comment.decode("utf-8", "ignore") if isinstance(comment, bytes) else "")
            or novelai_infotext(texts, Extent.of(picture))
        )
    if parameters:
        texts[PARAMETERS] = parameters
    return texts


def _png_texts(picture: ImageFile) -> dict[str, str]:
    if not isinstance(picture, PngImageFile):
        return {}
    if PARAMETERS not in picture.info:
        # Chunks may follow the pixels, which must be decoded to get there.
        picture.load()
    return {str(key): str(text) for key, text in picture.info.items() if isinstance(text, str)}


def _user_comment(picture: ImageFile) -> str:
    try:
        raw = picture.getexif().get_ifd(IFD.Exif).get(Base.UserComment, b"")
    except EXIF_FAULTS:
        return ""
    return raw if isinstance(raw, str) else _decoded(bytes(raw))


def _decoded(raw: bytes) -> str:
    """Text of a UserComment: eight bytes name the encoding (EXIF 2.32, tag 0x9286)."""
    prefix, body = raw[:8], raw[8:]
    if prefix == _UNICODE:
        text = body.decode(_utf16(body), "replace")
    elif prefix in (b"ASCII\0\0\0", bytes(8)):
        text = body.decode("utf-8", "replace")
    else:
        text = raw.decode("utf-8", "ignore")
    return text.strip("\0 \ufeff")


def _utf16(body: bytes) -> str:
    """Byte order: the mark's, or where the zero bytes of Latin letters lie, or big-endian."""
    if body.startswith(b"\xff\xfe"):
        return "utf-16-le"
    zeros_first, zeros_second = body[::2].count(0), body[1::2].count(0)
    return "utf-16-le" if zeros_second > zeros_first else "utf-16-be"
