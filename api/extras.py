"""POST /sdapi/v1/extra-single-image and /extra-batch-images: enlarge pictures (api 3.9)."""

from __future__ import annotations

import asyncio
import base64
from html import escape
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, Field

from api.errors import WireRoute, crash
from api.images import ImageReader
from api.wire import WireFloat, WireInt, WireModel, WireText
from pipelines.pictures import PictureLimits, open_picture, read_metadata
from scripts.bench import ScriptError
from scripts.extras import Extras, UnknownUpscaler, describe, enlarge, png_with_texts

Share = Annotated[WireFloat, Field(ge=0.0, le=1.0)]


class ExtrasBaseRequest(WireModel):
    """What both calls share. Face restorers have no effect: there are none."""

    resize_mode: Annotated[WireInt, Field(ge=0, le=1)] = 0
    show_extras_results: bool = True
    gfpgan_visibility: Share = 0.0
    codeformer_visibility: Share = 0.0
    codeformer_weight: Share = 0.0
    upscaling_resize: Annotated[WireFloat, Field(gt=0.0)] = 2.0
    upscaling_resize_w: Annotated[WireInt, Field(ge=1)] = 512
    upscaling_resize_h: Annotated[WireInt, Field(ge=1)] = 512
    upscaling_crop: bool = True
    upscaler_1: WireText = "None"
    upscaler_2: WireText = "None"
    extras_upscaler_2_visibility: Share = 0.0
    upscale_first: bool = False


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
    """Enlarging over the API. Nothing is written to the disk."""

    def __init__(self, reader: ImageReader, limits: PictureLimits) -> None:
        self._reader = reader
        self._limits = limits

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

    async def extras_single_image_api(self, wire: ExtrasSingleImageRequest) -> dict[str, Any]:
        """Enlarge one picture."""
        data = await self._reader.read(wire.image, "image")
        extras = _extras(wire)
        image = await asyncio.to_thread(self._enlarged, data, extras)
        return {"html_info": _html(extras), "image": image}

    async def extras_batch_images_api(self, wire: ExtrasBatchImagesRequest) -> dict[str, Any]:
        """Enlarge several pictures, all in the same way."""
        extras = _extras(wire)
        images = []
        for place, item in enumerate(wire.imageList):
            data = await self._reader.read(item.data, f"imageList[{place}].data")
            images.append(await asyncio.to_thread(self._enlarged, data, extras))
        return {"html_info": _html(extras), "images": images}

    def _enlarged(self, data: bytes, extras: Extras) -> str:
        """The result as base64 PNG; the texts of the file stay in it."""
        try:
            image = enlarge(open_picture(data, self._limits), extras, self._limits.max_pixels)
        except UnknownUpscaler as error:
            raise crash("AssertionError", str(error)) from error
        except ScriptError as error:
            raise HTTPException(422, str(error)) from error
        texts = read_metadata(data, self._limits)
        done = ", ".join(f"{key}: {value}" for key, value in describe(extras).items())
        if done:
            texts = {**texts, "extras": done}
        return base64.b64encode(png_with_texts(image, texts)).decode("ascii")


def _extras(wire: ExtrasBaseRequest) -> Extras:
    return Extras(
        wire.upscaler_1,
        wire.upscaler_2,
        wire.extras_upscaler_2_visibility,
        wire.upscaling_resize,
        wire.resize_mode == 1,
        wire.upscaling_resize_w,
        wire.upscaling_resize_h,
        wire.upscaling_crop,
    )


def _html(extras: Extras) -> str:
    pairs = (f"{key}: {value}" for key, value in describe(extras).items())
    return f"<p>{escape(', '.join(pairs))}</p>"
