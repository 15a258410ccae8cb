"""An interrogation that an API call asks for: the settings, the job, its end. No routes."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import HTTPException
from starlette.requests import Request

from api.errors import failure
from api.outcome import outcome
from api.services import ApiServices
from api.tasks import TaskBook
from interrogate.options import interrogation_of
from interrogate.registry import UnknownInterrogator, find
from interrogate.report import PictureReport
from jobs.spec import JobSpec, JobState, JobView


class InterrogationJobs:
    """Runs interrogations for routes. Waiting holds no thread."""

    def __init__(self, services: ApiServices, tasks: TaskBook) -> None:
        self._services = services
        self._tasks = tasks

    async def done(self, request: Request, name: str, **what: Any) -> JobView:
        """Run one and wait for it; `what` are the pictures or the folder of an Interrogation.

        Raises what routes answer with when settings contradict each other or the job fails.
        """
        services = self._services
        try:
            asked = interrogation_of(services.options.all(), (name,), **what)
        except ValueError as error:
            raise failure(str(error)) from error
        owner = services.owner_of(request)
        spec = JobSpec(kind="interrogate", interrogation=asked, save=False)
        job_id = await asyncio.to_thread(services.engine.submit, owner, spec)
        self._tasks.enter(owner, job_id, "interrogate")
        job = await outcome(services.engine, job_id, request)
        if job.state is JobState.FAILED:
            raise failure(job.error)
        return job


def named(model: str) -> str:
    """The interrogator's name. Raises 404 as A1111 does."""
    try:
        return find(model).name
    except UnknownInterrogator as error:
        raise HTTPException(404, "Model not found") from error


def told(picture: PictureReport) -> tuple[str | None, dict[str, float]]:
    """The caption, or None, and what it was made of with probabilities."""
    for found in picture.descriptions.values():
        return found.text, {tag.name: tag.score for tag in found.tags}
    return None, {}
