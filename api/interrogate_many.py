"""POST /interrogate-batch and /interrogate-folder: captions for many pictures; not A1111's."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from starlette.requests import Request

from api.errors import WireRoute
from api.extras import FileData
from api.images import ImageReader
from api.interrogation_job import InterrogationJobs, named, told
from api.services import ApiServices
from api.tasks import TaskBook
from api.wire import WireModel, WireText
from interrogate.options import CaptionFolder
from interrogate.report import PictureReport, from_facts
from scripts.bench import ScriptError

MOST_PICTURES = 1000


class InterrogateBatchRequest(WireModel):
    """Body of /interrogate-batch."""

    imageList: Annotated[list[FileData], Field(min_length=1, max_length=MOST_PICTURES)]  # noqa: N815 - as extras have it
    model: WireText = Field("clip", description="A name that /interrogators lists.")


class CaptionItem(BaseModel):
    """What was found for one picture."""

    name: str
    caption: str | None
    tags: dict[str, float]
    problem: str = Field(description="Why there is no caption; empty when there is one.")


class InterrogateBatchResponse(BaseModel):
    """Answer of /interrogate-batch, in the order of the pictures."""

    captions: list[CaptionItem]
    notes: list[str]


class InterrogateFolderRequest(WireModel):
    """Body of /interrogate-folder."""

    input_dir: WireText = Field(description="Folder of the server with pictures.")
    output_dir: WireText = Field("", description="Where the .txt go; empty: beside the pictures.")
    model: WireText = Field("clip", description="A name that /interrogators lists.")


class InterrogateFolderResponse(BaseModel):
    """Answer of /interrogate-folder."""

    written: list[str] = Field(description="Names of the files that were written.")
    kept: int = Field(description="Pictures that had a caption, which was left as it was.")
    problems: dict[str, str] = Field(description="By picture, why it has no caption.")
    notes: list[str]


class InterrogateManyRoutes:
    """The two calls. Waiting holds no thread."""

    def __init__(self, services: ApiServices, reader: ImageReader, tasks: TaskBook) -> None:
        self._services = services
        self._reader = reader
        self._jobs = InterrogationJobs(services, tasks)

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["interrogate"])
        router.add_api_route(
            "/interrogate-batch",
            self.interrogate_batch,
            methods=["POST"],
            response_model=InterrogateBatchResponse,
        )
        router.add_api_route(
            "/interrogate-folder",
            self.interrogate_folder,
            methods=["POST"],
            response_model=InterrogateFolderResponse,
        )
        return router

    async def interrogate_batch(
        self, wire: InterrogateBatchRequest, request: Request
    ) -> InterrogateBatchResponse:
        """Describe several pictures as one job, in batches."""
        assets, refs = self._services.assets, []
        name = named(wire.model)
        for number, file in enumerate(wire.imageList):
            data = await self._reader.read(file.data, f"imageList[{number}]")
            refs.append(await asyncio.to_thread(assets.add, data))
        job = await self._jobs.done(request, name, pictures=tuple(refs))
        report = from_facts(job.facts)
        none = PictureReport()
        found = [*report.pictures, *[none] * (len(refs) - len(report.pictures))]
        items = [_item(file.name, one) for file, one in zip(wire.imageList, found, strict=True)]
        return InterrogateBatchResponse(captions=items, notes=list(report.notes))

    async def interrogate_folder(
        self, wire: InterrogateFolderRequest, request: Request
    ) -> InterrogateFolderResponse:
        """Write a .txt for each picture of a folder that has none."""
        policy = self._services.folders
        if policy is None:
            raise HTTPException(403, "this server opens no folders")
        name = named(wire.model)
        try:
            folder = CaptionFolder(
                source=str(policy.source(wire.input_dir)),
                target=str(policy.target(wire.output_dir)) if wire.output_dir.strip() else "",
                roots=tuple(map(str, policy.roots)),
            )
        except ScriptError as error:
            raise HTTPException(403, str(error)) from error
        facts = (await self._jobs.done(request, name, folder=folder)).facts
        return InterrogateFolderResponse(
            written=list(facts.get("written", ())),
            kept=int(facts.get("kept", 0)),
            problems=dict(facts.get("problems", {})),
            notes=list(facts.get("notes", ())),
        )


def _item(name: str, picture: PictureReport) -> CaptionItem:
    caption, tags = told(picture)
    problem = picture.problem if caption is None else ""
    return CaptionItem(name=name, caption=caption, tags=tags, problem=problem)
