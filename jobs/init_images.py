"""What img2img pictures were made from, kept as files of its own (`save_init_img`, 5.7)."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from jobs.assets import AssetStore
from jobs.new_files import write_whole
from pipelines.picture_header import PictureLimits, sniff
from pipelines.pictures import open_picture
from pipelines.request import Img2ImgRequest, PictureRef

INIT_IMAGE_HASH: Final = "Init image hash"

_TRUSTED: Final = PictureLimits(max_bytes=2**40, max_pixels=89_000_000)
"""The job itself has opened the picture under the server's limits."""


class InitImages:
    """Copies of init images by the hash of their pixels. Not thread-safe."""

    def __init__(self, assets: AssetStore) -> None:
        self._assets = assets
        self._last: tuple[PictureRef, str] | None = None

    def digest(self, request: Img2ImgRequest, position: int) -> str:
        """MD5 of the raw pixels (upright) that the job's picture at `position` was made from."""
        return self._hashed(_source(request, position))

    def save(self, request: Img2ImgRequest, position: int, folder: Path) -> None:
        """Put the file, byte for byte, into `folder` unless these pixels are there already.

        Raises OSError when the disk is full or the folder cannot be written.
        """
        ref = _source(request, position)
        data = self._assets.path(ref).read_bytes()
        extension = {"jpeg": "jpg"}.get(kind := sniff(data[:64]) or "png", kind)
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(data, folder / f"{self._hashed(ref)}.{extension}", replace=False)

    def _hashed(self, ref: PictureRef) -> str:
        if self._last is None or self._last[0] != ref:
            image = open_picture(self._assets.path(ref), _TRUSTED)
            digest = hashlib.md5(image.tobytes(), usedforsecurity=False).hexdigest()
            self._last = ref, digest
        return self._last[1]


def _source(request: Img2ImgRequest, position: int) -> PictureRef:
    """As a run deals several init images out over a batch."""
    return request.init_images[position % request.batch_size % len(request.init_images)]
