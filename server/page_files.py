"""How the page itself travels: packed, and its own files kept by browsers for ever.

Pictures and the API are left as they are: those are packed already, and this machine's other
programs gain nothing from it.
"""

from __future__ import annotations

import os
from typing import Final

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from server.asgi import route_path

KEPT_FOR_EVER: Final = "public, max-age=31536000, immutable"
PACKED: Final = ("/", "/config")
OWN_FILES: Final = "/ui-static/"
_LEVEL: Final = 5
"""Gradio's page of 640 kB becomes 60 kB in 10 ms; the last per cent would take as long again."""


class PackedPage:
    """ASGI middleware: gzips the page and its own files for browsers that ask for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._packed = GZipMiddleware(app, compresslevel=_LEVEL)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        path = route_path(scope) if scope["type"] == "http" else ""
        wanted = path in PACKED or path.startswith(OWN_FILES)
        await (self._packed if wanted else self._app)(scope, receive, send)


class VersionedFiles(StaticFiles):
    """Files below an address that changes with their content."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or 304 for a browser that has it."""
        answer = super().file_response(full_path, stat_result, scope, status_code)
        answer.headers["Cache-Control"] = KEPT_FOR_EVER
        return answer
