"""webuiapi, A1111's own suite and plain requests against the real server and checkpoint (api 7)."""

from __future__ import annotations

import base64
import io
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import webuiapi
from PIL import Image, ImageDraw
from skimage import data

from tests.serving import Server, serve

pytestmark = pytest.mark.slow

SMALL = {"width": 64, "height": 64, "steps": 3, "seed": 7}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serve(tmp_path_factory.mktemp("api"), "--nowebui") as one:
        yield one


@pytest.fixture(scope="module")
def client(server: Server) -> webuiapi.WebUIApi:
    address = httpx.URL(server.url)
    return webuiapi.WebUIApi(host=address.host, port=address.port)


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    return Image.fromarray(data.astronaut()).resize((96, 64))


def encoded(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def decoded(text: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(text)))


def square_mask(size: tuple[int, int] = (96, 64)) -> Image.Image:
    mask = Image.new("RGB", size)
    ImageDraw.Draw(mask).rectangle((32, 16, 63, 47), fill="white")
    return mask


def test_webuiapi_img2img(client: webuiapi.WebUIApi, photograph: Image.Image) -> None:
    result = client.img2img(
        images=[photograph], prompt="pink hair", steps=4, seed=5, width=96, height=64, cfg_scale=5
    )
    assert result.image.size == (96, 64)
    assert result.info["seed"] == 5
    assert "Steps: 4" in result.info["infotexts"][0]


def test_webuiapi_inpaint_keeps_the_rest(
    client: webuiapi.WebUIApi, photograph: Image.Image
) -> None:
    result = client.img2img(
        images=[photograph],
        mask_image=square_mask(),
        mask_blur=0,
        inpainting_fill=1,
        inpaint_full_res=False,
        denoising_strength=0.9,
        steps=4,
        width=96,
        height=64,
    )
    changed = np.any(np.asarray(result.image.convert("RGB")) != np.asarray(photograph), axis=2)
    keep = np.asarray(square_mask().convert("L")) == 0
    assert changed[~keep].mean() > 0.5
    assert not changed[keep].any()


def test_webuiapi_lists_and_options(client: webuiapi.WebUIApi) -> None:
    assert len(client.util_get_sampler_names()) == 20
    assert client.util_get_current_model() in client.util_get_model_names()
    client.set_options(client.get_options())  # Open WebUI posts the whole object back
    client.set_options({"CLIP_stop_at_last_layers": 2})
    assert client.get_options()["CLIP_stop_at_last_layers"] == 2
    client.set_options({"CLIP_stop_at_last_layers": 1})
    client.util_wait_for_ready()


def test_webuiapi_png_info(client: webuiapi.WebUIApi) -> None:
    result = client.txt2img(prompt="a (red:1.2) house", seed=3, steps=2, width=64, height=64)
    found = client.png_info(result.image)
    assert found.info.startswith("a (red:1.2) house\n")
    assert "Seed: 3" in found.info


@pytest.mark.parametrize(
    ("route", "changes"),
    [
        pytest.param("txt2img", {}, id="simple"),
        pytest.param("txt2img", {"negative_prompt": "example"}, id="negative prompt"),
        pytest.param(
            "txt2img",
            {
                "prompt": "((emphasis)), (emphasis1:1.1), [to:1], [from::2], [from:to:0.3], "
                "[alt|alt1]"
            },
            id="complex prompt",
        ),
        pytest.param("txt2img", {"height": 128}, id="not square"),
        pytest.param("txt2img", {"tiling": True}, id="tiling"),
        pytest.param("txt2img", {"restore_faces": True}, id="restore faces"),
        pytest.param("txt2img", {"sampler_index": "PLMS"}, id="PLMS"),
        pytest.param("txt2img", {"sampler_index": "DDIM"}, id="DDIM"),
        pytest.param("txt2img", {"sampler_index": "UniPC"}, id="UniPC"),
        pytest.param("txt2img", {"n_iter": 2}, id="two batches"),
        pytest.param("txt2img", {"batch_size": 2}, id="batch of two"),
        pytest.param("img2img", {"mask": None}, id="img2img"),
        pytest.param("img2img", {"inpainting_mask_invert": False}, id="masked"),
        pytest.param("img2img", {"inpainting_mask_invert": True}, id="inverted mask"),
    ],
)
def test_requests_of_a1111s_own_suite(server: Server, route: str, changes: dict[str, Any]) -> None:
    body: dict[str, Any] = {
        "prompt": "example prompt",
        "sampler_index": "Euler a",
        "s_churn": 0,
        "s_tmax": 0,
        "s_tmin": 0,
        "s_noise": 1,
        "eta": 0,
        "seed_resize_from_h": -1,
        "seed_resize_from_w": -1,
        "styles": [],
        "tiling": False,
        "restore_faces": False,
        **SMALL,
    }
    if route == "img2img":
        body |= {
            "init_images": [encoded(Image.new("RGBA", (64, 64), "teal"))],
            "mask": encoded(square_mask((64, 64))),
            "inpaint_full_res": False,
            "inpainting_fill": 0,
            "mask_blur": 4,
            "override_settings": {},
            "include_init_images": False,
        }
    answer = server.post_json(f"/sdapi/v1/{route}", body | changes)
    expected = changes.get("n_iter", 1) * changes.get("batch_size", 1)
    assert len(answer["images"]) == expected
    assert decoded(answer["images"][0]).size == (64, changes.get("height", 64))
    info = json.loads(answer["info"])
    assert info["all_seeds"] == [7 + k for k in range(expected)]


def test_same_seed_gives_the_same_bytes(server: Server) -> None:
    first, second = (server.post_json("/sdapi/v1/txt2img", SMALL) for _ in range(2))
    assert first["images"] == second["images"]


def test_only_masked_returns_the_init_images_size(server: Server, photograph: Image.Image) -> None:
    body = SMALL | {"init_images": [encoded(photograph)], "mask": encoded(square_mask())}
    answer = server.post_json("/sdapi/v1/img2img", body | {"mask_blur": 0})
    assert decoded(answer["images"][0]).size == photograph.size


def test_step_semantics_run_what_they_say(server: Server, photograph: Image.Image) -> None:
    body = SMALL | {"init_images": [encoded(photograph)], "steps": 20, "sampler_name": "Euler"}
    executed = {}
    for semantics, extra in (
        ("a1111", {}),
        ("exact", {}),
        ("diffusers", {}),
        ("start_at_step", {"start_at_step": 6}),
    ):
        answer = server.post_json(
            "/sdapi/v1/img2img", body | {"step_semantics": semantics, **extra}
        )
        executed[semantics] = json.loads(answer["info"])["executed_steps"]
    assert executed == {"a1111": 16, "exact": 20, "diffusers": 15, "start_at_step": 14}


def test_denoise_zero_with_exact_steps_returns_the_input(
    server: Server, photograph: Image.Image
) -> None:
    body = SMALL | {
        "init_images": [encoded(photograph)],
        "width": 96,
        "denoising_strength": 0,
        "step_semantics": "exact",
    }
    image = decoded(server.post_json("/sdapi/v1/img2img", body)["images"][0])
    assert image.convert("RGB").tobytes() == photograph.tobytes()


def test_progress_while_busy_and_idle_again_after_interrupt(server: Server) -> None:
    body = SMALL | {"width": 256, "height": 256, "steps": 150}
    answers: list[Any] = []
    worker = threading.Thread(
        target=lambda: answers.append(server.post_json("/sdapi/v1/txt2img", body))
    )
    worker.start()
    end = time.monotonic() + 30
    while server.get_json("/sdapi/v1/progress")["state"]["sampling_step"] < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    busy = server.get_json("/sdapi/v1/progress")
    assert 0 < busy["progress"] < 1
    assert busy["state"]["job_count"] == 1
    httpx.post(f"{server.url}sdapi/v1/interrupt").raise_for_status()
    worker.join(20)
    assert len(answers[0]["images"]) == 1
    idle = server.get_json("/sdapi/v1/progress")
    assert (idle["progress"], idle["state"]["job_count"]) == (0, 0)


@pytest.mark.parametrize(
    ("route", "body", "status", "words"),
    [
        pytest.param("img2img", {}, 404, "Init image not found", id="no image"),
        pytest.param("img2img", {"init_images": ["???"]}, 500, "Invalid encoded image", id="junk"),
        pytest.param("txt2img", {"width": 63}, 422, "width", id="width 63"),
        pytest.param("txt2img", {"width": 100000}, 422, "width", id="width 100000"),
        pytest.param("txt2img", {"steps": 0}, 422, "steps", id="steps 0"),
        pytest.param(
            "txt2img", {"script_name": "Nope"}, 422, "Script 'Nope' not found", id="script"
        ),
    ],
)
def test_bad_requests_are_told_why_and_the_next_one_works(
    server: Server, route: str, body: dict[str, Any], status: int, words: str
) -> None:
    answer = httpx.post(f"{server.url}sdapi/v1/{route}", json=body, timeout=60)
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert "Traceback" not in answer.text
    assert len(server.post_json("/sdapi/v1/txt2img", SMALL | {"steps": 1})["images"]) == 1


def test_nan_strength_is_refused(server: Server, photograph: Image.Image) -> None:
    body = json.dumps(SMALL | {"init_images": [encoded(photograph)]})
    raw = body[:-1] + ', "denoising_strength": NaN}'
    answer = httpx.post(
        f"{server.url}sdapi/v1/img2img",
        content=raw,
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 422


def test_docs_and_schema_are_served(server: Server) -> None:
    schema = server.get_json("/openapi.json")
    assert "StableDiffusionProcessingImg2Img" in schema["components"]["schemas"]
    page = httpx.get(f"{server.url}docs")
    assert page.status_code == 200
    assert "cdn" not in page.text


def test_unknown_paths_and_methods(server: Server) -> None:
    unknown = httpx.get(f"{server.url}sdapi/v1/nothing-here")
    wrong = httpx.get(f"{server.url}sdapi/v1/img2img")
    assert (unknown.status_code, unknown.json()["detail"]) == (404, "Not Found")
    assert wrong.status_code == 405
