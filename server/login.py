"""The login desk: GET and POST /login, POST /logout; `origins.py` keeps foreign pages away."""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from server.access import MISSING, SESSION, Doorman, Verdict
from server.asgi import header, refusal, route_path, wants_page
from server.cookies import drop_cookie, set_cookie
from server.pages import login_page

SESSION_LIFETIME: Final = 30 * 24 * 3600
"""Seconds until a login must be repeated."""

_LARGEST_FORM = 16 * 1024
_LOGIN_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)


class LoginDesk:
    """ASGI app for the two paths; JSON for scripts, pages for people."""

    def __init__(self, doorman: Doorman) -> None:
        self._doorman = doorman

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], route_path(scope)
        if path == "/logout" and method == "POST":
            return self._logout(scope)
        if path == "/login" and method == "POST":
            form = await _read_form(scope, receive)
            if form is None:
                return refusal(scope, 413, "The login form is too large.")
            return self._login(scope, form)
        if path == "/login" and method in {"GET", "HEAD"}:
            return self._form(scope, _query(scope))
        return JSONResponse({"detail": "Method Not Allowed"}, 405)

    def _form(self, scope: Scope, query: dict[str, str]) -> Response:
        """The page; who is already in goes on to where he wanted to go."""
        following = safe_target(scope, query.get("next", ""))
        if self._doorman.access.is_open or self._doorman.session_of(scope) is not None:
            return RedirectResponse(following, 303)
        return self._page(scope, following, Verdict(None))

    def _page(self, scope: Scope, following: str, verdict: Verdict) -> Response:
        action = scope.get("root_path", "") + "/login"
        with_token = self._doorman.access.by_token
        page = login_page(action, following, verdict.detail, with_token=with_token)
        headers = {"Content-Security-Policy": _LOGIN_CSP, "Cache-Control": "no-store"}
        return HTMLResponse(page, verdict.status, headers | _retry(verdict))

    def _login(self, scope: Scope, form: dict[str, str]) -> Response:
        following = safe_target(scope, form.get("next", ""))
        if self._doorman.access.is_open:
            return _done(scope, following)
        name, password = form.get("username", ""), form.get("password", "")
        verdict = self._doorman.try_login(scope, name, password)
        if verdict.subject is not None:
            response = _done(scope, following)
            response.headers.append("set-cookie", self.cookie(scope, verdict.subject))
            return response
        if wants_page(scope):
            return self._page(scope, following, verdict)
        return refusal(scope, verdict.status, verdict.detail or MISSING, _retry(verdict))

    def _logout(self, scope: Scope) -> Response:
        session = self._doorman.session_of(scope)
        if session is not None:
            self._doorman.sessions.revoke(session)
        response = _done(scope, scope.get("root_path", "") + "/login")
        dropped = drop_cookie(scope, self._doorman.sessions.cookie_name(SESSION))
        response.headers.append("set-cookie", dropped.decode("latin-1"))
        return response

    def cookie(self, scope: Scope, subject: str) -> str:
        """The Set-Cookie value of a new session."""
        sessions = self._doorman.sessions
        binding = self._doorman.access.binding(subject) or ""
        value = sessions.issue(SESSION, subject, binding=binding, lifetime=SESSION_LIFETIME)
        name = sessions.cookie_name(SESSION)
        return set_cookie(scope, name, value, lifetime=SESSION_LIFETIME).decode("latin-1")


def _done(scope: Scope, following: str) -> Response:
    """The answer to what succeeded; scripts get what Gradio's own login answers."""
    if wants_page(scope):
        return RedirectResponse(following, 303)
    return JSONResponse({"success": True})


def _retry(verdict: Verdict) -> dict[str, str]:
    return {"Retry-After": str(verdict.retry_after)} if verdict.retry_after else {}


def _query(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope.get("query_string", b"").decode("latin-1")))


def login_address(scope: Scope) -> str:
    """Where to send a browser to log in and come back here."""
    return f"{scope.get('root_path', '')}/login?{urlencode({'next': own_address(scope)})}"


def own_address(scope: Scope) -> str:
    """Path and query of this request, without an access token."""
    pairs = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    query = urlencode([pair for pair in pairs if pair[0] != "token"])
    path = quote(scope["path"], safe="/:@!$&'()*+,;=~-._")
    return safe_target(scope, f"{path}?{query}" if query else path)


def safe_target(scope: Scope, target: str) -> str:
    """The target if it is a path on this server, else the start page (no open redirect, S25)."""
    start: str = scope.get("root_path", "") + "/"
    printable = target.isascii() and target.isprintable() and "\\" not in target
    if not printable or not target.startswith("/") or target.startswith("//"):
        return start
    return target


async def _read_form(scope: Scope, receive: Receive) -> dict[str, str] | None:
    """The fields of a form or JSON object; None if it is too large, nothing if it is neither."""
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
        if len(body) > _LARGEST_FORM:
            return None
    text = body.decode("utf-8", "replace")
    if not (header(scope, b"content-type") or "").startswith("application/json"):
        return dict(parse_qsl(text))
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {key: value for key, value in fields.items() if isinstance(value, str)}
