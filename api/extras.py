"""POST /sdapi/v1/extra-single-image and /extra-batch-images: enlarge pictures (api 3.9)."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Sequence
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field
from starlette.requests import Request

from api.errors import WireRoute, crash, failure
from api.images import ImageReader
from api.outcome import outcome
from api.services import ApiServices
from api.tasks import TaskBook
from api.wire import WireFloat, WireInt, WireModel, WireText
from jobs.extras import ExtrasWork
from jobs.spec import JobSpec, JobState, Picture
from pipelines.extras import NONE, Extras, ExtrasError, check_extras, describe
from pipelines.pictures import upright_size
from pipelines.request import PictureRef
from pipelines.upscalers import UnknownUpscaler, find_filter

Share = Annotated[WireFloat, Field(ge=0.0, le=1.0)]
_NO_FACES = "Above 0 is refused with 501: there is no face restorer."
_NAME = "A name that /upscalers lists, or a file's; None leaves the picture as it is."


class ExtrasBaseRequest(WireModel):
    """What both calls share. Visible face restorers are refused: there are none."""

    resize_mode: Annotated[
        WireInt, Field(ge=0, le=1, description="0: by upscaling_resize; 1: to a size")
    ] = 0
    show_extras_results: Annotated[bool, Field(description="No effect, as in A1111.")] = True
    gfpgan_visibility: Annotated[Share, Field(description=_NO_FACES)] = 0.0
    codeformer_visibility: Annotated[Share, Field(description=_NO_FACES)] = 0.0
    codeformer_weight: Annotated[Share, Field(description="No effect.")] = 0.0
    upscaling_resize: Annotated[WireFloat, Field(gt=0.0, description="Factor.")] = 2.0
    upscaling_resize_w: Annotated[WireInt, Field(ge=1, description="Width to cover.")] = 512
    upscaling_resize_h: Annotated[WireInt, Field(ge=1, description="Height to cover.")] = 512
    upscaling_crop: Annotated[
        bool, Field(description="Cut to exactly that size, around the middle.")
    ] = True
    upscaler_1: Annotated[WireText, Field(description=_NAME)] = "None"
    upscaler_2: Annotated[WireText, Field(description=_NAME)] = "None"
    extras_upscaler_2_visibility: Annotated[
        Share, Field(description="Share of the second upscaler's result.")
    ] = 0.0
    upscale_first: Annotated[bool, Field(description="No effect, as in A1111.")] = False


class ExtrasSingleImageRequest(ExtrasBaseRequest):
    """One picture."""

    image: WireText = ""


class FileData(WireModel):
    """A picture of a batch with its name."""

    data: WireText
    name: WireText


class ExtrasBatchImagesRequest(ExtrasBaseRequest):
    """Several pictures."""

    imageList: list[FileData]  # noqa: N815 - the name on the wire


class ExtrasSingleImageResponse(BaseModel):
    """The enlarged picture as bare base64."""

    html_info: str
    image: str


class ExtrasBatchImagesResponse(BaseModel):
    """The enlarged pictures in order."""

    html_info: str
    images: list[str]


class ExtrasRoutes:
    """Enlarging over the API: one job for each call. Nothing goes to the output folder."""

    def __init__(self, services: ApiServices, reader: ImageReader, tasks: TaskBook) -> None:
        self._services = services
        self._reader = reader
        self._tasks = tasks

    def router(self) -> APIRouter:
        """The routes."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["pictures"])
        router.add_api_route(
            "/extra-single-image",
            self.extras_single_image_api,
            methods=["POST"],
            response_model=ExtrasSingleImageResponse,
        )
        router.add_api_route(
            "/extra-batch-images",
            self.extras_batch_images_api,
            methods=["POST"],
            response_model=ExtrasBatchImagesResponse,
        )
        return router

    async def extras_single_image_api(
        self, wire: ExtrasSingleImageRequest, request: Request
    ) -> dict[str, Any]:
        """Enlarge one picture."""
        extras = self._extras(wire)
        data = await self._reader.read(wire.image, "image")
        (image,) = await self._enlarged([data], extras, request)
        return {"html_info": _html(extras), "image": image}

    async def extras_batch_images_api(
        self, wire: ExtrasBatchImagesRequest, request: Request
    ) -> dict[str, Any]:
        """Enlarge several pictures, all in the same way."""
        extras = self._extras(wire)
        read = self._reader.read
        data = [
            await read(item.data, f"imageList[{place}].data")
            for place, item in enumerate(wire.imageList)
        ]
        images = await self._enlarged(data, extras, request) if data else []
        return {"html_info": _html(extras), "images": images}

    def _extras(self, wire: ExtrasBaseRequest) -> Extras:
        """What is asked for. Raises A1111's 500 for upscalers that there are not."""
        for name in ("gfpgan_visibility", "codeformer_visibility"):
            if getattr(wire, name) > 0:
                raise HTTPException(501, f"{name}: no face restorer is installed; send 0")
        settings = self._services.options
        return Extras(
            upscaler_1=self._known(wire.upscaler_1),
            upscaler_2=self._known(wire.upscaler_2),
            visibility_2=wire.extras_upscaler_2_visibility,
            factor=wire.upscaling_resize,
            to_size=wire.resize_mode == 1,
            width=wire.upscaling_resize_w,
            height=wire.upscaling_resize_h,
            crop=wire.upscaling_crop,
            tile=settings.get("ESRGAN_tile"),
            tile_overlap=settings.get("ESRGAN_tile_overlap"),
        )

    def _known(self, name: str) -> str:
        """The upscaler's own name."""
        files = self._services.catalog.upscalers
        found = files.find(name)
        try:
            return find_filter(name or NONE, files.names) if found is None else found.name
        except UnknownUpscaler as error:
            raise crash("AssertionError", str(error)) from error

    async def _enlarged(
        self, pictures: Sequence[bytes], extras: Extras, request: Request
    ) -> list[str]:
        """The results as base64 PNG, in order; the texts of the files stay in them."""
        services = self._services
        try:
            refs = await asyncio.to_thread(self._kept, pictures, extras)
        except ExtrasError as error:
            raise HTTPException(422, str(error)) from error
        owner = services.owner_of(request)
        work = ExtrasWork(extras=extras, pictures=refs)
        spec = JobSpec(kind="extras", extras=work, save=False)
        job_id = await asyncio.to_thread(services.engine.submit, owner, spec)
        self._tasks.enter(owner, job_id, "extras")
        job = await outcome(services.engine, job_id, request)
        if job.state is JobState.FAILED:
            raise failure(job.error)
        if len(job.pictures) < len(refs):
            notes = " ".join(job.facts.get("notes", ()))
            raise failure(notes or "the job was stopped before all pictures were done")
        return await asyncio.to_thread(_encoded, job.pictures)

    def _kept(self, pictures: Sequence[bytes], extras: Extras) -> tuple[PictureRef, ...]:
        """Keep the uploads; raises ExtrasError when one would become too large."""
        limits = self._services.limits
        for data in pictures:
            check_extras(extras, upright_size(data, limits), limits.max_pixels)
        return tuple(self._services.assets.add(data) for data in pictures)


def _encoded(pictures: Sequence[Picture]) -> list[str]:
    return [base64.b64encode(one.path.read_bytes()).decode("ascii") for one in pictures]


def _html(extras: Extras) -> str:
    pairs = (f"{key}: {value}" for key, value in describe(extras).items())
    return f"<p>{escape(', '.join(pairs))}</p>"
