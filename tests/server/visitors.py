"""A tiny app behind the front, and clients that visit it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.access import Access
from server.accounts import Accounts, Credential
from server.cors import CorsPolicy
from server.front import FrontPolicy, protect
from server.hosts import HostPolicy
from server.identity import owner_of

HOST = "127.0.0.1:7860"
SOCKET = f"ws://{HOST}/socket"
KEY = bytes(range(32))
TOKEN = "the-token-of-this-test"
ANN, BOB = Credential("ann", "an apple"), Credential("bob", "a pear: ripe")

BROWSER = {"user-agent": "Mozilla/5.0", "accept": "text/html,*/*", "sec-fetch-mode": "navigate"}
FETCH = {
    "user-agent": "Mozilla/5.0",
    "accept": "*/*",
    "sec-fetch-mode": "cors",
    "sec-fetch-site": "same-origin",
}


def users(*entries: Credential, admins: Iterable[str] = ()) -> Access:
    return Access(Accounts(entries, admins, KEY), public=True)


WITH_TOKEN = Access(token=TOKEN, public=True)
OPEN_LOCAL = Access()
OPEN_LAN = Access(public=True)


async def _whoami(request: Request) -> Response:
    owner = owner_of(request.scope)
    return JSONResponse({"name": owner.name, "admin": owner.is_admin, "query": request.url.query})


async def _echo(request: Request) -> Response:
    return JSONResponse({"size": len(await request.body())})


async def _gradio_like(request: Request) -> Response:
    origin = request.headers.get("origin", "none")
    return PlainTextResponse(
        "page",
        headers={
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Allow-Credentials": "true",
        },
    )


async def _socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(owner_of(websocket.scope).name)
    await websocket.close()


def tiny_app() -> Starlette:
    writes = ["POST", "PUT", "PATCH", "DELETE"]
    return Starlette(
        routes=[
            Route("/", _gradio_like),
            Route("/whoami", _whoami),
            Route("/sdapi/v1/options", _whoami),
            Route("/write", _echo, methods=writes),
            Route("/sdapi/v1/img2img", _echo, methods=writes),
            WebSocketRoute("/socket", _socket),
        ]
    )


def policy(access: Access = OPEN_LOCAL, **changes: Any) -> FrontPolicy:
    fields: dict[str, Any] = {
        "hosts": HostPolicy.build((), public=access.public),
        "cors": CorsPolicy(),
        "access": access,
        "key": KEY,
        "max_body": 1024 * 1024,
    }
    return FrontPolicy(**(fields | changes))


def visit(
    access: Access = OPEN_LOCAL,
    *,
    app: ASGIApp | None = None,
    address: str = "192.168.1.50",
    tls: bool = False,
    revoked_file: Path | None = None,
    **changes: Any,
) -> TestClient:
    """A client (an HTTP library's headers, redirects not followed) of a fresh server."""
    front = protect(app or tiny_app(), policy(access, revoked_file=revoked_file, **changes))
    return client(front, address=address, tls=tls)


def client(front: ASGIApp, *, address: str = "192.168.1.50", tls: bool = False) -> TestClient:
    """One more client of a server."""
    return TestClient(
        front,
        base_url=f"{'https' if tls else 'http'}://{HOST}",
        follow_redirects=False,
        raise_server_exceptions=False,
        client=(address, 50000),
    )


def raw_scope(path: str = "/", method: str = "GET", **headers: str) -> Scope:
    listed = {"host": HOST} | {name.replace("_", "-"): text for name, text in headers.items()}
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode("utf-8"),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), text.encode()) for name, text in listed.items()],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 7860),
    }


def basic(name: str, password: str) -> dict[str, str]:
    raw = f"{name}:{password}".encode()
    return {"authorization": "Basic " + base64.b64encode(raw).decode()}


def cookie_of(server: TestClient) -> dict[str, str]:
    return {"cookie": "; ".join(f"{k}={v}" for k, v in server.cookies.items())}


def serve(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Run one connection to its end."""

    async def run() -> None:
        await app(scope, receive, send)

    asyncio.run(run())


def exchange(app: ASGIApp, scope: Scope, chunks: list[bytes]) -> list[Message]:
    """Send a body in chunks and collect the answer."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks) - 1}
        for number, chunk in enumerate(chunks)
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    serve(app, scope, receive, send)
    return sent
