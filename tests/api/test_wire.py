"""Reading of request bodies: api 2.1-2.3 (fields, defaults) and 2.9 (coercion)."""

from __future__ import annotations

from typing import Any

import pytest

from api.generation_schemas import (
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from tests.api.conftest import Api, png

SHARED: dict[str, Any] = {
    "prompt": "",
    "negative_prompt": "",
    "styles": None,
    "seed": -1,
    "subseed": -1,
    "subseed_strength": 0,
    "seed_resize_from_h": -1,
    "seed_resize_from_w": -1,
    "sampler_name": None,
    "sampler_index": "Euler",
    "scheduler": None,
    "batch_size": 1,
    "n_iter": 1,
    "steps": 50,
    "cfg_scale": 7.0,
    "width": 512,
    "height": 512,
    "restore_faces": None,
    "tiling": None,
    "do_not_save_samples": False,
    "do_not_save_grid": False,
    "eta": None,
    "s_min_uncond": None,
    "s_churn": None,
    "s_tmin": None,
    "s_tmax": None,
    "s_noise": None,
    "override_settings": None,
    "override_settings_restore_afterwards": True,
    "refiner_checkpoint": None,
    "refiner_switch_at": None,
    "disable_extra_networks": False,
    "comments": None,
    "firstpass_image": None,
    "script_name": None,
    "script_args": [],
    "alwayson_scripts": {},
    "send_images": True,
    "save_images": False,
    "force_task_id": None,
    "infotext": None,
}
IMG2IMG: dict[str, Any] = {
    "init_images": None,
    "resize_mode": 0,
    "denoising_strength": 0.75,
    "image_cfg_scale": None,
    "mask": None,
    "mask_blur": None,
    "mask_blur_x": 4,
    "mask_blur_y": 4,
    "mask_round": True,
    "inpainting_fill": 0,
    "inpaint_full_res": True,
    "inpaint_full_res_padding": 0,
    "inpainting_mask_invert": 0,
    "initial_noise_multiplier": None,
    "latent_mask": None,
    "include_init_images": False,
}
TXT2IMG: dict[str, Any] = {
    "enable_hr": False,
    "denoising_strength": None,
    "firstphase_width": 0,
    "firstphase_height": 0,
    "hr_scale": 2.0,
    "hr_resize_x": 0,
    "hr_resize_y": 0,
    "hr_upscaler": None,
    "hr_second_pass_steps": 0,
    "hr_checkpoint_name": None,
    "hr_sampler_name": None,
    "hr_scheduler": None,
    "hr_prompt": "",
    "hr_negative_prompt": "",
}
OURS = {
    "clip_skip": None,
    "step_semantics": None,
    "start_at_step": 0,
    "end_at_step": 10000,
    "add_noise": True,
    "return_with_leftover_noise": False,
}


def test_img2img_fields_and_defaults_api_2_1_2_2() -> None:
    assert StableDiffusionProcessingImg2Img().model_dump() == {
        **SHARED,
        **IMG2IMG,
        **OURS,
        "outpaint_anchor": None,
    }


def test_txt2img_fields_and_defaults_api_2_1_2_3() -> None:
    assert StableDiffusionProcessingTxt2Img().model_dump() == {**SHARED, **TXT2IMG, **OURS}


COERCED = {
    "text for int": ("seed", "123", 123),
    "negative text for int": ("seed", "-1", -1),
    "text for float": ("cfg_scale", "1.0", 1.0),
    "fraction for int": ("steps", 20.5, 20),
    "fraction text for int": ("steps", "20.5", 20),
    "whole float for int": ("steps", 20.0, 20),
    "true for int": ("inpainting_mask_invert", True, 1),
    "false for int": ("inpainting_mask_invert", False, 0),
    "0 for bool": ("send_images", 0, False),
    "1 for bool": ("inpaint_full_res", 1, True),
    "text for bool": ("inpaint_full_res", "true", True),
    "int for text": ("prompt", 12, "12"),
    "float for text": ("prompt", 1.5, "1.5"),
    "bool for text": ("prompt", True, "True"),
    "numbers for list of texts": ("styles", [1, "a"], ["1", "a"]),
    "null sampler_index": ("sampler_index", None, "Euler"),
    "null script_args": ("script_args", None, []),
    "null alwayson_scripts": ("alwayson_scripts", None, {}),
    "null send_images": ("send_images", None, True),
    "null save_images": ("save_images", None, False),
    "null denoising_strength": ("denoising_strength", None, 0.75),
    "null steps": ("steps", None, 50),
    "null width": ("width", None, 512),
    "null seed": ("seed", None, -1),
    "unknown key": ("private_key", {"a": 1}, None),
}


@pytest.mark.parametrize(("key", "sent", "read"), COERCED.values(), ids=COERCED)
def test_values_are_read_as_pydantic_1_did_api_2_9(key: str, sent: Any, read: Any) -> None:
    wire = StableDiffusionProcessingImg2Img.model_validate({key: sent})
    value = getattr(wire, key, None)
    assert value == read
    assert type(value) is type(read)


REFUSED = {
    "empty text for int": {"steps": ""},
    "empty text for float": {"cfg_scale": ""},
    "words for int": {"steps": "many"},
    "2 for bool": {"send_images": 2},
    "object for text": {"prompt": {"a": 1}},
    "text for list": {"init_images": "abc"},
    "text for object": {"override_settings": "abc"},
}


@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_read_is_422_in_fastapis_shape(api: Api, body: dict[str, Any]) -> None:
    response = api.post("/img2img", {"init_images": [png()], **body})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"][:2] == ["body", next(iter(body))]
    assert set(problem) == {"type", "loc", "msg"}
    assert api.engine.jobs == {}


OUT_OF_RANGE = {
    "steps 0": ("steps", 0),
    "steps 1001": ("steps", 1001),
    "width": ("width", 32),
    "batch_size": ("batch_size", 65),
    "cfg_scale": ("cfg_scale", -1),
    "denoising_strength": ("denoising_strength", 1.5),
    "subseed_strength": ("subseed_strength", 2),
    "seed": ("seed", -2),
    "resize_mode": ("resize_mode", 4),
    "outpaint_anchor": ("outpaint_anchor", "middle"),
    "inpainting_fill": ("inpainting_fill", 9),
    "mask_blur_x": ("mask_blur_x", 257),
    "s_noise": ("s_noise", 3),
    "step_semantics": ("step_semantics", "comfy"),
}


@pytest.mark.parametrize(("key", "value"), OUT_OF_RANGE.values(), ids=OUT_OF_RANGE)
def test_ranges_are_told_in_the_calls_own_words(api: Api, key: str, value: Any) -> None:
    response = api.post("/img2img", {"init_images": [png()], "mask": png(), key: value})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["body", key]


def test_too_many_pixels(api: Api) -> None:
    response = api.post("/txt2img", {"width": 8192, "height": 8192})
    assert response.status_code == 422
    (problem,) = response.json()["detail"]
    assert problem["loc"] == ["body"]
    assert "8192x8192" in problem["msg"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"steps": NaN}'])
def test_bad_json_is_422_with_a_list(api: Api, text: str) -> None:
    headers = {"content-type": "application/json"}
    response = api.call("POST", "/txt2img", content=text)
    assert response.status_code == 422
    response = api.call("POST", "/sdapi/v1/txt2img", content=text) if not headers else response
    assert isinstance(response.json()["detail"], list)


def test_json_without_a_content_type_is_refused_api_9_no_4(api: Api) -> None:
    assert api.call("POST", "/txt2img", content="{}").status_code == 422
