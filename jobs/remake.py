"""A picture made again: what to run for it, and what came out beside the original.

The job is taken from our own list where the picture is in it (its input pictures included), else
from the infotext alone. Comparing is `pipelines.reproduction`'s business.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import PIL.Image

from jobs.options import request_defaults
from jobs.spec import JobSpec, JobView, Picture
from pipelines.infotext_apply import NO_MASK_HERE, apply_infotext
from pipelines.infotext_keys import HIRES_SLOTS, INPAINT_KEYS, MASK_HASH, OUTPAINT
from pipelines.infotext_parse import parse_infotext
from pipelines.picture_text import PARAMETERS
from pipelines.pictures import PictureLimits, open_picture, read_metadata
from pipelines.reproduction import (
    Comparison,
    Environment,
    Made,
    compare,
    difference_picture,
    environment_of,
)
from pipelines.request import Img2ImgRequest, Inpaint, MaskedContent, PictureRef

LOSSLESS = frozenset({"PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"})
"""Files that may hold every pixel; a JPEG never does."""


class RemakeError(ValueError):
    """The picture cannot be made again; the sentence says why and what helps."""


class Results(Protocol):
    """The part of the job engine that is asked here."""

    def made_with(self, owner: str, infotext: str) -> tuple[JobView, Picture] | None:
        """The owner's newest picture with this infotext that a worker made, and its job."""


@dataclass(frozen=True)
class Inputs:
    """What the user handed in: the picture's file, and what it was painted over, if he has it."""

    picture: bytes
    init_image: PictureRef | None = None
    mask: PictureRef | None = None


@dataclass(frozen=True)
class Remake:
    """A job whose picture at `position` ought to be the `original` again."""

    spec: JobSpec
    position: int
    original: Made
    is_known: bool
    """True when the job was found in our own list: nothing had to be guessed."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """Both pictures side by side. `difference` is None when their sizes differ."""

    comparison: Comparison
    again: Picture
    difference: PIL.Image.Image | None


@dataclass(frozen=True)
class RemakeDesk:
    """Plans and judges; one object for page and API."""

    results: Results
    limits: PictureLimits
    settings: Callable[[], Mapping[str, Any]]
    find_checkpoint: Callable[[str], str | None]
    """Title of the checkpoint that a name or hash means here, or None."""

    def plan(self, owner: str, inputs: Inputs) -> Remake:
        """What to run.

        Raises RemakeError when the picture says nothing or an input picture is missing, and
        PictureError for a file that is no picture.
        """
        picture = open_picture(inputs.picture, self.limits)
        infotext = read_metadata(inputs.picture, self.limits).get(PARAMETERS, "")
        if not parse_infotext(infotext, fill_defaults=False).params:
            raise RemakeError(
                "the picture holds no generation data, so nothing says how to make it again; "
                "use the file as it was saved, not a copy from a chat or an editor"
            )
        found = self.results.made_with(owner, infotext)
        format_ = _format_of(inputs.picture)
        lossy = "" if format_ in LOSSLESS else format_
        if found is not None and inputs.init_image is None:
            job, known = found
            original = Made(picture, infotext, _environment(job.facts), lossy)
            spec, position = _same_batch(job, known)
            return Remake(spec, position, original, True)
        original = Made(picture, infotext, environment_of(infotext), lossy)
        request, notes = self._told(infotext, inputs)
        return Remake(_spec(request), 0, original, False, notes)

    def judge(self, remake: Remake, job: JobView) -> Outcome:
        """Compare once the job is done. Raises RemakeError when it made no picture."""
        again = next((one for one in job.pictures if one.position == remake.position), None)
        if again is None or again.incomplete:
            raise RemakeError("the picture was not finished, so there is nothing to compare")
        picture = open_picture(again.path, self.limits)
        made = Made(picture, again.infotext, _environment(job.facts))
        original = remake.original
        return Outcome(
            compare(original, made), again, difference_picture(original.picture, picture)
        )

    def _told(self, infotext: str, inputs: Inputs) -> tuple[Img2ImgRequest, tuple[str, ...]]:
        """The request that an infotext describes, with the user's pictures in their places."""
        params = parse_infotext(infotext, fill_defaults=False).params
        is_painted = bool(INPAINT_KEYS & params.keys())
        needs_mask = is_painted and (OUTPAINT not in params or MASK_HASH in params)
        has_hires = any(key in params or f"{key}-1" in params for key in HIRES_SLOTS)
        if inputs.init_image is None and (
            is_painted or ("Denoising strength" in params and not has_hires)
        ):
            raise RemakeError(
                "the picture was painted over another one, which is not known here: give that "
                "picture (and its mask, if it had one) beside it"
            )
        if needs_mask and inputs.mask is None:
            raise RemakeError("the picture was made with a mask: give the mask, too")
        settings = self.settings()
        fields = request_defaults(settings)
        if inputs.init_image is not None:
            fields["init_images"] = (inputs.init_image,)
        fields.pop("inpaint", None)
        if inputs.mask is not None:
            fields["inpaint"] = Inpaint(mask=inputs.mask, blur_x=0, blur_y=0)
        base, follow = Img2ImgRequest.model_validate(fields), settings["auto_backcompat"]
        applied = apply_infotext(infotext, base, backcompat=bool(follow))
        notes = [problem for problem in applied.problems if problem != NO_MASK_HERE]
        notes += [f"{key}: {value} is not known here." for key, value in applied.unknown.items()]
        names = [name for name in (applied.model_hash, applied.model_name) if name]
        title = next(filter(None, map(self.find_checkpoint, names)), None)
        if names and title is None:
            notes.append(f"The checkpoint {names[-1]} is not here; the selected one was used.")
        request = applied.request.model_copy(update={"checkpoint": title or ""})
        return request, tuple(notes)


def _spec(request: Img2ImgRequest) -> JobSpec:
    tab = "txt2img" if request.is_txt2img else "img2img"
    return JobSpec(request=request, tab=tab, save=False, shown=False)


def _same_batch(job: JobView, picture: Picture) -> tuple[JobSpec, int]:
    """The batch that the picture was made in, alone, and the picture's place in it.

    Pictures do not depend on their batch but for float rounding, which is what is at stake here.
    Latent noise comes from the first batch's seeds (behaviour 4.2), so that one is run as well.
    """
    request = job.spec.request
    batch, place = divmod(picture.position, request.batch_size)
    title = str(job.facts.get("model_title") or request.checkpoint)
    changes: dict[str, Any] = {"checkpoint": title}
    inpaint = request.inpaint
    if inpaint is not None and inpaint.content is MaskedContent.LATENT_NOISE:
        changes["n_iter"], place = batch + 1, picture.position
    else:
        first = batch * request.batch_size
        seeds = {"seed": request.all_seeds()[first], "subseed": request.all_subseeds()[first]}
        changes |= {"n_iter": 1, "seeds": request.seeds.model_copy(update=seeds)}
    return _spec(request.model_copy(update=changes)), place


def _environment(facts: Mapping[str, Any]) -> Environment | None:
    versions = facts.get("versions")
    return Environment(dict(versions), str(facts.get("device", ""))) if versions else None


def _format_of(data: bytes) -> str:
    """Pillow's name of the file format; the file was opened before."""
    with PIL.Image.open(io.BytesIO(data)) as stored:
        return stored.format or ""
