"""Pictures that users hand in, kept by the SHA-256 of their bytes. Results are not kept here."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from pipelines.request import PictureRef


class MissingAsset(ValueError):
    """A request names a picture that was never handed in, or whose file was removed."""


class AssetStore:
    """Content-addressed files below one folder; safe for several processes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, ref: PictureRef) -> Path:
        """Where the picture lies.

        Raises MissingAsset when there is none, also for anything that is not 64 hex digits.
        """
        path = self._place(ref) if len(ref) == 64 and ref.isalnum() else None
        if path is None or not path.is_file():
            raise MissingAsset(
                f"the input picture {ref[:10]}... is no longer on the server; choose it again"
            )
        return path

    def add(self, data: bytes) -> PictureRef:
        """Keep `data` (an encoded picture file that was checked before) and return its name."""
        ref = hashlib.sha256(data).hexdigest()
        place = self._place(ref)
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=place.parent)
            temporary = Path(name)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(data)
                temporary.replace(place)
            finally:
                temporary.unlink(missing_ok=True)
        else:
            place.touch()
        return ref

    def remove_unused(self, used: Iterable[PictureRef], older_than: float) -> int:
        """Delete pictures that no job names and that were last handed in before `older_than`.

        `older_than` is a POSIX time in seconds. Returns how many files went.
        """
        keep = set(used)
        gone = 0
        for path in self._folder.glob("??/*"):
            if path.name not in keep and path.stat().st_mtime < older_than:
                path.unlink(missing_ok=True)
                gone += 1
        return gone

    def _place(self, ref: PictureRef) -> Path:
        return self._folder / ref[:2] / ref
