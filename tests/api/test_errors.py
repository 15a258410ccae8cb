"""The error table of api 4, and that the server is idle again after an error."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.api.conftest import Api, picture_file, png

NOT_AN_IMAGE = base64.b64encode(b"plain text").decode()
CUT_OFF = base64.b64encode(picture_file()[:60]).decode()


def shape(error: str, detail: str, errors: str = "") -> dict[str, str]:
    return {"error": error, "detail": detail, "body": "", "errors": errors}


MISSING = {"absent": {}, "null": {"init_images": None}, "empty": {"init_images": []}}


@pytest.mark.parametrize("body", MISSING.values(), ids=MISSING)
def test_no_init_image(api: Api, body: dict[str, Any]) -> None:
    response = api.post("/img2img", body)
    assert response.status_code == 404
    assert response.json() == shape("HTTPException", "Init image not found")


IMAGES = {
    "no base64": "!!!",
    "no picture": NOT_AN_IMAGE,
    "cut off": CUT_OFF,
    "empty": "",
    "data uri without data": "data:image/png;base64,",
    "file address": "file:///etc/passwd",
    "ftp address": "ftp://example.org/a.png",
    "gopher address": "gopher://127.0.0.1/a",
    "path": "/etc/passwd",
}


@pytest.mark.parametrize("text", IMAGES.values(), ids=IMAGES)
@pytest.mark.parametrize("field", ["init_images", "mask", "png-info"])
def test_invalid_image(api: Api, field: str, text: str) -> None:
    if field == "png-info":
        response = api.post("/png-info", {"image": text})
    elif field == "mask":
        # An empty mask is no mask; blanks are a mask without a picture.
        response = api.post("/img2img", {"init_images": [png()], "mask": text or " "})
    else:
        response = api.post("/img2img", {"init_images": [text]})
    answer = response.json()
    assert response.status_code == 500
    assert (answer["error"], answer["detail"]) == ("HTTPException", "Invalid encoded image")
    assert api.engine.jobs == {}


def test_the_field_and_the_reason_are_told(api: Api) -> None:
    answer = api.post("/img2img", {"init_images": [png(), png(size=(4000, 2000))]}).json()
    assert answer["detail"] == "Invalid encoded image"
    assert answer["errors"].startswith("init_images[1]: The picture is 4000x2000")


def test_too_many_init_images(api: Api) -> None:
    response = api.post("/img2img", {"init_images": [png(), png(), png()], "batch_size": 2})
    assert response.status_code == 500
    expected = "bad number of images passed: 3; expecting 2 or less"
    assert response.json() == shape("RuntimeError", "", expected)


def test_unknown_checkpoint_through_options(api: Api) -> None:
    response = api.post("/options", {"sd_model_checkpoint": "X", "send_seed": False})
    assert response.status_code == 500
    assert response.json() == shape("RuntimeError", "", "model 'X' not found")
    assert api.options.get("send_seed") is True


def test_a_failed_job_says_why(api: Api) -> None:
    api.engine.fail = "the GPU has not enough memory for 512x512"
    response = api.post("/txt2img", {})
    assert response.status_code == 500
    sentence = "the GPU has not enough memory for 512x512"
    assert response.json() == shape("RuntimeError", sentence, sentence)


ADDRESSES = {
    "unknown path": ("GET", "/nothing", 404, {"detail": "Not Found"}),
    "unload is not there": ("POST", "/unload-checkpoint", 404, {"detail": "Not Found"}),
    "training is not there": ("POST", "/train/embedding", 404, {"detail": "Not Found"}),
    "server stop is not there": ("POST", "/server-stop", 404, {"detail": "Not Found"}),
    "wrong method": ("GET", "/img2img", 405, {"detail": "Method Not Allowed"}),
    "wrong method on a list": ("POST", "/sd-models", 405, {"detail": "Method Not Allowed"}),
}


@pytest.mark.parametrize(("method", "path", "status", "body"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses(api: Api, method: str, path: str, status: int, body: dict[str, str]) -> None:
    response = api.call(method, path)
    assert (response.status_code, response.json()) == (status, body)


ERRORS: dict[str, dict[str, Any]] = {
    "bad image": {"init_images": ["x"]},
    "bad value": {"init_images": [png()], "steps": 0},
    "script": {"init_images": [png()], "script_name": "nope"},
    "bad override": {"init_images": [png()], "override_settings": {"s_noise": "x", "s_churn": 1}},
}


@pytest.mark.parametrize("body", ERRORS.values(), ids=ERRORS)
def test_the_server_is_idle_and_unchanged_after_an_error(api: Api, body: dict[str, Any]) -> None:
    before = api.get("/options")
    assert api.post("/img2img", body).status_code >= 400
    progress = api.get("/progress")
    assert (progress["progress"], progress["state"]["job_count"]) == (0.0, 0)
    assert api.get("/options") == before
