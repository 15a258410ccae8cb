"""POST /sdapi/v1/interrogate: a text for a picture (api 3.8), and GET /interrogators."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request

from api.errors import WireRoute
from api.images import ImageReader
from api.interrogation_job import InterrogationJobs, named, told
from api.services import ApiServices
from api.tasks import TaskBook
from api.wire import WireModel, WireText
from interrogate.registry import listing
from interrogate.report import from_facts


class InterrogateRequest(WireModel):
    """Body of /interrogate."""

    image: WireText = Field("", description="Base64, data URI or http(s) address.")
    model: WireText = Field("clip", description="A name that /interrogators lists.")


class InterrogateResponse(BaseModel):
    """Answer of /interrogate. `tags` is an addition to A1111's."""

    caption: str | None = Field(description="Text for a prompt; null when the job was cancelled.")
    tags: dict[str, float] = Field({}, description="What it was made of, with probabilities.")


class InterrogatorItem(BaseModel):
    """One row of /interrogators."""

    name: str
    label: str
    available: bool
    note: str = Field(description="The model's file, or what is missing and where it belongs.")
    builtin: bool = Field(description="Only the small model that ships with us is there.")


class InterrogateRoutes:
    """The two calls. Waiting holds no thread."""

    def __init__(self, services: ApiServices, reader: ImageReader, tasks: TaskBook) -> None:
        self._services = services
        self._reader = reader
        self._jobs = InterrogationJobs(services, tasks)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["interrogate"])
        router.add_api_route(
            "/interrogate",
            self.interrogateapi,
            methods=["POST"],
            response_model=InterrogateResponse,
        )
        router.add_api_route(
            "/interrogators",
            self.get_interrogators,
            methods=["GET"],
            response_model=list[InterrogatorItem],
        )
        return router

    async def interrogateapi(
        self, wire: InterrogateRequest, request: Request
    ) -> InterrogateResponse:
        """Describe a picture. Waits until the job is done."""
        name = named(wire.model)
        data = await self._reader.read(wire.image, "image")
        picture = await asyncio.to_thread(self._services.assets.add, data)
        job = await self._jobs.done(request, name, pictures=(picture,))
        for report in from_facts(job.facts).pictures:
            caption, tags = told(report)
            return InterrogateResponse(caption=caption, tags=tags)
        return InterrogateResponse(caption=None)

    def get_interrogators(self) -> list[InterrogatorItem]:
        """All interrogators, and whether each can be used here."""
        rows = listing(self._services.models_dir or Path())
        return [InterrogatorItem(**asdict(row)) for row in rows]
