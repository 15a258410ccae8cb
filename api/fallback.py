"""What unknown API paths and wrong methods get when a page is mounted behind the API.

Without it they would fall through to the page, and clients tell "API off" from other errors by the
exact answer (api 4).
"""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Request
from starlette.routing import Match

PREFIXES = ("/sdapi", "/internal", "/overpaint")
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def fallback_router() -> APIRouter:
    """Routes that come after all others of the API: 405 for a known path, else 404."""
    router = APIRouter(include_in_schema=False)
    for prefix in PREFIXES:
        router.add_api_route(f"{prefix}/{{rest:path}}", _refuse, methods=METHODS)
    return router


def _refuse(request: Request, rest: str) -> None:
    """Raise the HTTP error of a path that no route takes with this method."""
    routes = request.app.router.routes
    if any(route.matches(request.scope)[0] is Match.PARTIAL for route in routes):
        raise HTTPException(405, "Method Not Allowed")
    raise HTTPException(404, "Not Found")
