"""Routes for what the gallery shows beside a result: its sentences, its input, the difference.

Everything is computed when it is asked for; a picture never changes, so browsers may keep it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from io import BytesIO
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from PIL.Image import Image
from starlette.exceptions import HTTPException

from pipelines.proof import Comparison, difference_picture
from ui.proof import Proofs

_log = logging.getLogger("overpaint.ui")

HEADERS: Final = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def proof_router(proofs: Proofs, owner_of: Callable[[Request], str]) -> APIRouter:
    """GET /proofs/{id}, /proofs/{id}/before and /proofs/{id}/difference, for the owner alone.

    One answer, 404, for unknown and foreign ids, files that are gone, and pictures without input.
    """
    router = APIRouter(prefix="/proofs", include_in_schema=False)

    @router.get("/{picture_id}")
    def told(request: Request, picture_id: str) -> Response:
        """The sentences under a result."""
        try:
            found = proofs.sentences(owner_of(request), picture_id)
        except (OSError, ValueError) as error:
            raise _gone(picture_id, error) from error
        if found is None:
            raise HTTPException(404, "Not Found")
        return JSONResponse(found, headers=HEADERS)

    @router.get("/{picture_id}/before")
    def before(request: Request, picture_id: str) -> Response:
        """The input, laid out like the result."""
        return _png(pair(request, picture_id).before)

    @router.get("/{picture_id}/difference")
    def difference(request: Request, picture_id: str) -> Response:
        """Where the result differs from the input."""
        return _png(difference_picture(pair(request, picture_id)))

    def pair(request: Request, picture_id: str) -> Comparison:
        try:
            found = proofs.comparison(owner_of(request), picture_id)
        except (OSError, ValueError) as error:
            raise _gone(picture_id, error) from error
        if found is None:
            raise HTTPException(404, "Not Found")
        return found

    return router


def _gone(picture_id: str, error: Exception) -> HTTPException:
    _log.info("nothing to compare picture %s with: %s", picture_id[:64], error)
    return HTTPException(404, "Not Found")


def _png(picture: Image) -> Response:
    out = BytesIO()
    picture.save(out, "PNG", compress_level=1)
    return Response(out.getvalue(), media_type="image/png", headers=HEADERS)
