"""The grid of a job as a file: all its pictures in one (behaviour 10.6)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import PIL.Image

from jobs.messages import RunJob
from jobs.new_files import save_numbered
from jobs.saving_options import EXTENSIONS, SavingOptions, sub_folder
from pipelines.events import FinishedPicture
from pipelines.filenames import grid_name
from pipelines.geometry import Extent
from pipelines.grid import grid_rows, make_grid
from pipelines.pictures import encode_picture, storable_format
from pipelines.prompt.comments import strip_comments

_PREFIX = "grid-"


class KeptPicture(Protocol):
    """A picture of a job that lies on disk."""

    @property
    def position(self) -> int:
        """From 0 over the whole job."""

    @property
    def path(self) -> Path:
        """Where it lies."""

    @property
    def infotext(self) -> str:
        """What it was made with."""

    @property
    def seed(self) -> int:
        """Its seed."""

    @property
    def subseed(self) -> int:
        """Its variation seed."""

    @property
    def incomplete(self) -> bool:
        """Whether an interrupt cut it short."""


def save_grid(
    job: RunJob, pictures: Sequence[KeptPicture], saving: SavingOptions, folder: Path
) -> Path:
    """Write the grid of `pictures`, at least one, into `folder` and return where it lies.

    It carries the first picture's infotext. Raises OSError, and ValueError with a sentence when it
    would have more pixels than the settings allow.
    """
    request, grid = job.spec.request, saving.grid
    ordered = sorted(pictures, key=lambda one: one.position)
    rows = grid_rows(
        len(ordered),
        wanted=grid.rows,
        batch_size=request.batch_size,
        prevent_empty=grid.prevent_empty,
    )
    _check_size(ordered, rows, grid.most_pixels)
    images = []
    for one in ordered:
        with PIL.Image.open(one.path) as image:
            images.append(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    made = make_grid(images, rows, grid.background)
    first = ordered[0]
    if grid.use_folders:
        prompt = strip_comments(request.prompt)
        told = FinishedPicture(0, made, first.infotext, prompt, first.seed, first.subseed, False)
        folder /= sub_folder(request, told, saving, job.user)
    infotext = first.infotext if saving.infotext else None
    fmt = storable_format(grid.format, Extent.of(made), infotext)
    data = encode_picture(
        made, fmt, infotext=infotext, quality=saving.quality, lossless=saving.lossless_webp
    )
    return save_numbered(data, folder, lambda n: grid_name(n, EXTENSIONS[fmt]), _PREFIX)


def _check_size(pictures: Sequence[KeptPicture], rows: int, most: int) -> None:
    """Before anything is decoded."""
    sizes = []
    for one in pictures:
        with PIL.Image.open(one.path) as image:
            sizes.append(image.size)
    width, height = (max(size[side] for size in sizes) for side in (0, 1))
    columns = -(-len(pictures) // rows)
    if width * columns * height * rows > most:
        raise ValueError(
            f"{width * columns}x{height * rows} is more than the {most / 1_000_000:g} megapixels "
            "that the setting img_max_size_mp allows"
        )
