"""The requests of A1111's own test suite, as far as their routes are here (api 7.1).

SD upscale, hires fix and extras wait for their features; until then they are refused, which is
tested with the errors.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, opened, png

IMG2IMG: dict[str, Any] = {
    "batch_size": 1,
    "cfg_scale": 7,
    "denoising_strength": 0.75,
    "eta": 0,
    "height": 64,
    "include_init_images": False,
    "init_images": [png("RGBA")],
    "inpaint_full_res": False,
    "inpaint_full_res_padding": 0,
    "inpainting_fill": 0,
    "inpainting_mask_invert": False,
    "mask": None,
    "mask_blur": 4,
    "n_iter": 1,
    "negative_prompt": "",
    "override_settings": {},
    "prompt": "example prompt",
    "resize_mode": 0,
    "restore_faces": False,
    "s_churn": 0,
    "s_noise": 1,
    "s_tmax": 0,
    "s_tmin": 0,
    "sampler_index": "Euler a",
    "seed": -1,
    "seed_resize_from_h": -1,
    "seed_resize_from_w": -1,
    "steps": 3,
    "styles": [],
    "subseed": -1,
    "subseed_strength": 0,
    "tiling": False,
    "width": 64,
}
TXT2IMG: dict[str, Any] = {
    "batch_size": 1,
    "cfg_scale": 7,
    "denoising_strength": 0,
    "enable_hr": False,
    "eta": 0,
    "firstphase_height": 0,
    "firstphase_width": 0,
    "height": 64,
    "n_iter": 1,
    "negative_prompt": "",
    "prompt": "example prompt",
    "restore_faces": False,
    "s_churn": 0,
    "s_noise": 1,
    "s_tmax": 0,
    "s_tmin": 0,
    "sampler_index": "Euler a",
    "seed": -1,
    "seed_resize_from_h": -1,
    "seed_resize_from_w": -1,
    "steps": 3,
    "styles": [],
    "subseed": -1,
    "subseed_strength": 0,
    "tiling": False,
    "width": 64,
}
MASK = {"mask": png("RGB")}
COMPLEX = "((emphasis)), (emphasis1:1.1), [to:1], [from::2], [from:to:0.3], [alt|alt1]"

CALLS: dict[str, tuple[str, dict[str, Any], int]] = {
    "img2img simple": ("/img2img", IMG2IMG, 1),
    "inpaint masked": ("/img2img", IMG2IMG | MASK, 1),
    "inpaint inverted": ("/img2img", IMG2IMG | MASK | {"inpainting_mask_invert": True}, 1),
    "txt2img simple": ("/txt2img", TXT2IMG, 1),
    "negative prompt": ("/txt2img", TXT2IMG | {"negative_prompt": "example negative"}, 1),
    "complex prompt": ("/txt2img", TXT2IMG | {"prompt": COMPLEX}, 1),
    "not square": ("/txt2img", TXT2IMG | {"height": 128}, 1),
    "tiling": ("/txt2img", TXT2IMG | {"tiling": True}, 1),
    "restore faces": ("/txt2img", TXT2IMG | {"restore_faces": True}, 1),
    "PLMS": ("/txt2img", TXT2IMG | {"sampler_index": "PLMS"}, 1),
    "DDIM": ("/txt2img", TXT2IMG | {"sampler_index": "DDIM"}, 1),
    "UniPC": ("/txt2img", TXT2IMG | {"sampler_index": "UniPC"}, 1),
    "n_iter": ("/txt2img", TXT2IMG | {"n_iter": 2}, 2),
    "batch_size": ("/txt2img", TXT2IMG | {"batch_size": 2}, 2),
}


@pytest.mark.parametrize(("path", "body", "count"), CALLS.values(), ids=CALLS)
def test_generation(api: Api, path: str, body: dict[str, Any], count: int) -> None:
    answer = api.make(path, **body)
    images = [opened(text) for text in answer["images"]]
    assert len(images) == count
    assert {image.size for image in images} == {(body["width"], body["height"])}
    assert len(answer["told"]["infotexts"]) == count
    assert api.get("/progress")["state"]["job_count"] == 0


ADDRESSES = [
    "/cmd-flags",
    "/samplers",
    "/upscalers",
    "/sd-models",
    "/hypernetworks",
    "/face-restorers",
    "/realesrgan-models",
    "/prompt-styles",
    "/embeddings",
]


@pytest.mark.parametrize("path", ADDRESSES)
def test_addresses(api: Api, path: str) -> None:
    assert api.call("GET", path).status_code == 200
