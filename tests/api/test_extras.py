"""Enlarging pictures over the API (api 3.9, 7.1)."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

from jobs.spec import JobState, StopKind
from pipelines.pictures import encode_picture, read_metadata
from tests.api.conftest import Api, opened, png
from tests.models.upscaler_nets import compact_shapes, random_weights, write_upscaler

SUITE: dict[str, Any] = {
    "resize_mode": 0,
    "show_extras_results": True,
    "gfpgan_visibility": 0,
    "codeformer_visibility": 0,
    "codeformer_weight": 0,
    "upscaling_resize": 2,
    "upscaling_resize_w": 128,
    "upscaling_resize_h": 128,
    "upscaling_crop": True,
    "upscaler_1": "Lanczos",
    "upscaler_2": "None",
    "extras_upscaler_2_visibility": 0,
}


def test_extras_upscale_of_a1111s_suite(api: Api) -> None:
    response = api.post("/extra-single-image", SUITE | {"image": png()})
    assert response.status_code == 200
    answer = response.json()
    assert opened(answer["image"]).size == (128, 128)
    assert answer["html_info"] == (
        "<p>Postprocess upscale by: 2, Postprocess upscaler: Lanczos</p>"
    )


def test_the_suites_slips_are_answered(api: Api) -> None:
    for body in ({"image": png()}, {"image": png(), "model": "clip"}):
        response = api.post("/extra-single-image", body)
        assert response.status_code == 200
        assert opened(response.json()["image"]).size == (64, 64)


def test_several_pictures_keep_their_order(api: Api) -> None:
    items = [{"data": png(size=(64, side)), "name": f"{side}.png"} for side in (64, 128)]
    response = api.post("/extra-batch-images", SUITE | {"imageList": items})
    sizes = [opened(image).size for image in response.json()["images"]]
    assert sizes == [(128, 128), (128, 256)]


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"upscaler_1": "ESRGAN_4x"}, 500, "could not find upscaler named ESRGAN_4x"),
        ({"upscaling_resize": 0}, 422, "upscaling_resize"),
        ({"gfpgan_visibility": 2}, 422, "gfpgan_visibility"),
        ({"resize_mode": 2}, 422, "resize_mode"),
        ({"upscaling_resize": 1000}, 422, "the limit is"),
        ({"image": "nothing"}, 500, "Invalid encoded image"),
        (
            {"gfpgan_visibility": 0.5},
            501,
            "gfpgan_visibility: no face restorer is installed; send 0",
        ),
        ({"codeformer_visibility": 1}, 501, "codeformer_visibility: no face restorer"),
        ({"upscaler_2": "LDSR", "extras_upscaler_2_visibility": 1}, 500, "named LDSR"),
        (
            {"resize_mode": 1, "upscaling_resize_w": 9000, "upscaling_resize_h": 9000},
            422,
            "9000x9000 would be 81000000 pixels, the limit is 4000000",
        ),
    ],
)
def test_mistakes_are_said(api: Api, body: dict[str, Any], status: int, said: str) -> None:
    response = api.post("/extra-single-image", SUITE | {"image": png()} | body)
    assert response.status_code == status
    assert said in response.text


SIZES = {
    "by a factor": ({"upscaling_resize": 1.5}, (96, 96)),
    "smaller": ({"upscaling_resize": 0.5}, (32, 32)),
    "to a size": ({"resize_mode": 1, "upscaling_resize_w": 200}, (200, 128)),
    "to a size, whole": (
        {"resize_mode": 1, "upscaling_resize_w": 200, "upscaling_crop": False},
        (200, 200),
    ),
    "nothing": ({"upscaler_1": "None"}, (64, 64)),
    "any letter case": ({"upscaler_1": "lanczos"}, (128, 128)),
    "null": ({"upscaler_1": ""}, (64, 64)),
}


@pytest.mark.parametrize(("body", "size"), SIZES.values(), ids=SIZES)
def test_sizes(api: Api, body: dict[str, Any], size: tuple[int, int]) -> None:
    response = api.post("/extra-single-image", SUITE | {"image": png()} | body)
    assert response.status_code == 200, response.text
    assert opened(response.json()["image"]).size == size


def test_two_upscalers_and_the_texts_of_the_file_api_3_9(api: Api) -> None:
    image = PIL.Image.new("RGB", (8, 8))
    image.putpixel((4, 4), (255, 255, 255))
    told = "a hen\nSteps: 4, Sampler: Euler, Size: 8x8"
    data = encode_picture(image, "png", infotext=told)
    body = SUITE | {
        "image": base64.b64encode(data).decode(),
        "upscaler_1": "Nearest",
        "upscaler_2": "Lanczos",
        "extras_upscaler_2_visibility": 0.5,
    }
    answer = api.post("/extra-single-image", body).json()
    kinds = (PIL.Image.Resampling.NEAREST, PIL.Image.Resampling.LANCZOS)
    nearest, lanczos = (image.resize((16, 16), kind) for kind in kinds)
    mixed = PIL.Image.blend(nearest, lanczos, 0.5)
    assert opened(answer["image"]).tobytes() == mixed.tobytes()
    texts = read_metadata(base64.b64decode(answer["image"]))
    assert texts["parameters"] == told
    done = (
        "Postprocess upscale by: 2, Postprocess upscaler: Nearest, "
        "Postprocess upscaler 2: Lanczos, Postprocess upscaler 2 visibility: 0.5"
    )
    assert texts["extras"] == done
    assert answer["html_info"] == f"<p>{done}</p>"


def test_the_job_names_the_file_the_client_called_by_its_stem(api: Api, checkpoints: Path) -> None:
    weights = random_weights(compact_shapes(scale=2, convs=0))
    write_upscaler(checkpoints.parent / "RealESRGAN" / "RealESRGAN_x2plus.pth", weights)
    api.engine.hold = True
    api.options.set_many({"ESRGAN_tile": 128})

    async def call() -> Any:
        body = SUITE | {"image": png(), "upscaler_1": "realesrgan_x2plus"}
        submitted, loop = asyncio.Event(), asyncio.get_running_loop()

        def on_submit(_: str) -> None:
            loop.call_soon_threadsafe(submitted.set)

        api.engine.on_submit = on_submit
        posting = asyncio.ensure_future(api.acall("POST", "/extra-single-image", json=body))
        await submitted.wait()
        job = api.engine.only_job()
        api.engine.start(job.id)
        shown = await api.acall("GET", "/progress")
        await api.acall("POST", "/interrupt")
        api.engine.change(job.id, state=JobState.DONE, interrupted=True)
        return shown.json(), (await posting)

    shown, response = asyncio.run(call())
    work = api.engine.only_job().spec.extras
    assert work is not None
    assert (work.extras.upscaler_1, work.extras.tile) == ("R-ESRGAN 2x+", 128)
    assert shown["state"]["job"] == "extras"
    assert api.engine.stops == [(api.engine.only_job().id, StopKind.NOW)]
    assert response.status_code == 500
    assert "the job was stopped" in response.json()["detail"]


def test_a_job_that_fails_says_why(api: Api) -> None:
    api.engine.fail = "x.pth gives no numbers"
    response = api.post("/extra-single-image", SUITE | {"image": png()})
    assert (response.status_code, response.json()["detail"]) == (500, "x.pth gives no numbers")


def test_nobody_to_enlarge(api: Api) -> None:
    response = api.post("/extra-batch-images", SUITE | {"imageList": []})
    assert response.json()["images"] == []
