"""How much a request body may hold: a declared length is judged at once, a stream is counted."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.asgi import header, refuse

_MIB = 1024 * 1024


class BodyLimit:
    """ASGI middleware: 413 for bodies of more than `limit` bytes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit
        self._detail = (
            f"The request is larger than {limit / _MIB:g} MiB. "
            "Send a smaller picture, or start the server with a larger --max-upload-mb."
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif _declared(scope) > self._limit:
            await self._refuse(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        closing = {"Connection": "close"}
        await refuse(scope, receive, send, status=413, detail=self._detail, headers=closing)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app; past the limit its reads fail and its answer, if not begun, becomes 413."""
        read = 0
        started = False

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            if message["type"] == "http.request":
                read += len(message.get("body", b""))
                if read > self._limit:
                    raise HTTPException(413, self._detail)
            return message

        async def watched(message: Message) -> None:
            nonlocal started
            if read <= self._limit or started:
                started = True
                await send(message)

        try:
            await self._app(scope, counted, watched)
        except HTTPException:
            if read <= self._limit:
                raise
        if read > self._limit and not started:
            await self._refuse(scope, receive, send)


def _declared(scope: Scope) -> int:
    """The Content-Length; 0 if absent or malformed (the server refuses malformed ones itself)."""
    text = header(scope, b"content-length") or ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0
