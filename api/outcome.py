"""Waiting for a job to end without holding a thread, and noticing that the client has gone."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from api.errors import ClientGone
from api.services import JobEngine
from jobs.spec import JobState, JobView, StopKind


async def outcome(engine: JobEngine, job_id: str, request: Request) -> JobView:
    """The job once it is over.

    When the client leaves, a job that still waits in the line is cancelled and a running one goes
    on (api 8.22, 9 no. 10); ClientGone is raised in both cases.
    """
    ending = asyncio.ensure_future(_ended(engine, job_id))
    leaving = asyncio.ensure_future(client_left(request))
    try:
        await asyncio.wait({ending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if ending.done():
            return ending.result()
        view = await asyncio.to_thread(engine.view, job_id)
        if view is not None and view.state is JobState.QUEUED:
            # Should it begin this very moment, its first batch is still finished.
            await asyncio.to_thread(engine.request_stop, job_id, StopKind.AFTER_CURRENT)
        raise ClientGone
    finally:
        for task in (ending, leaving):
            task.cancel()
        await asyncio.gather(ending, leaving, return_exceptions=True)


async def _ended(engine: JobEngine, job_id: str) -> JobView:
    last = None
    watching = engine.watch(job_id)
    try:
        async for view in watching:
            last = view
    finally:
        # An async generator that is left early closes its resources only when it is told to.
        close = getattr(watching, "aclose", None)
        if close is not None:
            await close()
    if last is None:
        raise LookupError(f"job {job_id} is gone")
    return last


async def client_left(request: Request) -> None:
    """Return when the client has disconnected; the body has been read before."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return
