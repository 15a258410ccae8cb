"""Streams, uploads, sizes, headers, prefix and timing: what the front adds and what it leaves."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.errors import install_error_handlers
from server.front import protect
from server.headers import NO_FRAMES, PAGE_CSP
from tests.server.visitors import (
    ANN,
    BROWSER,
    OPEN_LOCAL,
    exchange,
    policy,
    raw_scope,
    serve,
    tiny_app,
    users,
    visit,
)


def test_event_streams_arrive_piece_by_piece() -> None:
    """Each event is out before the next one is made."""
    log: list[str] = []

    async def events() -> AsyncIterator[str]:
        for number in range(3):
            log.append(f"made {number}")
            yield f"data: {number}\n\n"

    async def stream(_: Request) -> Response:
        return StreamingResponse(events(), media_type="text/event-stream")

    async def send(message: Message) -> None:
        if message.get("body"):
            log.append("sent " + message["body"].decode().strip()[-1])

    async def receive() -> Message:
        await asyncio.sleep(60)
        raise AssertionError("not reached")

    front = protect(Starlette(routes=[Route("/", stream)]), policy(OPEN_LOCAL))
    serve(front, raw_scope(), receive, send)
    assert log == ["made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2"]


def test_uploads_arrive_piece_by_piece() -> None:
    """The app reads the first piece before the second one is sent."""
    log: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for _ in range(2):
            log.append(f"read {len((await receive())['body'])}")
        await PlainTextResponse("ok")(scope, receive, send)

    pieces = iter([b"one", b"three"])

    async def receive() -> Message:
        piece = next(pieces)
        log.append(f"sent {len(piece)}")
        return {"type": "http.request", "body": piece, "more_body": True}

    async def send(message: Message) -> None:
        pass

    serve(protect(app, policy(OPEN_LOCAL)), raw_scope("/", "POST"), receive, send)
    assert log == ["sent 3", "read 3", "sent 5", "read 5"]


def test_lifespan_reaches_the_app() -> None:
    seen: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope["type"])

    exchange(protect(app, policy(OPEN_LOCAL)), {"type": "lifespan"}, [])
    assert seen == ["lifespan"]


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
def test_declared_length(size: int, status: int) -> None:
    answer = visit(max_body=1000).post("/write", content=b"x" * size)
    assert answer.status_code == status
    if status == 413:
        assert "--max-upload-mb" in answer.json()["detail"]
        assert answer.headers["connection"] == "close"


def test_declared_length_is_refused_unread() -> None:
    async def never() -> Message:
        raise AssertionError("the body was read")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    front = protect(tiny_app(), policy(OPEN_LOCAL, max_body=1000))
    scope = raw_scope("/write", "POST", content_length="99999999999")
    serve(front, scope, never, send)
    assert sent[0]["status"] == 413


def _swallowing_app() -> ASGIApp:
    """Turns every failure into its own answer, as form parsers do."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            while (await receive()).get("more_body"):
                pass
            answer = PlainTextResponse("complete")
        except Exception:
            answer = PlainTextResponse("There was an error parsing the body", 400)
        await answer(scope, receive, send)

    return app


def _fastapi_app() -> ASGIApp:
    app = FastAPI()
    install_error_handlers(app)

    @app.post("/write")
    async def write(body: dict[str, Any]) -> dict[str, Any]:
        return body

    return app


@pytest.mark.parametrize(
    "app", [tiny_app(), _swallowing_app(), _fastapi_app()], ids=["plain", "swallowing", "fastapi"]
)
@pytest.mark.parametrize(("pieces", "over"), [(10, False), (11, True), (5000, True)])
def test_streamed_length_is_counted(app: ASGIApp, pieces: int, over: bool) -> None:
    front = protect(app, policy(OPEN_LOCAL, max_body=1000))
    sent = exchange(front, raw_scope("/write", "POST"), [b"x" * 100] * pieces)
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1
    assert (starts[0]["status"] == 413) is over
    assert sent[-1].get("more_body", False) is False


def test_reading_stops_at_the_limit() -> None:
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b"x" * 100, "more_body": taken < 100}

    async def send(message: Message) -> None:
        pass

    front = protect(_swallowing_app(), policy(OPEN_LOCAL, max_body=1000))
    serve(front, raw_scope("/write", "POST"), receive, send)
    assert taken == 11


REQUIRED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": PAGE_CSP,
}


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 200),
        ("/missing", {}, 404),
        ("/whoami", {"host": "evil.example"}, 400),
        ("/internal/ping", {}, 200),
    ],
)
def test_s29_security_headers_on_every_answer(
    path: str, headers: dict[str, str], status: int
) -> None:
    answer = visit().get(path, headers=headers)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in REQUIRED} == REQUIRED
    assert re.fullmatch(r"\d+\.\d{4}", answer.headers["x-process-time"])


def test_s29_headers_on_refusals_and_redirects() -> None:
    server = visit(users())
    for answer in (server.get("/"), server.get("/", headers=BROWSER), server.put("/login")):
        assert answer.status_code in {401, 303, 405}
        assert answer.headers["x-frame-options"] == "DENY"


def test_page_policy_loads_from_nowhere_else() -> None:
    assert "http" not in PAGE_CSP
    assert "*" not in PAGE_CSP
    for part in ("default-src 'self'", "object-src 'none'", NO_FRAMES, "connect-src 'self'"):
        assert part in PAGE_CSP.split("; ")


def test_an_inner_policy_stays_and_cannot_allow_frames() -> None:
    async def lax(_: Request) -> Response:
        headers = {"content-security-policy": "frame-ancestors *", "x-frame-options": "ALLOWALL"}
        return PlainTextResponse("x", headers=headers)

    answer = visit(app=Starlette(routes=[Route("/", lax)])).get("/")
    policies = answer.headers.get_list("content-security-policy")
    assert policies == ["frame-ancestors *", NO_FRAMES]
    assert answer.headers.get_list("x-frame-options") == ["DENY"]


@pytest.mark.parametrize("prefix", ["", "/tools/paint"])
def test_subpath_with_and_without_a_stripping_proxy(prefix: str) -> None:
    async def show(request: Request) -> Response:
        return PlainTextResponse(f"{request.scope['root_path']} {request.url.path}")

    inner = Starlette(routes=[Route("/deep", show)])
    app = Starlette(routes=[Route("/x", show), Mount("/mounted", inner)])
    server = visit(app=app, subpath="/tools/paint")
    assert server.get(f"{prefix}/x").text == "/tools/paint /tools/paint/x"
    assert server.get(f"{prefix}/mounted/deep").text.endswith(" /tools/paint/mounted/deep")
    assert server.get(f"{prefix}/internal/ping").json() == {}


@pytest.mark.parametrize("prefix", ["", "/tools/paint"])
def test_login_below_a_subpath(prefix: str) -> None:
    server = visit(users(ANN), subpath="/tools/paint")
    away = server.get(f"{prefix}/", headers=BROWSER)
    expected = "/tools/paint/login?next=%2Ftools%2Fpaint%2F"
    assert away.headers["location"] == expected
    page = server.get(f"{prefix}/login", headers=BROWSER)
    assert 'action="/tools/paint/login"' in page.text
    form = {"username": "ann", "password": "an apple"}
    done = server.post(f"{prefix}/login", data=form, headers=BROWSER)
    assert done.headers["location"] == "/tools/paint/"
    assert "Path=/tools/paint;" in done.headers["set-cookie"]


def test_api_log_line_without_query_and_control_characters() -> None:
    lines: list[str] = []
    server = visit(api_log=lines.append)
    server.get("/sdapi/v1/options?secret=1")
    server.get("/whoami")
    server.get("/sdapi/v1/x%0Ay")
    assert len(lines) == 2
    assert re.fullmatch(
        r"API \S+ 200 http/1\.1 GET /sdapi/v1/options 192\.168\.1\.50 \d+\.\d{4}", lines[0]
    )
    assert " 404 " in lines[1]
    assert "/sdapi/v1/x%0Ay" in lines[1]
