"""The matrix {Host} x {Origin} x {method, content type}: users S26-S28."""

from __future__ import annotations

import itertools

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from server.cors import CorsPolicy
from server.hosts import HostPolicy
from tests.server.visitors import HOST, OPEN_LAN, SOCKET, visit

LOOPBACK_HOSTS = [HOST, "localhost:7860", "[::1]:7860", "localhost", "LOCALHOST:7860"]
FOREIGN_HOSTS = [
    "evil.example",
    "localhost.evil.example:7860",
    "0.0.0.0:7860",
    "8.8.8.8:7860",
    "2130706433:7860",
    "[2001:db9::1]:7860",
    "user@localhost:7860",
    "",
]
FOREIGN_ORIGINS = [
    "https://evil.example",
    "http://evil.example",
    "null",
    "http://localhost:9999",
    "http://127.0.0.1.evil.example:7860",
    "file://",
    "",
]
CONTENT_TYPES = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
]
WRITES = ["POST", "PUT", "PATCH", "DELETE"]


@pytest.mark.parametrize("host", LOOPBACK_HOSTS)
def test_s27_loopback_hosts_are_answered(host: str) -> None:
    assert visit().get("/", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/", "/sdapi/v1/options", "/internal/ping", "/login"])
def test_s28_rebinding_hosts_get_400_with_a_sentence(host: str, path: str) -> None:
    answer = visit().get(path, headers={"host": host})
    assert answer.status_code == 400
    assert "--allowed-hosts" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert "evil" not in answer.text


def test_s28_two_host_headers_are_refused() -> None:
    answer = visit().get("/", headers=[("host", HOST), ("host", "evil.example")])
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("192.168.1.9:7860", 200),
        ("[fd00::5]:7860", 200),
        ("mybox:7860", 200),
        ("mybox.local:7860", 200),
        ("MyBox.Local.:7860", 200),
        ("8.8.8.8:7860", 400),
        ("0.0.0.0:7860", 400),
        ("evil.example", 400),
    ],
)
def test_s27_hosts_on_a_network(host: str, status: int) -> None:
    hosts = HostPolicy.build(["mybox", "mybox.local"], public=True)
    assert visit(OPEN_LAN, hosts=hosts).get("/", headers={"host": host}).status_code == status


def test_public_address_of_this_very_connection_is_trusted() -> None:
    hosts = HostPolicy.build((), public=True)
    assert hosts.allows("203.0.114.7:7860", "203.0.114.7")
    assert not hosts.allows("203.0.114.8:7860", "203.0.114.7")
    assert not hosts.allows("0.0.0.0:7860", "0.0.0.0")
    assert not HostPolicy.build((), public=False).allows("203.0.114.7:7860", "203.0.114.7")


@pytest.mark.parametrize("method", WRITES)
@pytest.mark.parametrize("content_type", CONTENT_TYPES)
@pytest.mark.parametrize("origin", FOREIGN_ORIGINS)
def test_s26_foreign_pages_cannot_write(origin: str, content_type: str, method: str) -> None:
    server = visit()
    for host, path in itertools.product(LOOPBACK_HOSTS[:3], ["/write", "/sdapi/v1/img2img"]):
        headers = {"host": host, "origin": origin, "content-type": content_type}
        answer = server.request(method, path, headers=headers, content=b"x")
        assert answer.status_code == 403
        assert "another site" in answer.json()["detail"]
        assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_s27_without_origin_sec_fetch_site_decides(site: str) -> None:
    answer = visit().post("/write", headers={"sec-fetch-site": site})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": f"http://{HOST}"},
        {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"},
        {"origin": "http://localhost:7860", "host": "localhost:7860"},
        {"origin": "http://[::1]:7860", "host": "[::1]:7860"},
        {"origin": "https://localhost", "host": "localhost"},
    ],
    ids=lambda headers: str(headers) if headers else "curl",
)
@pytest.mark.parametrize("method", WRITES)
def test_own_page_and_scripts_may_write(headers: dict[str, str], method: str) -> None:
    assert visit().request(method, "/write", headers=headers, content=b"x").json() == {"size": 1}


def test_several_origins_are_refused() -> None:
    pairs = [("origin", f"http://{HOST}"), ("origin", "https://evil.example")]
    answer = visit().post("/write", headers=pairs)
    assert answer.status_code == 403


def test_tls_page_refuses_its_plain_twin() -> None:
    server = visit(tls=True)
    assert server.post("/write", headers={"origin": f"http://{HOST}"}).status_code == 403
    assert server.post("/write", headers={"origin": f"https://{HOST}"}).status_code == 200


def _connects(server: TestClient, headers: dict[str, str]) -> bool:
    try:
        with server.websocket_connect(SOCKET, headers=headers) as socket:
            return bool(socket.receive_text())
    except WebSocketDisconnect:
        return False


@pytest.mark.parametrize(
    ("headers", "connects"),
    [
        ({}, True),
        ({"origin": f"http://{HOST}"}, True),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"host": "evil.example"}, False),
        ({"host": "evil.example", "origin": "http://evil.example"}, False),
    ],
    ids=str,
)
def test_s28_websocket_handshakes(headers: dict[str, str], connects: bool) -> None:
    server = visit()
    assert _connects(server, {"host": HOST} | headers) is connects


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"http://{HOST}"])
def test_s26_inner_cors_headers_never_leave(origin: str) -> None:
    answer = visit(OPEN_LAN).get("/", headers={"origin": origin, "host": "192.168.1.9:7860"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_closed_preflight_is_a1111s_400(origin: str) -> None:
    headers = {"origin": origin, "access-control-request-method": "POST"}
    answer = visit().options("/sdapi/v1/img2img", headers=headers)
    assert (answer.status_code, answer.text) == (400, "Disallowed CORS origin")
    assert "access-control-allow-origin" not in answer.headers


FRIEND = "https://friend.example"
NAMED = CorsPolicy.build([FRIEND])
PATTERN = CorsPolicy.build([], r"https://[a-z]+\.friend\.example")
ANY = CorsPolicy.build(["*"])


@pytest.mark.parametrize(
    ("cors", "origin", "allowed", "credentials"),
    [
        (NAMED, FRIEND, FRIEND, "true"),
        (NAMED, "https://FRIEND.example", "https://FRIEND.example", "true"),
        (NAMED, "https://friend.example.evil.example", None, None),
        (NAMED, "http://friend.example", None, None),
        (NAMED, "null", None, None),
        (PATTERN, "https://a.friend.example", "https://a.friend.example", "true"),
        (PATTERN, "https://a.friend.example.evil.example", None, None),
        (ANY, "https://evil.example", "*", None),
        (ANY, "null", None, None),
    ],
)
def test_cors_flags(
    cors: CorsPolicy, origin: str, allowed: str | None, credentials: str | None
) -> None:
    server = visit(cors=cors)
    read = server.get("/", headers={"origin": origin})
    write = server.post("/write", headers={"origin": origin, "sec-fetch-site": "cross-site"})
    asked = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-headers": "content-type, authorization",
    }
    preflight = server.options("/sdapi/v1/img2img", headers=asked)
    assert read.headers.get("access-control-allow-origin") == allowed
    assert read.headers.get("access-control-allow-credentials") == credentials
    assert write.status_code == (403 if allowed is None else 200)
    assert preflight.status_code == (400 if allowed is None else 200)
    if allowed is not None:
        assert preflight.headers["access-control-allow-origin"] == allowed
        assert "POST" in preflight.headers["access-control-allow-methods"]
        assert preflight.headers["access-control-allow-headers"] == "content-type, authorization"
