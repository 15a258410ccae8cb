"""The pictures route: users S12, S16, S30, S43."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from server.errors import install_error_handlers
from server.front import protect
from server.identity import Owner
from server.pictures import picture_type, pictures_router
from tests.server.visitors import ANN, BOB, client, exchange, policy, raw_scope, users

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
JPEG = b"\xff\xd8\xff\xe0" + bytes(40)
WEBP = b"RIFF\x24\x00\x00\x00WEBPVP8L" + bytes(40)
GIF = b"GIF89a" + bytes(40)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(1)</script>"


@pytest.fixture
def store(tmp_path: Path) -> dict[tuple[str, str], Path]:
    """Who has which picture: ann owns all but bob's one."""
    files = {
        "png": PNG,
        "jpeg": JPEG,
        "webp": WEBP,
        "svg": SVG,
        "html": HTML,
        "gif": GIF,
        "empty": b"",
        "pdf": b"%PDF-1.7",
        "polyglot": PNG + HTML,
        "script-png": HTML + PNG,
    }
    owned = {}
    for name, data in files.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(data)
        owned[("ann", name)] = path
    (tmp_path / "link.png").symlink_to(tmp_path / "png.png")
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "secret.txt").write_text("secret")
    owned |= {("ann", name): tmp_path / f"{name}.png" for name in ("link", "pipe", "gone")}
    owned[("ann", "folder")] = tmp_path
    owned[("bob", "bobs")] = tmp_path / "png.png"
    return owned


@pytest.fixture
def visitors(store: dict[tuple[str, str], Path]) -> tuple[TestClient, TestClient]:
    def lookup(owner: Owner, picture: str) -> Path | None:
        return store.get((owner.name, picture))

    app = FastAPI()
    install_error_handlers(app)
    app.include_router(pictures_router(lookup))
    front = protect(app, policy(users(ANN, BOB)))
    ann, bob = client(front), client(front)
    for visitor, user in ((ann, ANN), (bob, BOB)):
        assert visitor.post("/login", data=user._asdict()).status_code == 401
        fields = {"username": user.name, "password": user.password}
        assert visitor.post("/login", data=fields).status_code == 200
    return ann, bob


@pytest.mark.parametrize(
    ("name", "kind", "data"),
    [("png", "png", PNG), ("jpeg", "jpeg", JPEG), ("webp", "webp", WEBP)],
)
def test_pictures_are_served_with_their_true_type(
    visitors: tuple[TestClient, TestClient], name: str, kind: str, data: bytes
) -> None:
    answer = visitors[0].get(f"/pictures/{name}")
    assert answer.content == data
    assert answer.headers["content-type"] == f"image/{kind}"
    assert answer.headers["content-disposition"] == f'inline; filename="{name}.{kind}"'
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_s30_polyglots_stay_pictures(visitors: tuple[TestClient, TestClient]) -> None:
    answer = visitors[0].get("/pictures/polyglot")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("name", ["svg", "html", "gif", "empty", "pdf", "script-png"])
def test_s30_other_files_are_not_served(visitors: tuple[TestClient, TestClient], name: str) -> None:
    assert visitors[0].get(f"/pictures/{name}").status_code == 404


@pytest.mark.parametrize("name", ["link", "pipe", "gone", "folder", "unknown"])
def test_s12_only_regular_files(visitors: tuple[TestClient, TestClient], name: str) -> None:
    assert visitors[0].get(f"/pictures/{name}").status_code == 404


@pytest.mark.parametrize(
    "name",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%252e%252e%252fsecret.txt",
        "..\\secret.txt",
        "..%5csecret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "//etc/passwd",
        "png%00.txt",
        "png/../png",
        "x" * 5000,
        "C:secret.txt",
        "C:%5csecret.txt",
        "%5c%5chost%5cshare",
        "CON",
        "png.png::$DATA",
        "png ",
        "",
    ],
)
def test_s12_s16_traversal(tmp_path: Path, name: str) -> None:
    """Even with a lookup that believes every id, only plain ids get through."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    (tmp_path / "secret.txt").write_bytes(PNG + b"secret")
    (folder / "png").write_bytes(PNG)
    app = FastAPI()
    app.include_router(pictures_router(lambda _, picture: folder / picture))
    front = protect(app, policy())
    for path in (f"/pictures/{name}", f"/pictures/{unquote(name)}"):
        sent = exchange(front, raw_scope(path), [b""])
        assert sent[0]["status"] == 404
        assert b"secret" not in b"".join(message.get("body", b"") for message in sent)
    assert exchange(front, raw_scope("/pictures/png"), [b""])[0]["status"] == 200


def test_malformed_ids_do_not_reach_the_lookup() -> None:
    asked: list[str] = []

    def lookup(_: Owner, picture: str) -> Path | None:
        asked.append(picture)
        return None

    app = FastAPI()
    app.include_router(pictures_router(lookup))
    server = client(protect(app, policy()))
    for name in ("..%2fx", "a.b", "a%00", "x" * 129, "\u00e4"):
        server.get(f"/pictures/{name}")
    assert asked == []
    server.get("/pictures/aZ_-9")
    assert asked == ["aZ_-9"]


def test_s43_nobody_sees_the_pictures_of_another(
    visitors: tuple[TestClient, TestClient],
) -> None:
    ann, bob = visitors
    assert ann.get("/pictures/png").status_code == 200
    assert bob.get("/pictures/bobs").status_code == 200
    foreign, missing = bob.get("/pictures/png"), bob.get("/pictures/unknown")
    assert (foreign.status_code, foreign.json()) == (404, {"detail": "Not Found"})
    assert missing.json() == foreign.json()
    assert ann.get("/pictures/bobs").status_code == 404


def test_cached_pictures_are_not_sent_again(visitors: tuple[TestClient, TestClient]) -> None:
    tag = visitors[0].get("/pictures/png").headers["etag"]
    again = visitors[0].get("/pictures/png", headers={"if-none-match": tag})
    assert (again.status_code, again.content) == (304, b"")
    other = visitors[0].get("/pictures/png", headers={"if-none-match": '"x"'})
    assert other.status_code == 200


@pytest.mark.parametrize(
    ("text", "status", "data"),
    [
        ("bytes=0-7", 206, PNG[:8]),
        ("bytes=40-", 206, PNG[40:]),
        ("bytes=" + ",".join(f"{i}-{i}" for i in range(10_000)), 200, PNG),
        ("bytes=0-1,4-5", 200, PNG),
        ("bytes=900-", 416, None),
        ("nonsense", 400, None),
    ],
    ids=["first", "rest", "ten-thousand", "two", "beyond", "nonsense"],
)
def test_s33_ranges(
    visitors: tuple[TestClient, TestClient], text: str, status: int, data: bytes | None
) -> None:
    answer = visitors[0].get("/pictures/png", headers={"range": text})
    assert answer.status_code == status
    if data is not None:
        assert answer.content == data


def test_head_and_other_methods(visitors: tuple[TestClient, TestClient]) -> None:
    head = visitors[0].head("/pictures/png")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(PNG))
    assert visitors[0].post("/pictures/png").status_code == 405


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (PNG, "png"),
        (JPEG, "jpeg"),
        (WEBP, "webp"),
        (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "avif"),
        (b"\x00\x00\x00\x1cftypheic\x00\x00\x00\x00", None),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", None),
        (b"\x89PNG\n", None),
        (b" \xff\xd8\xff", None),
        (SVG, None),
        (b"", None),
    ],
)
def test_picture_type(head: bytes, kind: str | None) -> None:
    assert picture_type(head[:16]) == kind
