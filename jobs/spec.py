"""What is asked of the job engine and what it answers: plain frozen data, no behaviour.

The store keeps `JobSpec` as JSON; page and API read `JobView`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import model_validator

from interrogate.options import Interrogation
from jobs.extras import ExtrasWork
from jobs.page_state import PageState
from jobs.saving_options import SavingOptions
from pipelines.events import StopKind
from pipelines.request import Frozen, Img2ImgRequest

__all__ = [
    "JobSpec",
    "JobState",
    "JobView",
    "Picture",
    "Preview",
    "Progress",
    "StopKind",
]


class JobState(StrEnum):
    """Life of a job. A job that was interrupted is DONE: what it made is kept."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        """True when nothing more will happen to the job."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class JobSpec(Frozen):
    """One unit of work: a request, and what happens to its pictures.

    A job of the kind "interrogate" has an `interrogation` and makes no pictures: its texts are in
    the facts of the job (`interrogate.report`), and `request` and `tab` say nothing. Neither do
    they in a job of the kind "extras", which enlarges finished pictures.
    """

    kind: Literal["generate", "load", "interrogate", "extras"] = "generate"
    request: Img2ImgRequest = Img2ImgRequest()
    tab: Literal["img2img", "txt2img"] = "img2img"
    save: bool = True
    """True writes into the output folder; False keeps the pictures in the data folder only."""
    shown: bool = True
    """False: made to be compared with another picture; no page shows it as its last result."""
    shares_calls: bool = False
    """True: part of a plot; network calls that an earlier part made are not made again."""
    interrogation: Interrogation | None = None
    extras: ExtrasWork | None = None
    has_grid: bool = False
    """True: several pictures that are saved get a grid beside, as the settings say (10.6)."""
    saving: SavingOptions | None = None
    """How saved pictures are named and written; None = as the server's settings say."""
    page: PageState | None = None
    """How the page stood that asked for the job; None when no page did."""

    @model_validator(mode="after")
    def _has_its_part(self) -> Self:
        if (self.kind == "interrogate") != (self.interrogation is not None):
            raise ValueError("an interrogation belongs to jobs of the kind 'interrogate' alone")
        if (self.kind == "extras") != (self.extras is not None):
            raise ValueError("extras belong to jobs of the kind 'extras' alone")
        return self


@dataclass(frozen=True)
class Picture:
    """A finished picture of a job. `position` counts from 0 over the whole job."""

    id: str
    job_id: str
    position: int
    path: Path
    infotext: str
    width: int
    height: int
    seed: int
    subseed: int
    incomplete: bool = False
    """True when an interrupt cut its sampling short."""


@dataclass(frozen=True)
class Progress:
    """Where a running job is. `batch` counts from 0, `step` from 0 (nothing done) to `steps`."""

    batch: int = 0
    batches: int = 0
    step: int = 0
    steps: int = 0
    note: str = ""
    """What is done besides sampling, e.g. loading a checkpoint; empty while sampling."""

    @property
    def fraction(self) -> float:
        """Share of the job that is done, 0..1 (ui 8.3)."""
        if self.batches == 0:
            return 0.0
        done = self.batch + (self.step / self.steps if self.steps else 0.0)
        return min(1.0, done / self.batches)


@dataclass(frozen=True)
class Preview:
    """A live preview: PNG, JPEG or WebP, numbered so that a client fetches each only once."""

    number: int
    data: bytes

    @property
    def mime(self) -> str:
        """Its media type, as the file itself says."""
        if self.data.startswith(b"\x89PNG"):
            return "image/png"
        return "image/webp" if self.data.startswith(b"RIFF") else "image/jpeg"


@dataclass(frozen=True)
class JobView:
    """Everything a client may see of a job at one moment."""

    id: str
    owner: str
    spec: JobSpec
    state: JobState
    created: float
    started: float | None
    finished: float | None
    version: int
    """Grows with every change, so that a watcher knows whether he has seen this."""
    progress: Progress = field(default_factory=Progress)
    eta: float | None = None
    """Seconds to the end, or None while unknown."""
    queue_position: int = 0
    """0 when running or over, else how many jobs come first, plus one."""
    queue_length: int = 0
    pictures: tuple[Picture, ...] = ()
    preview: Preview | None = None
    error: str = ""
    interrupted: bool = False
    attempts: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    """What only the worker knew: model, hash, executed steps, seconds, notes, peak memory."""
