"""Cards of the browser of extra networks, and their preview pictures."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest
from fastapi import FastAPI

from models.catalog import Catalog
from tests.models.extra_networks.make import write_lora
from tests.models.make import BUILTIN, write_header_only, write_single_file
from ui.network_cards import browser_value, preview_of
from ui.network_routes import preview_router
from ui.texts_networks import NETWORKS


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    models = tmp_path / "models"
    write_lora(models / "Lora" / "style" / "paint.safetensors", metadata={"ss_output_name": "Oil"})
    write_lora(models / "Lora" / "bad.safetensors").write_bytes(b"")
    for name, width in (("good", 96), ("large", 768)):
        write_header_only(models / "embeddings" / f"{name}.safetensors", {"emb": (2, width)})
    (models / "hypernetworks").mkdir()
    (models / "hypernetworks" / "night.pt").write_bytes(b"?")
    write_single_file(models / "Stable-diffusion" / "mine.safetensors")
    PIL.Image.new("RGB", (8, 8), "red").save(models / "Lora" / "style" / "paint.preview.png")
    PIL.Image.new("RGB", (8, 8), "blue").save(models / "Lora" / "style" / "paint.png")
    return Catalog(models, tmp_path / "data", BUILTIN)


def cards(catalog: Catalog, kind: str, selected: str = "") -> dict[str, Any]:
    found = browser_value(catalog, selected, "/previews")["cards"][kind]
    return {card["name"]: card for card in found if card["note"] != NETWORKS["builtin"]}


def test_loras(catalog: Catalog) -> None:
    found = cards(catalog, "lora")
    assert list(found) == ["bad", "paint"]
    assert found["paint"]["tag"] == "<lora:paint:1>"
    assert found["paint"]["folder"] == "style"
    assert {"oil", "paint", "style"} <= set(found["paint"]["search"].split())
    assert found["paint"]["preview"].startswith("/previews/lora?name=paint&v=")
    assert "is empty" in found["bad"]["note"]
    assert found["bad"]["preview"] == ""


def test_embeddings_of_other_encoders_say_so(catalog: Catalog) -> None:
    found = cards(catalog, "embedding", "mine")
    assert found["good"]["tag"] == "good"
    assert found["good"]["note"] == ""
    assert found["large"]["note"] == NETWORKS["other_width"]


def test_hypernetworks_and_checkpoints(catalog: Catalog) -> None:
    assert cards(catalog, "hypernetwork")["night"]["tag"] == "<hypernet:night:1>"
    (entry, *_) = catalog.entries
    assert cards(catalog, "checkpoint", entry.title)["mine.safetensors"] == {
        "name": "mine.safetensors",
        "tag": entry.title,
        "search": entry.title.lower(),
        "folder": "",
        "note": NETWORKS["selected"],
        "preview": "",
    }


def test_an_empty_kind_says_where_files_go(tmp_path: Path) -> None:
    empty = browser_value(Catalog(tmp_path, tmp_path, BUILTIN), "", "")["empty"]
    assert str(tmp_path / "Lora") in empty["lora"]
    assert set(empty) == {"lora", "embedding", "hypernetwork", "checkpoint"}


def test_new_files_are_seen_at_the_next_look(catalog: Catalog) -> None:
    cards(catalog, "lora")
    write_lora(catalog.models_dir / "Lora" / "new.safetensors")
    assert "new" in cards(catalog, "lora")


def test_a_preview_is_preferred_to_a_picture_of_the_same_name(catalog: Catalog) -> None:
    found = preview_of(catalog, "lora", "paint")
    assert found is not None
    assert found.name == "paint.preview.png"


def get(catalog: Catalog, address: str) -> httpx.Response:
    app = FastAPI()
    app.include_router(preview_router(catalog))

    async def call() -> httpx.Response:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(f"/network-previews/{address}")

    return asyncio.run(call())


def test_a_preview_is_served_as_what_it_is(catalog: Catalog) -> None:
    answer = get(catalog, "lora?name=paint")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.content == (catalog.models_dir / "Lora/style/paint.preview.png").read_bytes()


@pytest.mark.parametrize(
    "address",
    [
        "lora?name=bad",
        "lora?name=nobody",
        "lora",
        "magic?name=paint",
        "lora?name=../style/paint",
        "lora?name=style/paint",
        "checkpoint?name=/etc/passwd",
        "hypernetwork?name=night",
    ],
)
def test_everything_else_is_404(catalog: Catalog, address: str) -> None:
    assert get(catalog, address).status_code == 404


@pytest.mark.parametrize("content", [b"<svg onload=alert(1)>", b"GIF89a", b""])
def test_what_is_no_picture_is_never_served(catalog: Catalog, content: bytes) -> None:
    (catalog.models_dir / "Lora/style/paint.preview.png").write_bytes(content)
    assert get(catalog, "lora?name=paint").status_code == 404
