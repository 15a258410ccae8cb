"""Serves finished pictures to their owner; nothing else can leave by this door (S12, S30, S43).

Which file belongs to which id, and to whom, is the caller's `lookup`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from server.identity import Owner, owner_of

Lookup = Callable[[Owner, str], Path | None]
"""The file of a picture id, or None if there is none or the owner may not see it."""

PICTURE_CSP: Final = "default-src 'none'; frame-ancestors 'none'"

_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HEAD_BYTES = 16


class _PictureFile(FileResponse):
    """One range at most: multipart ranges would have another content type."""

    max_ranges = 1


def picture_type(head: bytes) -> str | None:
    """The extension of a picture by its first 16 bytes: png, jpeg, webp, avif; None for others."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:12] == b"ftypavif":
        return "avif"
    return None


def picture_response(path: Path, *, name: str, if_none_match: str | None = None) -> Response:
    """A picture file, shown inline under a name made of `name` and its true type.

    `name` must be free of quotes and slashes. A Range header of the request is honoured. Raises
    HTTPException 404 for whatever is no regular picture file of these kinds, links included.
    """
    found = _inspect(path)
    if found is None:
        raise HTTPException(404, "Not Found")
    kind, status = found
    headers = {
        "ETag": f'"{status.st_size:x}-{status.st_mtime_ns:x}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Content-Security-Policy": PICTURE_CSP,
        "X-Content-Type-Options": "nosniff",
    }
    if if_none_match is not None and headers["ETag"] in if_none_match:
        return Response(status_code=304, headers=headers)
    return _PictureFile(
        path,
        headers=headers,
        media_type=f"image/{kind}",
        filename=f"{name}.{kind}",
        stat_result=status,
        content_disposition_type="inline",
    )


def _inspect(path: Path) -> tuple[str, os.stat_result] | None:
    """Type and status of a picture file, None for anything that must not be served."""
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode):
            return None
        with path.open("rb") as file:
            kind = picture_type(file.read(_HEAD_BYTES))
    except (OSError, ValueError):
        return None
    return None if kind is None else (kind, status)


def pictures_router(lookup: Lookup) -> APIRouter:
    """GET and HEAD /pictures/{id}. One answer, 404, for unknown, foreign and malformed ids."""
    router = APIRouter()

    @router.api_route(
        "/pictures/{picture_id:path}", methods=["GET", "HEAD"], include_in_schema=False
    )
    def picture(request: Request, picture_id: str) -> Response:
        """A finished picture of the caller's."""
        path = None
        if _ID.fullmatch(picture_id):
            path = lookup(owner_of(request.scope), picture_id)
        if path is None:
            raise HTTPException(404, "Not Found")
        return picture_response(
            path, name=picture_id, if_none_match=request.headers.get("if-none-match")
        )

    return router
