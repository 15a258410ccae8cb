"""An app with nothing but the API, its engine a double, and a client that calls it in-process."""

from __future__ import annotations

import asyncio
import base64
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest
from fastapi import FastAPI
from starlette.requests import Request

from api.routes import build
from api.services import ApiServices
from jobs.assets import AssetStore
from jobs.options import OptionStore
from models.catalog import Catalog
from pipelines.pictures import PictureLimits
from server.errors import install_error_handlers
from tests.api.doubles import FakeEngine

_ROOTS = ("/internal/", "/docs", "/redoc", "/openapi.json", "/sdapi/", "/overpaint/")
BUILTIN = Path(__file__).parents[2] / "models" / "builtin" / "checkpoint"


def owner_of(request: Request) -> str:
    return request.headers.get("x-user", "local")


def is_admin(request: Request) -> bool:
    return owner_of(request) == "local"


@dataclass
class Api:
    """The app and all that stands behind it."""

    services: ApiServices
    engine: FakeEngine
    app: FastAPI = field(init=False)

    def __post_init__(self) -> None:
        self.app = FastAPI(title="Overpaint", docs_url=None, redoc_url=None)
        self.app.include_router(build(self.services))
        install_error_handlers(self.app)

    @property
    def options(self) -> OptionStore:
        return self.services.options

    def call(self, method: str, path: str, user: str = "local", **kwargs: Any) -> httpx.Response:
        """One request; `/x` stands for `/sdapi/v1/x` unless it begins with another root."""
        return asyncio.run(self.acall(method, path, user, **kwargs))

    async def acall(
        self, method: str, path: str, user: str = "local", **kwargs: Any
    ) -> httpx.Response:
        rooted = path.startswith(_ROOTS)
        url = path if rooted else f"/sdapi/v1{path}"
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.request(method, url, headers={"x-user": user}, **kwargs)

    def get(self, path: str, **kwargs: Any) -> Any:
        """The JSON of a GET that must be 200."""
        response = self.call("GET", path, **kwargs)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any = None, **kwargs: Any) -> httpx.Response:
        return self.call("POST", path, json=body, **kwargs)

    def make(self, path: str, **body: Any) -> dict[str, Any]:
        """The JSON of a generation call that must be 200, with `info` parsed into `told`."""
        if path == "/img2img":
            body.setdefault("init_images", [png()])
        response = self.post(path, body)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        answer["told"] = json.loads(answer["info"])
        return answer


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    folder = tmp_path / "made"
    folder.mkdir()
    return FakeEngine(folder)


@pytest.fixture
def checkpoints(tmp_path: Path) -> Path:
    """The folder of checkpoints, empty."""
    folder = tmp_path / "models" / "Stable-diffusion"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def make_api(tmp_path: Path, engine: FakeEngine, checkpoints: Path) -> Callable[[], Api]:
    def make() -> Api:
        data = tmp_path / "data"
        services = ApiServices(
            engine=engine,
            assets=AssetStore(data / "assets"),
            options=OptionStore(data),
            catalog=Catalog(checkpoints.parent, data, BUILTIN),
            owner_of=owner_of,
            is_admin=is_admin,
            version="overpaint-0.1.0",
            limits=PictureLimits(max_pixels=4_000_000),
            flags={"listen": False, "api_auth": None, "port": 7860},
        )
        return Api(services, engine)

    return make


@pytest.fixture
def api(make_api: Callable[[], Api]) -> Api:
    return make_api()


def picture_file(
    mode: str = "RGB", size: tuple[int, int] = (64, 64), fmt: str = "PNG", **kwargs: Any
) -> bytes:
    out = io.BytesIO()
    PIL.Image.new(mode, size, kwargs.pop("color", 0)).save(out, fmt, **kwargs)
    return out.getvalue()


def png(mode: str = "RGB", size: tuple[int, int] = (64, 64)) -> str:
    """A picture as A1111's suite sends it."""
    return "data:image/png;base64," + base64.b64encode(picture_file(mode, size)).decode()


def opened(text: str) -> PIL.Image.Image:
    """A picture of an answer: bare base64."""
    image = PIL.Image.open(io.BytesIO(base64.b64decode(text, validate=True)))
    image.load()
    return image
