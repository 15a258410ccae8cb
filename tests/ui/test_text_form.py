"""The txt2img form's values to a request: hires pass, refiner, and the size that will come out."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.request import HiresFix, Img2ImgRequest, Refiner, RefinerPass
from tests.ui.test_form_request import form
from ui.form_request import FormError, refined_as_set
from ui.text_form import build_text_request, final_size

HIRES = {
    "hires": True,
    "denoise": 0.7,
    "hr_upscaler": "Latent",
    "hr_steps": 0,
    "hr_scale": 2.0,
    "hr_width": 0,
    "hr_height": 0,
    "hr_checkpoint": "",
    "hr_sampler": "",
    "hr_scheduler": "",
    "hr_prompt": "",
    "hr_negative_prompt": "",
}


def build(**changes: Any) -> Img2ImgRequest:
    return build_text_request({**form(), **HIRES, "hires": False, **changes}, {})


def test_page_as_it_opens() -> None:
    request = build()
    assert request.is_txt2img
    assert (request.hires, request.refiner, request.tiling) == (None, None, False)
    assert (request.prompt, request.width, request.sampling.steps) == ("a cat", 512, 20)


def test_hires_fix() -> None:
    request = build(
        **HIRES
        | {
            "denoise": 0.45,
            "hr_upscaler": "Lanczos",
            "hr_steps": 12,
            "hr_scale": 1.5,
            "hr_checkpoint": "other",
            "hr_sampler": "Euler a",
            "hr_scheduler": "Karras",
            "hr_prompt": "sharp",
            "hr_negative_prompt": "blurry",
        }
    )
    assert request.sampling.denoising_strength == 0.45
    assert request.hires == HiresFix(
        scale=1.5,
        upscaler="Lanczos",
        steps=12,
        checkpoint="other",
        sampler="Euler a",
        scheduler="Karras",
        prompt="sharp",
        negative_prompt="blurry",
    )


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        pytest.param({}, (1024, 1024), id="scale"),
        pytest.param({"hr_scale": 1.55}, (792, 792), id="to whole latent cells"),
        pytest.param({"hr_width": 768}, (768, 768), id="width alone"),
        pytest.param({"hr_width": 768, "hr_height": 1024}, (768, 1024), id="both"),
        pytest.param({"hr_scale": None}, None, id="empty field"),
        pytest.param({"width": 2048, "height": 2048, "hr_scale": 4}, None, id="too large"),
    ],
)
def test_final_size(changes: dict[str, Any], size: tuple[int, int] | None) -> None:
    assert final_size({**form(), **HIRES, **changes}) == size


def test_an_impossible_hires_size_is_said_with_the_way_out() -> None:
    with pytest.raises(FormError, match="choose another scale or size"):
        build(**HIRES | {"width": 2048, "height": 2048, "hr_scale": 4})


def test_refiner() -> None:
    request = build(refiner=True, refiner_checkpoint="second", refiner_switch_at=0.6)
    assert request.refiner == Refiner(checkpoint="second", switch_at=0.6)
    with pytest.raises(FormError, match="choose its checkpoint"):
        build(refiner=True, refiner_checkpoint=None)


def test_settings_say_how_the_refiner_counts() -> None:
    options = {
        "refiner_switch_by_sample_steps": True,
        "hires_fix_refiner_pass": "both passes",
    }
    plain = build()
    assert refined_as_set(plain, options) is plain
    refined = refined_as_set(build(refiner=True, refiner_checkpoint="b"), options).refiner
    assert refined is not None
    assert (refined.by_steps, refined.hires_pass) == (True, RefinerPass.BOTH)


def test_tiling_and_batch() -> None:
    request = build(tiling=True, batch_count=3, batch_size=2)
    assert (request.tiling, request.n_iter, request.batch_size) == (True, 3, 2)
