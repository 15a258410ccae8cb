"""POST /sdapi/v1/png-info: what a picture file says about its making (api 3.7)."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from api.errors import WireRoute, refusal
from api.images import INVALID, ImageReader
from api.schemas import PNGInfoRequest, PNGInfoResponse
from pipelines.infotext_parse import parse_infotext
from pipelines.picture_text import PARAMETERS
from pipelines.pictures import PictureError, PictureLimits, read_metadata

_TECHNICAL = frozenset(
    {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "dpi",
        "exif",
        "loop",
        "background",
        "timestamp",
        "duration",
        "progressive",
        "progression",
        "icc_profile",
        "chromaticity",
        "photoshop",
        "xmp",
        "XML:com.adobe.xmp",
    }
)


class PngInfoRoutes:
    """Reading generation data."""

    def __init__(self, reader: ImageReader, limits: PictureLimits) -> None:
        self._reader = reader
        self._limits = limits

    def router(self) -> APIRouter:
        """The route."""
        router = APIRouter(prefix="/sdapi/v1", route_class=WireRoute, tags=["pictures"])
        router.add_api_route(
            "/png-info", self.pnginfoapi, methods=["POST"], response_model=PNGInfoResponse
        )
        return router

    async def pnginfoapi(self, wire: PNGInfoRequest, request: Request) -> dict[str, Any]:
        """The infotext of a picture, its parsed pairs, and all other texts in the file."""
        data = await self._reader.read(wire.image, "image", decode=False)
        try:
            texts = await asyncio.to_thread(read_metadata, data, self._limits)
        except PictureError as error:
            raise refusal(500, INVALID, f"image: {error}") from error
        infotext = texts.get(PARAMETERS, "")
        items = {k: v for k, v in texts.items() if k != PARAMETERS and k not in _TECHNICAL}
        return {"info": infotext, "items": items, "parameters": _parameters(infotext)}


def _parameters(infotext: str) -> dict[str, Any]:
    if not infotext:
        return {}
    parsed = parse_infotext(infotext)
    prompts = {"Prompt": parsed.prompt, "Negative prompt": parsed.negative_prompt}
    return {**prompts, **parsed.params}
