"""Settings: sources, precedence, checks, A1111's command lines, and that the docs list them all."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from flags import ACCEPTED_WITHOUT_EFFECT, REFUSED, SettingsError, build_parser, flags_of
from settings import Loaded, Settings, load_settings

FLAGS = flags_of(Settings)
DOCS = Path(__file__).parent.parent / "docs" / "flags.md"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads the overpaint.toml of whoever runs it."""
    monkeypatch.chdir(tmp_path)


def load(line: str = "", environ: dict[str, str] | None = None) -> Loaded:
    return load_settings(shlex.split(line), environ or {}, new_token=lambda: "fresh")


def setting(line: str, environ: dict[str, str] | None = None) -> Settings:
    return load(line, environ).settings


def test_defaults() -> None:
    made = setting("")
    assert made == Settings()
    assert (made.bind_host, made.port, made.is_public, made.login) == (
        "127.0.0.1",
        7860,
        False,
        "none",
    )
    assert (made.models_dir, made.output_dir, made.data_dir) == (
        Path("weights"),
        Path("outputs"),
        Path("data"),
    )
    assert load().notes == ()


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("--listen", "listen", True),
        ("--listen=no", "listen", False),
        ("--port 8000", "port", 8000),
        ("--port=8000", "port", 8000),
        ("--nowebui", "port", 7861),
        ("--nowebui --port 7860", "port", 7860),
        ("--gradio-auth a:b,c:d", "gradio_auth", ("a:b", "c:d")),
        ("--gradio-auth a:b --gradio-auth c:d", "gradio_auth", ("a:b", "c:d")),
        ("--gradio-auth 'a:b:c'", "gradio_auth", ("a:b:c",)),
        ("--gradio-auth '\"a:b\"'", "gradio_auth", ("a:b",)),
        ("--gradio-auth-path users.txt", "gradio_auth_path", Path("users.txt")),
        ("--api-auth a:b", "api_auth", ("a:b",)),
        ("--subpath paint/", "subpath", "/paint"),
        ("--subpath /a/b", "subpath", "/a/b"),
        (
            "--cors-allow-origins http://a,https://B:8",
            "cors_allow_origins",
            ("http://a", "https://b:8"),
        ),
        ("--cors-allow-origins=*", "cors_allow_origins", ("*",)),
        ("--cors-allow-origins-regex 'http://.*'", "cors_allow_origins_regex", "http://.*"),
        ("--allowed-hosts Box,b.local", "allowed_hosts", ("box", "b.local")),
        ("--device-id 0", "device_id", (0,)),
        ("--device-id 0,2", "device_id", (0, 2)),
        ("--use-cpu", "use_cpu", ("all",)),
        ("--use-cpu sd interrogate", "use_cpu", ("sd", "interrogate")),
        ("--theme dark", "theme", "dark"),
        ("--precision full", "precision", "full"),
        ("--max-picture-mp 0.5", "max_picture_mp", 0.5),
        ("--timeout-keep-alive 5", "timeout_keep_alive", 5),
        ("--models-dir ~/m", "models_dir", Path.home() / "m"),
        ("--ckpt tiny", "ckpt", "tiny"),
    ],
)
def test_flags(line: str, name: str, value: object) -> None:
    assert getattr(setting(line), name) == value


@pytest.mark.parametrize("name", [flag.name for flag in FLAGS if flag.kind == "switch"])
def test_every_switch_is_off_by_default(name: str) -> None:
    assert getattr(Settings(), name) is False


def test_precedence(tmp_path: Path) -> None:
    """Defaults < config file < environment < flags."""
    (tmp_path / "data").mkdir()
    config = tmp_path / "data" / "overpaint.toml"
    config.write_text('port = 1001\ntheme = "dark"\napi-log = true\ngradio_auth = ["a:b"]\n')
    environ = {"OVERPAINT_PORT": "1002", "OVERPAINT_THEME": "light", "OVERPAINT_CKPT": ""}
    made = setting("--port 1003", environ)
    assert (made.port, made.theme, made.api_log, made.gradio_auth) == (
        1003,
        "light",
        True,
        ("a:b",),
    )
    assert setting("", environ).port == 1002
    assert setting("").port == 1001
    assert setting("--api-log=no").api_log is False
    assert setting("", environ).ckpt is None


@pytest.mark.parametrize("way", ["flag", "env"])
def test_config_file_named_or_found_in_the_data_folder(tmp_path: Path, way: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "overpaint.toml").write_text("port = 1001")
    (tmp_path / "my.toml").write_text("port = 1002")
    if way == "flag":
        assert setting("--data-dir elsewhere").port == 1001
        assert setting("--data-dir elsewhere --config my.toml").port == 1002
    else:
        assert setting("", {"OVERPAINT_DATA_DIR": "elsewhere"}).port == 1001
        assert setting("", {"OVERPAINT_CONFIG": "my.toml"}).port == 1002


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("port = ", "is not valid TOML"),
        ("prot = 1", "sets 'prot', which is no setting; did you mean port?"),
        ("[network]\nport = 1", "sets 'network', which is no setting"),
        ('config = "x"', "sets 'config'"),
        ("port = 0", "port in my.toml 0: "),
        ('port = "x"', "port in my.toml x: "),
        ("gradio_auth = 'topsecret'", "gradio_auth in my.toml: entry 1"),
    ],
)
def test_bad_config_files(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "my.toml").write_text(text)
    with pytest.raises(SettingsError) as error:
        load("--config my.toml")
    assert message in str(error.value)
    assert "topsecret" not in str(error.value)


def test_missing_config_file() -> None:
    with pytest.raises(SettingsError, match=r"none\.toml cannot be read: No such file"):
        load("--config none.toml")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--prot 1", "--prot is not a flag of Overpaint; did you mean --port?"),
        ("--gradio-atuh a:topsecret", "did you mean --gradio-auth?"),
        ("--gradio-atuh=a:topsecret", "did you mean --gradio-auth?"),
        ("--zzzzzz", "--zzzzzz is not a flag of Overpaint. --help"),
        ("--lis", "--lis is not a flag"),
        ("listen", "'listen' stands alone"),
        ("--port", "--port: expected one argument"),
        ("--port x", "--port x: "),
        ("--port 0", "--port 0: "),
        ("--port 65536", "--port 65536: "),
        ("--listen perhaps", "--listen perhaps: "),
        ("--theme blue", "'light' or 'dark'"),
        ("--precision half", "'full' or 'autocast'"),
        ("--gradio-auth topsecret", "--gradio-auth: entry 1 is not of the form name:password"),
        ("--gradio-auth a:b,topsecret", "entry 2 is not of the form"),
        ("--gradio-auth :topsecret", "entry 1 is not of the form"),
        ("--gradio-auth a:", "entry 1 is not of the form"),
        ("--tls-keyfile k", "go together"),
        ("--tls-certfile c", "go together"),
        ("--no-auth --gradio-auth a:b", "contradicts"),
        ("--no-auth --token x", "contradicts"),
        ("--no-api --nowebui", "nothing to serve"),
        ("--subpath 'a b'", "only letters"),
        ("--subpath ../x?y", "only letters"),
        ("--cors-allow-origins example.com", "write it as https://name"),
        ("--cors-allow-origins https://*.a", "is no origin"),
        ("--cors-allow-origins https://a/", "is no origin"),
        ("--cors-allow-origins null", "is no origin"),
        ("--cors-allow-origins-regex (", "not a regular expression"),
        ("--allowed-hosts http://box", "bare host name"),
        ("--allowed-hosts box:80", "bare host name"),
        ("--device-id gpu", "--device-id ['gpu']: "),
        ("--max-upload-mb 0", "--max-upload-mb 0: "),
        ("--freeze-settings", "--freeze-settings is not supported"),
        ("--hide-ui-dir-config", "only administrators"),
    ],
)
def test_mistakes_are_named(line: str, message: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(line)
    assert message in str(error.value)
    assert "topsecret" not in str(error.value)
    assert str(error.value).endswith((".", "?"))


def test_mistakes_in_the_environment() -> None:
    with pytest.raises(SettingsError, match="OVERPAINT_PORT x: "):
        load("", {"OVERPAINT_PORT": "x"})
    (note,) = load("", {"OVERPAINT_PROT": "1", "PORT": "2"}).notes
    assert note.level == "warning"
    assert note.text.endswith("OVERPAINT_PROT is no setting; did you mean OVERPAINT_PORT?")


@pytest.mark.parametrize("option", sorted(ACCEPTED_WITHOUT_EFFECT))
def test_a1111_flags_without_meaning_are_accepted_and_said(option: str) -> None:
    loaded = load(f"{option} --port 8000")
    assert loaded.settings == Settings(port=8000)
    (note,) = loaded.notes
    assert note.level == "info"
    assert note.text.startswith(f"{option}: no effect, ")
    assert note.text.endswith(".")


def test_a_habitual_command_line() -> None:
    loaded = load(
        "--xformers --medvram --sub-quad-q-chunk-size 512 --api --listen --port 7865 "
        "--enable-insecure-extension-access --skip-torch-cuda-test --no-gradio-queue "
        "--gradio-auth me:secret --api-auth me:other --theme dark --no-half-vae"
    )
    made = loaded.settings
    assert (made.port, made.login, made.theme, made.no_half_vae) == (7865, "users", "dark", True)
    said = [note.text.split(":")[0] for note in loaded.notes]
    assert said[:3] == ["--xformers", "--medvram", "--sub-quad-q-chunk-size"]
    assert {"--api", "--api-auth"} <= set(said)
    assert "secret" not in "".join(note.text for note in loaded.notes)


def test_tables_of_flags_do_not_overlap() -> None:
    ours = {flag.option for flag in FLAGS}
    assert not ours & set(ACCEPTED_WITHOUT_EFFECT)
    assert not ours & set(REFUSED)
    assert not set(REFUSED) & set(ACCEPTED_WITHOUT_EFFECT)


@pytest.mark.parametrize(
    ("line", "host", "public", "login"),
    [
        ("", "127.0.0.1", False, "none"),
        ("--listen", "0.0.0.0", True, "token"),
        ("--listen --no-auth", "0.0.0.0", True, "none"),
        ("--listen --gradio-auth a:b", "0.0.0.0", True, "users"),
        ("--listen --gradio-auth-path f", "0.0.0.0", True, "users"),
        ("--listen --server-name 127.0.0.1", "127.0.0.1", False, "none"),
        ("--server-name localhost", "localhost", False, "none"),
        ("--server-name ::1", "::1", False, "none"),
        ("--server-name [::1]", "::1", False, "none"),
        ("--server-name 192.168.1.5", "192.168.1.5", True, "token"),
        ("--server-name box", "box", True, "token"),
        ("--server-name ::", "::", True, "token"),
        ("--allowed-hosts paint.example", "127.0.0.1", True, "token"),
        ("--subpath paint", "127.0.0.1", True, "token"),
        ("--api-auth a:b", "127.0.0.1", False, "users"),
        ("--token x", "127.0.0.1", False, "token"),
    ],
)
def test_s10_whoever_is_reachable_asks_for_a_login(
    line: str, host: str, public: bool, login: str
) -> None:
    made = setting(line)
    assert (made.bind_host, made.is_public, made.login) == (host, public, login)


def test_tokens_are_fresh_unless_fixed() -> None:
    assert setting("--listen").token == "fresh"
    assert setting("--listen", {"OVERPAINT_TOKEN": "mine"}).token == "mine"
    made = [load_settings(["--listen"], {}).settings.token for _ in range(2)]
    assert made[0] != made[1]
    assert min(map(len, made)) >= 32


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("--listen --no-auth", "ANYBODY"),
        ("--disable-safe-unpickle", "RUN ANY CODE"),
        ("--cors-allow-origins=*", "every web page"),
    ],
)
def test_dangerous_settings_are_loud(line: str, text: str) -> None:
    (note,) = load(line).notes
    assert note.level == "warning"
    assert text in note.text


def test_plain_text_passwords_are_remarked_on() -> None:
    assert [note.level for note in load("--listen --gradio-auth a:b").notes] == ["info"]
    with_tls = "--listen --gradio-auth a:b --tls-keyfile k --tls-certfile c"
    assert load(with_tls).notes == ()


def test_s40_secrets_are_not_shown() -> None:
    made = setting("--gradio-auth a:topsecret --api-auth b:topsecret --token topsecret --port 8000")
    public = made.public_values()
    assert set(public) == set(Settings.model_fields)
    assert "topsecret" not in repr(made) + str(made) + str(public)
    assert (public["port"], public["gradio_auth"], public["data_dir"]) == (8000, None, "data")


def test_settings_are_frozen_and_closed() -> None:
    with pytest.raises(ValidationError):
        Settings().port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings.model_validate({"prot": 1})


def test_folders_and_devices() -> None:
    made = setting("--models-dir m --ckpt-dir c --vae-dir v")
    assert made.checkpoint_dirs == (Path("m/Stable-diffusion"), Path("c"))
    assert made.vae_dirs == (Path("m/VAE"), Path("v"))
    assert Settings().checkpoint_dirs == (Path("weights/Stable-diffusion"),)
    assert [setting(f"--use-cpu {part}").cpu_only for part in ("", "sd", "interrogate")] == [
        True,
        True,
        False,
    ]


def test_help_lists_every_flag() -> None:
    text = build_parser(FLAGS).format_help()
    for flag in FLAGS:
        assert flag.option in text
    assert "--xformers" not in text


@pytest.mark.parametrize("flag", FLAGS, ids=lambda flag: flag.option)
def test_docs_list_every_flag_with_its_words(flag: Any) -> None:
    rows = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    (row,) = [line for line in rows if line.startswith(f"| `{flag.option}` ")]
    assert flag.help.replace("|", "\\|") in row


def test_docs_list_no_flag_that_is_gone() -> None:
    rows = [
        line for line in DOCS.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
    ]
    listed = {line.split("`")[1] for line in rows}
    assert listed == {flag.option for flag in FLAGS} | set(ACCEPTED_WITHOUT_EFFECT) | set(REFUSED)


def test_every_help_is_one_sentence() -> None:
    for flag in FLAGS:
        assert flag.help.endswith("."), flag.option
        assert len(flag.help) <= 90, flag.option


def test_environment_names() -> None:
    names = {flag.name: flag.env for flag in FLAGS}
    assert names["max_upload_mb"] == "OVERPAINT_MAX_UPLOAD_MB"
