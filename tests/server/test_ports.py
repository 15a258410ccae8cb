"""Finding a port, and the links to print."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator

import pytest

from flags import SettingsError
from server.links import page_links
from server.ports import bind_port
from settings import Settings


@pytest.fixture
def busy() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as held:
        yield held.getsockname()[1]


def test_a_busy_port_gives_the_next_free_one(busy: int) -> None:
    bound = bind_port("127.0.0.1", busy)
    with bound.socket:
        assert bound.port > busy
        assert bound.note == f"Port {busy} is busy; using {bound.port}."
        assert bound.socket.getsockname() == ("127.0.0.1", bound.port)


def test_a_free_port_is_held(busy: int) -> None:
    first = bind_port("127.0.0.1", busy + 1)
    with first.socket:
        second = bind_port("127.0.0.1", first.port)
        with second.socket:
            assert second.port > first.port
        with socket.create_connection(("127.0.0.1", first.port), timeout=5):
            pass


def test_every_interface_counts_as_busy_too() -> None:
    with socket.create_server(("0.0.0.0", 0)) as held:
        port = held.getsockname()[1]
        bound = bind_port("127.0.0.1", port)
        with bound.socket:
            assert bound.port != port


def test_no_free_port(busy: int) -> None:
    with pytest.raises(SettingsError, match=f"No free port from {busy} to {busy}: .*--port"):
        bind_port("127.0.0.1", busy, tries=1)


def test_search_ends_with_the_last_port() -> None:
    with socket.create_server(("127.0.0.1", 65535)), pytest.raises(SettingsError, match="65535"):
        bind_port("127.0.0.1", 65535)


def test_reserved_port(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(SettingsError, match="Port 80 is reserved for the system"):
        bind_port("127.0.0.1", 80)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("203.0.113.77", "is not an address of this machine"),
        ("no such host", "host name 'no such host' is unknown"),
    ],
)
def test_unusable_hosts(host: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        bind_port(host, 7860)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (Settings(), "http://127.0.0.1:7861/"),
        (Settings(token="a b"), "http://127.0.0.1:7861/?token=a+b"),
        (Settings(server_name="::1"), "http://[::1]:7861/"),
        (Settings(listen=True, token="x"), "http://127.0.0.1:7861/?token=x"),
        (Settings(subpath="p", no_auth=True), "http://127.0.0.1:7861/p/"),
        (Settings(gradio_auth=("a:b",), token="x"), "http://127.0.0.1:7861/"),
    ],
)
def test_first_link(settings: Settings, expected: str) -> None:
    assert page_links(settings, 7861)[0] == expected


def test_links_for_other_machines() -> None:
    links = page_links(Settings(listen=True, token="x"), 7860)
    assert len(links) == 2
    assert links[1].endswith(":7860/?token=x")
    assert "0.0.0.0" not in links[1]
