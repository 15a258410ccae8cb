"""The one way a picture file becomes pixels: for the page, the API, batch, masks, interrogators.

Limits come first (`pipelines.picture_header`); then one orientation, one bit depth, one colour
space and three modes: L, RGB and RGBA. Writing and metadata are in `pipelines.picture_text`, whose
names are handed on here.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import ExifTags, ImageCms
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.compose import flatten
from pipelines.geometry import Extent
from pipelines.picture_header import (
    DEFAULT_LIMITS,
    EXIF_FAULTS,
    PictureError,
    PictureLimits,
    opened,
    read_header,
    sniff,
)
from pipelines.picture_text import (
    PictureFormat,
    encode_picture,
    read_infotext,
    read_metadata,
    storable_format,
)

__all__ = [
    "DEFAULT_LIMITS",
    "PictureError",
    "PictureFormat",
    "PictureLimits",
    "encode_picture",
    "flatten",
    "open_picture",
    "read_header",
    "read_infotext",
    "read_metadata",
    "sniff",
    "storable_format",
    "upright_size",
]

_TURNS: Mapping[int, Pillow.Transpose] = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}
"""EXIF orientation -> what makes the picture upright (EXIF 2.32, tag 0x0112)."""


def open_picture(data: bytes | Path, limits: PictureLimits = DEFAULT_LIMITS) -> Image:
    """Decode a picture file (first frame) to an upright L, RGB or RGBA picture.

    EXIF orientation is applied. Palette and `tRNS` transparency become alpha. Deeper channels are
    scaled to 8 bits. CMYK and profiled pictures become sRGB where Pillow can do it. Raises
    PictureError: no picture of a known kind, damaged, cut off, or over a limit - the last before
    anything is decoded.
    """
    with opened(data, limits) as stored:
        stored.load()
        profile = stored.info.get("icc_profile")
        picture = _to_eight_bits(stored)
        picture = _to_srgb(picture, profile)
        picture = _upright(picture, _orientation(stored))
        # A decoder may grow the canvas while loading (GIF frames, TIFF tiles).
        limits.check_extent(Extent.of(picture))
        return picture


def upright_size(data: bytes | Path, limits: PictureLimits = DEFAULT_LIMITS) -> Extent:
    """The size that `open_picture` would give, from the header alone. Raises PictureError."""
    with opened(data, limits) as stored:
        size = Extent.of(stored)
        return size if _orientation(stored) < 5 else Extent(size.height, size.width)


def _to_eight_bits(stored: Image) -> Image:
    """A copy in L, RGB, RGBA or - for the colour transform - CMYK."""
    if stored.mode.startswith("I;16"):
        picture = _from_sixteen_bits(stored)
    elif stored.mode in ("I", "F"):
        picture = _from_numbers(stored)
    elif stored.has_transparency_data:
        picture = _with_alpha(stored)
    elif stored.mode in ("L", "RGB", "CMYK"):
        picture = stored.copy()
    elif stored.mode == "1":
        picture = stored.convert("L")
    else:
        picture = stored.convert("RGB")
    return picture


def _with_alpha(stored: Image) -> Image:
    key = stored.info.get("transparency")
    if stored.mode == "RGB" and isinstance(key, tuple) and max(key) > 255:
        # Sixteen bits per channel: the decoder has kept the upper byte of the pixels only.
        stored.info["transparency"] = tuple(value >> 8 for value in key)
    return stored.convert("RGBA")


def _from_sixteen_bits(stored: Image) -> Image:
    values = np.asarray(stored).astype(np.uint16)
    scaled = ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    picture = Pillow.fromarray(scaled)
    key = stored.info.get("transparency")
    if isinstance(key, int):
        picture = picture.convert("RGBA")
        picture.putalpha(Pillow.fromarray(np.where(values == key, 0, 255).astype(np.uint8)))
    return picture


def _from_numbers(stored: Image) -> Image:
    """Guess the white point of 32-bit grey: 1 (floats only), 255, 65535 or the brightest pixel."""
    values = np.nan_to_num(np.asarray(stored, dtype=np.float32), posinf=0.0, neginf=0.0)
    brightest = float(values.max())
    usual = (1.0, 255.0, 65535.0) if stored.mode == "F" else (255.0, 65535.0)
    white = next((value for value in usual if brightest <= value), brightest)
    return Pillow.fromarray(np.clip(np.rint(values * (255 / white)), 0, 255).astype(np.uint8))


def _to_srgb(picture: Image, profile: bytes | None) -> Image:
    """Apply an embedded ICC profile if it says something; always ends in L, RGB or RGBA."""
    spaces = {"L": "GRAY", "RGB": "RGB", "RGBA": "RGB", "CMYK": "CMYK"}
    output = "RGBA" if picture.mode == "RGBA" else "RGB"
    grey = picture.mode == "L"
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            # sRGB to sRGB would only add rounding errors to pixels that are promised unchanged.
            is_srgb = "srgb" in ImageCms.getProfileDescription(source).lower()
            if not is_srgb and source.profile.xcolor_space.strip() == spaces[picture.mode]:
                target = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(picture, source, target, outputMode=output)
                picture = converted or picture
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # An unreadable profile is ignored, as every viewer does.
            pass
    # What the file said about itself (profile, transparency, EXIF) no longer holds, and Pillow
    # would write it into the next file.
    picture.info = {}
    if grey:
        return picture.convert("L")
    return picture.convert("RGB") if picture.mode == "CMYK" else picture


def _orientation(stored: Image) -> int:
    """EXIF orientation, 1 (upright) when there is none or the EXIF block is damaged."""
    try:
        return int(stored.getexif().get(ExifTags.Base.Orientation, 1))
    except EXIF_FAULTS:
        return 1


def _upright(picture: Image, orientation: int) -> Image:
    turn = _TURNS.get(orientation)
    return picture if turn is None else picture.transpose(turn)
