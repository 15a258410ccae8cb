"""Finds a port to listen on and holds it; no moment for another program to take it in between."""

from __future__ import annotations

import errno
import socket
import sys
from typing import Final, NamedTuple

from flags import SettingsError

TRIES: Final = 100
BACKLOG: Final = 2048


class BoundPort(NamedTuple):
    """A listening socket for `uvicorn.Server.run(sockets=[...])`; `note` tells of another port."""

    socket: socket.socket
    port: int
    note: str


def bind_port(host: str, port: int, *, tries: int = TRIES) -> BoundPort:
    """Bind `port`, or the next free one after it.

    Raises SettingsError if all `tries` ports are busy, the port is reserved for the system, or the
    host is not an address of this machine.
    """
    family, address = _resolve(host)
    for candidate in range(port, min(port + tries, 65536)):
        bound = _try(family, address, candidate, host)
        if bound is not None:
            note = "" if candidate == port else f"Port {port} is busy; using {candidate}."
            return BoundPort(bound, candidate, note)
    last = min(port + tries, 65536) - 1
    raise SettingsError(f"No free port from {port} to {last}: choose another one with --port.")


def _resolve(host: str) -> tuple[socket.AddressFamily, str]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError as error:
        raise SettingsError(f"The host name {host!r} is unknown: check --server-name.") from error
    return found[0][0], str(found[0][4][0])


def _try(family: socket.AddressFamily, address: str, port: int, host: str) -> socket.socket | None:
    """A socket bound to a port, None if another program has it."""
    sock = socket.socket(family, socket.SOCK_STREAM)
    if sys.platform != "win32":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((address, port))
        # Two programs may bind a port with SO_REUSEADDR; only one may listen on it.
        sock.listen(BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise SettingsError(_reason(error, host, port)) from error
    return sock


def _reason(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EACCES and port < 1024:
        return f"Port {port} is reserved for the system: choose one from 1024 on with --port."
    if error.errno == errno.EADDRNOTAVAIL:
        return f"{host} is not an address of this machine: check --server-name."
    return f"Port {port} on {host} cannot be used: {error.strerror}."
