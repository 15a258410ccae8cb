"""Lets in who may come in, and writes on each request whose it is; the health check is open."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from server.access import WRONG_TOKEN, Doorman, Verdict, query_token
from server.asgi import is_browser, is_navigation, on_start, refusal, refuse, route_path
from server.guests import recognise
from server.identity import OWNER_KEY
from server.login import LoginDesk, login_address, own_address

OPEN_PATHS: Final = frozenset({"/internal/ping", "/login", "/logout"})
"""The only paths that answer without a login (S39)."""

_CHALLENGE = 'Basic realm="Overpaint", charset="UTF-8"'


class Gate:
    """ASGI middleware: login for page and API alike."""

    def __init__(self, app: ASGIApp, doorman: Doorman) -> None:
        self._app = app
        self._doorman = doorman
        self._desk = LoginDesk(doorman)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        path = route_path(scope) if scope["type"] == "http" else ""
        if path == "/internal/ping" and scope["method"] in {"GET", "HEAD"}:
            await JSONResponse({})(scope, receive, send)
        elif path in {"/login", "/logout"}:
            await self._desk(scope, receive, send)
        else:
            await self._admit(scope, receive, send)

    async def _admit(self, scope: Scope, receive: Receive, send: Send) -> None:
        verdict = self._doorman.judge(scope)
        if verdict.subject is None:
            await self._turn_away(scope, verdict, receive, send)
            return
        if self._doorman.access.by_token and query_token(scope) is not None:
            if is_navigation(scope):
                await self._clean_link(scope, verdict.subject)(scope, receive, send)
                return
            scope = {**scope, "query_string": _without_token(scope["query_string"])}
        recognised = recognise(scope, verdict.subject, self._doorman)
        if recognised.cookie is not None:
            send = _with_cookie(send, recognised.cookie)
        await self._app({**scope, OWNER_KEY: recognised.owner}, receive, send)

    async def _turn_away(
        self, scope: Scope, verdict: Verdict, receive: Receive, send: Send
    ) -> None:
        if scope["type"] == "websocket":
            await refuse(scope, receive, send, status=verdict.status, detail=verdict.detail)
            return
        await _turned_away(scope, verdict)(scope, receive, send)

    def _clean_link(self, scope: Scope, subject: str) -> Response:
        """Puts the token into a cookie, so that it is not left in the address bar or a Referer."""
        response = RedirectResponse(own_address(scope), 303, {"Cache-Control": "no-store"})
        response.headers.append("set-cookie", self._desk.cookie(scope, subject))
        return response


def _turned_away(scope: Scope, verdict: Verdict) -> Response:
    """People go to the login page; only scripts get a challenge.

    A challenge would make a browser open its own login box, and on fetch that blocks the page.
    """
    stale_link = verdict.detail == WRONG_TOKEN
    if is_navigation(scope) and verdict.status == 401 and not stale_link:
        return RedirectResponse(login_address(scope), 303, {"Cache-Control": "no-store"})
    headers = {"Cache-Control": "no-store"}
    if verdict.retry_after:
        headers["Retry-After"] = str(verdict.retry_after)
    if verdict.status == 401 and not is_browser(scope):
        headers["WWW-Authenticate"] = _CHALLENGE
    return refusal(scope, verdict.status, verdict.detail, headers)


def _without_token(query: bytes) -> bytes:
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    return urlencode([pair for pair in pairs if pair[0] != "token"]).encode("ascii")


def _with_cookie(send: Send, cookie: bytes) -> Send:
    def add(message: MutableMapping[str, Any]) -> None:
        message["headers"] = [*message.get("headers", ()), (b"set-cookie", cookie)]

    return on_start(send, add)
