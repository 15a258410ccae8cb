"""Response headers that keep a browser from framing, sniffing or leaking what we serve (S29)."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from server.asgi import on_start

PAGE_CSP: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "font-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self' blob:",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'self'",
    )
)
"""Gradio's page needs inline and evaluated scripts; nothing may be loaded from elsewhere."""

NO_FRAMES: Final = "frame-ancestors 'none'"


class SecurityHeaders:
    """ASGI middleware: adds the headers to every response, of whatever status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        await self._app(scope, receive, on_start(send, _harden))


def _harden(message: MutableMapping[str, Any]) -> None:
    headers = MutableHeaders(raw=list(message.get("headers", ())))
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "DENY"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if "content-security-policy" in headers:
        # Several policies apply together: a response's own one cannot allow framing.
        headers.append("Content-Security-Policy", NO_FRAMES)
    else:
        headers["Content-Security-Policy"] = PAGE_CSP
    message["headers"] = headers.raw
