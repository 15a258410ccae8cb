"""POST /sdapi/v1/interrogate: a text for a picture (api 3.8), and GET /interrogators."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from starlette.requests import Request

from api.errors import WireRoute, failure
from api.images import ImageReader
from api.outcome import outcome
from api.services import ApiServices
from api.tasks import TaskBook
from api.wire import WireModel, WireText
from interrogate.options import Interrogation, options_of_settings
from interrogate.registry import UnknownInterrogator, find, listing
from interrogate.report import from_facts
from jobs.spec import JobSpec, JobState


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


class InterrogateRoutes:
    """The two calls. Waiting holds no thread."""

    def __init__(self, services: ApiServices, reader: ImageReader, tasks: TaskBook) -> None:
        self._services = services
        self._reader = reader
        self._tasks = tasks

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
        try:
            kind = find(wire.model)
        except UnknownInterrogator as error:
            raise HTTPException(404, "Model not found") from error
        services = self._services
        data = await self._reader.read(wire.image, "image")
        settings = services.options.all()
        try:
            options = options_of_settings(settings)
        except ValueError as error:
            raise failure(str(error)) from error
        asked = Interrogation(
            pictures=(await asyncio.to_thread(services.assets.add, data),),
            interrogators=(kind.name,),
            options=options,
            keep_loaded=bool(settings["interrogate_keep_models_in_memory"]),
        )
        owner = services.owner_of(request)
        spec = JobSpec(kind="interrogate", interrogation=asked, save=False)
        job_id = await asyncio.to_thread(services.engine.submit, owner, spec)
        self._tasks.enter(owner, job_id, "interrogate")
        job = await outcome(services.engine, job_id, request)
        if job.state is JobState.FAILED:
            raise failure(job.error)
        for picture in from_facts(job.facts).pictures:
            for found in picture.descriptions.values():
                tags = {tag.name: tag.score for tag in found.tags}
                return InterrogateResponse(caption=found.text, tags=tags)
        return InterrogateResponse(caption=None)

    def get_interrogators(self) -> list[InterrogatorItem]:
        """All interrogators, and whether each can be used here."""
        rows = listing(self._services.models_dir or Path())
        return [InterrogatorItem(**asdict(row)) for row in rows]
