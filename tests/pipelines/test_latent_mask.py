"""A second mask for latents and fill, as outpainting scripts give it (behaviour 4, 5.1, 12.4)."""

from __future__ import annotations

import pytest
import torch

from pipelines.fill import fill
from pipelines.geometry import Extent
from pipelines.masks import latent_mask
from pipelines.prepare import prepare
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent
from tests.pipelines.pixels import array, box_mask, noise
from tests.pipelines.run_doubles import INIT, MASK, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

LATENT = "f" * 64
PICTURE = noise(64, 64)
WIDE = box_mask(64, 64, (8, 8, 56, 56))
NARROW = box_mask(64, 64, (24, 24, 40, 40))
PICTURES = {INIT: PICTURE, MASK: WIDE, LATENT: NARROW}


def request(**inpaint: object) -> Img2ImgRequest:
    settings = {"mask": MASK, "latent_mask": LATENT, "blur_x": 4, "blur_y": 0, **inpaint}
    return Img2ImgRequest(
        init_images=(INIT,), width=64, height=64, inpaint=Inpaint.model_validate(settings)
    )


def test_fill_takes_the_latent_mask_neither_blurred_nor_inverted() -> None:
    asked = request(content=MaskedContent.FILL, invert=True)
    job = prepare(asked, [PICTURE], WIDE, latent_mask=NARROW)
    assert (array(job.images[0].image) == array(fill(PICTURE, NARROW))).all()
    assert job.latent_mask is not None
    assert (array(job.latent_mask) == array(NARROW)).all()


def test_the_overlay_stays_that_of_the_mask() -> None:
    one = prepare(request(), [PICTURE], WIDE, latent_mask=NARROW)
    other = prepare(request(), [PICTURE], WIDE)
    assert one.images[0].overlay is not None
    assert other.images[0].overlay is not None
    assert (array(one.images[0].overlay) == array(other.images[0].overlay)).all()


@pytest.mark.parametrize("area", list(InpaintArea), ids=lambda area: area.name)
def test_it_is_cropped_and_resized_like_the_mask(area: InpaintArea) -> None:
    job = prepare(request(area=area, padding=0), [PICTURE], WIDE, latent_mask=WIDE)
    plain = prepare(request(area=area, padding=0, blur_x=0), [PICTURE], WIDE, latent_mask=WIDE)
    assert job.latent_mask is not None
    assert plain.image_mask is not None
    assert job.latent_mask.size == (64, 64)
    if area is InpaintArea.WHOLE_PICTURE:
        assert (array(job.latent_mask) == array(plain.image_mask)).all()


def test_only_its_cells_are_repainted_in_latents() -> None:
    family = ToyFamily()
    asked = request_for(inpaint={"latent_mask": LATENT, "blur_x": 0, "blur_y": 0})
    run_on(toy_pipeline(family), asked, PICTURES)
    plain = ToyFamily()
    run_on(toy_pipeline(plain), request_for(inpaint={"mask": LATENT}), PICTURES)
    assert torch.equal(family.inputs[-1], plain.inputs[-1])


def test_a_latent_mask_that_marks_no_cell_is_said() -> None:
    job = prepare(request(), [PICTURE], WIDE, latent_mask=box_mask(64, 64, (9, 9, 11, 11)))
    assert any("too small" in note for note in job.notes)
    assert latent_mask(WIDE, Extent(8, 8), round=True).any()
