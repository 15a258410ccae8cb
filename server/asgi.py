"""Small readings of an ASGI scope and short refusals, shared by the middlewares of this package."""

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final

from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from server.pages import message_page

OWN_PATHS: Final = ("/sdapi", "/internal", "/overpaint")
"""Where answers follow A1111's shapes (api 4)."""

_POLICY_VIOLATION = 1008


def header(scope: Scope, name: bytes) -> str | None:
    """The first value of a request header (name in lower case), or None."""
    values = headers_named(scope, name)
    return values[0] if values else None


def headers_named(scope: Scope, name: bytes) -> list[str]:
    """All values of a request header."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def route_path(scope: Scope) -> str:
    """The path below the public prefix (--subpath), also inside a mounted sub-application."""
    path: str = scope["path"]
    root: str = scope.get("app_root_path", scope.get("root_path", ""))
    if root and (path == root or path.startswith(root + "/")):
        return path[len(root) :] or "/"
    return path


def is_api(path: str) -> bool:
    """Whether a path below the prefix belongs to the A1111 API."""
    return any(path == own or path.startswith(own + "/") for own in OWN_PATHS)


def is_secure(scope: Scope) -> bool:
    """Whether the request came over TLS."""
    return scope.get("scheme") in {"https", "wss"}


def wants_page(scope: Scope) -> bool:
    """Whether a person looks at the answer.

    Browsers omit Sec-Fetch-* on plain http to other machines, so Accept decides there.
    """
    mode = header(scope, b"sec-fetch-mode")
    if mode is not None:
        return mode == "navigate"
    return "text/html" in (header(scope, b"accept") or "")


def is_navigation(scope: Scope) -> bool:
    """Whether a browser opens an address: a page is wanted and nothing is sent."""
    return scope["type"] == "http" and scope["method"] in {"GET", "HEAD"} and wants_page(scope)


def is_browser(scope: Scope) -> bool:
    """Whether a web browser, not a script or an API client, sent the request."""
    if header(scope, b"sec-fetch-site") is not None:
        return True
    return (header(scope, b"user-agent") or "").startswith("Mozilla/")


def client_address(scope: Scope) -> str:
    """The peer's address, or `unknown` where the server does not tell (Unix sockets)."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def error_body(error: str, detail: str, errors: str = "") -> dict[str, str]:
    """A1111's error body (api 4): `detail` for deliberate errors, `errors` for crashes."""
    return {"error": error, "detail": detail, "body": "", "errors": errors}


def refusal(
    scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> Response:
    """The answer to a request that is not let in: page, A1111's body, or `{"detail": ...}`."""
    given = dict(headers or {})
    if wants_page(scope):
        return HTMLResponse(message_page(status, detail), status, given)
    if is_api(route_path(scope)):
        return JSONResponse(error_body("HTTPException", detail), status, given)
    return JSONResponse({"detail": detail}, status, given)


async def refuse(
    scope: Scope,
    receive: Receive,
    send: Send,
    *,
    status: int,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Send a refusal; a WebSocket handshake is denied (the server answers it with 403)."""
    if scope["type"] == "websocket":
        await WebSocketClose(_POLICY_VIOLATION, detail[:120])(scope, receive, send)
        return
    await refusal(scope, status, detail, headers)(scope, receive, send)


def on_start(send: Send, change: Callable[[MutableMapping[str, Any]], None]) -> Send:
    """A `send` that lets `change` see the message that starts the response, bodies untouched."""

    async def wrapped(message: Message) -> None:
        if message["type"] in {"http.response.start", "websocket.http.response.start"}:
            change(message)
        await send(message)

    return wrapped
