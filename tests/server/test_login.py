"""The login of page and API by name and password: users S39-S43, api 4, api 8.7 and 8.34."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from server.front import protect
from server.gate import OPEN_PATHS
from server.headers import NO_FRAMES
from tests.server.visitors import (
    ANN,
    BOB,
    BROWSER,
    FETCH,
    HOST,
    OPEN_LAN,
    OPEN_LOCAL,
    SOCKET,
    WITH_TOKEN,
    basic,
    client,
    cookie_of,
    policy,
    tiny_app,
    users,
    visit,
)

PATHS = ["/", "/whoami", "/sdapi/v1/options", "/nothing-here", "/docs", "/internal/progress"]


def log_in(server: TestClient, name: str = "ann", password: str = "an apple") -> None:
    form = {"username": name, "password": password}
    assert server.post("/login", data=form).json() == {"success": True}


@pytest.fixture(params=["users", "token"])
def locked(request: pytest.FixtureRequest) -> Iterator[TestClient]:
    yield visit(users(ANN, BOB) if request.param == "users" else WITH_TOKEN)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"])
def test_s39_nothing_answers_scripts_without_login(
    locked: TestClient, path: str, method: str
) -> None:
    answer = locked.request(method, path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic ")
    if method != "HEAD":
        assert answer.json()["detail"] == "Not authenticated"


def test_s39_the_allow_list_is_short() -> None:
    assert frozenset({"/internal/ping", "/login", "/logout"}) == OPEN_PATHS


@pytest.mark.parametrize(
    "path",
    ["//login", "/login/", "/login/../whoami", "/LOGIN", "/internal/ping/x", "/internal/ping/"],
)
def test_s39_look_alikes_of_open_paths_are_closed(locked: TestClient, path: str) -> None:
    assert locked.get(f"http://{HOST}{path}").status_code == 401


def test_api_refusal_has_a1111s_shape(locked: TestClient) -> None:
    assert locked.get("/sdapi/v1/options").json() == {
        "error": "HTTPException",
        "detail": "Not authenticated",
        "body": "",
        "errors": "",
    }


def test_ping_is_open(locked: TestClient) -> None:
    answer = locked.get("/internal/ping")
    assert (answer.status_code, answer.json()) == (200, {})


@pytest.mark.parametrize(
    ("path", "next_path"),
    [("/", "/"), ("/whoami?x=1", "/whoami?x=1"), ("//evil.example/", "/"), ("/docs", "/docs")],
)
def test_navigations_go_to_the_login_page(locked: TestClient, path: str, next_path: str) -> None:
    answer = locked.get(f"http://{HOST}{path}", headers=BROWSER)
    assert answer.status_code == 303
    target = urlsplit(answer.headers["location"])
    assert target.path == "/login"
    assert parse_qs(target.query)["next"] == [next_path]
    assert "www-authenticate" not in answer.headers


def test_navigation_without_sec_fetch_headers(locked: TestClient) -> None:
    """Browsers omit them on plain http to other machines."""
    headers = {"user-agent": "Mozilla/5.0", "accept": "text/html,application/xhtml+xml"}
    assert locked.get("/", headers=headers).status_code == 303


def test_fetches_of_a_page_get_no_challenge(locked: TestClient) -> None:
    answer = locked.get("/whoami", headers=FETCH)
    assert answer.status_code == 401
    assert "www-authenticate" not in answer.headers
    plain_http = {"user-agent": "Mozilla/5.0", "accept": "*/*"}
    assert "www-authenticate" not in locked.get("/whoami", headers=plain_http).headers


@pytest.mark.parametrize("cookie", ["", "x", "x.y", "e30.e30", "." * 50, "a" * 5000])
def test_forged_cookies_open_nothing(locked: TestClient, cookie: str) -> None:
    for name in ("overpaint-session", "session", "access-token"):
        answer = locked.get("/whoami", headers={"cookie": f"{name}={cookie}"})
        assert answer.status_code == 401


def test_websockets_need_the_login_too(locked: TestClient) -> None:
    with (
        pytest.raises(WebSocketDisconnect) as refusal,
        locked.websocket_connect(SOCKET),
    ):
        pass
    assert refusal.value.reason == "Not authenticated"


def test_login_form_and_session() -> None:
    server = visit(users(ANN, BOB))
    page = server.get("/login?next=/whoami", headers=BROWSER)
    assert page.status_code == 200
    assert 'name="username"' in page.text
    assert 'value="/whoami"' in page.text
    assert "<script" not in page.text
    assert NO_FRAMES in page.headers["content-security-policy"]
    form = {"username": "ann", "password": "an apple", "next": "/whoami"}
    answer = server.post("/login", data=form, headers=BROWSER | {"origin": f"http://{HOST}"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/whoami")
    assert server.get("/whoami").json()["name"] == "ann"
    assert server.get("/login?next=/docs", headers=BROWSER).headers["location"] == "/docs"
    with server.websocket_connect(SOCKET) as socket:
        assert socket.receive_text() == "ann"


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "",
        "evil",
    ],
)
def test_s25_next_is_no_open_redirect(target: str) -> None:
    server = visit(users(ANN))
    form = {"username": "ann", "password": "an apple", "next": target}
    assert server.post("/login", data=form, headers=BROWSER).headers["location"] == "/"
    page = server.get("/login", params={"next": target}, headers=BROWSER)
    assert page.headers["location"] == "/"


def test_s32_next_is_escaped_on_the_page() -> None:
    page = visit(users(ANN)).get("/login", params={"next": '/"><script>'}, headers=BROWSER)
    assert "<script" not in page.text


@pytest.mark.parametrize("tls", [False, True])
def test_s42_cookie_attributes(tls: bool) -> None:
    server = visit(users(ANN), tls=tls)
    answer = server.post("/login", data={"username": "ann", "password": "an apple"})
    cookie = SimpleCookie(answer.headers["set-cookie"])
    (name,) = cookie
    assert name.startswith("overpaint-session-")
    assert cookie[name]["httponly"] is True
    assert cookie[name]["samesite"] == "Lax"
    assert cookie[name]["path"] == "/"
    assert bool(cookie[name]["secure"]) is tls
    assert cookie[name]["max-age"] == str(30 * 24 * 3600)


@pytest.mark.parametrize(
    ("name", "password", "status"),
    [
        ("ann", "an apple", 200),
        ("bob", "a pear: ripe", 200),
        ("ann", "a pear: ripe", 401),
        ("ann", "AN APPLE", 401),
        ("ann", "", 401),
        ("", "an apple", 401),
        ("eve", "an apple", 401),
        ("ann\0", "an apple", 401),
    ],
)
def test_basic_login_of_api_clients(name: str, password: str, status: int) -> None:
    answer = visit(users(ANN, BOB)).get("/sdapi/v1/options", headers=basic(name, password))
    assert answer.status_code == status
    if status == 401:
        assert answer.json()["detail"] == "Incorrect username or password"
        assert answer.headers["www-authenticate"].startswith("Basic ")


@pytest.mark.parametrize(
    "value",
    ["Basic ", "Basic Og==", "Bearer None", "Basic !!!", "", "Digest x", "Basic " + "/w" * 3],
    ids=["ST-empty", "ST-colon", "bearer", "garbage", "OW-empty", "digest", "not-utf8"],
)
def test_odd_authorization_headers(value: str) -> None:
    headers = {"authorization": value}
    assert visit(users(ANN)).get("/whoami", headers=headers).status_code == 401
    assert visit(OPEN_LOCAL).get("/whoami", headers=headers).status_code == 200
    assert visit(OPEN_LAN).get("/whoami", headers=headers).status_code == 200


def test_non_ascii_passwords_in_either_spelling() -> None:
    zoe = ANN._replace(name="zo\u00eb", password="caf\u00e9")
    server = visit(users(zoe))
    assert server.get("/whoami", headers=basic("zo\u00eb", "caf\u00e9")).status_code == 200
    assert server.get("/whoami", headers=basic("zoe\u0308", "cafe\u0301")).status_code == 200


def test_user_with_two_passwords() -> None:
    """--gradio-auth and --api-auth may name one person twice."""
    server = visit(users(ANN, ANN._replace(password="second")))
    assert server.get("/whoami", headers=basic("ann", "an apple")).status_code == 200
    assert server.get("/whoami", headers=basic("ann", "second")).status_code == 200


@pytest.mark.parametrize("content", ["{}", "", "[1]", '{"username": 3}', "\xff"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_ab_posts_login_without_credentials(content: str, kind: str) -> None:
    server = visit(users(ANN))
    for _ in range(30):
        answer = server.post("/login", content=content, headers={"content-type": kind})
        assert answer.status_code == 401
    assert server.get("/whoami", headers=basic("ann", "an apple")).status_code == 200


def test_login_with_json() -> None:
    server = visit(users(ANN))
    fields = {"username": "ann", "password": "an apple"}
    assert server.post("/login", json=fields).json() == {"success": True}
    assert server.get("/whoami").json()["name"] == "ann"


def test_login_form_is_bounded() -> None:
    answer = visit(users(ANN)).post("/login", content=b"x" * 20_000)
    assert answer.status_code == 413


@pytest.mark.parametrize("access", [OPEN_LOCAL, OPEN_LAN], ids=["local", "lan"])
def test_login_without_configured_login(access: object) -> None:
    server = visit(access)  # type: ignore[arg-type]
    assert server.post("/login", data={"username": "a", "password": "b"}).json() == {
        "success": True
    }
    assert server.get("/login", headers=BROWSER).headers["location"] == "/"
    assert server.post("/logout").json() == {"success": True}


def test_wrong_method_on_the_desk() -> None:
    assert visit(users(ANN)).put("/login").status_code == 405
    assert visit(users(ANN)).get("/logout").status_code == 405


def test_foreign_pages_cannot_log_anybody_in() -> None:
    form = {"username": "ann", "password": "an apple"}
    answer = visit(users(ANN)).post("/login", data=form, headers={"origin": "https://evil.example"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_s43_logout_is_immediate_and_survives_a_restart(tmp_path: Path) -> None:
    revoked = tmp_path / "revoked.json"
    server = visit(users(ANN), revoked_file=revoked)
    log_in(server)
    stolen = cookie_of(server)
    assert visit(users(ANN)).get("/whoami", headers=stolen).status_code == 200
    assert server.post("/logout").json() == {"success": True}
    assert len(server.cookies) == 0
    assert server.get("/whoami", headers=stolen).status_code == 401
    restarted = visit(users(ANN), revoked_file=revoked)
    assert restarted.get("/whoami", headers=stolen).status_code == 401
    assert revoked.stat().st_mode & 0o777 == 0o600


def test_sessions_survive_a_restart_but_not_a_new_password_or_removal() -> None:
    server = visit(users(ANN, BOB))
    log_in(server)
    cookie = cookie_of(server)
    assert visit(users(BOB, ANN)).get("/whoami", headers=cookie).json()["name"] == "ann"
    changed = users(ANN._replace(password="new"), BOB)
    assert visit(changed).get("/whoami", headers=cookie).status_code == 401
    assert visit(users(BOB)).get("/whoami", headers=cookie).status_code == 401
    assert visit(users(ANN), key=bytes(32)).get("/whoami", headers=cookie).status_code == 401
    assert visit(WITH_TOKEN).get("/whoami", headers=cookie).status_code == 401


def test_admin_is_the_first_user_or_as_named() -> None:
    plain, named = visit(users(ANN, BOB)), visit(users(ANN, BOB, admins=["bob"]))
    assert plain.get("/whoami", headers=basic(*ANN)).json()["admin"] is True
    assert plain.get("/whoami", headers=basic(*BOB)).json()["admin"] is False
    assert named.get("/whoami", headers=basic(*ANN)).json()["admin"] is False
    assert named.get("/whoami", headers=basic(*BOB)).json()["admin"] is True


def test_s42_guessing_is_throttled() -> None:
    server = visit(users(ANN, BOB))
    codes = [server.get("/whoami", headers=basic("ann", f"{i}")).status_code for i in range(20)]
    assert codes == [401] * 5 + [429] * 15
    answer = server.get("/whoami", headers=basic("ann", "an apple"))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert "www-authenticate" not in answer.headers
    form = server.post("/login", data={"username": "bob", "password": "x"}, headers=BROWSER)
    assert form.status_code == 429
    assert "Too many wrong logins" in form.text


def test_s42_a_throttled_address_stops_nobody_who_is_in() -> None:
    front = protect(tiny_app(), policy(users(ANN, BOB)))
    ann, eve = client(front, address="10.0.0.1"), client(front, address="10.0.0.2")
    log_in(ann)
    ann_api = client(front, address="10.0.0.1")
    for i in range(20):
        eve.get("/whoami", headers=basic("ann", f"{i}"))
    assert ann.get("/whoami").json()["name"] == "ann"
    assert ann_api.get("/whoami", headers=basic(*ANN)).status_code == 200
    assert client(front, address="10.0.0.3").get("/whoami", headers=basic(*BOB)).status_code == 200
