"""Pictures to files: complete or not at all, never over an existing one (behaviour 10.6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from PIL.Image import Resampling

from jobs.assets import AssetStore
from jobs.claims import ClaimLedger
from jobs.extras import ExtrasWork
from jobs.grid_saving import KeptPicture, save_grid
from jobs.init_images import INIT_IMAGE_HASH, InitImages
from jobs.messages import PictureDone, RunJob
from jobs.new_files import Claim, save_named, save_numbered, write_whole
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders
from jobs.saving_options import EXTENSIONS, SavingOptions, name_facts, saving_options
from pipelines.compose import mask_composite
from pipelines.events import BEFORE_COLOURS, BEFORE_HIRES, FinishedPicture
from pipelines.filenames import (
    expand_file_pattern,
    expand_folder_pattern,
    numbered_name,
    sanitise,
)
from pipelines.geometry import Extent
from pipelines.infotext import quote, with_keys
from pipelines.infotext_keys import LIBRARIES
from pipelines.pictures import encode_picture, storable_format
from pipelines.reproduction import libraries_text


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
        folders: OutputFolders | None = None,
    ) -> None:
        """`versions` of libraries and the `device` are told where the settings say so.

        Without `folders` those of the settings in `data_dir` are used, below `output_dir`.
        """
        self._versions = versions or {}
        self._device = device
        self._folders = folders or OutputFolders.of_server(output_dir, data_dir)
        self._init_images = InitImages(AssetStore(data_dir / "assets"))
        self._data_dir = data_dir
        self._results_dir = data_dir / "results"
        self._claims = ClaimLedger(data_dir)

    def save(self, job: RunJob, picture: FinishedPicture) -> Path:
        """Write one picture with its infotext and return where it lies.

        Pictures that are not to be saved go to the data folder; others are claimed just before
        they take their name. Raises OSError when the disk is full or the folder cannot be written.
        """
        saving = self._saving(job)
        if not _is_saved(job, picture, saving):
            text, more = picture.infotext, picture.texts
            data = encode_picture(picture.image, "png", infotext=text, texts=more)
            folder = self._results_dir / job.job_id
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{picture.position:05d}-{picture.seed}.png"
            write_whole(data, path, replace=True)
            return path

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
        folder = Path(work.folder or self._folders.extras())
        if picture.name:
            return save_named(data, folder, f"{sanitise(picture.name)}.{extension}", claim)
        return save_numbered(data, folder, lambda n: numbered_name(n, "", extension), claim=claim)

    def _save_as(
        self, job: RunJob, picture: FinishedPicture, saving: SavingOptions, claim: Claim
    ) -> Path:
        """Into the output folder, by the patterns (behaviour 10.6)."""
        data, extension = _encoded(picture, saving)
        now = datetime.now().astimezone()
        facts = name_facts(job.spec.request, picture, now, saving, job.user)
        folder = Path(saving.directory or self._folders.samples(job.spec.tab))
        if saving.folders:
            folder /= expand_folder_pattern(saving.folders, facts)
        text = expand_file_pattern(saving.names, facts)
        if saving.add_number or not text:
            path = save_numbered(
                data, folder, lambda n: numbered_name(n, text, extension), claim=claim
            )
        else:
            path = save_named(data, folder, f"{text}.{extension}", claim)
        if saving.text_file and picture.infotext:
            write_whole(f"{picture.infotext}\n".encode(), path.with_suffix(".txt"), replace=False)
        _save_second_jpeg(picture, path, len(data), saving)
        _save_stages(picture, path, saving)
        if saving.init_image and job.spec.request.init_images:
            self._init_images.save(job.spec.request, picture.position, self._folders.init_images())
        return path

    def grid(self, job: RunJob, pictures: Sequence[KeptPicture]) -> Path | None:
        """Write the grid of a job whose pictures are all there; None where none is wanted.

        Raises OSError, and ValueError with a sentence when the grid would be too large.
        """
        saving = self._saving(job)
        if not job.spec.has_grid or not job.spec.save or not saving.grid.save:
            return None
        count = job.spec.request.picture_count
        shown = [
            one
            for one in pictures
            if one.position < count and (saving.incomplete or not one.incomplete)
        ]
        if len(shown) < saving.grid.fewest:
            return None
        return save_grid(job, shown, saving, self._folders.grids(job.spec.tab))

    def told(self, job: RunJob, picture: FinishedPicture) -> FinishedPicture:
        """The picture with what the settings add to its infotext: libraries, the user's name."""
        saving, request = self._saving(job), job.spec.request
        keeps_init = saving.init_image and bool(request.init_images)
        keeps_init = keeps_init and _is_saved(job, picture, saving)
        if not picture.infotext or not (saving.libraries or saving.user or keeps_init):
            return picture
        infotext = picture.infotext
        if keeps_init:
            digest = self._init_images.digest(request, picture.position)
            infotext = with_keys(infotext, {INIT_IMAGE_HASH: digest})
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
            keeps = is_saved and _is_saved(job, picture, saving)
            gives = is_returned and may_return
            if not keeps and not gives:
                continue
            image = picture.mask.convert("RGB")
            if suffix == "mask-composite":
                image = mask_composite(picture.image, picture.mask)
            folder = path.parent if keeps else self._results_dir / job.job_id
            folder.mkdir(parents=True, exist_ok=True)
            data = encode_picture(image, "png", infotext=picture.infotext)
            target = folder / f"{path.stem}-{suffix}.png"
            write_whole(data, target, replace=True)
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


def _is_saved(job: RunJob, picture: FinishedPicture, saving: SavingOptions) -> bool:
    """Whether a picture goes to the output folder.

    A folder that was named for a job is written whatever `samples_save` says, and so are the
    results of Extras, as there.
    """
    if not job.spec.save or (picture.incomplete and not saving.incomplete):
        return False
    return saving.samples or bool(saving.directory) or job.spec.extras is not None


def _save_stages(picture: FinishedPicture, path: Path, saving: SavingOptions) -> None:
    """The picture as it was before hires fix and colour correction, beside `path` (10.6)."""
    wanted = {
        BEFORE_HIRES: saving.before_highres_fix,
        BEFORE_COLOURS: saving.before_color_correction,
    }
    for stage, draw in picture.stages.items():
        if wanted.get(stage, False):
            data, extension = _encoded(replace(picture, image=draw()), saving)
            save_named(data, path.parent, f"{path.stem}-{stage}.{extension}")


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
    write_whole(data, path.with_suffix(".jpg"), replace=False)
