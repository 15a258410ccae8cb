"""The API with the real engine and the built-in checkpoint, over a real port (api 7.1)."""

from __future__ import annotations

import base64
import io
import json
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import PIL.ImageDraw
import pytest

from tests.api.conftest import BUILTIN
from tests.api.test_a1111_suite import CALLS
from tests.serving import Server, serve

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a second checkpoint, `copy`."""
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(BUILTIN, folder / "weights" / "Stable-diffusion" / "copy")
    with serve(folder, "--nowebui") as running:
        yield running


def post(server: Server, path: str, body: dict[str, Any]) -> Any:
    return server.post_json(f"/sdapi/v1{path}", body)


def progress(server: Server) -> Any:
    return server.get_json("/sdapi/v1/progress")


def is_idle(server: Server) -> bool:
    answer = progress(server)
    state = answer["state"]
    return (answer["progress"], state["job_count"], state["job"]) == (0.0, 0, "")


def text_of(image: PIL.Image.Image) -> str:
    out = io.BytesIO()
    image.save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def first(answer: Any) -> PIL.Image.Image:
    image = PIL.Image.open(io.BytesIO(base64.b64decode(answer["images"][0])))
    image.load()
    return image


def gradient(side: int = 128) -> PIL.Image.Image:
    return PIL.Image.linear_gradient("L").resize((side, side)).convert("RGB")


def mask(side: int = 128) -> PIL.Image.Image:
    image = PIL.Image.new("L", (side, side), 0)
    PIL.ImageDraw.Draw(image).rectangle((48, 48, 79, 79), fill=255)
    return image


@pytest.mark.parametrize(("path", "body", "count"), CALLS.values(), ids=CALLS)
def test_a1111s_own_requests(server: Server, path: str, body: dict[str, Any], count: int) -> None:
    answer = post(server, path, body)
    assert len(answer["images"]) == count
    assert first(answer).size == (body["width"], body["height"])
    assert json.loads(answer["info"])["infotexts"]
    assert is_idle(server)


def test_every_listed_sampler_and_schedule_runs(server: Server) -> None:
    samplers = [item["name"] for item in server.get_json("/sdapi/v1/samplers")]
    schedulers = [item["name"] for item in server.get_json("/sdapi/v1/schedulers")]
    body = {"width": 64, "height": 64, "steps": 3, "seed": 1}
    for name in samplers:
        info = json.loads(post(server, "/txt2img", body | {"sampler_name": name})["info"])
        assert (info["sampler_name"], info["warnings"]) == (name, [])
    for name in schedulers:
        sampling = {"sampler_name": "Euler", "scheduler": name}
        info = json.loads(post(server, "/txt2img", body | sampling)["info"])
        assert info["warnings"] == []


def test_the_same_seed_gives_the_same_bytes(server: Server) -> None:
    body = {"prompt": "a red apple", "width": 64, "height": 64, "steps": 4, "seed": 7}
    one, two = (post(server, "/txt2img", body) for _ in range(2))
    assert one["images"] == two["images"]
    other = post(server, "/txt2img", body | {"seed": 8})
    assert first(other).tobytes() != first(one).tobytes()


@pytest.mark.parametrize(("only_masked", "size"), [(True, (128, 128)), (False, (64, 64))])
def test_sizes_of_inpainted_pictures(
    server: Server, only_masked: bool, size: tuple[int, int]
) -> None:
    """Only masked gives the init image's size, whole picture the working size (api 2.2)."""
    body = {
        "init_images": [text_of(gradient())],
        "mask": text_of(mask()),
        "inpaint_full_res": only_masked,
        "width": 64,
        "height": 64,
        "steps": 3,
    }
    answer = post(server, "/img2img", body)
    assert first(answer).size == size
    info = json.loads(answer["info"])
    assert (info["width"], info["height"]) == (64, 64)


@pytest.mark.parametrize("only_masked", [True, False])
def test_pixels_outside_the_mask_are_kept(server: Server, only_masked: bool) -> None:
    source = gradient()
    body = {
        "init_images": [text_of(source)],
        "mask": text_of(mask()),
        "inpaint_full_res": only_masked,
        "inpainting_fill": 2,
        "denoising_strength": 1.0,
        "mask_blur": 2,
        "width": 128,
        "height": 128,
        "steps": 3,
        "seed": 3,
    }
    result = first(post(server, "/img2img", body)).convert("RGB")
    outside = (0, 0, 128, 40)
    assert result.crop(outside).tobytes() == source.crop(outside).tobytes()
    inside = (56, 56, 72, 72)
    assert result.crop(inside).tobytes() != source.crop(inside).tobytes()


def test_denoise_0_of_exact_semantics_is_the_input(server: Server) -> None:
    source = gradient()
    body = {
        "init_images": [text_of(source)],
        "denoising_strength": 0,
        "step_semantics": "exact",
        "width": 128,
        "height": 128,
    }
    answer = post(server, "/img2img", body)
    assert first(answer).convert("RGB").tobytes() == source.tobytes()
    assert json.loads(answer["info"])["executed_steps"] == 0


def test_saved_pictures_and_their_grid(server: Server) -> None:
    body = {"width": 64, "height": 64, "steps": 2, "n_iter": 2, "save_images": True}
    before = set((server.folder / "outputs").rglob("*.png"))
    answer = post(server, "/txt2img", body)
    made = set((server.folder / "outputs").rglob("*.png")) - before
    assert sorted(path.parts[-3] for path in made) == ["txt2img-grids", *["txt2img-images"] * 2]
    assert len(answer["images"]) == 3
    assert first(answer).size == (128, 64)
    unsaved = post(server, "/txt2img", body | {"save_images": False})
    assert len(unsaved["images"]) == 2
    assert set((server.folder / "outputs").rglob("*.png")) - before == made


def test_png_info_reads_what_was_made(server: Server) -> None:
    answer = post(server, "/txt2img", {"width": 64, "height": 64, "steps": 2, "prompt": "猫, #1"})
    read = post(server, "/png-info", {"image": "data:image/png;base64, " + answer["images"][0]})
    assert read["info"] == json.loads(answer["info"])["infotexts"][0]
    assert read["parameters"]["Steps"] == "2"


def test_settings_go_round(server: Server) -> None:
    options = server.get_json("/sdapi/v1/options")
    assert post(server, "/options", options) is None
    assert server.get_json("/sdapi/v1/options") == options


def test_the_chosen_checkpoint_is_loaded_and_used(server: Server) -> None:
    before = server.get_json("/sdapi/v1/options")["sd_model_checkpoint"]
    try:
        for alias in ("overpaint-tiny", "copy"):
            assert post(server, "/options", {"sd_model_checkpoint": alias}) is None
            title = server.get_json("/sdapi/v1/options")["sd_model_checkpoint"]
            assert title in {item["title"] for item in server.get_json("/sdapi/v1/sd-models")}
            answer = post(server, "/txt2img", {"width": 64, "height": 64, "steps": 1})
            assert json.loads(answer["info"])["sd_model_name"] == alias
    finally:
        post(server, "/options", {"sd_model_checkpoint": before})


ERRORS: dict[str, dict[str, Any]] = {
    "no picture": {"init_images": ["abc"]},
    "script": {"init_images": [text_of(gradient(64))], "script_name": "nope"},
    "range": {"init_images": [text_of(gradient(64))], "steps": 0},
}


@pytest.mark.parametrize("body", ERRORS.values(), ids=ERRORS)
def test_idle_after_an_error(server: Server, body: dict[str, Any]) -> None:
    with pytest.raises(httpx.HTTPStatusError):
        post(server, "/img2img", body)
    assert is_idle(server)


LONG = {"width": 256, "height": 256, "steps": 150, "n_iter": 20, "sampler_name": "Euler a"}


def test_progress_and_interrupt(server: Server) -> None:
    """Never 0 while it runs; after the interrupt 200 with what there is, and idle."""
    answers: list[Any] = []
    call = threading.Thread(target=lambda: answers.append(post(server, "/txt2img", LONG)))
    call.start()
    end = time.monotonic() + 30
    while progress(server)["state"]["sampling_step"] < 3:
        assert time.monotonic() < end
        time.sleep(0.02)
    seen = progress(server)
    assert 0 < seen["progress"] <= 1
    assert seen["state"]["job_count"] == 20
    assert seen["state"]["sampling_steps"] == 150
    assert seen["state"]["job"].startswith("Batch ")
    assert seen["eta_relative"] > 0
    assert post(server, "/interrupt", {}) == {}
    call.join(30)
    (answer,) = answers
    assert 1 <= len(answer["images"]) < 20
    assert first(answer).size == (256, 256)
    assert is_idle(server)


def test_a_client_that_hangs_up_leaves_no_waiting_job(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=0.5) as client:
        with pytest.raises(httpx.ReadTimeout):
            client.post("/sdapi/v1/txt2img", json=LONG)  # goes on: it runs
        with pytest.raises(httpx.ReadTimeout):
            client.post("/sdapi/v1/txt2img", json=LONG)  # waits behind it: is dropped
    end = time.monotonic() + 10
    while server.get_json("/internal/pending-tasks")["size"] != 1:
        assert time.monotonic() < end
        time.sleep(0.05)
    post(server, "/interrupt", {})
    while not is_idle(server):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_no_stray_files_and_no_stack_trace(server: Server) -> None:
    assert not [line for line in server.lines if "Traceback" in line]
    data = server.folder / "data"
    assert not [path for path in data.rglob("*") if path.suffix in {".tmp", ".part"}]
    assert Path(data / "config.json").is_file()
