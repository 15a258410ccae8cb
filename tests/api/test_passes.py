"""Hires pass, refiner, soft inpainting and tiling as fields of a call (api 2.1-2.3, 2.6, 2.8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.request import HiresFix, Img2ImgRequest, Refiner, RefinerPass, SoftInpaint
from tests.api.conftest import Api, png

SOFT = {"Soft Inpainting": {"args": [True, 2, 0.25, 8, 0.5, 1, 3]}}
HIRES_TEXT = (
    "x\nSteps: 5, Sampler: Euler, Seed: 1, Size: 256x256, Denoising strength: 0.4, "
    "Hires upscale: 1.5, Hires upscaler: Lanczos, Refiner: other"
)


def request_of(api: Api) -> Img2ImgRequest:
    return api.engine.only_job().spec.request


HIRES = {
    "bare": ({}, HiresFix(), (512, 512), 0.75),
    "scale as text": ({"hr_scale": "1.5"}, HiresFix(scale=1.5), (512, 512), 0.75),
    "strength 0": ({"denoising_strength": 0}, HiresFix(), (512, 512), 0.0),
    "everything": (
        {
            "hr_resize_x": 768,
            "hr_resize_y": 640,
            "hr_upscaler": "Latent (nearest)",
            "hr_second_pass_steps": 7,
            "hr_checkpoint_name": "other",
            "hr_sampler_name": "k_euler_a",
            "hr_scheduler": "karras",
            "hr_prompt": "p",
            "hr_negative_prompt": "n",
            "denoising_strength": 0.3,
        },
        HiresFix(
            resize_x=768,
            resize_y=640,
            upscaler="Latent (nearest)",
            steps=7,
            checkpoint="other",
            sampler="Euler a",
            scheduler="Karras",
            prompt="p",
            negative_prompt="n",
        ),
        (512, 512),
        0.3,
    ),
    "the same": (
        {
            "hr_checkpoint_name": "Use same checkpoint",
            "hr_sampler_name": "Use same sampler",
            "hr_scheduler": "Use same scheduler",
        },
        HiresFix(),
        (512, 512),
        0.75,
    ),
    "combined name": (
        {"hr_sampler_name": "DPM++ 2M Karras"},
        HiresFix(sampler="DPM++ 2M", scheduler="Karras"),
        (512, 512),
        0.75,
    ),
    "legacy first phase": (
        {"firstphase_width": 256, "firstphase_height": 192, "width": 512, "height": 384},
        HiresFix(resize_x=512, resize_y=384),
        (256, 192),
        0.75,
    ),
    "old sizes": (
        {
            "width": 1024,
            "height": 512,
            "override_settings": {"use_old_hires_fix_width_height": True},
        },
        HiresFix(resize_x=1024, resize_y=512),
        (768, 384),
        0.75,
    ),
}


@pytest.mark.parametrize(("body", "hires", "size", "strength"), HIRES.values(), ids=HIRES)
def test_api_2_3_hires(
    api: Api, body: dict[str, Any], hires: HiresFix, size: tuple[int, int], strength: float
) -> None:
    api.make("/txt2img", enable_hr=True, **body)
    request = request_of(api)
    assert request.hires == hires
    assert (request.width, request.height) == size
    assert request.sampling.denoising_strength == strength


def test_without_enable_hr_there_is_one_pass(api: Api) -> None:
    api.make("/txt2img", hr_scale=3, hr_upscaler="nonsense")
    assert request_of(api).hires is None


def test_api_2_3_an_unknown_upscaler_is_a_500(api: Api) -> None:
    response = api.post("/txt2img", {"enable_hr": True, "hr_upscaler": "ESRGAN_9x"})
    assert response.status_code == 500
    assert "could not find upscaler named ESRGAN_9x" in response.json()["errors"]


def test_an_impossible_size_names_the_field(api: Api) -> None:
    response = api.post("/txt2img", {"enable_hr": True, "hr_scale": 99})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "hr_scale"]


@pytest.mark.parametrize("path", ["/txt2img", "/img2img"])
def test_api_2_1_refiner(api: Api, path: str) -> None:
    overrides = {
        "refiner_switch_by_sample_steps": True,
        "hires_fix_refiner_pass": "both passes",
    }
    api.make(path, refiner_checkpoint="other", refiner_switch_at=0.4, override_settings=overrides)
    assert request_of(api).refiner == Refiner(
        checkpoint="other", switch_at=0.4, by_steps=True, hires_pass=RefinerPass.BOTH
    )


def test_api_2_6_soft_inpainting(api: Api) -> None:
    api.make("/img2img", mask=png(), alwayson_scripts=SOFT)
    inpaint = request_of(api).inpaint
    assert inpaint is not None
    assert inpaint.soft == SoftInpaint(
        schedule_bias=2,
        preservation_strength=0.25,
        transition_contrast_boost=8,
        mask_influence=0.5,
        difference_threshold=1,
        difference_contrast=3,
    )


SOFT_ARGS = {
    "only on": ({"args": [True]}, SoftInpaint()),
    "off": ({"args": [False, 3]}, None),
    "no args": ({}, None),
    "too many": ({"args": [True, 1, 0.5, 4, 0, 0.5, 2, "more"]}, SoftInpaint()),
}


@pytest.mark.parametrize(("script", "soft"), SOFT_ARGS.values(), ids=SOFT_ARGS)
def test_api_2_6_missing_and_surplus_arguments(
    api: Api, script: dict[str, Any], soft: SoftInpaint | None
) -> None:
    api.make("/img2img", mask=png(), alwayson_scripts={"SOFT inpainting": script})
    inpaint = request_of(api).inpaint
    assert inpaint is not None
    assert inpaint.soft == soft


def test_soft_inpainting_without_a_mask_is_said(api: Api) -> None:
    answer = api.make("/img2img", alwayson_scripts=SOFT)
    assert any("needs a mask" in warning for warning in answer["told"]["warnings"])


def test_soft_inpainting_belongs_to_img2img(api: Api) -> None:
    assert api.post("/txt2img", {"alwayson_scripts": SOFT}).status_code == 422


def test_a_value_out_of_range_is_refused(api: Api) -> None:
    scripts = {"Soft Inpainting": {"args": [True, 99]}}
    response = api.post(
        "/img2img", {"init_images": [png()], "mask": png(), "alwayson_scripts": scripts}
    )
    assert response.status_code == 422


@pytest.mark.parametrize(
    "body", [{"tiling": True}, {"override_settings": {"tiling": True}}], ids=["field", "setting"]
)
def test_tiling(api: Api, body: dict[str, Any]) -> None:
    api.make("/txt2img", **body)
    assert request_of(api).tiling is True


def test_api_2_8_an_infotext_brings_its_passes(api: Api) -> None:
    api.make("/txt2img", infotext=f"{HIRES_TEXT}, Tiling: True")
    request = request_of(api)
    assert request.hires == HiresFix(scale=1.5, upscaler="Lanczos")
    assert request.refiner == Refiner(checkpoint="other")
    assert (request.sampling.denoising_strength, request.tiling) == (0.4, True)


@pytest.mark.parametrize(
    ("body", "hires"),
    [
        ({"enable_hr": False}, None),
        ({"enable_hr": True, "hr_scale": 3}, HiresFix(scale=3)),
    ],
    ids=["off", "other"],
)
def test_api_2_8_what_the_call_says_wins(
    api: Api, body: dict[str, Any], hires: HiresFix | None
) -> None:
    api.make("/txt2img", infotext=HIRES_TEXT, denoising_strength=0.9, **body)
    request = request_of(api)
    assert request.hires == hires
    assert request.sampling.denoising_strength == 0.9


WORKFLOW = (
    Path(__file__).parents[1] / "data" / "comfyui_sd15_image2image_ksampler.json"
).read_text(encoding="utf-8")


def test_behaviour_6_6_a_comfyui_workflow_is_an_infotext(api: Api) -> None:
    answer = api.make("/img2img", infotext=WORKFLOW, prompt="mine")
    request = request_of(api)
    assert (request.prompt, request.negative_prompt) == ("mine", "text, watermark")
    assert (request.sampling.semantics, request.sampling.denoising_strength) == ("exact", 0.7)
    warnings = answer["told"]["warnings"]
    assert any("v1-5-pruned-emaonly-fp16.safetensors is not here" in one for one in warnings)


def test_a_workflow_without_a_sampler_is_refused(api: Api) -> None:
    response = api.post("/txt2img", {"infotext": '{"1": {"class_type": "SaveImage"}}'})
    assert response.status_code == 422
    assert "no KSampler" in response.json()["detail"]


def test_an_infotext_may_begin_with_a_brace(api: Api) -> None:
    api.make("/txt2img", infotext="{cat}\nSteps: 5, Sampler: Euler, Seed: 1")
    assert request_of(api).prompt == "{cat}"


def test_behaviour_10_6_a_call_may_say_how_its_pictures_are_kept(api: Api) -> None:
    overrides = {"samples_format": "webp", "samples_filename_pattern": "[seed]-[steps]"}
    api.make("/txt2img", save_images=True, override_settings=overrides)
    saving = api.engine.only_job().spec.saving
    assert saving is not None
    assert (saving.format, saving.names) == ("webp", "[seed]-[steps]")
