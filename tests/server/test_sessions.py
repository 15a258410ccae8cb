"""Signed cookies, the key behind them, and logouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flags import SettingsError
from server.sessions import Sessions, load_key
from tests.server.visitors import KEY


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def test_a_cookie_says_who_and_ends_in_time() -> None:
    clock = Clock()
    sessions = Sessions(KEY, None, clock)
    cookie = sessions.issue("session", "zo\u00eb", binding="b", lifetime=60)
    session = sessions.read(cookie, "session", lambda _: "b")
    assert session is not None
    assert (session.kind, session.subject, session.expires) == ("session", "zo\u00eb", 1_000_060)
    assert len(session.id) == 64
    clock.now += 60
    assert sessions.read(cookie, "session", lambda _: "b") is None


@pytest.mark.parametrize(
    ("kind", "binding", "key"),
    [("owner", "b", KEY), ("session", "c", KEY), ("session", None, KEY), ("session", "b", b"k")],
    ids=["other-kind", "other-binding", "subject-gone", "other-key"],
)
def test_a_cookie_is_good_for_one_thing(kind: str, binding: str | None, key: bytes) -> None:
    cookie = Sessions(KEY, None).issue("session", "ann", binding="b", lifetime=60)
    assert Sessions(key, None).read(cookie, kind, lambda _: binding) is None
    assert Sessions(KEY, None).read(cookie, "session", lambda _: "b") is not None


@settings(deadline=None)
@given(st.text(max_size=80))
def test_nonsense_is_no_session(text: str) -> None:
    assert Sessions(KEY, None).read(text, "session", lambda _: "") is None


def test_revocation_is_kept_and_forgotten_when_expired(tmp_path: Path) -> None:
    clock, file = Clock(), tmp_path / "revoked.json"
    sessions = Sessions(KEY, file, clock)
    for lifetime in (10, 1000):
        cookie = sessions.issue("session", "ann", binding="", lifetime=lifetime)
        session = sessions.read(cookie, "session", lambda _: "")
        assert session is not None
        clock.now += 20
        sessions.revoke(session)
    assert list(json.loads(file.read_text()).values()) == [1_000_020 + 1000]
    assert Sessions(KEY, file, clock).read(cookie, "session", lambda _: "") is None


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": "b"}'])
def test_damaged_list_of_logouts(tmp_path: Path, text: str) -> None:
    (tmp_path / "revoked.json").write_text(text)
    with pytest.raises(SettingsError, match="Delete it together with session"):
        Sessions(KEY, tmp_path / "revoked.json")


def test_key_is_private_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "data" / "session.key"
    key = load_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert load_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(tmp_path / "other" / "session.key") != key
    assert [item.name for item in path.parent.iterdir()] == ["session.key"]


def test_damaged_key(tmp_path: Path) -> None:
    (tmp_path / "session.key").write_bytes(b"short")
    with pytest.raises(SettingsError, match="damaged"):
        load_key(tmp_path / "session.key")


def test_unusable_key_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="unusable"):
        load_key(tmp_path / "file" / "session.key")


def test_cookie_names_tell_servers_apart() -> None:
    one, other = Sessions(KEY, None), Sessions(bytes(32), None)
    assert one.cookie_name("session") != other.cookie_name("session")
    assert one.cookie_name("session") == Sessions(KEY, None).cookie_name("session")
