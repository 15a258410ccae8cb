"""What the Save buttons do: chosen results copied into a folder of their own, with a log (ui 9)."""

from __future__ import annotations

import csv
import threading
import zipfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import PIL.Image

from jobs.new_files import save_made, save_named, save_numbered, write_whole
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders
from jobs.saving_options import SavingOptions, name_facts, saving_options
from jobs.spec import JobView, Picture
from jobs.store import named
from pipelines.events import FinishedPicture
from pipelines.filenames import (
    NameFacts,
    expand_file_pattern,
    expand_folder_pattern,
    numbered_name,
)
from pipelines.infotext_parse import parse_infotext
from pipelines.prompt.comments import strip_comments

LOG: Final = "log.csv"
COLUMNS: Final = (
    "prompt",
    "seed",
    "width",
    "height",
    "sampler",
    "cfgs",
    "steps",
    "filename",
    "negative_prompt",
    "sd_model_name",
    "sd_model_hash",
)
"""A1111's columns of the log, one row a picture."""


class Chosen(NamedTuple):
    """A result that shall be saved."""

    job: JobView
    picture: Picture


class Saved(NamedTuple):
    """What was written, and the folder that all of it is in."""

    folder: Path
    files: tuple[Path, ...]
    archive: Path | None = None

    def name(self, path: Path) -> str:
        """A written file's name within the folder, as the log has it."""
        return path.relative_to(self.folder).as_posix()


class ChosenPictures:
    """Copies results; whose they are is the caller's business. Safe from any thread."""

    def __init__(self, folders: OutputFolders, options: OptionStore) -> None:
        self._folders = folders
        self._options = options
        self._log_lock = threading.Lock()

    def save(self, chosen: Sequence[Chosen], *, with_archive: bool = False) -> Saved:
        """Copy the files byte for byte, so with their infotext, as the settings say now.

        No file is replaced; with an archive a ZIP of the copies lies beside them. Raises OSError
        when a file is gone, the disk full, or the folder cannot be written; what was copied before
        stays.
        """
        folder, settings = self._folders.chosen(), self._options.all()
        has_log = bool(settings["save_write_log_csv"])
        files = []
        for one in chosen:
            files.append(self._copy(one, folder))
            if has_log:
                self._log(one, folder, files[-1])
        archive = None
        if with_archive and files:
            name = f"{files[0].stem}.zip"
            archive = save_made(lambda file: _pack(file, folder, files), folder, name)
        return Saved(folder, tuple(files), archive)

    def _copy(self, one: Chosen, folder: Path) -> Path:
        saving = self._saving(one.job)
        facts = _facts(one, saving)
        if saving.folders:
            folder /= expand_folder_pattern(saving.folders, facts)
        text = expand_file_pattern(saving.names, facts)
        data, extension = one.picture.path.read_bytes(), one.picture.path.suffix.lstrip(".")
        if saving.add_number or not text:
            path = save_numbered(data, folder, lambda n: numbered_name(n, text, extension))
        else:
            path = save_named(data, folder, f"{text}.{extension}")
        if saving.text_file and one.picture.infotext:
            told = f"{one.picture.infotext}\n".encode()
            write_whole(told, path.with_suffix(".txt"), replace=False)
        return path

    def _saving(self, job: JobView) -> SavingOptions:
        """The settings' patterns, with sub-folders where `use_save_to_dirs_for_ui` says so."""
        settings, own = self._options.all(), job.spec.saving or SavingOptions()
        now = saving_options(settings, own.styles, own.prompt_no_styles)
        changes = {
            "use_folders": settings["use_save_to_dirs_for_ui"],
            "basename": own.basename,
        }
        return now.model_copy(update=changes)

    def _log(self, one: Chosen, folder: Path, path: Path) -> None:
        """Add a row; a log that is there keeps the columns that it has."""
        place = folder / LOG
        with self._log_lock:
            columns = _columns_of(place)
            with place.open("a", encoding="utf-8", newline="") as file:
                rows = csv.DictWriter(file, columns or COLUMNS, extrasaction="ignore")
                if not columns:
                    rows.writeheader()
                rows.writerow(_row(one, path.relative_to(folder).as_posix()))


def _facts(one: Chosen, saving: SavingOptions) -> NameFacts:
    picture, request = one.picture, one.job.spec.request
    with PIL.Image.open(picture.path) as image:
        finished = FinishedPicture(
            picture.position,
            image,
            picture.infotext,
            strip_comments(request.prompt),
            picture.seed,
            picture.subseed,
            picture.incomplete,
        )
        now = datetime.now().astimezone()
        return name_facts(request, finished, now, saving, named(one.job.owner))


def _columns_of(log: Path) -> Sequence[str]:
    try:
        with log.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except FileNotFoundError:
        return []


def _row(one: Chosen, filename: str) -> dict[str, object]:
    picture, request = one.picture, one.job.spec.request
    told = parse_infotext(picture.infotext, fill_defaults=False)
    return {
        "prompt": told.prompt,
        "seed": picture.seed,
        "width": picture.width,
        "height": picture.height,
        "sampler": told.params.get("Sampler", request.sampling.sampler),
        "cfgs": told.params.get("CFG scale", request.sampling.cfg_scale),
        "steps": told.params.get("Steps", request.sampling.steps),
        "filename": filename,
        "negative_prompt": told.negative_prompt,
        "sd_model_name": told.params.get("Model", ""),
        "sd_model_hash": told.params.get("Model hash", ""),
    }


def _pack(file: BinaryIO, folder: Path, paths: Sequence[Path]) -> None:
    """Nothing is compressed: pictures are already."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for path in paths:
            archive.write(path, path.relative_to(folder))
