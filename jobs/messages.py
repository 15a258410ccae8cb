"""The protocol between the engine and a worker process: small picklable messages, both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.output_folders import SaveRoots
from jobs.spec import JobSpec, Picture, StopKind


@dataclass(frozen=True)
class WorkerConfig:
    """What a worker process needs to know; it is handed over when the process starts."""

    models_dir: Path
    output_dir: Path
    data_dir: Path
    builtin: Path
    checkpoint_dirs: tuple[Path, ...] = ()
    vae_dirs: tuple[Path, ...] = ()
    no_half: bool = False
    no_half_vae: bool = False
    full_precision: bool = False
    use_cpu: bool = False
    device_id: int | None = None
    hashing: bool = True
    unsafe_pickle: bool = False
    max_picture_pixels: int = 64_000_000
    save_roots: SaveRoots = ()
    """Folders besides the output folder below which settings may put pictures; None = anywhere."""


@dataclass(frozen=True)
class RunJob:
    """Engine to worker: do this job; its first `done` pictures were kept by an earlier attempt."""

    job_id: str
    spec: JobSpec
    done: int = 0
    kept: tuple[Picture, ...] = ()
    """Those pictures."""
    user: str = ""
    """Name of the user whose job it is; empty where nobody has a name."""


@dataclass(frozen=True)
class StopJob:
    """Engine to worker: stop or skip, if this job is the running one."""

    job_id: str
    kind: StopKind


@dataclass(frozen=True)
class Preload:
    """Engine to worker: load this checkpoint while nothing else is to be done."""

    checkpoint: str


@dataclass(frozen=True)
class Shutdown:
    """Engine to worker: end the process."""


@dataclass(frozen=True)
class WorkerReady:
    """Worker to engine: torch is imported, jobs may come."""

    device: str
    versions: Mapping[str, str]


@dataclass(frozen=True)
class StepDone:
    """Worker to engine: sampling went on. A new preview comes with it now and then."""

    job_id: str
    batch: int
    batches: int
    step: int
    steps: int
    note: str = ""
    preview: bytes | None = None


@dataclass(frozen=True)
class PictureDone:
    """Worker to engine: a picture lies on disk, complete."""

    job_id: str
    position: int
    path: Path
    infotext: str
    width: int
    height: int
    seed: int
    subseed: int
    incomplete: bool


@dataclass(frozen=True)
class JobDone:
    """Worker to engine: the job ended well; interrupted jobs end so, too."""

    job_id: str
    interrupted: bool
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class JobFailed:
    """Worker to engine: the job cannot be done. `message` is a sentence for the user."""

    job_id: str
    message: str


ToWorker = RunJob | StopJob | Preload | Shutdown
FromWorker = WorkerReady | StepDone | PictureDone | JobDone | JobFailed
