"""How cookies are sent: never readable by scripts, never along with another site's requests."""

from __future__ import annotations

from starlette.types import Scope

from server.asgi import is_secure


def set_cookie(scope: Scope, name: str, value: str, *, lifetime: int) -> bytes:
    """A Set-Cookie value. SameSite=Lax lets a link from elsewhere open the page logged in."""
    parts = [
        f"{name}={value}",
        f"Max-Age={lifetime}",
        f"Path={scope.get('root_path', '') or '/'}",
        "HttpOnly",
        "SameSite=Lax",
    ]
    if is_secure(scope):
        parts.append("Secure")
    return "; ".join(parts).encode("latin-1")


def drop_cookie(scope: Scope, name: str) -> bytes:
    """A Set-Cookie value that removes a cookie."""
    return set_cookie(scope, name, "", lifetime=0)
