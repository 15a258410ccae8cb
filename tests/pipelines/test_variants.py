"""Inpainting (9 channels), InstructPix2Pix (8 channels): what their networks see (behaviour 5.5).

The checkpoints are the built-in one with a wider, random input convolution, as files in the layout
such checkpoints really have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL.Image import Image
from torch import Tensor

from models.identify import INPUT_CONV
from pipelines.families.sd1 import StableDiffusion1
from pipelines.guidance import Guidance, ImageGuidance
from pipelines.image_conditioning import empty_channels, hires_channels, picture_channels
from pipelines.masks import conditioning_mask
from pipelines.pipeline import Pipeline
from pipelines.prompt.conditioning import PartCond, StepConditioning
from pipelines.request import HiresFix, Img2ImgRequest, SamplerTuning
from tests.models.make import single_file_tensors, write_single_file
from tests.models.small_networks import load
from tests.pipelines.pixels import array, box_mask, noise
from tests.pipelines.run_doubles import INIT, MASK, request_for, run_on

BOX = (16, 16, 48, 48)
PICTURES = {INIT: noise(64, 64), MASK: box_mask(64, 64, BOX)}


def checkpoint(folder: Path, channels: int) -> StableDiffusion1:
    tensors = single_file_tensors()
    narrow = tensors[INPUT_CONV]
    wide = torch.randn(
        narrow.shape[0], channels, 3, 3, generator=torch.Generator().manual_seed(1)
    ).to(narrow)
    wide[:, :4] = narrow
    wide[:, 4:] *= 0.1
    tensors[INPUT_CONV] = wide
    return StableDiffusion1(load(write_single_file(folder / "x.safetensors", tensors=tensors)))


@pytest.fixture(scope="module")
def inpainting(tmp_path_factory: pytest.TempPathFactory) -> StableDiffusion1:
    return checkpoint(tmp_path_factory.mktemp("nine"), 9)


@pytest.fixture(scope="module")
def edit(tmp_path_factory: pytest.TempPathFactory) -> StableDiffusion1:
    return checkpoint(tmp_path_factory.mktemp("eight"), 8)


def tensor_of(image: Image) -> Tensor:
    return torch.from_numpy(np.asarray(image, np.float32) / 255.0).permute(2, 0, 1) * 2 - 1


def masked(weight: float = 1.0, **inpaint: Any) -> Img2ImgRequest:
    return request_for(inpaint=inpaint, inpainting_mask_weight=weight)


def test_the_files_say_what_they_are(inpainting: StableDiffusion1, edit: StableDiffusion1) -> None:
    """Behaviour 15.3, no. 7."""
    assert (inpainting.variant, inpainting.loaded.kind.label) == ("inpaint", "SD 1.x inpainting")
    assert (edit.variant, edit.loaded.kind.variant) == ("instruct-pix2pix", "instruct-pix2pix")
    assert inpainting.loaded.unet.config.in_channels == 9
    assert edit.loaded.unet.config.in_channels == 8


def test_ordinary_networks_see_the_latent_alone(builtin: Pipeline) -> None:
    assert picture_channels(builtin.family, masked(), [PICTURES[INIT]], PICTURES[MASK]) is None
    assert empty_channels(builtin.family, 8, 8) is None


@pytest.mark.parametrize("weight", [1.0, 0.25, 0.0])
def test_behaviour_5_5_masked_pixels_go_to_mid_grey(
    inpainting: StableDiffusion1, weight: float
) -> None:
    """lerp(s, s (1 - m), k): at 1 they are 0 in -1..1, which no 8-bit picture holds."""
    image = PICTURES[INIT]
    extra = picture_channels(inpainting, masked(weight), [image], PICTURES[MASK])
    assert extra is not None
    expected = tensor_of(image)
    expected[:, BOX[1] : BOX[3], BOX[0] : BOX[2]] *= 1.0 - weight
    assert extra.shape == (1, 5, 8, 8)
    assert torch.allclose(extra[0, 1:], inpainting.encode_pixels(expected), atol=1e-6)
    cells = torch.zeros(8, 8)
    cells[2:6, 2:6] = 1.0
    assert torch.equal(extra[0, 0], cells)


def test_behaviour_5_5_the_mask_channel_is_nearest_not_bicubic(
    inpainting: StableDiffusion1,
) -> None:
    mask = box_mask(64, 64, (13, 0, 40, 64), 140)
    extra = picture_channels(inpainting, masked(), [PICTURES[INIT]], mask)
    assert extra is not None
    assert extra[0, 0, 0].tolist() == [0, 0, 1, 1, 1, 0, 0, 0]
    assert conditioning_mask(mask, inpainting_extent(), round=True)[0].tolist() == [
        0, 0, 1, 1, 1, 0, 0, 0,
    ]  # fmt: skip


def inpainting_extent() -> Any:
    from pipelines.geometry import Extent

    return Extent(8, 8)


def test_behaviour_3_9_soft_inpainting_rounds_no_mask(inpainting: StableDiffusion1) -> None:
    mask = box_mask(64, 64, BOX, 102)
    soft = picture_channels(inpainting, masked(soft={}), [PICTURES[INIT]], mask)
    hard = picture_channels(inpainting, masked(), [PICTURES[INIT]], mask)
    assert soft is not None
    assert hard is not None
    assert soft[0, 0, 3, 3] == pytest.approx(0.4)
    assert hard[0, 0].abs().sum() == 0


def test_behaviour_5_5_without_mask_all_is_masked(inpainting: StableDiffusion1) -> None:
    extra = picture_channels(inpainting, request_for(), [PICTURES[INIT]], None)
    assert extra is not None
    grey = inpainting.encode_pixels(torch.zeros(3, 64, 64))
    assert torch.equal(extra[0, 0], torch.ones(8, 8))
    assert torch.allclose(extra[0, 1:], grey, atol=1e-6)


def test_behaviour_5_5_txt2img(inpainting: StableDiffusion1, edit: StableDiffusion1) -> None:
    extra = empty_channels(inpainting, 8, 6)
    assert extra is not None
    assert torch.equal(extra[:, :1], torch.ones(1, 1, 8, 6))
    assert torch.equal(extra[0, 1:], inpainting.encode_pixels(torch.zeros(3, 64, 48)))
    nothing = empty_channels(edit, 8, 6)
    assert nothing is not None
    assert (nothing.shape, float(nothing.abs().sum())) == ((1, 4, 8, 6), 0.0)


@pytest.mark.parametrize("weight", [1.0, 0.5])
def test_behaviour_16_hires(inpainting: StableDiffusion1, weight: float) -> None:
    """Below weight 1 the second pass sees the decoded picture."""
    request = request_for(init_images=(), hires=HiresFix(), inpainting_mask_weight=weight)
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(3))
    extra = hires_channels(inpainting, request, latents)
    assert extra is not None
    pixels = torch.zeros(3, 128, 128)
    if weight < 1:
        pixels = tensor_of(inpainting.decode(latents)[0]) * (1 - weight)
    assert torch.allclose(extra[0, 1:], inpainting.encode_pixels(pixels), atol=1e-5)
    assert torch.equal(extra[0, 0], torch.ones(16, 16))


def test_behaviour_5_5_instruct_pix2pix_gets_the_unscaled_latent(edit: StableDiffusion1) -> None:
    extra = picture_channels(edit, request_for(), [PICTURES[INIT]], None)
    assert extra is not None
    assert torch.allclose(extra[0] * edit.loaded.vae_scale, edit.encode(PICTURES[INIT]))
    with torch.inference_mode():
        mode = edit.loaded.vae.encode(tensor_of(PICTURES[INIT])[None]).latent_dist.mode()
    assert torch.allclose(extra, mode, atol=1e-5)


# ---------------------------------------------------------------- guidance


class Fixed:
    """Texts 3 (prompt) and 1 (negative)."""

    def at(self, _: int) -> StepConditioning:
        prompt, negative = torch.full((77, 2), 3.0), torch.full((1, 77, 2), 1.0)
        return StepConditioning((PartCond(0, 1.0, prompt),), negative)


@pytest.mark.parametrize(
    ("cfg", "image_cfg", "calls"), [(7.0, 1.5, 3), (7.0, 1.0, 2), (2.0, 0.0, 3)], ids=str
)
def test_behaviour_5_5_three_way_guidance(cfg: float, image_cfg: float, calls: int) -> None:
    """D = U + cfg (C - I) + image_cfg (I - U): the double predicts text + 10 * picture."""
    seen: list[float] = []

    def network(x: Tensor, level: Tensor, context: Tensor) -> Tensor:
        seen.extend(context[:, 0, 0].tolist())
        return context[:, :1, :1, None] + 10 * x[:, 1:]

    guidance = Guidance(
        network,
        Fixed(),  # type: ignore[arg-type]
        cfg,
        SamplerTuning(),
        10,
        ImageGuidance(image_cfg, 1),
    )
    x = torch.tensor([0.5, 2.0]).view(1, 2, 1, 1)
    result = guidance(x, torch.ones(1), sigma=0.0).guided
    unconditional, picture, text = 1.0, 1.0 + 20.0, 3.0 + 20.0
    expected = unconditional + cfg * (text - picture) + image_cfg * (picture - unconditional)
    assert float(result) == pytest.approx(expected)
    assert len(seen) == calls


# ---------------------------------------------------------------- whole jobs


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_an_inpainting_job(inpainting: StableDiffusion1, sampler: str) -> None:
    """The latent blend happens in addition, and the weight is recorded and acts."""
    pipeline = Pipeline(inpainting, "nine", "0")
    images = []
    for weight in (1.0, 0.3):
        request = request_for(
            inpaint={},
            inpainting_mask_weight=weight,
            batch_size=2,
            sampling={"sampler": sampler, "steps": 3},
        )
        done = run_on(pipeline, request, PICTURES)
        images.append(array(done.images[1]))
        assert f"Conditional mask weight: {weight:g}" in done.heard.pictures[0].infotext
        assert (images[-1][:, :16] == array(PICTURES[INIT])[:, :16]).all()
    assert not (images[0] == images[1]).all()


def test_txt2img_and_hires_with_an_inpainting_network(inpainting: StableDiffusion1) -> None:
    request = request_for(init_images=(), hires=HiresFix(scale=1.5), sampling={"steps": 2})
    assert run_on(Pipeline(inpainting, "nine", "0"), request, {}).image.size == (96, 96)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_an_edit_job(edit: StableDiffusion1, sampler: str) -> None:
    pipeline = Pipeline(edit, "eight", "0")
    images = []
    for scale in (1.5, 3.0):
        sampling = {"sampler": sampler, "steps": 3, "image_cfg_scale": scale}
        done = run_on(pipeline, request_for(sampling=sampling), PICTURES)
        images.append(array(done.image))
        assert f"CFG scale: 7, Image CFG scale: {scale:g}" in done.heard.pictures[0].infotext
    assert not (images[0] == images[1]).all()


def test_ordinary_networks_do_not_record_these_settings(builtin: Pipeline) -> None:
    request = request_for(inpainting_mask_weight=0.5, sampling={"steps": 1})
    text = run_on(builtin, request, PICTURES).heard.pictures[0].infotext
    assert "Conditional mask weight" not in text
    assert "Image CFG scale" not in text
