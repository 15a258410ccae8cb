"""Outpainting over the API: a field of ours beside A1111's `resize_mode` 0 to 3."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.outpaint import Anchor
from pipelines.request import InpaintArea, MaskedContent, ResizeMode
from tests.api.conftest import Api, png

SMALL = {"width": 128, "height": 96}


def test_the_settings_of_a_mask_count_without_one(api: Api) -> None:
    body: dict[str, Any] = {"inpainting_fill": 2, "mask_blur": 7, "inpaint_full_res": False}
    api.make("/img2img", init_images=[png()], outpaint_anchor="Bottom_Left", **SMALL, **body)
    request = api.engine.only_job().spec.request
    inpaint = request.inpaint
    assert (request.outpaint, request.resize_mode) == (Anchor.BOTTOM_LEFT, ResizeMode.JUST_RESIZE)
    assert inpaint is not None
    assert (inpaint.mask, inpaint.blur_x, inpaint.blur_y) == (None, 7, 7)
    assert (inpaint.content, inpaint.area) == (
        MaskedContent.LATENT_NOISE,
        InpaintArea.WHOLE_PICTURE,
    )


@pytest.mark.parametrize("anchor", [None, ""], ids=repr)
def test_without_an_anchor_nothing_is_outpainted(api: Api, anchor: str | None) -> None:
    api.make("/img2img", init_images=[png()], outpaint_anchor=anchor, **SMALL)
    request = api.engine.only_job().spec.request
    assert (request.outpaint, request.inpaint) == (None, None)


def test_an_infotext_tells_the_anchor(api: Api) -> None:
    text = "a cat\nSteps: 5, Size: 128x96, Mask blur: 9, Outpaint anchor: top, Version: overpaint-1"
    api.make("/img2img", init_images=[png()], infotext=text)
    request = api.engine.only_job().spec.request
    assert (request.outpaint, request.width) == (Anchor.TOP, 128)
    assert request.inpaint is not None and request.inpaint.blur_x == 9


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"width": 64, "height": 64}, "there is nothing to outpaint"),
        ({"init_images": [png(size=(100, 70))], "width": 96}, "choose at least 100x96"),
        ({"resize_mode": 1, **SMALL}, "resize mode 0"),
    ],
    ids=["nothing new", "picture larger", "resized as well"],
)
def test_what_cannot_be_outpainted_is_said_before_the_job(
    api: Api, body: dict[str, Any], said: str
) -> None:
    usual = {"init_images": [png()], "outpaint_anchor": "centre", "height": 96}
    response = api.post("/img2img", usual | body)
    assert response.status_code == 422
    assert said in str(response.json()["detail"])
    assert api.engine.jobs == {}
