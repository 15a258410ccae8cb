"""Host and Origin headers: what they name."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.addresses import (
    Authority,
    Origin,
    is_local_network,
    is_loopback,
    parse_authority,
    parse_ip,
    parse_origin,
    same_site,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", Authority("localhost", None)),
        ("LocalHost.:7860", Authority("localhost", 7860)),
        ("127.0.0.1:7860", Authority("127.0.0.1", 7860)),
        ("[::1]:7860", Authority("::1", 7860)),
        ("[0:0:0:0:0:0:0:1]", Authority("::1", None)),
        ("[::ffff:127.0.0.1]", Authority("127.0.0.1", None)),
        ("box.local", Authority("box.local", None)),
        ("", None),
        ("::1", None),
        ("[::1", None),
        ("[box]", None),
        ("a:b", None),
        ("a:99999", None),
        ("user@localhost", None),
        ("localhost/evil", None),
        ("localhost:7860:7860", None),
        ("local host", None),
        ("localhost\n", None),
    ],
)
def test_authority(text: str, expected: Authority | None) -> None:
    assert parse_authority(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("http://localhost:7860", Origin("http", "localhost", 7860)),
        ("https://Box.Example", Origin("https", "box.example", 443)),
        ("http://[::1]", Origin("http", "::1", 80)),
        ("null", None),
        ("", None),
        ("file://", None),
        ("chrome-extension://abcdef", None),
        ("http://localhost/", None),
        ("http://a@localhost", None),
        ("http://localhost http://evil.example", None),
    ],
)
def test_origin(text: str, expected: Origin | None) -> None:
    assert parse_origin(text) == expected


@pytest.mark.parametrize(
    ("origin", "host", "secure", "same"),
    [
        ("http://localhost:7860", "localhost:7860", False, True),
        ("http://localhost:7861", "localhost:7860", False, False),
        ("http://localhost", "localhost:7860", False, False),
        ("http://127.0.0.1:7860", "localhost:7860", False, False),
        ("https://box.example", "box.example", False, True),
        ("https://box.example:443", "box.example", False, True),
        ("https://box.example", "box.example:443", True, True),
        ("http://box.example:443", "box.example:443", True, False),
        ("https://box.example.evil.example", "box.example", False, False),
    ],
)
def test_same_site(origin: str, host: str, secure: bool, same: bool) -> None:
    parsed, authority = parse_origin(origin), parse_authority(host)
    assert parsed is not None
    assert authority is not None
    assert same_site(parsed, authority, secure=secure) is same


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("localhost.evil.example", False),
        ("192.168.1.2", False),
    ],
)
def test_loopback(host: str, here: bool) -> None:
    assert is_loopback(host) is here


@pytest.mark.parametrize(
    ("text", "local"),
    [
        ("192.168.1.2", True),
        ("10.0.0.1", True),
        ("172.16.3.4", True),
        ("fd12::1", True),
        ("fe80::1", True),
        ("169.254.3.4", True),
        ("8.8.8.8", False),
        ("0.0.0.0", False),
        ("::", False),
        ("224.0.0.1", False),
        ("2001:4860:4860::8888", False),
    ],
)
def test_local_network(text: str, local: bool) -> None:
    address = parse_ip(text)
    assert address is not None
    assert is_local_network(address) is local


@settings(deadline=None)
@given(st.text(max_size=40))
def test_parsers_never_fail(text: str) -> None:
    authority = parse_authority(text)
    assert authority is None or "/" not in authority.host
    parse_origin(text)


@settings(deadline=None)
@given(st.ip_addresses(), st.integers(1, 65535))
def test_every_address_is_read(address: object, port: int) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    authority = parse_authority(f"{host}:{port}")
    assert authority is not None
    assert authority.port == port
    assert parse_ip(authority.host) == parse_ip(str(address))
