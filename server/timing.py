"""How long answers take: the X-Process-Time header, and --api-log's line per API request."""

from __future__ import annotations

import time
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from server.asgi import client_address, on_start, route_path


class Timing:
    """ASGI middleware: X-Process-Time in seconds, 4 decimals, to the answer's first byte.

    `log` gets one line for each /sdapi request when it is answered, without query and body: they
    may hold secrets.
    """

    def __init__(self, app: ASGIApp, log: Callable[[str], None] | None = None) -> None:
        self._app = app
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = 500

        def stamp(message: MutableMapping[str, Any]) -> None:
            nonlocal status
            status = message["status"]
            took = f"{time.perf_counter() - begun:.4f}".encode("ascii")
            message["headers"] = [*message.get("headers", ()), (b"x-process-time", took)]

        try:
            await self._app(scope, receive, on_start(send, stamp))
        finally:
            if self._log is not None and route_path(scope).startswith("/sdapi/"):
                self._log(_line(scope, status, time.perf_counter() - begun))


def _line(scope: Scope, status: int, seconds: float) -> str:
    """Time, status, protocol, method, path, client, duration (api 6); control characters quoted."""
    now = datetime.now().astimezone().isoformat(timespec="milliseconds")
    protocol = f"{scope.get('scheme', 'http')}/{scope.get('http_version', '1.1')}"
    path = quote(scope["path"])
    return (
        f"API {now} {status} {protocol} {scope['method']} {path} "
        f"{client_address(scope)} {seconds:.4f}"
    )
