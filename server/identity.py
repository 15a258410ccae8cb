"""Whose request this is: every HTTP request and WebSocket that passes the front has one owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.types import Scope

OWNER_KEY: Final = "overpaint.owner"


@dataclass(frozen=True)
class Owner:
    """Who jobs and pictures belong to.

    `name` is a user name, `local` (one person on this machine), or `guest-...` (a browser or an
    address without a user name). `is_admin` allows changing what concerns everybody.
    """

    name: str
    is_admin: bool


LOCAL: Final = Owner("local", is_admin=True)


def owner_of(scope: Scope) -> Owner:
    """The owner of a request; raises RuntimeError if it did not pass `server.front.protect`."""
    owner = scope.get(OWNER_KEY)
    if not isinstance(owner, Owner):
        raise RuntimeError("This request has no owner: the app is not wrapped in front.protect().")
    return owner
