"""Fetching a picture from an http(s) address without becoming a gate into the local network.

The host is resolved once, every address it has must be on the public internet, and the connection
goes to exactly the address that was checked; each redirect starts over. Size and time are limited.
Proxies of the environment are not used: they would resolve the name again (api 5, users S22, S24).
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
_URL_SAFE = "%/:?#[]@!$&'()*+,;=~-._"
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class FetchError(Exception):
    """The address cannot be fetched; the message is for the caller."""


class ForbiddenAddress(FetchError):
    """The host is not on the public internet, or there is no such host."""


class Unreachable(FetchError):
    """The connection failed."""


class TooSlow(FetchError):
    """The time was over."""


class BadAnswer(FetchError):
    """The server answered something other than a document of a sensible size."""


@dataclass(frozen=True)
class FetchPolicy:
    """`only_public` refuses every host of which one address is not globally routable."""

    only_public: bool = True
    user_agent: str = ""
    timeout: float = 30.0
    """Seconds for everything, redirects included."""
    max_bytes: int = 64 * 1024 * 1024


Resolver = Callable[[str, int], Sequence[Address]]


def resolve(host: str, port: int) -> list[Address]:
    """All addresses of a host, as the system finds them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(str(entry[4][0]).split("%", 1)[0]) for entry in found]


def fetch(url: str, policy: FetchPolicy, resolver: Resolver = resolve) -> bytes:
    """The body behind an http(s) address. Blocks; raises FetchError."""
    deadline = time.monotonic() + policy.timeout
    for _ in range(MAX_REDIRECTS + 1):
        body, location = _hop(url, policy, resolver, deadline)
        if location is None:
            return body
        url = urljoin(url, location)
    raise BadAnswer(f"more than {MAX_REDIRECTS} redirects")


def is_public(address: Address) -> bool:
    """Whether an address is an ordinary one on the public internet, also behind IPv6 transition.

    False for loopback, private, link-local, shared (CGNAT), multicast and reserved addresses, and
    for IPv6 addresses that carry such an IPv4 address (mapped, 6to4, Teredo, NAT64).
    """
    if isinstance(address, ipaddress.IPv6Address):
        inner = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if address in _NAT64:
            inner.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
        carried = [one for one in inner if one is not None]
        if carried:
            return all(is_public(one) for one in carried)
    return address.is_global and not (
        address.is_multicast or address.is_reserved or address.is_unspecified
    )


def _hop(
    url: str, policy: FetchPolicy, resolver: Resolver, deadline: float
) -> tuple[bytes, str | None]:
    """One request: the body, or where it was moved to."""
    parts = _checked_parts(url)
    addresses, port = _checked_addresses(parts, policy, resolver)
    target = quote(parts.path or "/", safe=_URL_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_URL_SAFE)
    headers = {"Accept": "image/*", "Accept-Encoding": "identity", "Connection": "close"}
    if policy.user_agent:
        headers["User-Agent"] = policy.user_agent
    try:
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(_connect(addresses, port, deadline))
            stack.enter_context(_cut_at(deadline, sock))
            connection = _speak_over(sock, parts, port)
            stack.callback(connection.close)
            connection.request("GET", target, headers=headers)
            answer = stack.enter_context(contextlib.closing(connection.getresponse()))
            if answer.status in _REDIRECTS:
                return b"", answer.getheader("Location") or ""
            if answer.status != http.client.OK:
                raise BadAnswer(f"the server answered {answer.status}")
            body = _read(answer, policy.max_bytes)
            if time.monotonic() >= deadline:
                raise TimeoutError
            return body, None
    except (OSError, http.client.HTTPException, ValueError) as error:
        if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
            raise TooSlow("the server took too long") from error
        raise Unreachable("the connection failed") from error


def _checked_parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise BadAnswer("that is not a valid address") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise BadAnswer("only http and https addresses with a host can be fetched")
    return parts


def _checked_addresses(
    parts: SplitResult, policy: FetchPolicy, resolver: Resolver
) -> tuple[Sequence[Address], int]:
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        addresses = resolver(host, port)
    except (OSError, UnicodeError, ValueError) as error:
        raise ForbiddenAddress(f"{host} cannot be resolved") from error
    if not addresses:
        raise ForbiddenAddress(f"{host} cannot be resolved")
    if policy.only_public and not all(is_public(address) for address in addresses):
        raise ForbiddenAddress(f"{host} is not on the public internet")
    return addresses, port


def _connect(addresses: Sequence[Address], port: int, deadline: float) -> socket.socket:
    """A socket to the first checked address that answers."""
    failed = OSError("no address")
    for address in addresses:
        patience = max(0.1, deadline - time.monotonic())
        try:
            return socket.create_connection((str(address), port), timeout=patience)
        except OSError as error:
            failed = error
    raise failed


def _speak_over(sock: socket.socket, parts: SplitResult, port: int) -> http.client.HTTPConnection:
    """HTTP(S) over an open socket; it never opens another one, which would resolve again."""
    is_secure = parts.scheme == "https"
    connection = http.client.HTTPConnection(parts.hostname or "", port)
    connection.default_port = 443 if is_secure else 80
    connection.auto_open = 0
    connection.sock = sock
    if is_secure:
        context = ssl.create_default_context()
        connection.sock = context.wrap_socket(sock, server_hostname=parts.hostname)
    return connection


@contextlib.contextmanager
def _cut_at(deadline: float, sock: socket.socket) -> Iterator[None]:
    """Shut the connection down at the deadline, however slowly the server keeps sending."""
    # TLS takes the socket over; its twin stays a handle on the same connection.
    twin = sock.dup()

    def cut() -> None:
        with contextlib.suppress(OSError):
            twin.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        twin.close()


def _read(answer: http.client.HTTPResponse, limit: int) -> bytes:
    body = bytearray()
    while chunk := answer.read(_CHUNK):
        body += chunk
        if len(body) > limit:
            raise BadAnswer(f"the document is larger than {limit:,} bytes")
    if answer.length:
        raise http.client.IncompleteRead(bytes(body), answer.length)
    return bytes(body)
