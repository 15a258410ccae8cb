"""Error shapes: api 4."""

from __future__ import annotations

import pytest
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient

from server.errors import install_error_handlers
from tests.server.visitors import BROWSER, visit


class _Body(BaseModel):
    steps: int
    secret: str = ""


def _routes() -> APIRouter:
    router = APIRouter()

    @router.post("/img2img")
    def img2img(body: _Body) -> dict[str, int]:
        raise HTTPException(404, "Init image not found")

    @router.get("/crash")
    def crash() -> None:
        raise RuntimeError("model 'X' not found")

    @router.get("/file")
    def file() -> None:
        open("/no/such/secret-folder/file").close()  # noqa: PTH123

    @router.get("/gone")
    def gone() -> None:
        raise HTTPException(418, "no coffee", {"X-Pot": "tea"})

    return router


@pytest.fixture(params=["included", "mounted"])
def server(request: pytest.FixtureRequest) -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    if request.param == "included":
        app.include_router(_routes(), prefix="/sdapi/v1")
    else:
        inner = FastAPI()
        install_error_handlers(inner)
        inner.include_router(_routes())
        app.mount("/sdapi/v1", inner)
    app.include_router(_routes(), prefix="/page")
    return visit(app=app)


def test_deliberate_error(server: TestClient) -> None:
    answer = server.post("/sdapi/v1/img2img", json={"steps": 3})
    assert answer.status_code == 404
    assert answer.json() == {
        "error": "HTTPException",
        "detail": "Init image not found",
        "body": "",
        "errors": "",
    }


def test_crash_names_class_and_message(server: TestClient) -> None:
    answer = server.get("/sdapi/v1/crash")
    assert answer.status_code == 500
    assert answer.json() == {
        "error": "RuntimeError",
        "detail": "",
        "body": "",
        "errors": "model 'X' not found",
    }


def test_system_errors_do_not_name_paths(server: TestClient) -> None:
    answer = server.get("/sdapi/v1/file")
    assert answer.json()["error"] == "FileNotFoundError"
    assert answer.json()["errors"] == "No such file or directory"


def test_unknown_path_and_wrong_method_are_exact(server: TestClient) -> None:
    unknown, wrong = server.get("/sdapi/v1/nothing"), server.get("/sdapi/v1/img2img")
    assert (unknown.status_code, unknown.json()) == (404, {"detail": "Not Found"})
    assert (wrong.status_code, wrong.json()) == (405, {"detail": "Method Not Allowed"})
    assert wrong.headers["allow"] == "POST"


def test_validation_is_fastapis_list_without_the_input(server: TestClient) -> None:
    answer = server.post("/sdapi/v1/img2img", json={"steps": "many", "secret": ["hidden"]})
    assert answer.status_code == 422
    problems = answer.json()["detail"]
    assert [problem["loc"] for problem in problems] == [["body", "steps"], ["body", "secret"]]
    assert all(set(problem) == {"type", "loc", "msg"} for problem in problems)
    assert "hidden" not in answer.text


@pytest.mark.parametrize("content", ["{", "", "\xff", "[" * 100_000])
def test_bad_json_is_422(server: TestClient, content: str) -> None:
    headers = {"content-type": "application/json"}
    answer = server.post("/sdapi/v1/img2img", content=content, headers=headers)
    assert answer.status_code in {400, 422}
    assert "detail" in answer.json()


def test_pages_say_little(server: TestClient) -> None:
    for path, status in (("/page/crash", 500), ("/page/file", 500), ("/page/gone", 418)):
        page = server.get(path, headers=BROWSER)
        assert page.status_code == status
        assert page.headers["content-type"].startswith("text/html")
        assert len(page.text) < 2000
        for secret in ("Traceback", "RuntimeError", "model", "secret-folder"):
            assert secret not in page.text
    assert server.get("/page/crash").json() == {
        "detail": "Something went wrong on the server; its console says more."
    }
    assert server.get("/page/gone").headers["x-pot"] == "tea"


@pytest.mark.parametrize("path", ["/page/crash", "/sdapi/v1/crash", "/sdapi/v1/file"])
def test_never_a_stack_trace(server: TestClient, path: str) -> None:
    assert "Traceback" not in server.get(path).text


def test_s32_texts_are_escaped_on_pages() -> None:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/x")
    def x() -> None:
        raise HTTPException(400, "<img src=x onerror=alert(1)>")

    page = visit(app=app).get("/x", headers=BROWSER)
    assert "<img" not in page.text
    assert "&lt;img" in page.text
