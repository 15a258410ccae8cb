"""From settings to the front's policy, and the accounts behind it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from flags import SettingsError
from server.front import policy_for
from server.hosts import HostPolicy
from settings import Settings
from tests.server.visitors import visit


def _settings(tmp_path: Path, **values: object) -> Settings:
    return Settings.model_validate({"data_dir": tmp_path / "data"} | values)


def test_loopback_is_open_and_closed_to_names(tmp_path: Path) -> None:
    made = policy_for(_settings(tmp_path, max_upload_mb=3))
    assert made.access.is_open
    assert made.hosts == HostPolicy(frozenset(), public=False)
    assert made.max_body == 3 * 1024 * 1024
    assert made.revoked_file == tmp_path / "data" / "revoked-sessions.json"
    assert (tmp_path / "data" / "session.key").stat().st_mode & 0o777 == 0o600


def test_listening_answers_to_the_machines_names(tmp_path: Path) -> None:
    made = policy_for(_settings(tmp_path, listen=True, token="x", allowed_hosts="paint.example"))
    name = socket.gethostname().lower()
    assert {name, f"{name.split('.')[0]}.local", "paint.example"} <= made.hosts.names
    assert not made.hosts.allows("0.0.0.0:7860", "192.168.1.2")
    assert made.access.by_token
    assert made.access.public


def test_server_name_is_answered(tmp_path: Path) -> None:
    made = policy_for(_settings(tmp_path, server_name="Paint.Example", token="x"))
    assert made.hosts.allows("paint.example:7860", None)


def test_the_same_key_at_the_next_start(tmp_path: Path) -> None:
    assert policy_for(_settings(tmp_path)).key == policy_for(_settings(tmp_path)).key


def test_users_of_all_three_flags(tmp_path: Path) -> None:
    listed = tmp_path / "users.txt"
    listed.write_text("\ufeffbob:b, cid:c:c\n\n dan:d\n", encoding="utf-8")
    values = {"gradio_auth": "ann:a", "gradio_auth_path": listed, "api_auth": "eve:e,ann:2"}
    made = policy_for(_settings(tmp_path, **values, token="unused"))
    assert not made.access.by_token
    server = visit(made.access)
    for name, password in [
        ("ann", "a"),
        ("ann", "2"),
        ("bob", "b"),
        ("cid", "c:c"),
        ("dan", "d"),
        ("eve", "e"),
    ]:
        answer = server.get("/whoami", auth=(name, password))
        assert answer.json() == {"name": name, "admin": name == "ann", "query": ""}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "names no users"),
        ("\n\n", "names no users"),
        ("ann:a\nbob", "line 2: expected name:password"),
        (":a", "line 1: expected name:password"),
        ("ann:", "line 1: expected name:password"),
    ],
)
def test_bad_user_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "users").write_text(text)
    with pytest.raises(SettingsError, match=message):
        policy_for(_settings(tmp_path, gradio_auth_path=tmp_path / "users"))


def test_missing_user_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        policy_for(_settings(tmp_path, gradio_auth_path=tmp_path / "users"))


def test_user_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "users").write_bytes(b"ann:\xff\xfe")
    with pytest.raises(SettingsError, match="not UTF-8"):
        policy_for(_settings(tmp_path, gradio_auth_path=tmp_path / "users"))


def test_admins_must_be_users(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--admins names 'eve'"):
        policy_for(_settings(tmp_path, gradio_auth="ann:a", admins="ann,eve"))


@pytest.mark.parametrize("wanted", [True, False])
def test_api_log_only_when_asked_for(tmp_path: Path, wanted: bool) -> None:
    made = policy_for(_settings(tmp_path, api_log=wanted), log=lambda _: None)
    assert (made.api_log is not None) is wanted
