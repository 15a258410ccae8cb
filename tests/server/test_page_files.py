"""The page travels packed; its own files are kept by browsers; everything else stays as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from server.page_files import KEPT_FOR_EVER, PackedPage, VersionedFiles

LONG = "a page of many words " * 400


async def _long(_: Request) -> PlainTextResponse:
    return PlainTextResponse(LONG)


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "page.js").write_text(LONG, encoding="utf-8")
    files = Mount("/ui-static/0123456789ab", VersionedFiles(directory=tmp_path))
    pages = [Route(path, _long) for path in ("/", "/config", "/sdapi/v1/options", "/pictures/1")]
    return TestClient(PackedPage(Starlette(routes=[files, *pages])))


@pytest.mark.parametrize(
    ("path", "packed"),
    [
        ("/", True),
        ("/config", True),
        ("/ui-static/0123456789ab/page.js", True),
        ("/sdapi/v1/options", False),
        ("/pictures/1", False),
    ],
)
def test_only_the_page_and_its_files_are_packed(
    client: TestClient, path: str, packed: bool
) -> None:
    answer = client.get(path, headers={"accept-encoding": "gzip"})
    assert answer.text == LONG
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    if packed:
        assert int(answer.headers["content-length"]) < 400


def test_a_browser_that_cannot_unpack_gets_it_plain(client: TestClient) -> None:
    answer = client.get("/", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in answer.headers
    assert len(answer.content) == len(LONG)


def test_own_files_are_kept_for_ever_and_known_again(client: TestClient) -> None:
    address = "/ui-static/0123456789ab/page.js"
    first = client.get(address)
    assert first.headers["cache-control"] == KEPT_FOR_EVER
    again = client.get(address, headers={"if-none-match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == KEPT_FOR_EVER


def test_what_is_not_there_is_not_kept(client: TestClient) -> None:
    answer = client.get("/ui-static/0123456789ab/gone.js")
    assert answer.status_code == 404
    assert "cache-control" not in answer.headers
