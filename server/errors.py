"""What clients see of errors: A1111's shapes for the API (api 4), a short page for people.

Never a stack trace: unforeseen exceptions reach the server's log, which sees them re-raised.
"""

from __future__ import annotations

from http import HTTPStatus

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from server.asgi import error_body, is_api, refusal, route_path, wants_page
from server.pages import message_page

_CRASHED = "Something went wrong on the server; its console says more."


def install_error_handlers(app: FastAPI) -> None:
    """Register the handlers; mounted sub-applications need a call of their own."""
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _crash)


async def _http_error(request: Request, error: Exception) -> Response:
    """Deliberate errors. Unknown paths and wrong methods have bare texts that clients know."""
    if not isinstance(error, HTTPException):
        raise TypeError("expected HTTPException") from error
    detail, status = error.detail, error.status_code
    headers = dict(error.headers or {})
    if status in {204, 304}:
        return Response(status_code=status, headers=headers)
    if _is_api(request) and detail == HTTPStatus(status).phrase and status in {404, 405}:
        return JSONResponse({"detail": detail}, status, headers)
    if _is_api(request):
        return JSONResponse(error_body("HTTPException", str(detail)), status, headers)
    return refusal(request.scope, status, str(detail), headers)


async def _invalid(request: Request, error: Exception) -> Response:
    """Validation: FastAPI's list, without the input, which may be megabytes or a secret."""
    if not isinstance(error, RequestValidationError):
        raise TypeError("expected RequestValidationError") from error
    kept = ("type", "loc", "msg")
    problems = [{key: problem[key] for key in kept} for problem in error.errors()]
    return JSONResponse({"detail": problems}, 422)


async def _crash(request: Request, error: Exception) -> Response:
    """Anything else: class and message for the API, nothing for others."""
    if _is_api(request):
        return JSONResponse(error_body(type(error).__name__, "", _text(error)), 500)
    if wants_page(request.scope):
        return HTMLResponse(message_page(500, _CRASHED), 500)
    return JSONResponse({"detail": _CRASHED}, 500)


def _text(error: Exception) -> str:
    """The message; system errors without the paths they name."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error)


def _is_api(request: Request) -> bool:
    return is_api(route_path(request.scope))
