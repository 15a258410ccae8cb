"""The link with an access token, as Jupyter has it: users S10, S25, S40, S41."""

from __future__ import annotations

import pytest

from tests.server.visitors import (
    BROWSER,
    HOST,
    TOKEN,
    WITH_TOKEN,
    basic,
    cookie_of,
    visit,
)


def test_token_link_sets_the_cookie_and_vanishes() -> None:
    server = visit(WITH_TOKEN)
    answer = server.get(f"/whoami?a=1&token={TOKEN}&b=%C3%A9", headers=BROWSER)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/whoami?a=1&b=%C3%A9"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cache-control"] == "no-store"
    assert TOKEN not in answer.headers["set-cookie"]
    assert server.get("/whoami").status_code == 200


def test_token_link_is_no_open_redirect() -> None:
    answer = visit(WITH_TOKEN).get(f"http://{HOST}//evil.example/?token={TOKEN}", headers=BROWSER)
    assert answer.headers["location"] == "/"


def test_wrong_token_says_so() -> None:
    answer = visit(WITH_TOKEN).get("/?token=old", headers=BROWSER)
    assert answer.status_code == 401
    assert "token is not valid" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [{"authorization": f"Bearer {TOKEN}"}, basic("", TOKEN), basic("anything", TOKEN)],
    ids=["bearer", "basic-without-name", "basic"],
)
def test_token_for_scripts(headers: dict[str, str]) -> None:
    assert visit(WITH_TOKEN).get("/whoami", headers=headers).status_code == 200


def test_token_in_the_query_of_scripts_is_hidden_from_the_app() -> None:
    answer = visit(WITH_TOKEN).get(f"/whoami?token={TOKEN}&x=1")
    assert answer.json()["query"] == "x=1"


def test_token_page_asks_for_the_token() -> None:
    server = visit(WITH_TOKEN)
    page = server.get("/login", headers=BROWSER)
    assert 'name="password"' in page.text
    assert 'name="username"' not in page.text
    assert server.post("/login", data={"password": "no"}, headers=BROWSER).status_code == 401
    assert server.post("/login", data={"password": TOKEN}, headers=BROWSER).status_code == 303
    assert server.get("/whoami").status_code == 200


def test_proxy_login_beside_the_token_link() -> None:
    """A proxy's own Basic login in the same header does not count as a wrong token."""
    headers = BROWSER | basic("proxy-user", "proxy-password")
    assert visit(WITH_TOKEN).get(f"/?token={TOKEN}", headers=headers).status_code == 303


def test_a_new_token_ends_sessions() -> None:
    server = visit(WITH_TOKEN)
    server.get(f"/?token={TOKEN}", headers=BROWSER)
    other = visit(type(WITH_TOKEN)(token="next", public=True))
    assert other.get("/whoami", headers=cookie_of(server)).status_code == 401


def test_s40_secrets_are_in_no_answer() -> None:
    server = visit(WITH_TOKEN)
    for path in ("/", "/login", "/whoami", f"/?token={TOKEN}"):
        answer = server.get(path, headers=BROWSER)
        assert TOKEN not in answer.text + str(answer.headers)
