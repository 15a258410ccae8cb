"""What is asked of an extras job: which pictures, how they are enlarged, where they go."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from pipelines.extras import Extras
from pipelines.request import Frozen, PictureRef


class ExtrasWork(Frozen):
    """One job: all pictures are enlarged in the same way.

    Either `pictures`, uploads, with the `names` of their files where these are known; or `files`,
    absolute paths on the server. With `keep_names` results are named after their inputs. `folder`,
    absolute, takes the place of the output folder.
    """

    extras: Extras
    pictures: Annotated[tuple[PictureRef, ...], Field(max_length=10_000)] = ()
    names: Annotated[tuple[str, ...], Field(max_length=10_000)] = ()
    files: Annotated[tuple[str, ...], Field(max_length=100_000)] = ()
    keep_names: bool = False
    listed: bool = True
    """False: the page shows no pictures of the job, which may be thousands."""
    folder: Annotated[str, Field(max_length=4096)] = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if bool(self.pictures) == bool(self.files):
            raise ValueError("extras need either uploaded pictures or files of the server")
        if self.names and len(self.names) != len(self.pictures):
            raise ValueError("give each picture its name, or none")
        return self

    @property
    def count(self) -> int:
        """How many pictures there are."""
        return len(self.pictures) or len(self.files)
