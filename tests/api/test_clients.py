"""The Python client `webuiapi` and real sockets against the API served by uvicorn (api 7.2)."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import PIL.Image
import pytest
import uvicorn
import webuiapi

from jobs.spec import JobState
from tests.api.conftest import Api

pytestmark = pytest.mark.slow


@dataclass
class Served:
    """The API behind a loopback port."""

    api: Api
    port: int

    def client(self) -> webuiapi.WebUIApi:
        return webuiapi.WebUIApi(host="127.0.0.1", port=self.port)


@pytest.fixture
def served(api: Api) -> Iterator[Served]:
    sock = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api.app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]})
    thread.start()
    yield Served(api, sock.getsockname()[1])
    server.should_exit = True
    server.force_exit = True
    thread.join()
    sock.close()


def until(condition: Callable[[], object]) -> None:
    """Wait for it, at most four seconds."""
    for _ in range(400):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


PICTURE = PIL.Image.new("RGB", (64, 64), "red")
MASK = PIL.Image.new("L", (64, 64), 255)


def test_webuiapi_generates(served: Served) -> None:
    client = served.client()
    assert not client.has_controlnet
    result = client.txt2img(prompt="cat", width=64, height=64, steps=2, n_iter=2)
    assert [image.size for image in result.images] == [(64, 64)] * 2
    assert result.info["all_prompts"] == ["cat", "cat"]
    assert result.parameters["sampler_name"] == "Euler a"
    painted = client.img2img(
        images=[PICTURE], mask_image=MASK, prompt="dog", width=64, height=64, steps=2, seed=3
    )
    assert painted.image.size == (64, 64)
    assert painted.info["seed"] == 3
    assert painted.info["warnings"] == []
    info = client.png_info(painted.image)
    assert info.info == painted.info["infotexts"][0]
    assert info.parameters["Seed"] == "3"


def test_webuiapi_raises_with_status_and_text(served: Served) -> None:
    with pytest.raises(RuntimeError) as raised:
        served.client().txt2img(steps=0)
    assert raised.value.args[0] == 422
    assert "steps" in raised.value.args[1]


CALLS = (
    "get_options get_cmd_flags get_progress get_samplers get_schedulers get_sd_vae "
    "get_upscalers get_latent_upscale_modes get_loras get_sd_models get_hypernetworks "
    "get_face_restorers get_realesrgan_models get_prompt_styles get_scripts get_embeddings "
    "get_memory interrupt skip refresh_checkpoints"
)


def test_webuiapi_lists_and_settings(served: Served) -> None:
    client = served.client()
    for name in CALLS.split():
        getattr(client, name)()
    client.set_options({"send_seed": False})
    assert client.get_options()["send_seed"] is False
    assert client.util_get_model_names() == ["overpaint-tiny", "overpaint-tiny-inpainting"]
    assert client.util_get_current_model() == "overpaint-tiny"
    client.util_set_model("overpaint")
    assert "Euler a" in client.util_get_sampler_names()
    assert "karras" in client.util_get_scheduler_names()
    client.util_wait_for_ready()


def test_body_less_posts_work_on_a_real_connection(served: Served) -> None:
    for path, answer in (("interrupt", {}), ("skip", None), ("refresh-checkpoints", None)):
        connection = http.client.HTTPConnection("127.0.0.1", served.port)
        connection.request("POST", f"/sdapi/v1/{path}")
        assert json.loads(connection.getresponse().read()) == answer
        connection.close()


@pytest.mark.parametrize("running", [False, True], ids=["waiting", "running"])
def test_a_client_that_hangs_up(served: Served, running: bool) -> None:
    engine = served.api.engine
    engine.hold = True
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/sdapi/v1/txt2img", body="{}", headers=headers)
    until(lambda: engine.jobs)
    job_id = engine.only_job().id
    if running:
        engine.start(job_id)
    connection.close()
    if running:
        time.sleep(0.3)
        assert engine.only_job().state is JobState.RUNNING
        assert engine.stops == []
    else:
        until(lambda: engine.only_job().state is JobState.CANCELLED)
