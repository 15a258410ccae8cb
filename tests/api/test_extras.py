"""Enlarging pictures over the API (api 3.9, 7.1)."""

from __future__ import annotations

from typing import Any

import PIL.Image
import pytest

from scripts.extras import Extras, enlarge
from tests.api.conftest import Api, opened, png

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
    ],
)
def test_mistakes_are_said(api: Api, body: dict[str, Any], status: int, said: str) -> None:
    response = api.post("/extra-single-image", SUITE | {"image": png()} | body)
    assert response.status_code == status
    assert said in response.text


@pytest.mark.parametrize(
    ("extras", "expected"),
    [
        (Extras("Nearest", factor=1.5), (144, 104)),
        (Extras("None", factor=4), (100, 70)),
        (Extras("Lanczos", to_size=True, width=200, height=200), (200, 200)),
        (Extras("Lanczos", to_size=True, width=200, height=200, crop=False), (280, 200)),
    ],
)
def test_sizes(extras: Extras, expected: tuple[int, int]) -> None:
    image = PIL.Image.new("RGB", (100, 70), (9, 9, 9))
    assert enlarge(image, extras, 1_000_000).size == expected


def test_the_second_upscaler_is_mixed_in() -> None:
    image = PIL.Image.new("RGB", (8, 8))
    image.putpixel((4, 4), (255, 255, 255))
    one = enlarge(image, Extras("Nearest"), 10_000)
    two = enlarge(image, Extras("Lanczos"), 10_000)
    mixed = enlarge(image, Extras("Nearest", "Lanczos", 0.5), 10_000)
    assert mixed.tobytes() == PIL.Image.blend(one, two, 0.5).tobytes()
