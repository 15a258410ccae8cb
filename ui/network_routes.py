"""The route of preview pictures: those that lie beside a network's or checkpoint's file."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response
from PIL import Image
from starlette.exceptions import HTTPException

from models.catalog import Catalog
from ui.network_cards import preview_of

_log = logging.getLogger("overpaint.ui")

LARGEST: Final = 16 * 1024 * 1024
TYPES: Final = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
}
HEADERS: Final = {
    "Cache-Control": "private, max-age=86400",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def preview_router(catalog: Catalog, prefix: str = "/network-previews") -> APIRouter:
    """GET {prefix}/{kind}?name=...: the picture of a card.

    Names are looked up in the catalog and never become paths. 404 for everything else, files that
    are no pictures and those above 16 MB included.
    """
    router = APIRouter(prefix=prefix, include_in_schema=False)

    @router.get("/{kind}")
    async def preview(kind: str, name: str = "") -> Response:
        """The picture beside the file of this name."""
        found = await asyncio.to_thread(_read, catalog, kind, name)
        if found is None:
            raise HTTPException(404, "Not Found")
        data, media_type = found
        return Response(data, media_type=media_type, headers=HEADERS)

    return router


def _read(catalog: Catalog, kind: str, name: str) -> tuple[bytes, str] | None:
    path = preview_of(catalog, kind, name)
    if path is None:
        return None
    try:
        if path.stat().st_size > LARGEST:
            return None
        return path.read_bytes(), _type(path)
    except (OSError, ValueError, SyntaxError) as error:
        _log.info("no preview %s: %s", path.name, error)
        return None


def _type(path: Path) -> str:
    """The media type by content. Raises ValueError for what is no picture of a known kind."""
    with Image.open(path) as picture:
        found = TYPES.get(picture.format or "")
    if found is None:
        raise ValueError(f"{path.name} is no picture to show")
    return found
