"""Owners of visitors without a user name: users S43."""

from __future__ import annotations

import pytest

from server.front import protect
from server.identity import owner_of
from tests.server.visitors import (
    BROWSER,
    FETCH,
    OPEN_LAN,
    OPEN_LOCAL,
    TOKEN,
    WITH_TOKEN,
    client,
    cookie_of,
    policy,
    tiny_app,
    visit,
)


@pytest.mark.parametrize("headers", [{}, BROWSER, FETCH], ids=["script", "page", "fetch"])
def test_everything_local_is_local(headers: dict[str, str]) -> None:
    answer = visit(OPEN_LOCAL, address="127.0.0.1").get("/whoami", headers=headers)
    assert answer.json() == {"name": "local", "admin": True, "query": ""}
    assert "set-cookie" not in answer.headers


def test_two_browsers_are_two_guests() -> None:
    front = protect(tiny_app(), policy(OPEN_LAN))
    one, two = client(front), client(front)
    names = [browser.get("/whoami", headers=BROWSER).json()["name"] for browser in (one, two)]
    assert names[0] != names[1]
    assert one.get("/whoami", headers=FETCH).json()["name"] == names[0]
    assert two.get("/whoami", headers=FETCH).json()["name"] == names[1]


def test_owner_cookie_is_set_once_and_unreadable_for_scripts() -> None:
    server = visit(OPEN_LAN)
    first = server.get("/whoami", headers=BROWSER)
    assert "HttpOnly" in first.headers["set-cookie"]
    assert "SameSite=Lax" in first.headers["set-cookie"]
    assert "set-cookie" not in server.get("/whoami", headers=BROWSER).headers


def test_scripts_go_by_address() -> None:
    answer = visit(OPEN_LAN, address="192.168.1.7").get("/whoami")
    assert answer.json()["name"] == "guest-192.168.1.7"
    assert "set-cookie" not in answer.headers


def test_a_guest_stays_himself_under_the_next_token() -> None:
    server = visit(WITH_TOKEN)
    server.get(f"/?token={TOKEN}", headers=BROWSER)
    name = server.get("/whoami", headers=BROWSER).json()["name"]
    assert name.startswith("guest-")
    cookie = cookie_of(server)
    restarted = visit(type(WITH_TOKEN)(token="next", public=True))
    headers = BROWSER | cookie | {"authorization": "Bearer next"}
    assert restarted.get("/whoami", headers=headers).json()["name"] == name


def test_nobody_becomes_another_guest_by_a_cookie_of_his_own_making() -> None:
    server = visit(OPEN_LAN)
    server.get("/whoami", headers=BROWSER)
    ((name, value),) = server.cookies.items()
    payload, _, signature = value.partition(".")
    for forged in (payload, f"{payload}.", f"{payload}x.{signature}", f"{payload}.{signature}x"):
        answer = visit(OPEN_LAN).get("/whoami", headers={"cookie": f"{name}={forged}"})
        assert answer.json()["name"] == "guest-192.168.1.50"


@pytest.mark.parametrize(
    ("address", "headers", "admin"),
    [
        ("127.0.0.1", {}, True),
        ("::1", {}, True),
        ("192.168.1.7", {}, False),
        ("127.0.0.1", {"x-forwarded-for": "8.8.8.8"}, False),
        ("127.0.0.1", {"forwarded": "for=8.8.8.8"}, False),
        ("testclient", {}, False),
    ],
)
def test_who_sits_at_the_machine_is_admin(
    address: str, headers: dict[str, str], admin: bool
) -> None:
    answer = visit(OPEN_LAN, address=address).get("/whoami", headers=headers)
    assert answer.json()["admin"] is admin


def test_an_app_without_the_front_has_no_owner() -> None:
    with pytest.raises(RuntimeError, match="protect"):
        owner_of({"type": "http"})


def test_clients_cannot_name_the_owner() -> None:
    headers = {"overpaint.owner": "local", "x-overpaint-owner": "local"}
    assert visit(OPEN_LAN).get("/whoami", headers=headers).json()["name"] != "local"
