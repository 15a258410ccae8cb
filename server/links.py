"""The addresses to print at start; with an access token it is part of them, as Jupyter does."""

from __future__ import annotations

import socket
from urllib.parse import urlencode

from settings import Settings


def page_links(settings: Settings, port: int) -> tuple[str, ...]:
    """Where the page can be opened: on this machine first, then from other machines."""
    scheme = "https" if settings.has_tls else "http"
    query = f"?{urlencode({'token': settings.token})}" if settings.login == "token" else ""
    return tuple(
        f"{scheme}://{_bracketed(host)}:{port}{settings.subpath}/{query}"
        for host in _hosts(settings)
    )


def _hosts(settings: Settings) -> tuple[str, ...]:
    host = settings.bind_host
    if host in {"0.0.0.0", "::"}:
        return ("127.0.0.1", lan_address() or socket.gethostname())
    return (host,)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def lan_address() -> str | None:
    """The address that other machines of the local network see; None without a network.

    Asks the routing table only: connecting a datagram socket sends nothing.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])
