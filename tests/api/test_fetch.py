"""Image fields that are addresses: what is fetched, and above all what is not (api 5, S22, S24)."""

from __future__ import annotations

import contextlib
import ipaddress
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from api.fetch import (
    BadAnswer,
    FetchError,
    FetchPolicy,
    ForbiddenAddress,
    TooSlow,
    Unreachable,
    fetch,
    is_public,
    resolve,
)
from tests.api.conftest import Api, picture_file

PICTURE = picture_file(size=(64, 64))


@dataclass
class Canary:
    """A server on loopback that notes who calls; `answers`: path -> (status, headers, body)."""

    port: int
    hits: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str], bytes]] = field(default_factory=dict)
    pause: float = 0.0

    def url(self, path: str = "/a.png", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


@pytest.fixture
def canary() -> Iterator[Canary]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            bird.hits.append((self.path, dict(self.headers.items())))
            status, headers, body = bird.answers.get(self.path, (200, {}, PICTURE))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            for k in range(0, len(body), 16) if bird.pause else [0]:
                self.wfile.write(body[k : k + 16] if bird.pause else body)
                self.wfile.flush()
                time.sleep(bird.pause)

        def log_message(self, *args: Any) -> None:
            pass

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client cut the connection, as tests want it
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    bird = Canary(server.server_port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
    yield bird
    server.shutdown()
    server.server_close()


LOCAL_OK = FetchPolicy(only_public=False, timeout=5.0)

PRIVATE = [
    "127.0.0.1",
    "127.8.9.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
]
PUBLIC = ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::101:101"]


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_that_are_not_public(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_addresses_that_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))


SPELLINGS = {
    "plain": "127.0.0.1",
    "name": "localhost",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "zero": "0.0.0.0",
    "mapped": "[::ffff:127.0.0.1]",
    "loopback 6": "[::1]",
    "no such host": "no-such-host.invalid",
    "user part": "example.org@127.0.0.1",
}


@pytest.mark.parametrize("host", SPELLINGS.values(), ids=SPELLINGS)
def test_no_spelling_reaches_the_canary(api: Api, canary: Canary, host: str) -> None:
    for path, body in (
        ("/img2img", {"init_images": [canary.url(host=host)]}),
        ("/png-info", {"image": canary.url(host=host)}),
    ):
        response = api.post(path, body)
        assert response.status_code == 500
        assert response.json()["detail"] == "Request to local resource not allowed"
    assert canary.hits == []


def settings_file(data_dir: Path, text: str) -> None:
    data_dir.mkdir(exist_ok=True)
    (data_dir / "config.json").write_text(text)


def test_fetching_can_be_turned_off(
    tmp_path: Path, make_api: Callable[[], Api], canary: Canary
) -> None:
    settings_file(
        tmp_path / "data", '{"api_enable_requests": false, "api_forbid_local_requests": false}'
    )
    response = make_api().post("/png-info", {"image": canary.url()})
    assert response.status_code == 500
    assert response.json()["detail"] == "Requests not allowed"
    assert canary.hits == []


def test_the_api_cannot_open_the_door_itself(api: Api, canary: Canary) -> None:
    opening = {"api_forbid_local_requests": False}
    assert api.post("/options", opening).status_code == 200
    body = {"init_images": [canary.url()], "override_settings": opening}
    assert api.post("/img2img", body).status_code == 500
    assert canary.hits == []


@pytest.fixture
def local_api(tmp_path: Path, make_api: Callable[[], Api]) -> Api:
    """An operator has allowed local addresses in the settings file."""
    settings_file(
        tmp_path / "data", '{"api_forbid_local_requests": false, "api_useragent": "me/1"}'
    )
    return make_api()


def test_what_the_operator_allows_is_fetched(local_api: Api, canary: Canary) -> None:
    response = local_api.post("/img2img", {"init_images": [f"  {canary.url('/a b.png?c=d e')}"]})
    assert response.status_code == 200, response.text
    (ref,) = local_api.engine.only_job().spec.request.init_images
    assert local_api.services.assets.path(ref).read_bytes() == PICTURE
    ((path, headers),) = canary.hits
    assert path == "/a%20b.png?c=d%20e"
    assert headers["User-Agent"] == "me/1"
    assert headers["Host"] == f"127.0.0.1:{canary.port}"


ANSWERS: dict[str, tuple[int, dict[str, str], bytes]] = {
    "no image": (200, {}, b"<html>"),
    "empty": (200, {}, b""),
    "not found": (404, {}, PICTURE),
    "no content": (204, {}, b""),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_answers_that_are_no_picture(
    local_api: Api, canary: Canary, answer: tuple[int, dict[str, str], bytes]
) -> None:
    canary.answers["/a.png"] = answer
    response = local_api.post("/png-info", {"image": canary.url()})
    assert response.status_code == 500
    assert response.json()["detail"] == "Invalid image url"


def test_a_closed_port_is_a_connection_error(local_api: Api) -> None:
    response = local_api.post("/png-info", {"image": "http://127.0.0.1:9/a.png"})
    assert response.status_code == 500
    assert (response.json()["error"], response.json()["detail"]) == ("ConnectionError", "")


def test_a_name_that_changes_its_mind_is_asked_once(canary: Canary) -> None:
    """DNS rebinding: the second answer would be loopback, but there is no second question."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [ipaddress.ip_address("192.0.2.7" if len(asked) == 1 else "127.0.0.1")]

    policy = FetchPolicy(only_public=False, timeout=0.3)
    with pytest.raises(FetchError):
        fetch(canary.url(host="rebind.example"), policy, rebinding)
    assert asked == ["rebind.example"]
    assert canary.hits == []


def test_one_private_address_among_public_ones_is_enough(canary: Canary) -> None:
    mixed = [ipaddress.ip_address(text) for text in ("1.1.1.1", "127.0.0.1")]
    with pytest.raises(ForbiddenAddress):
        fetch(canary.url(host="mixed.example"), FetchPolicy(), lambda host, port: mixed)
    assert canary.hits == []


def test_a_host_without_addresses_is_forbidden() -> None:
    with pytest.raises(ForbiddenAddress, match="cannot be resolved"):
        fetch("http://nowhere.example/", FetchPolicy(), lambda host, port: [])


def test_the_next_address_is_tried(canary: Canary) -> None:
    both = [ipaddress.ip_address(text) for text in ("127.0.0.99", "127.0.0.1")]
    url = canary.url(host="two.example")
    assert fetch(url, LOCAL_OK, lambda host, port: both) == PICTURE
    assert canary.hits[0][1]["Host"] == f"two.example:{canary.port}"


def test_a_redirect_is_followed_after_a_new_check(canary: Canary) -> None:
    canary.answers["/start"] = (302, {"Location": "/a.png"}, b"")
    assert fetch(canary.url("/start"), LOCAL_OK) == PICTURE
    assert [path for path, _ in canary.hits] == ["/start", "/a.png"]


def test_a_redirect_into_the_local_network_is_refused(
    canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first host counts as public; where it points to does not."""
    canary.answers["/start"] = (302, {"Location": canary.url("/secret", "inside.example")}, b"")
    inside = ipaddress.ip_address("127.0.0.1")
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[Any]:
        asked.append(host)
        return [inside]

    # Loopback counts as public for the first host only, as if it lay on the internet.
    monkeypatch.setattr("api.fetch.is_public", lambda address: asked[-1] == "outside.example")
    with pytest.raises(ForbiddenAddress):
        fetch(canary.url("/start", "outside.example"), FetchPolicy(timeout=5.0), resolver)
    assert [path for path, _ in canary.hits] == ["/start"]


REDIRECTS = {
    "to a file": "file:///etc/passwd",
    "to ftp": "ftp://127.0.0.1/a",
    "without a host": "http://",
    "to itself for ever": "",
}


@pytest.mark.parametrize("location", REDIRECTS.values(), ids=REDIRECTS)
def test_redirects_that_are_not_followed(canary: Canary, location: str) -> None:
    canary.answers["/start"] = (307, {"Location": location}, b"")
    with pytest.raises(BadAnswer):
        fetch(canary.url("/start"), LOCAL_OK)
    assert {path for path, _ in canary.hits} == {"/start"}
    assert len(canary.hits) <= 4


BAD_URLS = [
    "ftp://1.1.1.1/",
    "http://",
    "http://:80/",
    "http://1.1.1.1:0/",
    "http://1.1.1.1:99999/",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(BadAnswer):
        fetch(url, FetchPolicy())


def test_too_large_a_document_is_cut_off(canary: Canary) -> None:
    canary.answers["/big"] = (200, {}, b"x" * 300_000)
    policy = FetchPolicy(only_public=False, max_bytes=100_000)
    with pytest.raises(BadAnswer, match="larger than 100,000"):
        fetch(canary.url("/big"), policy)


def test_a_server_that_drips_is_cut_off_in_time(canary: Canary) -> None:
    canary.answers["/slow"] = (200, {"Content-Length": "100000"}, b"x" * 100_000)
    canary.pause = 0.05
    begun = time.monotonic()
    with pytest.raises(TooSlow):
        fetch(canary.url("/slow"), FetchPolicy(only_public=False, timeout=0.4))
    assert time.monotonic() - begun < 2.0


def test_a_body_that_ends_early_is_no_picture(canary: Canary) -> None:
    canary.answers["/short"] = (200, {"Content-Length": "100000"}, PICTURE)
    with pytest.raises(Unreachable):
        fetch(canary.url("/short"), LOCAL_OK)


def test_https_does_not_speak_plain_http(canary: Canary) -> None:
    with pytest.raises(Unreachable):
        fetch(canary.url().replace("http", "https", 1), LOCAL_OK)
    assert canary.hits == []


@pytest.fixture
def tls_canary(canary: Canary, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The canary behind TLS, under the name pictures.example; its port and certificate."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl makes the certificate of this test")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [
            *(openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=pictures.example"),
            *("-addext", "subjectAltName=DNS:pictures.example"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_terminate_tls, args=(listening, context))
        thread.start()
        yield listening.getsockname()[1], certificate
        with contextlib.suppress(OSError), socket.create_connection(listening.getsockname()):
            pass  # wakes the thread, should it still wait for a caller
        thread.join()


def _terminate_tls(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Answer one caller."""
    plain, _ = listening.accept()
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as secure:
        secure.recv(65536)
        secure.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    plain.close()


HOSTS = {"the certificate's": ("pictures.example", True), "another": ("other.example", False)}


@pytest.mark.parametrize(("host", "accepted"), HOSTS.values(), ids=HOSTS)
def test_https_checks_the_name_not_the_address(
    tls_canary: tuple[int, Path], host: str, accepted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, certificate = tls_canary
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr("ssl.create_default_context", lambda: trusting)
    loopback = [ipaddress.ip_address("127.0.0.1")]
    url = f"https://{host}:{port}/"
    if accepted:
        assert fetch(url, LOCAL_OK, lambda name, at: loopback) == b"ok"
    else:
        with pytest.raises(Unreachable):
            fetch(url, LOCAL_OK, lambda name, at: loopback)


def test_the_systems_resolver() -> None:
    assert ipaddress.ip_address("127.0.0.1") in resolve("127.0.0.1", 80)
