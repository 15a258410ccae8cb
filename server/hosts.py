"""Which Host headers are answered: a name that an attacker's DNS points at us is not (S26-S28)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from server.addresses import is_local_network, is_loopback, parse_authority, parse_ip
from server.asgi import headers_named, refuse

_SENTENCE = (
    "This server does not answer to that host name. If the name is yours, "
    "start the server with --allowed-hosts NAME."
)


@dataclass(frozen=True)
class HostPolicy:
    """Loopback always; names as listed; with `public` also addresses of this machine's networks."""

    names: frozenset[str]
    public: bool

    @classmethod
    def build(cls, names: Iterable[str], *, public: bool) -> HostPolicy:
        """A policy for names in any case."""
        return cls(frozenset(name.lower() for name in names), public)

    def allows(self, host: str, server_address: str | None) -> bool:
        """Whether a Host header's value is answered.

        `server_address` is the local address at which this very connection arrived, so a machine's
        public address is known without a list of its interfaces.
        """
        authority = parse_authority(host)
        if authority is None:
            return False
        if is_loopback(authority.host) or authority.host in self.names:
            return True
        address = parse_ip(authority.host)
        if not self.public or address is None:
            return False
        own = parse_ip(server_address or "")
        return is_local_network(address) or (address == own and not address.is_unspecified)


class HostCheck:
    """ASGI middleware: 400 with a plain sentence unless exactly one trusted Host was sent."""

    def __init__(self, app: ASGIApp, policy: HostPolicy) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        hosts = headers_named(scope, b"host")
        server = scope.get("server")
        if len(hosts) == 1 and self._policy.allows(hosts[0], server[0] if server else None):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await refuse(scope, receive, send, status=400, detail=_SENTENCE)
        else:
            await PlainTextResponse(_SENTENCE, 400)(scope, receive, send)
