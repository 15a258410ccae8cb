"""Pictures to files: complete or not at all, never over an existing one (behaviour 10.6)."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from jobs.messages import RunJob
from jobs.options import OptionStore
from jobs.saving_options import EXTENSIONS, SavingOptions, name_facts, saving_options
from pipelines.events import FinishedPicture
from pipelines.filenames import (
    expand_file_pattern,
    expand_folder_pattern,
    free_name,
    next_number,
    numbered_name,
)
from pipelines.geometry import Extent
from pipelines.pictures import encode_picture, storable_format

TRIES = 500
"""Numbers that are tried while other programs write into the same folder."""


class PictureSaver:
    """Saves the pictures of jobs below the output folder, or aside when they are not to be kept."""

    def __init__(self, output_dir: Path, data_dir: Path) -> None:
        self._output_dir = output_dir
        self._data_dir = data_dir
        self._results_dir = data_dir / "results"

    def save(self, job: RunJob, picture: FinishedPicture) -> Path:
        """Write one picture with its infotext and return where it lies.

        Pictures of jobs that do not save, and incomplete ones, go to the data folder. Raises
        OSError when the disk is full or the folder cannot be written.
        """
        if not job.spec.save or picture.incomplete:
            data = encode_picture(picture.image, "png", infotext=picture.infotext)
            folder = self._results_dir / job.job_id
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{picture.position:05d}-{picture.seed}.png"
            _write(data, path, replace=True)
            return path
        saving = job.spec.saving or saving_options(OptionStore(self._data_dir).all())
        return self._save_as(job, picture, saving)

    def _save_as(self, job: RunJob, picture: FinishedPicture, saving: SavingOptions) -> Path:
        """Into the output folder, by the patterns (behaviour 10.6)."""
        infotext = picture.infotext if saving.infotext else None
        fmt = storable_format(saving.format, Extent.of(picture.image), infotext)
        data = encode_picture(
            picture.image,
            fmt,
            infotext=infotext,
            quality=saving.quality,
            lossless=saving.lossless_webp,
        )
        facts = name_facts(job.spec.request, picture, datetime.now().astimezone())
        folder = self._output_dir / f"{job.spec.tab}-images"
        if saving.folders:
            folder /= expand_folder_pattern(saving.folders, facts)
        text, extension = expand_file_pattern(saving.names, facts), EXTENSIONS[fmt]
        if saving.add_number or not text:
            path = save_numbered(data, folder, lambda n: numbered_name(n, text, extension))
        else:
            path = _save_named(data, folder, f"{text}.{extension}")
        if saving.text_file and picture.infotext:
            _write(f"{picture.infotext}\n".encode(), path.with_suffix(".txt"), replace=False)
        return path


def _save_named(data: bytes, folder: Path, name: str) -> Path:
    """Write under this name, or under the next one with a number behind it that is free."""
    folder.mkdir(parents=True, exist_ok=True)
    for _ in range(TRIES):
        path = folder / free_name(name, {entry.name for entry in folder.iterdir()})
        if _write(data, path, replace=False):
            return path
    raise OSError(f"no free file name was found in {folder}")


def save_numbered(data: bytes, folder: Path, name: Callable[[int], str], prefix: str = "") -> Path:
    """Write `data` under the first free number of `folder`, made if need be; never over a file.

    `name` turns a number into a file name, `prefix` is what stands before the number in it. Raises
    OSError when the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    number = next_number((entry.name for entry in folder.iterdir()), prefix)
    for attempt in range(TRIES):
        path = folder / name(number + attempt)
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
