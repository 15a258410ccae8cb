"""Lists, flags, memory, OpenAPI (api 3.5, 3.6, 3.12)."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.sampler_names import SAMPLERS
from tests.api.conftest import BUILTIN, Api
from tests.models.extra_networks.make import write_lora
from tests.models.make import write_header_only
from tests.models.upscaler_nets import (
    compact_shapes,
    random_weights,
    rrdb_shapes,
    write_upscaler,
)

EMPTY: dict[str, Any] = {
    "/face-restorers": [],
    "/realesrgan-models": [],
    "/prompt-styles": [],
    "/script-info": [],
    "/extensions": [],
    "/scripts": {"txt2img": [], "img2img": []},
}


@pytest.mark.parametrize(("path", "answer"), EMPTY.items(), ids=EMPTY)
def test_what_does_not_exist_is_an_empty_list_not_404(api: Api, path: str, answer: Any) -> None:
    assert api.get(path) == answer


def users(api: Api, path: str, key: str) -> list[dict[str, Any]]:
    """The entries of a list that do not ship with us."""
    found: list[dict[str, Any]] = api.get(path)
    return [one for one in found if not Path(one[key]).is_relative_to(BUILTIN.parent)]


def test_loras_and_hypernetworks(api: Api, checkpoints: Path) -> None:
    models = checkpoints.parent
    assert users(api, "/loras", "path") == users(api, "/hypernetworks", "path") == []
    metadata = {"ss_output_name": "My Paint", "ss_tag_frequency": '{"a": {"cat": 3}}'}
    path = write_lora(models / "Lora" / "sub" / "paint.safetensors", metadata=metadata)
    (models / "hypernetworks").mkdir()
    (models / "hypernetworks" / "night.pt").write_bytes(b"?")
    assert users(api, "/loras", "path") == [
        {
            "name": "paint",
            "alias": "My Paint",
            "path": str(path),
            "metadata": {"ss_output_name": "My Paint", "ss_tag_frequency": {"a": {"cat": 3}}},
        }
    ]
    assert users(api, "/hypernetworks", "path") == [
        {"name": "night", "path": str(models / "hypernetworks" / "night.pt")}
    ]


def test_vaes_are_listed_without_automatic_and_none(api: Api, checkpoints: Path) -> None:
    folder = checkpoints.parent / "VAE"
    folder.mkdir()
    for path in (folder / "b.pt", folder / "A.safetensors", checkpoints / "m.vae.ckpt"):
        path.write_bytes(b"\0" * 64)
    (folder / "notes.txt").write_text("no VAE")
    assert users(api, "/sd-vae", "filename") == [
        {"model_name": "A.safetensors", "filename": str(folder / "A.safetensors")},
        {"model_name": "b.pt", "filename": str(folder / "b.pt")},
        {"model_name": "m.vae.ckpt", "filename": str(checkpoints / "m.vae.ckpt")},
    ]


def test_checkpoints(checkpoints: Path, make_api: Callable[[], Api]) -> None:
    (checkpoints / "sub").mkdir()
    path = checkpoints / "sub" / "b.safetensors"
    path.write_bytes(b"\0" * 64)
    path.with_suffix(".yaml").write_text("{}")
    api = make_api()
    (item, variant, builtin) = api.get("/sd-models")
    assert item == {
        "title": "sub/b.safetensors",
        "model_name": "sub_b",
        "hash": None,
        "sha256": None,
        "filename": str(path),
        "config": str(path.with_suffix(".yaml")),
    }
    assert (variant["title"], builtin["title"]) == ("overpaint-tiny-inpainting", "overpaint-tiny")
    sha = hashlib.sha256(b"\0" * 64).hexdigest()
    api.services.catalog.ensure_hash(api.services.catalog.get("b"))
    (item, *_) = api.get("/sd-models")
    assert item["title"] == f"sub/b.safetensors [{sha[:10]}]"
    assert (item["hash"], item["sha256"]) == (sha[:10], sha)


def test_a_title_that_the_worker_learnt_is_shown(
    checkpoints: Path, make_api: Callable[[], Api]
) -> None:
    (checkpoints / "b.safetensors").write_bytes(b"\0" * 64)
    api, worker = make_api(), make_api()
    hashed = worker.services.catalog.ensure_hash(worker.services.catalog.get("b"))
    api.engine.facts["model_title"] = hashed.title
    api.make("/txt2img")
    assert api.get("/sd-models")[0]["title"] == hashed.title


def test_samplers_and_schedulers(api: Api) -> None:
    samplers = api.get("/samplers")
    assert [one["name"] for one in samplers] == [info.name for info in SAMPLERS]
    (euler_a,) = [one for one in samplers if one["name"] == "Euler a"]
    assert euler_a["aliases"] == ["k_euler_a", "k_euler_ancestral"]
    assert samplers[0] == {
        "name": "DPM++ 2M",
        "aliases": ["k_dpmpp_2m"],
        "options": {"scheduler": "karras"},
    }
    schedulers = {one["name"]: one for one in api.get("/schedulers")}
    assert schedulers["karras"] == {
        "name": "karras",
        "label": "Karras",
        "aliases": None,
        "default_rho": 7.0,
        "need_inner_model": False,
    }
    assert schedulers["sgm_uniform"]["aliases"] == ["SGMUniform"]
    assert schedulers["automatic"]["default_rho"] == -1.0


def test_upscalers_begin_with_none_api_8_25(api: Api) -> None:
    upscalers = api.get("/upscalers")
    assert [one["name"] for one in upscalers] == ["None", "Lanczos", "Nearest"]
    assert set(upscalers[0]) == {"name", "model_name", "model_path", "model_url", "scale"}


def test_upscaler_files_come_after_the_filters_by_name_api_3_5(api: Api, checkpoints: Path) -> None:
    models = checkpoints.parent
    weights = random_weights(compact_shapes(scale=2, convs=0))
    write_upscaler(models / "RealESRGAN" / "RealESRGAN_x2plus.pth", weights)
    write_upscaler(models / "ESRGAN" / "4x-b.safetensors", random_weights(rrdb_shapes("old")))
    (models / "ESRGAN" / "broken.pth").write_bytes(b"no model")
    names = [one["name"] for one in api.get("/upscalers")]
    assert names == ["None", "Lanczos", "Nearest", "4x-b", "R-ESRGAN 2x+"]
    last = api.get("/upscalers")[-1]
    path = str(models / "RealESRGAN" / "RealESRGAN_x2plus.pth")
    assert (last["scale"], last["model_path"], last["model_url"]) == (2, path, None)
    assert api.get("/realesrgan-models") == [{"name": "R-ESRGAN 2x+", "path": path, "scale": 2}]


def test_flags_are_shown_as_they_are_handed_over(api: Api) -> None:
    assert api.get("/cmd-flags") == {"listen": False, "api_auth": None, "port": 7860}


def test_memory(api: Api) -> None:
    answer = api.get("/memory")
    ram = answer["ram"]
    assert 0 < ram["used"] < ram["total"]
    assert 0 < ram["free"] < ram["total"]
    assert answer["cuda"] == {"error": "unavailable"}


def test_memory_of_an_unknown_system(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("os.sysconf")
    assert "error" in api.get("/memory")["ram"]


@pytest.mark.parametrize(
    "path", ["/refresh-checkpoints", "/refresh-vae", "/refresh-embeddings", "/refresh-loras"]
)
def test_refreshing_answers_null(api: Api, path: str) -> None:
    response = api.call("POST", path)
    assert (response.status_code, response.text) == (200, "null")


def test_styles(make_api: Callable[[], Api], tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "styles.csv"
    path.write_text('name,prompt,negative_prompt\noil,"{prompt}, oil",blur\nink,ink,\n')
    api = make_api()
    api.services = replace(api.services, styles=path)
    api.__post_init__()
    assert api.get("/prompt-styles") == [
        {"name": "oil", "prompt": "{prompt}, oil", "negative_prompt": "blur"},
        {"name": "ink", "prompt": "ink", "negative_prompt": ""},
    ]
    answer = api.make("/txt2img", prompt="cat", styles=["oil", "None", "gone"])
    request = api.engine.only_job().spec.request
    assert (request.prompt, request.negative_prompt) == ("cat, oil", "blur")
    assert answer["told"]["styles"] == ["oil"]
    assert answer["told"]["prompt"] == "cat, oil"
    assert answer["parameters"]["prompt"] == "cat"
    assert answer["told"]["warnings"] == ["styles: there is no style 'gone'"]
    path.write_bytes(b"\xff\xfe\x00")
    response = api.call("GET", "/prompt-styles")
    assert response.status_code == 500
    assert response.json()["errors"].startswith("styles.csv cannot be used")


SCHEMAS = [
    "StableDiffusionProcessingTxt2Img",
    "StableDiffusionProcessingImg2Img",
    "TextToImageResponse",
    "ImageToImageResponse",
    "PNGInfoRequest",
    "PNGInfoResponse",
    "ProgressResponse",
    "Options",
    "Flags",
    "SamplerItem",
    "SchedulerItem",
    "UpscalerItem",
    "LatentUpscalerModeItem",
    "SDModelItem",
    "SDVaeItem",
    "HypernetworkItem",
    "FaceRestorerItem",
    "RealesrganItem",
    "PromptStyleItem",
    "EmbeddingItem",
    "EmbeddingsResponse",
    "MemoryResponse",
    "ScriptsList",
    "ScriptInfo",
    "ScriptArg",
    "ExtensionItem",
]
OPERATIONS = {
    "/sdapi/v1/img2img": "img2imgapi_sdapi_v1_img2img_post",
    "/sdapi/v1/txt2img": "text2imgapi_sdapi_v1_txt2img_post",
    "/sdapi/v1/png-info": "pnginfoapi_sdapi_v1_png_info_post",
    "/sdapi/v1/interrupt": "interruptapi_sdapi_v1_interrupt_post",
}


def test_openapi_names_api_3_12(api: Api) -> None:
    schema = api.get("/openapi.json")
    assert set(SCHEMAS) <= set(schema["components"]["schemas"])
    found = {path: schema["paths"][path]["post"]["operationId"] for path in OPERATIONS}
    assert found == OPERATIONS
    for path in ("interrupt", "skip", "refresh-checkpoints", "refresh-vae"):
        assert "requestBody" not in schema["paths"][f"/sdapi/v1/{path}"]["post"]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_docs_need_nothing_from_elsewhere(api: Api, path: str) -> None:
    response = api.call("GET", path)
    assert response.status_code == 200
    assert "/sdapi/v1/img2img" in response.text
    assert "inpainting_fill" in response.text
    assert "http://" not in response.text
    assert "https://" not in response.text
    assert "<script" not in response.text


def test_docs_escape_what_they_show() -> None:
    from api.docs_page import render

    call = {"description": "<b>", "responses": {}}
    page = render({"info": {"title": "<i>"}, "paths": {"/<x>": {"get": call}}})
    assert "<i>" not in page
    assert "<x>" not in page
    assert "&lt;b&gt;" in page


@pytest.mark.slow
def test_the_api_never_loads_torch() -> None:
    code = "import api.routes, sys; assert not {'torch', 'diffusers'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_behaviour_16_latent_modes(api: Api) -> None:
    names = [mode["name"] for mode in api.get("/latent-upscale-modes")]
    assert names == [
        "Latent",
        "Latent (antialiased)",
        "Latent (bicubic)",
        "Latent (bicubic antialiased)",
        "Latent (nearest)",
        "Latent (nearest-exact)",
    ]


def test_api_3_5_embeddings(api: Api) -> None:
    """The built-in checkpoint's text encoder has 96 numbers a word."""
    folder = api.services.catalog.models_dir / "embeddings"
    for name, width in (("good", 96), ("large", 768)):
        write_header_only(folder / f"{name}.safetensors", {"emb_params": (2, width)})
    (folder / "bad.pt").write_bytes(b"no")
    facts = {"step": None, "sd_checkpoint": None, "sd_checkpoint_name": None}
    answer = api.get("/embeddings")
    for shipped in (BUILTIN.parent / "embeddings").glob("*"):
        answer["loaded"].pop(shipped.stem, None)
    assert answer == {
        "loaded": {"good": {**facts, "shape": 96, "vectors": 2}},
        "skipped": {
            "bad": {**facts, "shape": 0, "vectors": 0},
            "large": {**facts, "shape": 768, "vectors": 2},
        },
    }
