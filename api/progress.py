"""How far the caller's job is, and stopping it (api 3.1, 3.2, 3.10).

Everybody sees and stops only his own jobs: previews are pictures, and pictures belong to users.
"""

from __future__ import annotations

import base64
import time
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from api.answer import timestamp
from api.errors import WireRoute
from api.schemas import (
    PendingTasks,
    ProgressResponse,
    TaskProgressRequest,
    TaskProgressResponse,
)
from api.services import ApiServices
from api.tasks import TaskBook
from jobs.spec import JobState, JobView, Preview, StopKind

_LEAST = 0.01
"""Progress of a job that has just begun: 0 means idle to clients (api 8.12)."""

_SHOWN = frozenset({"generate", "extras"})
"""Kinds of jobs that show as work."""

_RECENT = 20
"""Jobs looked through for the caller's last one."""


class ProgressRoutes:
    """Routes that look at jobs and stop them. They answer while the device works."""

    def __init__(self, services: ApiServices, tasks: TaskBook) -> None:
        self._services = services
        self._tasks = tasks

    def router(self) -> APIRouter:
        """The routes; plain functions, which FastAPI runs on threads."""
        router = APIRouter(route_class=WireRoute, tags=["progress"])
        router.add_api_route(
            "/sdapi/v1/progress", self.progressapi, methods=["GET"], response_model=ProgressResponse
        )
        router.add_api_route("/sdapi/v1/interrupt", self.interruptapi, methods=["POST"])
        router.add_api_route("/sdapi/v1/skip", self.skip, methods=["POST"])
        router.add_api_route("/internal/ping", self.ping, methods=["GET"])
        router.add_api_route(
            "/internal/progress",
            self.task_progress,
            methods=["POST"],
            response_model=TaskProgressResponse,
        )
        router.add_api_route(
            "/internal/pending-tasks", self.pending, methods=["GET"], response_model=PendingTasks
        )
        return router

    def progressapi(self, request: Request, skip_current_image: bool = False) -> dict[str, Any]:
        """Progress of the caller's running job."""
        owner = self._services.owner_of(request)
        job = self._own_running(owner)
        if job is not None:
            return self._running(job, with_image=not skip_current_image)
        waiting = [one for one in self._own_queued(owner) if one.spec.kind in _SHOWN]
        if waiting:
            return self._waiting(waiting[0])
        return self._idle(owner)

    def interruptapi(self, request: Request) -> dict[str, Any]:
        """Stop the caller's running job; what it made is kept. Jobs in the line stay there."""
        job = self._own_running(self._services.owner_of(request))
        if job is not None:
            self._services.engine.request_stop(job.id, StopKind.NOW)
        return {}

    def skip(self, request: Request) -> None:
        """End the batch in work and go on with the next."""
        job = self._own_running(self._services.owner_of(request))
        if job is not None:
            self._services.engine.request_stop(job.id, StopKind.SKIP)

    def ping(self) -> dict[str, Any]:
        """Tell that the server is there."""
        return {}

    def task_progress(self, wire: TaskProgressRequest, request: Request) -> dict[str, Any]:
        """Progress of one of the caller's tasks by its id."""
        owner = self._services.owner_of(request)
        job_id = self._tasks.job_id(owner, wire.id_task)
        job = self._services.engine.view(job_id) if job_id is not None else None
        if job is not None and job.owner != owner:
            job = None
        if job is None or job.state is not JobState.RUNNING:
            return _inactive_task(job)
        preview = job.preview if wire.live_preview and self._previews_on() else None
        is_new = preview is not None and preview.number != wire.id_live_preview
        return {
            "active": True,
            "queued": False,
            "completed": False,
            "progress": _fraction(job),
            "eta": job.eta,
            "live_preview": _data_uri(preview) if preview is not None and is_new else None,
            "id_live_preview": wire.id_live_preview if preview is None else preview.number,
            "textinfo": job.progress.note or None,
        }

    def pending(self, request: Request) -> dict[str, Any]:
        """The caller's tasks that are not over."""
        owner = self._services.owner_of(request)
        running = self._own_running(owner)
        jobs = ([running] if running is not None else []) + self._own_queued(owner)
        tasks = [self._tasks.name(job.id) for job in jobs]
        return {"size": len(tasks), "tasks": tasks}

    def _own_running(self, owner: str) -> JobView | None:
        """The caller's job in work; loading a checkpoint does not show as a job (api 3.1)."""
        job = self._services.engine.running()
        if job is None or job.owner != owner or job.spec.kind not in _SHOWN:
            return None
        return job

    def _own_queued(self, owner: str) -> list[JobView]:
        return [job for job in self._services.engine.queued() if job.owner == owner]

    def _previews_on(self) -> bool:
        return bool(self._services.options.get("live_previews_enable"))

    def _running(self, job: JobView, *, with_image: bool) -> dict[str, Any]:
        done = job.progress
        begun = done.batches > 0
        share = _fraction(job)
        elapsed = max(0.0, time.time() - (job.started or time.time()))
        stopping = self._services.engine.stopping(job.id)
        preview = job.preview if with_image and self._previews_on() else None
        return {
            "progress": share,
            "eta_relative": elapsed / share - elapsed,
            "state": _state(
                job,
                name=_job_name(job),
                job_count=done.batches if begun else -1,
                job_no=done.batch,
                step=done.step,
                steps=done.steps,
                interrupted=stopping is StopKind.NOW,
                stopping_generation=stopping is StopKind.AFTER_CURRENT,
            ),
            "current_image": None if preview is None else _base64(preview.data),
            "textinfo": done.note or None,
            "current_task": self._tasks.name(job.id),
        }

    def _waiting(self, job: JobView) -> dict[str, Any]:
        """Accepted and not begun: not idle, so that clients that wait for the end wait on."""
        return {
            "progress": _LEAST,
            "eta_relative": 0.0,
            "state": _state(job, name=_job_name(job), job_count=-1),
            "current_image": None,
            "textinfo": f"In queue: {job.queue_position}/{job.queue_length}",
            "current_task": self._tasks.name(job.id),
        }

    def _idle(self, owner: str) -> dict[str, Any]:
        """Exactly 0 everywhere but in the counters of the last job (api 8.12)."""
        recent = self._services.engine.latest(owner, _RECENT)
        last = next(
            (job for job in recent if job.started is not None and job.spec.kind == "generate"), None
        )
        steps = 0 if last is None else int(last.facts.get("executed_steps", 0))
        return {
            "progress": 0.0,
            "eta_relative": 0.0,
            "state": _state(last, name="", job_count=0, step=steps, steps=steps),
            "current_image": None,
            "textinfo": None,
            "current_task": None,
        }


def _fraction(job: JobView) -> float:
    """A1111's formula; never 0 while the job runs."""
    done = job.progress
    if done.batches == 0:
        return _LEAST
    steps = done.step / (done.steps * done.batches) if done.steps else 0.0
    return min(1.0, _LEAST + done.batch / done.batches + steps)


def _state(
    job: JobView | None,
    *,
    name: str,
    job_count: int,
    job_no: int = 0,
    step: int = 0,
    steps: int = 0,
    interrupted: bool = False,
    stopping_generation: bool = False,
) -> dict[str, Any]:
    return {
        "skipped": False,
        "interrupted": interrupted,
        "stopping_generation": stopping_generation,
        "job": name,
        "job_count": job_count,
        "job_timestamp": "0" if job is None else timestamp(job.started or job.created),
        "job_no": job_no,
        "sampling_step": step,
        "sampling_steps": steps,
    }


def _job_name(job: JobView) -> str:
    done = job.progress
    if job.spec.kind == "extras":
        return "extras"
    if done.batches > 1:
        return f"Batch {done.batch + 1} out of {done.batches}"
    return f"scripts_{job.spec.tab}"


def _inactive_task(job: JobView | None) -> dict[str, Any]:
    queued = job is not None and job.state is JobState.QUEUED
    waiting = f"In queue: {job.queue_position}/{job.queue_length}" if job and queued else ""
    return {
        "active": False,
        "queued": queued,
        "completed": job is not None and job.state.is_final,
        "id_live_preview": -1,
        "textinfo": waiting or "Waiting...",
    }


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _data_uri(preview: Preview) -> str:
    return f"data:{preview.mime};base64,{_base64(preview.data)}"
