"""The page as it is really mounted: what strangers and foreign sites get (users S12-S31)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving import Server, serve

pytestmark = pytest.mark.slow

SECRET = "canary-7f3a"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("page"), "--skip-load-model-at-start", ready=False) as one:
        yield one


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file on the server that nobody has uploaded; outside of cwd and of Gradio's folder."""
    path = tmp_path / "canary.png"
    path.write_text(SECRET)
    return path


def event_with_picture(server: Server) -> dict[str, Any]:
    """The PNG Info event: one picture in, text out, answered without the queue."""
    config = server.get_json("/config")
    picture = next(
        part["id"]
        for part in config["components"]
        if part["props"].get("elem_id") == "pnginfo_image"
    )
    return next(
        event
        for event in config["dependencies"]
        if event["inputs"] == [picture] and len(event["outputs"]) == 2
    )


def call(server: Server, path: Path) -> httpx.Response:
    event = event_with_picture(server)
    body = {
        "fn_index": event["id"],
        "session_hash": "s",
        "data": [{"path": str(path), "meta": {"_type": "gradio.FileData"}}],
    }
    return httpx.post(f"{server.url}gradio_api/run/predict", json=body, timeout=20)


def test_event_cannot_read_a_file_that_nobody_uploaded(server: Server, canary: Path) -> None:
    """A mounted Gradio skips this check until has_launched is set (gradio 5)."""
    answer = call(server, canary)
    assert answer.status_code >= 400
    assert SECRET not in answer.text
    copies = [file for file in (server.folder / "data").rglob("*") if file.name == canary.name]
    assert copies == []


def test_event_reads_what_was_uploaded(server: Server, tmp_path: Path) -> None:
    """The same event with an upload works, so the test above does not pass by accident."""
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    chunks = PngInfo()
    chunks.add_text("parameters", "a cat\nSteps: 20, Seed: 5, Size: 64x64")
    Image.new("RGB", (8, 8)).save(tmp_path / "up.png", pnginfo=chunks)
    uploaded = httpx.post(
        f"{server.url}gradio_api/upload",
        files={"files": ("up.png", (tmp_path / "up.png").read_bytes())},
    ).json()
    answer = call(server, Path(uploaded[0]))
    assert answer.status_code == 200, answer.text
    assert "Steps: 20" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%252e%252e/etc/passwd"],
)
def test_files_of_the_machine_are_not_served(server: Server, path: str) -> None:
    for route in ("gradio_api/file=", "pictures/", "ui-static/"):
        answer = httpx.get(f"{server.url}{route}{path}")
        assert answer.status_code in (400, 403, 404)
        assert "root:" not in answer.text


def test_output_folder_is_not_served_by_gradio(server: Server) -> None:
    secret = server.folder / "outputs" / "someone.png"
    secret.parent.mkdir(exist_ok=True)
    secret.write_text(SECRET)
    assert SECRET not in httpx.get(f"{server.url}gradio_api/file={secret}").text


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost.evil"])
def test_foreign_sites_cannot_upload_or_read(server: Server, origin: str) -> None:
    headers = {"Origin": origin}
    upload = httpx.post(
        f"{server.url}gradio_api/upload", files={"files": ("x.png", b"x")}, headers=headers
    )
    assert upload.status_code == 403
    read = httpx.get(f"{server.url}config", headers=headers)
    assert "access-control-allow-origin" not in read.headers


def test_foreign_host_names_are_refused(server: Server) -> None:
    assert httpx.get(server.url, headers={"Host": "evil.example"}).status_code == 400


def test_page_cannot_be_framed_and_types_cannot_be_guessed(server: Server) -> None:
    headers = httpx.get(server.url).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_gradio_keeps_no_history_and_shows_no_api(server: Server) -> None:
    config = server.get_json("/config")
    assert config.get("footer_links") in ([], None)
    assert all(event["api_visibility"] != "public" for event in config["dependencies"])
    assert httpx.get(f"{server.url}gradio_api/monitoring/summary").status_code in (401, 403, 404)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_every_route_asks_for_the_login(tmp_path: Path, method: str) -> None:
    """A walk over all routes without credentials (S39); only the front's own few answer."""
    flags = ("--gradio-auth", "ann:correct-horse", "--skip-load-model-at-start")
    with serve(tmp_path, *flags, ready=False) as closed:
        known = httpx.get(f"{closed.url}openapi.json", auth=("ann", "correct-horse")).json()
        paths = [*known["paths"], "/", "/config", "/gradio_api/upload", "/gradio_api/queue/join"]
        paths += ["/gradio_api/info", "/gradio_api/startup-events", "/pictures/abc", "/docs"]
        for path in paths:
            answer = httpx.request(method, closed.url.rstrip("/") + path, follow_redirects=False)
            open_paths = {"/internal/ping", "/login"}
            assert path in open_paths or answer.status_code in (401, 302, 303, 307), path
            assert "correct-horse" not in answer.text


def test_listening_without_login_needs_the_token(tmp_path: Path) -> None:
    with serve(tmp_path, "--listen", "--skip-load-model-at-start", ready=False) as shared:
        port = httpx.URL(shared.url).port
        bare = f"http://127.0.0.1:{port}/"
        assert httpx.get(bare).status_code in (401, 302, 303)
        token = httpx.URL(shared.url).params["token"]
        with httpx.Client(follow_redirects=True, headers={"Accept": "text/html"}) as visitor:
            assert visitor.get(bare, params={"token": token}).status_code == 200
            assert visitor.get(f"{bare}config").status_code == 200


def test_api_beside_the_page_answers_in_its_own_shape(server: Server) -> None:
    unknown = httpx.get(f"{server.url}sdapi/v1/nothing-here")
    wrong = httpx.get(f"{server.url}sdapi/v1/img2img")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    assert wrong.status_code == 405
    assert httpx.get(f"{server.url}docs").status_code == 200
