"""A public path prefix (--subpath), whether or not the reverse proxy strips it (api 6)."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send


class Subpath:
    """ASGI middleware: makes `root_path` the prefix and `path` begin with it, as ASGI has it."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if not self._prefix or scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        inner = dict(scope)
        inner["root_path"] = self._prefix
        path = scope["path"]
        if path != self._prefix and not path.startswith(self._prefix + "/"):
            inner["path"] = self._prefix + path
            raw = scope.get("raw_path")
            inner["raw_path"] = None if raw is None else self._prefix.encode("ascii") + raw
        await self._app(inner, receive, send)
