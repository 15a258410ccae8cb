"""What is asked of interrogators: frozen models that a job can be stored with. No torch.

The defaults are A1111's (behaviour 13); which A1111 setting becomes which field is here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

PictureName = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 (hex) of a picture file's bytes, as everywhere in a job."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ClipOptions(_Frozen):
    """Settings of the CLIP interrogator (behaviour 13.1). Token counts include the prompt."""

    num_beams: Annotated[int, Field(ge=1, le=16)] = 1
    min_length: Annotated[int, Field(ge=1, le=128)] = 24
    max_length: Annotated[int, Field(ge=1, le=256)] = 48
    dict_limit: Annotated[int, Field(ge=0, description="lines read per list; 0 = all")] = 1500
    skip_categories: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        if self.min_length > self.max_length:
            raise ValueError(
                f"the shortest caption ({self.min_length} tokens) is longer than the longest "
                f"({self.max_length}); lower interrogate_clip_min_length"
            )
        return self


class TagOptions(_Frozen):
    """Which tags are kept and how they are written (behaviour 13.2).

    `threshold` is DeepBooru's lowest probability, the WD14 taggers have two of their own.
    """

    threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    wd14_threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.35
    wd14_character_threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.85
    sort_alpha: bool = True
    use_spaces: bool = True
    escape: bool = True
    filter_tags: Annotated[str, Field(max_length=100_000)] = ""


class InterrogationOptions(_Frozen):
    """All settings of one interrogation."""

    clip: ClipOptions = ClipOptions()
    tags: TagOptions = TagOptions()
    return_ranks: bool = False


class CaptionFolder(_Frozen):
    """Folders of the server: pictures are read from `source`, captions are written to `target`.

    An empty `target` puts them beside the pictures. Who may name folders, the caller decides;
    `roots` are where links in the folder may lead, empty = anywhere.
    """

    source: Annotated[str, Field(min_length=1, max_length=4096)]
    target: Annotated[str, Field(max_length=4096)] = ""
    roots: Annotated[tuple[str, ...], Field(max_length=1000)] = ()


class Interrogation(_Frozen):
    """One job: every picture is described by every interrogator, in batches.

    Either `pictures` or a `folder`; the texts for a folder come from one interrogator and go to
    files that are not there yet, so that a job that was cut off goes on where it was.

    `score` adds how well each text fits its picture (CLIP cosine). `keep_loaded` keeps the models
    in memory until it runs short; otherwise they leave when nobody has asked for a while.
    """

    pictures: Annotated[tuple[PictureName, ...], Field(max_length=10_000)] = ()
    folder: CaptionFolder | None = None
    interrogators: Annotated[tuple[str, ...], Field(min_length=1, max_length=16)]
    options: InterrogationOptions = InterrogationOptions()
    batch_size: Annotated[int, Field(ge=1, le=64)] = 8
    score: bool = False
    keep_loaded: bool = False

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.pictures) == (self.folder is not None):
            raise ValueError("an interrogation needs either pictures or a folder")
        if self.folder is not None and len(self.interrogators) != 1:
            raise ValueError("captions of a folder come from one interrogator; choose one")
        return self


_CLIP_KEYS: Mapping[str, str] = {
    "interrogate_clip_num_beams": "num_beams",
    "interrogate_clip_min_length": "min_length",
    "interrogate_clip_max_length": "max_length",
    "interrogate_clip_dict_limit": "dict_limit",
    "interrogate_clip_skip_categories": "skip_categories",
}
_TAG_KEYS: Mapping[str, str] = {
    "interrogate_deepbooru_score_threshold": "threshold",
    "deepbooru_sort_alpha": "sort_alpha",
    "deepbooru_use_spaces": "use_spaces",
    "deepbooru_escape": "escape",
    "deepbooru_filter_tags": "filter_tags",
}


def options_of_settings(settings: Mapping[str, Any]) -> InterrogationOptions:
    """The options from A1111's settings by key; absent keys stand at their default.

    Raises ValueError with a sentence when two settings contradict each other.
    """
    try:
        return InterrogationOptions(
            clip=ClipOptions(**_fields(settings, _CLIP_KEYS)),
            tags=TagOptions(**_fields(settings, _TAG_KEYS)),
            return_ranks=bool(settings.get("interrogate_return_ranks", False)),
        )
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(message) from error


def interrogation_of(
    settings: Mapping[str, Any], interrogators: Iterable[str], **what: Any
) -> Interrogation:
    """A job as A1111's settings want it; `what` are its other fields, its pictures among them.

    Raises ValueError with a sentence when two settings contradict each other.
    """
    return Interrogation(
        interrogators=tuple(interrogators),
        options=options_of_settings(settings),
        keep_loaded=bool(settings.get("interrogate_keep_models_in_memory", False)),
        **what,
    )


def _fields(settings: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, Any]:
    return {new: settings[old] for old, new in keys.items() if old in settings}
