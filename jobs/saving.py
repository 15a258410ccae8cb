"""Pictures to files: complete or not at all, never over an existing one (behaviour 10.6)."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from PIL.Image import Resampling

from jobs.claims import ClaimLedger
from jobs.extras import ExtrasWork
from jobs.messages import PictureDone, RunJob
from jobs.options import OptionStore
from jobs.saving_options import EXTENSIONS, SavingOptions, name_facts, saving_options
from pipelines.compose import mask_composite
from pipelines.events import FinishedPicture
from pipelines.filenames import (
    expand_file_pattern,
    expand_folder_pattern,
    free_name,
    next_number,
    numbered_name,
    sanitise,
)
from pipelines.geometry import Extent
from pipelines.infotext import quote, with_keys
from pipelines.infotext_keys import LIBRARIES
from pipelines.pictures import encode_picture, storable_format
from pipelines.reproduction import libraries_text

TRIES = 500
"""Numbers that are tried while other programs write into the same folder."""


Claim = Callable[[Path, bytes], None]
"""Hears where which bytes are about to be written; called again when that name was taken."""


def _unclaimed(_path: Path, _data: bytes) -> None:
    """Nobody wants to know."""


class MaskPicture(NamedTuple):
    """A mask or a cut-out that is given back. Its position is behind those of all pictures."""

    position: int
    path: Path
    width: int
    height: int


class PictureSaver:
    """Saves the pictures of jobs below the output folder, or aside when they are not to be kept."""

    def __init__(
        self,
        output_dir: Path,
        data_dir: Path,
        versions: Mapping[str, str] | None = None,
        device: str = "",
    ) -> None:
        """`versions` of libraries and the `device` are told where the settings say so."""
        self._versions = versions or {}
        self._device = device
        self._output_dir = output_dir
        self._data_dir = data_dir
        self._results_dir = data_dir / "results"
        self._claims = ClaimLedger(data_dir)

    def save(self, job: RunJob, picture: FinishedPicture) -> Path:
        """Write one picture with its infotext and return where it lies.

        Pictures of jobs that do not save, and incomplete ones, go to the data folder; others are
        claimed just before they take their name. Raises OSError when the disk is full or the
        folder cannot be written.
        """
        if not job.spec.save or picture.incomplete:
            text, more = picture.infotext, picture.texts
            data = encode_picture(picture.image, "png", infotext=text, texts=more)
            folder = self._results_dir / job.job_id
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{picture.position:05d}-{picture.seed}.png"
            _write(data, path, replace=True)
            return path
        saving = self._saving(job)

        def claim(path: Path, data: bytes) -> None:
            self._claims.claim(picture_done(job, picture, path), data)

        if job.spec.extras is not None:
            return self._save_extra(job.spec.extras, picture, saving, claim)
        return self._save_as(job, picture, saving, claim)

    def _save_extra(
        self, work: ExtrasWork, picture: FinishedPicture, saving: SavingOptions, claim: Claim
    ) -> Path:
        """An enlarged picture: under its input's name, or numbered, in one folder for all days."""
        data, extension = _encoded(picture, saving)
        folder = Path(work.folder or self._output_dir / "extras-images")
        if picture.name:
            return _save_named(data, folder, f"{sanitise(picture.name)}.{extension}", claim)
        return save_numbered(data, folder, lambda n: numbered_name(n, "", extension), claim=claim)

    def _save_as(
        self, job: RunJob, picture: FinishedPicture, saving: SavingOptions, claim: Claim
    ) -> Path:
        """Into the output folder, by the patterns (behaviour 10.6)."""
        data, extension = _encoded(picture, saving)
        now = datetime.now().astimezone()
        facts = name_facts(job.spec.request, picture, now, saving, job.user)
        folder = Path(saving.directory or self._output_dir / f"{job.spec.tab}-images")
        if saving.folders:
            folder /= expand_folder_pattern(saving.folders, facts)
        text = expand_file_pattern(saving.names, facts)
        if saving.add_number or not text:
            path = save_numbered(
                data, folder, lambda n: numbered_name(n, text, extension), claim=claim
            )
        else:
            path = _save_named(data, folder, f"{text}.{extension}", claim)
        if saving.text_file and picture.infotext:
            _write(f"{picture.infotext}\n".encode(), path.with_suffix(".txt"), replace=False)
        _save_second_jpeg(picture, path, len(data), saving)
        return path

    def told(self, job: RunJob, picture: FinishedPicture) -> FinishedPicture:
        """The picture with what the settings add to its infotext: libraries, the user's name."""
        saving = self._saving(job)
        if not picture.infotext or not (saving.libraries or saving.user):
            return picture
        infotext = picture.infotext
        if saving.libraries:
            libraries = libraries_text(self._versions, self._device)
            infotext = with_keys(infotext, {LIBRARIES: libraries})
        if saving.user and job.user:
            infotext = f"{infotext}, User: {quote(job.user)}"
        return replace(picture, infotext=infotext)

    def _saving(self, job: RunJob) -> SavingOptions:
        """The job's own options, else the server's."""
        return job.spec.saving or saving_options(OptionStore(self._data_dir).all())

    def masks(self, job: RunJob, picture: FinishedPicture, path: Path) -> list[MaskPicture]:
        """Write the mask and the cut-out paint of an inpainted picture that lies at `path` (5.7).

        Both are PNG with the picture's infotext: beside it, or in the data folder where they are
        only to be given back. Returns what is to be given back. Raises OSError.
        """
        if picture.mask is None or picture.incomplete:
            return []
        saving = self._saving(job)
        may_return = job.spec.saving is not None
        first = job.spec.request.picture_count + 2 * picture.position
        wanted = (
            ("mask", saving.mask, saving.return_mask),
            ("mask-composite", saving.mask_composite, saving.return_mask_composite),
        )
        given = []
        for place, (suffix, is_saved, is_returned) in enumerate(wanted):
            keeps, gives = is_saved and job.spec.save, is_returned and may_return
            if not keeps and not gives:
                continue
            image = picture.mask.convert("RGB")
            if suffix == "mask-composite":
                image = mask_composite(picture.image, picture.mask)
            folder = path.parent if keeps else self._results_dir / job.job_id
            folder.mkdir(parents=True, exist_ok=True)
            data = encode_picture(image, "png", infotext=picture.infotext)
            target = folder / f"{path.stem}-{suffix}.png"
            _write(data, target, replace=True)
            if gives:
                given.append(MaskPicture(first + place, target, image.width, image.height))
        return given


def picture_done(job: RunJob, picture: FinishedPicture, path: Path) -> PictureDone:
    """What the engine hears of a picture that lies at `path`."""
    return PictureDone(
        job.job_id,
        picture.position,
        path,
        picture.infotext,
        picture.image.width,
        picture.image.height,
        picture.seed,
        picture.subseed,
        picture.incomplete,
    )


def _encoded(picture: FinishedPicture, saving: SavingOptions) -> tuple[bytes, str]:
    """The file's bytes and its extension."""
    infotext = picture.infotext if saving.infotext else None
    fmt = storable_format(saving.format, Extent.of(picture.image), infotext)
    data = encode_picture(
        picture.image,
        fmt,
        infotext=infotext,
        quality=saving.quality,
        lossless=saving.lossless_webp,
        texts=picture.texts if saving.infotext else {},
    )
    return data, EXTENSIONS[fmt]


def _save_second_jpeg(
    picture: FinishedPicture, path: Path, size: int, saving: SavingOptions
) -> None:
    """A smaller JPEG beside a file that is too large for many sites (`export_for_4chan`, 10.5)."""
    image, longest = picture.image, saving.second_jpeg_side
    is_large = size > saving.second_jpeg_from_mb * 1024 * 1024 or max(image.size) > longest
    if not saving.second_jpeg or path.suffix.lower() in (".jpg", ".jpeg") or not is_large:
        return
    if max(image.size) > longest:
        scale = longest / max(image.size)
        sides = [max(1, round(side * scale)) for side in image.size]
        image = image.resize((sides[0], sides[1]), Resampling.LANCZOS)
    infotext = picture.infotext if saving.infotext else None
    data = encode_picture(image, "jpeg", infotext=infotext, quality=saving.quality)
    _write(data, path.with_suffix(".jpg"), replace=False)


def _save_named(data: bytes, folder: Path, name: str, claim: Claim) -> Path:
    """Write under this name, or under the next one with a number behind it that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        path = folder / free_name(name, {entry.name for entry in folder.iterdir()})
        claim(path, data)
        if _write(data, path, replace=False):
            return path
    raise OSError(f"no free file name was found in {folder}")


def save_numbered(
    data: bytes,
    folder: Path,
    name: Callable[[int], str],
    prefix: str = "",
    claim: Claim = _unclaimed,
) -> Path:
    """Write `data` under the first free number of `folder`, made if need be; never over a file.

    `name` turns a number into a file name, `prefix` is what stands before the number in it. Raises
    OSError when the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = next_number((entry.name for entry in folder.iterdir()), prefix)
    for attempt in range(TRIES):
        path = folder / name(number + attempt)
        claim(path, data)
        if _write(data, path, replace=False):
            return path
    raise OSError(f"no free file name was found in {folder}")


def _write(data: bytes, path: Path, *, replace: bool) -> bool:
    """Write beside `path`, then take its name in one step; False when the name is taken."""
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        if replace:
            temporary.replace(path)
            return True
        return _take_name(temporary, path)
    except OSError as error:
        error.filename = error.filename or str(path)  # a full disk does not say which file
        raise
    finally:
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()


def _take_name(temporary: Path, path: Path) -> bool:
    """Give the file its name unless another has it. Some file systems cannot link."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    except OSError:
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            return False
        temporary.replace(path)
    return True
