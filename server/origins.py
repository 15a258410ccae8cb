"""Refuses what another site's page makes a browser send: forms, fetches and WebSockets (S26-S28).

Scripts and API clients send neither Origin nor Sec-Fetch-Site and are not concerned.
"""

from __future__ import annotations

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from server.addresses import parse_authority, parse_origin, same_site
from server.asgi import header, headers_named, is_secure, refuse
from server.cors import CorsPolicy

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_SENTENCE = (
    "Refused: the request comes from another site ({origin}) than the one it was sent to. "
    "Allow that site with --cors-allow-origins, or let your proxy pass the Host header on."
)


def foreign_origin(scope: Scope, cors: CorsPolicy) -> str | None:
    """The foreign site that a write or WebSocket handshake comes from; None if there is none."""
    origins = headers_named(scope, b"origin")
    if len(origins) > 1:
        return "several origins"
    if origins:
        return None if _is_ours(scope, origins[0]) or cors.allows(origins[0]) else origins[0]
    site = header(scope, b"sec-fetch-site")
    return None if site in {None, "same-origin", "none"} else site


def _is_ours(scope: Scope, text: str) -> bool:
    origin = parse_origin(text)
    host = parse_authority(header(scope, b"host") or "")
    if origin is None or host is None:
        return False
    return same_site(origin, host, secure=is_secure(scope))


class OriginCheck:
    """ASGI middleware: 403 for writes and WebSockets of a foreign page, whatever their type."""

    def __init__(self, app: ASGIApp, cors: CorsPolicy) -> None:
        self._app = app
        self._cors = cors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        writes = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if writes or scope["type"] == "websocket":
            foreign = foreign_origin(scope, self._cors)
            if foreign is not None:
                detail = _SENTENCE.format(origin=foreign[:100])
                await refuse(scope, receive, send, status=403, detail=detail)
                return
        await self._app(scope, receive, send)
