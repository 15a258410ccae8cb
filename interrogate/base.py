"""What an interrogator is: one protocol, and the small things that go in and out. No torch.

A new interrogator is one module with a class of this shape and one line in `registry.py`. The
module must import without torch, so that the page can ask what is available: heavy imports belong
into `load`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from PIL.Image import Image

from interrogate.options import InterrogationOptions
from models.errors import ModelError

Fit = Callable[[Image, int], Image]
"""Brings a picture to a square of N pixels as "resize and fill" does (behaviour 13.2), in RGB."""

Say = Callable[[str], None]
"""Told what is being done; it raises to stop the work."""


class MissingFiles(ModelError):
    """An interrogator lacks files or a package; the text says which and where they belong."""


@dataclass(frozen=True, slots=True)
class Tag:
    """A term and its probability (0..1), unrounded and with underscores as the model knows it."""

    name: str
    score: float


@dataclass(frozen=True, slots=True)
class Description:
    """What one interrogator says of one picture.

    `text` is ready for the prompt, `tags` are what it was made of, best first. `seconds` is the
    picture's share of its batch, `likeness` the cosine (-1..1) of text and picture in CLIP's eyes.
    """

    text: str
    tags: tuple[Tag, ...] = ()
    seconds: float = 0.0
    likeness: float | None = None


@dataclass(frozen=True, slots=True)
class Availability:
    """Whether an interrogator can be used here, and where its model lies or what is missing.

    `builtin`: the small model that ships with us stands in, and `note` says what it cannot do.
    """

    ready: bool
    note: str
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where interrogators find their files and do their work.

    `device` is torch's name of it; `half` asks for float16 where the device is no CPU.
    """

    models_dir: Path
    data_dir: Path
    fit: Fit
    device: str = "cpu"
    half: bool = True


class Interrogator(Protocol):
    """One way from pictures to texts. Not thread-safe."""

    name: ClassVar[str]
    """The API's word for it."""
    label: ClassVar[str]
    """The page's word for it."""
    aliases: ClassVar[tuple[str, ...]]
    """Other names that clients use."""

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        """Look at the disk, in milliseconds and without loading anything."""

    def __init__(self, workplace: Workplace) -> None:
        """Remember the place; nothing is loaded yet."""

    def load(self) -> None:
        """Load what `describe` needs; a second call does nothing.

        Raises MissingFiles, or models.errors.BadModelFile for damaged files and wrong models.
        """

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        """Describe pictures of any size and mode as one batch, in their order."""

    def unload(self) -> None:
        """Forget the models; `load` brings them back."""
