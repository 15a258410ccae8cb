"""What a run tells while it works and what it may be told: plain data, no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Protocol

from PIL import Image

BEFORE_HIRES: Final = "before-highres-fix"
BEFORE_COLOURS: Final = "before-color-correction"
"""Stages of a picture, as the files that show them are called (behaviour 10.6)."""


class StopKind(StrEnum):
    """How a running job is stopped (ui 3.2)."""

    NOW = "now"
    """Finish the step, keep the picture as far as it is, end the job."""
    AFTER_CURRENT = "after_current"
    """Finish the batch in work, then end the job."""
    SKIP = "skip"
    """Finish the step, keep the picture as far as it is, go on with the next batch."""


class PreviewKind(StrEnum):
    """How a live preview is made of a latent; the values are A1111's (behaviour 14.2)."""

    FULL = "Full"
    """By the checkpoint's VAE: exact, and slow."""
    APPROX_NN = "Approx NN"
    """By the tiny decoder that a checkpoint may bring, else as "Approx cheap"."""
    APPROX_CHEAP = "Approx cheap"
    """By a linear map from latents to colours."""
    TAESD = "TAESD"
    """As "Approx NN": a checkpoint's tiny decoder has TAESD's layout."""


class PreviewContent(StrEnum):
    """Which side of the guided prediction a live preview shows; the values are A1111's (ui 8.5)."""

    PROMPT = "Prompt"
    NEGATIVE = "Negative prompt"
    COMBINED = "Combined"


@dataclass(frozen=True)
class PreviewWish:
    """What a live preview is to be: how it is made, of what, of the whole batch or its first."""

    kind: PreviewKind = PreviewKind.APPROX_NN
    content: PreviewContent = PreviewContent.PROMPT
    whole_batch: bool = True
    """Several pictures become a grid."""


@dataclass(frozen=True)
class StepEvent:
    """One sampling step is done. `step` counts from 1 to `steps` within the batch."""

    batch: int
    batches: int
    step: int
    steps: int
    preview: Callable[[PreviewWish], Image.Image]
    """Draws a preview when it is called, and costs nothing before."""


@dataclass(frozen=True)
class FinishedPicture:
    """A picture that is ready to be kept. `position` counts from 0 over the whole job."""

    position: int
    image: Image.Image
    infotext: str
    prompt: str
    seed: int
    subseed: int
    incomplete: bool
    texts: Mapping[str, str] = field(default_factory=dict)
    """Further texts for a PNG's chunks, by keyword; `parameters` among them, even an empty one,
    goes before `infotext`."""
    name: str = ""
    """What its file is to be called, without extension; empty for the usual patterns."""
    model_name: str = ""
    """Of the checkpoint, for file names; the infotext need not tell it. So with the next two."""
    model_hash: str = ""
    vae_name: str = ""
    mask: Image.Image | None = None
    """Inpainting: the overlay's mask (L, white = new paint), for who wants it beside (5.7)."""
    stages: Mapping[str, Callable[[], Image.Image]] = field(default_factory=dict, compare=False)
    """How it looked earlier, by BEFORE_HIRES and BEFORE_COLOURS, where it passed that stage.

    Drawn when called, which is possible only while the listener hears of the picture.
    """


class RunListener(Protocol):
    """The receiving end of a run; the run calls it from its own thread."""

    def on_note(self, text: str) -> None:
        """Something other than sampling takes time now, e.g. "Encoding"; empty ends it."""

    def on_step(self, event: StepEvent) -> None:
        """A step is done."""

    def on_picture(self, picture: FinishedPicture) -> None:
        """A picture is done."""

    def stop_asked(self) -> StopKind | None:
        """Polled after each step and between batches."""

    def interrupted_as(self) -> PreviewKind | None:
        """How pictures are drawn that a stop cut short; None = decoded as finished ones are."""


@dataclass(frozen=True)
class RunReport:
    """What a finished run knows beyond its pictures."""

    interrupted: bool
    sampler: str
    schedule_label: str
    executed_steps: int
    width: int
    height: int
    notes: tuple[str, ...] = ()
    """Sentences for the user: what was ignored, replaced or noticed."""
    facts: Mapping[str, Any] = field(default_factory=dict)
