"""What the API needs from the rest of the house; app.py hands it over."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request

from jobs.assets import AssetStore
from jobs.options import OptionStore
from jobs.spec import JobSpec, JobView, Picture, StopKind
from models.catalog import Catalog
from pipelines.pictures import PictureLimits
from scripts.bench import Bench
from scripts.folders import FolderPolicy


class JobEngine(Protocol):
    """The part of a job engine that the API uses; see `jobs.engine.LocalEngine`."""

    def submit(self, owner: str, spec: JobSpec, job_id: str | None = None) -> str:
        """Queue a job and return its id."""

    def view(self, job_id: str) -> JobView | None:
        """The job as it is now."""

    def latest(self, owner: str, count: int = 20) -> list[JobView]:
        """The owner's newest jobs, newest first."""

    def made_with(self, owner: str, infotext: str) -> tuple[JobView, Picture] | None:
        """The owner's newest picture with this infotext, and its job."""

    def running(self) -> JobView | None:
        """The job that runs now."""

    def queued(self) -> list[JobView]:
        """Waiting jobs of everybody, in turn order."""

    def request_stop(self, job_id: str, kind: StopKind = StopKind.NOW) -> bool:
        """Stop, skip or take out of the line."""

    def stopping(self, job_id: str) -> StopKind | None:
        """How the running job was asked to stop."""

    def watch(self, job_id: str, interval: float = 0.05) -> AsyncIterator[JobView]:
        """The job now and after every change until it is over."""


@dataclass(frozen=True)
class ApiServices:
    """All collaborators of the API; nothing in api/ makes its own.

    `owner_of` says whose a request is, `is_admin` whether he may change what concerns everybody.
    `flags` are the command line's, without secrets. `styles` is A1111's styles.csv, which need not
    exist. `models_dir` is where interrogators look for their models.
    """

    engine: JobEngine
    assets: AssetStore
    options: OptionStore
    catalog: Catalog
    owner_of: Callable[[Request], str]
    is_admin: Callable[[Request], bool]
    version: str
    limits: PictureLimits
    flags: Mapping[str, Any]
    styles: Path | None = None
    scripts: Bench | None = None
    """What scripts work with; None: there are none."""
    models_dir: Path | None = None
    folders: FolderPolicy | None = None
    """Which folders of the server may be named; None: none."""
