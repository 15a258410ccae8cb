"""Which foreign origins may read answers: none unless flags name them.

CORS headers of anything inside (Gradio reflects every origin) never leave the server.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from server.addresses import parse_origin
from server.asgi import header, on_start

_METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
_HEADER_LIST = re.compile(r"[A-Za-z0-9_, -]{0,1000}")


@dataclass(frozen=True)
class CorsPolicy:
    """Origins that may call us: exact ones, a full-match pattern, or `*` (then without cookies)."""

    origins: frozenset[str] = frozenset()
    pattern: re.Pattern[str] | None = None

    @classmethod
    def build(cls, origins: Iterable[str], pattern: str | None = None) -> CorsPolicy:
        """A policy from the flags' values."""
        compiled = re.compile(pattern) if pattern else None
        return cls(frozenset(origin.lower() for origin in origins), compiled)

    def allows(self, origin: str) -> bool:
        """Whether a page of this origin may read our answers; never for `null`."""
        return parse_origin(origin) is not None and ("*" in self.origins or self._named(origin))

    def headers_for(self, origin: str | None) -> list[tuple[bytes, bytes]]:
        """Response headers for a request with this Origin; none if it is not allowed."""
        if origin is None or not self.allows(origin):
            return []
        if not self._named(origin):
            return [(b"access-control-allow-origin", b"*")]
        return [
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-allow-credentials", b"true"),
            (b"vary", b"Origin"),
        ]

    def _named(self, origin: str) -> bool:
        if origin.lower() in self.origins:
            return True
        return self.pattern is not None and self.pattern.fullmatch(origin) is not None


class Cors:
    """ASGI middleware: answers preflights, removes foreign CORS headers, adds ours."""

    def __init__(self, app: ASGIApp, policy: CorsPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        ours = self._policy.headers_for(header(scope, b"origin"))
        if _is_preflight(scope):
            await _preflight(scope, ours)(scope, receive, send)
            return

        def replace(message: MutableMapping[str, Any]) -> None:
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-")
            ]
            message["headers"] = kept + ours

        await self._app(scope, receive, on_start(send, replace))


def _is_preflight(scope: Scope) -> bool:
    return (
        scope["type"] == "http"
        and scope["method"] == "OPTIONS"
        and header(scope, b"origin") is not None
        and header(scope, b"access-control-request-method") is not None
    )


def _preflight(scope: Scope, ours: list[tuple[bytes, bytes]]) -> PlainTextResponse:
    """The answer to a preflight; refused ones look as in A1111 (api 6)."""
    if not ours:
        return PlainTextResponse("Disallowed CORS origin", 400)
    response = PlainTextResponse("OK")
    asked = header(scope, b"access-control-request-headers") or ""
    response.headers["access-control-allow-methods"] = _METHODS
    response.headers["access-control-max-age"] = "600"
    if _HEADER_LIST.fullmatch(asked):
        response.headers["access-control-allow-headers"] = asked
    response.raw_headers.extend(ours)
    return response
