"""A batch of pictures as it is kept: one row per file, with what is made of it (behaviour 11).

Rows are laid out by `scripts.batch_plan` before anything runs and do not change afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field

from interrogate.options import InterrogationOptions
from jobs.saving_options import SavingOptions
from pipelines.request import Frozen, Img2ImgRequest, PictureRef
from scripts.axis import with_fields

PLACEHOLDER: Final = "0" * 64
"""Stands in a batch's request for the pictures that each row brings."""

MAX_ROWS: Final = 10_000

Captions = Literal["none", "files", "clip", "deepdanbooru"]
"""Where captions come from: nowhere, text files beside the pictures, or an interrogator."""


class BatchFile(Frozen):
    """A picture: handed in (`ref`) or lying on the server (`path`). `name` is for people."""

    name: str
    ref: PictureRef | None = None
    path: str = ""


class BatchRow(Frozen):
    """One file and what becomes of it. None and "" leave the batch's own setting.

    `skip` says why nothing is made of it; `notes` are sentences about what was not found.
    """

    picture: BatchFile
    mask: BatchFile | None = None
    prompt: str = ""
    negative_prompt: str = ""
    width: int = 0
    height: int = 0
    seed: int | None = None
    cfg_scale: float | None = None
    sampler: str = ""
    steps: int | None = None
    checkpoint: str = ""
    skip: str = ""
    notes: tuple[str, ...] = ()

    def fields(self, base: Img2ImgRequest) -> dict[str, Any]:
        """The request's fields that this row sets, by dotted path."""
        found: dict[str, Any] = {"prompt": self.prompt, "negative_prompt": self.negative_prompt}
        optional = {
            "width": self.width or None,
            "height": self.height or None,
            "seeds.seed": self.seed,
            "sampling.cfg_scale": self.cfg_scale,
            "sampling.sampler": self.sampler or None,
            "sampling.steps": self.steps,
            "checkpoint": self.checkpoint or None,
        }
        found |= {path: value for path, value in optional.items() if value is not None}
        if base.inpaint is not None and self.mask is None:
            found |= {"inpaint": None} if base.outpaint is None else {"inpaint.mask": None}
        return found


class BatchSpec(Frozen):
    """A whole batch. `base` names PLACEHOLDER as init image, and as mask if there are masks."""

    base: Img2ImgRequest
    rows: Annotated[tuple[BatchRow, ...], Field(max_length=MAX_ROWS)]
    interrogator: str = ""
    """Who describes each picture; the text is put behind the prompt. Empty for nobody."""
    interrogation: InterrogationOptions = InterrogationOptions()
    saving: SavingOptions | None = None
    output: str = ""
    """The folder that was asked for, for people; `saving` knows it, too."""


def row_request(
    spec: BatchSpec, row: BatchRow, pictures: Mapping[str, PictureRef], caption: str = ""
) -> Img2ImgRequest:
    """What is made of a row. `pictures` names the "picture" and, if it has one, its "mask".

    Raises ValuesError in a sentence for values that a request cannot have.
    """
    fields = row.fields(spec.base)
    fields["prompt"] = joined(row.prompt, caption)
    fields["init_images"] = (pictures["picture"],)
    if "mask" in pictures:
        fields["inpaint.mask"] = pictures["mask"]
    return with_fields(spec.base, fields)


def joined(prompt: str, caption: str) -> str:
    """The caption behind the prompt."""
    return ", ".join(text for text in (prompt.strip().rstrip(","), caption.strip()) if text)


def used_pictures(spec: BatchSpec) -> set[str]:
    """SHA-256 names of the pictures that were handed in for a batch."""
    files = [one for row in spec.rows for one in (row.picture, row.mask)]
    return {one.ref for one in files if one is not None and one.ref is not None}
