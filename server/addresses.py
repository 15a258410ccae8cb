"""What a Host or Origin header names: parsing and kinds of addresses; who is let in: `hosts.py`."""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import NamedTuple

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_HOST = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+))(?::([0-9]{1,5}))?")
_ORIGIN = re.compile(r"(https?)://([^/?#@\s]+)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Authority(NamedTuple):
    """A host name (lower case, no final dot) or bare address, and the port if one was written."""

    host: str
    port: int | None


class Origin(NamedTuple):
    """Scheme, host and explicit port of an Origin header."""

    scheme: str
    host: str
    port: int


def parse_authority(text: str) -> Authority | None:
    """Read `name`, `name:port`, `1.2.3.4:port` or `[::1]:port`; None for anything else."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    literal, name, port = match.groups()
    if port is not None and int(port) > 65535:
        return None
    if literal is not None:
        address = parse_ip(literal)
        return None if address is None else Authority(str(address), _port(port))
    return Authority(name.lower().removesuffix("."), _port(port))


def _port(text: str | None) -> int | None:
    return None if text is None else int(text)


def parse_origin(text: str) -> Origin | None:
    """Read `http://name[:port]`; None for `null`, other schemes and anything with a path."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        return None
    authority = parse_authority(match.group(2))
    if authority is None:
        return None
    scheme = match.group(1).lower()
    return Origin(scheme, authority.host, authority.port or _DEFAULT_PORTS[scheme])


def same_site(origin: Origin, host: Authority, *, secure: bool) -> bool:
    """Whether a page of this origin was served under this Host.

    A Host without a port means the default port of the origin's scheme, so a proxy that ends TLS in
    front of us works. Over TLS of our own (`secure`) the origin must be https as well.
    """
    if secure and origin.scheme != "https":
        return False
    port = host.port or _DEFAULT_PORTS[origin.scheme]
    return (origin.host, origin.port) == (host.host, port)


def parse_ip(text: str) -> IPAddress | None:
    """An IP literal in its usual spelling (mapped IPv4 unwrapped), or None for a name."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(host: str) -> bool:
    """Whether a host names this very machine: `localhost`, 127.0.0.0/8 or ::1."""
    address = parse_ip(host)
    return host == "localhost" if address is None else address.is_loopback


def is_local_network(address: IPAddress) -> bool:
    """Whether an address belongs to a private network; 0.0.0.0 and multicast do not."""
    if address.is_unspecified or address.is_multicast:
        return False
    return address.is_loopback or address.is_link_local or address.is_private


def machine_names() -> frozenset[str]:
    """Names under which other machines of a household reach this one."""
    full = socket.gethostname().lower()
    short = full.split(".")[0]
    return frozenset({full, short, f"{short}.local"}) if short else frozenset()
