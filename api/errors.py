"""Errors in the shapes that A1111's clients know (api 4), and the route class that sends them.

Plain `fastapi.HTTPException` does for everything whose text stands in `detail` alone.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from jobs.store import StoreError

CLIENT_CLOSED_REQUEST = 499
"""nginx's number for an answer that nobody receives; it only shows in logs."""

INSUFFICIENT_STORAGE = 507
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ROOM = "there is no room left on the server's disk; free some disk space and try again"


class WireError(Exception):
    """An answer with a status above 399. `error` is the class name that A1111 would have shown."""

    def __init__(self, status: int, error: str, detail: str = "", errors: str = "") -> None:
        super().__init__(detail or errors)
        self.status = status
        self.body = {"error": error, "detail": detail, "body": "", "errors": errors}


class ClientGone(Exception):
    """The client has closed the connection; nobody waits for the answer."""


def crash(error: str, text: str) -> WireError:
    """What A1111 answers when it raises `error(text)`: 500, the text in `errors`."""
    return WireError(500, error, errors=text)


def failure(text: str) -> WireError:
    """A job that could not be done: the sentence stands where any client may look for it."""
    return WireError(500, "RuntimeError", detail=text, errors=text)


def refusal(status: int, detail: str, why: str = "") -> WireError:
    """A deliberate error whose `detail` clients match; `why` is for people."""
    return WireError(status, "HTTPException", detail=detail, errors=why)


class WireRoute(APIRoute):
    """A route whose WireErrors become answers; they are no accidents and leave no trace.

    Nor is a disk without room for uploads or for the list of jobs: 507.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with the translation around it."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except WireError as error:
                return JSONResponse(error.body, error.status)
            except StoreError as error:
                return _no_room("StoreError", str(error))
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                return _no_room("OSError", _NO_ROOM)
            except ClientGone:
                return Response(status_code=CLIENT_CLOSED_REQUEST)

        return handler


def _no_room(error: str, text: str) -> JSONResponse:
    told = WireError(INSUFFICIENT_STORAGE, error, detail=text, errors=text)
    return JSONResponse(told.body, told.status)
