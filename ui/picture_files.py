"""Uploaded files on their way to the asset store: checked once, kept byte for byte."""

from __future__ import annotations

from pathlib import Path

from jobs.assets import AssetStore
from pipelines.geometry import Extent
from pipelines.pictures import PictureLimits, open_picture
from pipelines.request import PictureRef


def take_upload(path: str, assets: AssetStore, limits: PictureLimits) -> PictureRef:
    """Check that the file is a picture we can open, keep it, and return its name.

    Raises ValueError with a sentence for the user.
    """
    data = Path(path).read_bytes()
    open_picture(data, limits)
    return assets.add(data)


def size_of(path: str, limits: PictureLimits) -> Extent:
    """The size of an uploaded picture, upright, in pixels. Raises ValueError."""
    return Extent.of(open_picture(Path(path), limits))
