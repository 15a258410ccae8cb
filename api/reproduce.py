"""POST /overpaint/v1/reproduce: make a picture again and say whether it is the same (no A1111)."""

from __future__ import annotations

import asyncio
import base64
import io
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from api.errors import WireRoute, failure, refusal
from api.images import ImageReader
from api.outcome import outcome
from api.services import ApiServices
from jobs.remake import Inputs, Outcome, Remake, RemakeDesk, RemakeError
from jobs.spec import JobState, JobView


class ReproduceRequest(BaseModel):
    """The picture to make again, and what it was painted over where the server cannot know."""

    image: Annotated[str, Field(description="the picture's file, base64")]
    init_image: Annotated[
        str | None, Field(description="what it was painted over; needed for foreign pictures only")
    ] = None
    mask: Annotated[str | None, Field(description="its mask, white = repainted")] = None


class ReproduceResponse(BaseModel):
    """What came out of it."""

    equal: Annotated[bool, Field(description="every pixel has the same bytes")]
    verdict: str
    pixels: int
    differing: int
    largest: Annotated[int, Field(description="largest difference in a channel, 0..255")]
    mean: float
    reasons: Annotated[list[str], Field(description="what may explain it, likeliest first")]
    notes: Annotated[list[str], Field(description="what could not be done as the infotext says")]
    known: Annotated[bool, Field(description="the job was still in the server's own list")]
    image: Annotated[str, Field(description="the picture made again, PNG, base64")]
    difference: Annotated[
        str | None, Field(description="where they differ, times 32, PNG; null for other sizes")
    ]
    infotext: str


class ReproduceRoutes:
    """Making again and comparing."""

    def __init__(self, services: ApiServices, reader: ImageReader) -> None:
        self._services = services
        self._reader = reader
        self._desk = RemakeDesk(services.engine, services.limits, services.options.all, self._title)

    def router(self) -> APIRouter:
        """The route."""
        router = APIRouter(prefix="/overpaint/v1", route_class=WireRoute, tags=["pictures"])
        router.add_api_route(
            "/reproduce", self.reproduce, methods=["POST"], response_model=ReproduceResponse
        )
        return router

    async def reproduce(self, wire: ReproduceRequest, request: Request) -> dict[str, Any]:
        """Make a picture again from its generation data, and compare. Waits for the job."""
        inputs = Inputs(
            await self._reader.read(wire.image, "image"),
            await self._kept(wire.init_image, "init_image"),
            await self._kept(wire.mask, "mask"),
        )
        engine, owner = self._services.engine, self._services.owner_of(request)
        try:
            remake = await asyncio.to_thread(self._desk.plan, owner, inputs)
        except RemakeError as error:
            raise refusal(422, str(error)) from error
        job = await outcome(
            engine, await asyncio.to_thread(engine.submit, owner, remake.spec), request
        )
        if job.state is JobState.FAILED:
            raise failure(job.error)
        return await asyncio.to_thread(self._told, remake, job)

    async def _kept(self, text: str | None, field: str) -> str | None:
        if not text:
            return None
        data = await self._reader.read(text, field)
        return await asyncio.to_thread(self._services.assets.add, data)

    def _told(self, remake: Remake, job: JobView) -> dict[str, Any]:
        try:
            found = self._desk.judge(remake, job)
        except RemakeError as error:
            raise failure(str(error)) from error
        comparison = found.comparison
        return {
            "equal": comparison.is_equal,
            "verdict": comparison.verdict,
            "pixels": comparison.pixels,
            "differing": comparison.differing,
            "largest": comparison.largest,
            "mean": comparison.mean,
            "reasons": list(comparison.reasons),
            "notes": list(remake.notes),
            "known": remake.is_known,
            "image": base64.b64encode(found.again.path.read_bytes()).decode(),
            "difference": _difference(found),
            "infotext": found.again.infotext,
        }

    def _title(self, name: str) -> str | None:
        entry = self._services.catalog.find(name)
        return None if entry is None else entry.title


def _difference(found: Outcome) -> str | None:
    if found.difference is None:
        return None
    out = io.BytesIO()
    found.difference.save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()
