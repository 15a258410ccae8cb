"""Values of the form to a request, and the sentences for values that do not make one."""

import math
from collections.abc import Mapping
from typing import Any

import pytest

from pipelines.geometry import Extent
from pipelines.outpaint import Anchor
from pipelines.request import InpaintArea, MaskedContent, ResizeMode, StepSemantics
from ui.form_request import FormError, active_size, build_request, sampling_of, working_size
from ui.painted import TabPictures
from ui.painting import Painting
from ui.tabs import tab_of

IMAGE, MASK = "a" * 64, "b" * 64
FILES = {"photo.png": IMAGE, "mask.png": MASK, "base.png": "c" * 64}


def form(**changes: Any) -> dict[str, Any]:
    """The page as it opens, with a picture on the img2img tab."""
    return {
        "prompt": "a cat",
        "negative_prompt": "",
        "styles": [],
        "tab": "img2img",
        "image": "photo.png",
        "sketch": None,
        "inpaint": None,
        "inpaint_sketch": None,
        "inpaint_image": None,
        "inpaint_mask": None,
        "resize_mode": 0,
        "outpaint_anchor": "centre",
        "mask_blur": 4,
        "mask_transparency": 0,
        "mask_mode": 0,
        "masked_content": 1,
        "inpaint_area": 0,
        "padding": 32,
        "soft": False,
        "soft_bias": 1,
        "soft_preservation": 0.5,
        "soft_contrast": 4,
        "soft_influence": 0,
        "soft_threshold": 0.5,
        "soft_difference": 2,
        "sampler": "DPM++ 2M",
        "scheduler": "Automatic",
        "steps": 20,
        "semantics": "a1111",
        "start_at_step": 0,
        "end_at_step": 10000,
        "add_noise": True,
        "leftover_noise": False,
        "refiner": False,
        "refiner_checkpoint": None,
        "refiner_switch_at": 0.8,
        "tiling": False,
        "color_correction": False,
        "resize_tab": "to",
        "width": 512,
        "height": 512,
        "scale": 1.0,
        "batch_count": 1,
        "batch_size": 1,
        "cfg": 7,
        "image_cfg": 1.5,
        "denoise": 0.75,
        "seed": -1,
        "extra": False,
        "subseed": -1,
        "subseed_strength": 0,
        "seed_width": 0,
        "seed_height": 0,
        "override_settings": [],
        "checkpoint": "model",
        "vae": "Automatic",
        "clip_skip": 1,
        **changes,
    }


def take(values: Mapping[str, Any]) -> TabPictures:
    """Pictures by file name; what the tabs mean is tested in test_painted."""
    picture = values[tab_of(values).field]
    image = FILES[picture.image if isinstance(picture, Painting) else picture]
    mask = values["inpaint_mask"]
    return TabPictures(image, FILES[mask] if mask and tab_of(values).has_mask else None)


def build(**changes: Any) -> Any:
    return build_request(form(**changes), take, lambda _: Extent(640, 480), {})


def test_page_as_it_opens() -> None:
    request = build()
    assert request.init_images == (IMAGE,)
    assert request.inpaint is None
    assert (request.width, request.height, request.sampling.steps) == (512, 512, 20)
    assert request.checkpoint == "model"


def test_inpaint_upload_takes_its_own_pictures_and_controls() -> None:
    request = build(
        tab="inpaint_upload",
        inpaint_image="base.png",
        inpaint_mask="mask.png",
        mask_blur=9,
        mask_mode=1,
        masked_content=2,
        inpaint_area=1,
        padding=16,
    )
    inpaint = request.inpaint
    assert request.init_images == (FILES["base.png"],)
    assert (inpaint.mask, inpaint.blur_x, inpaint.blur_y, inpaint.invert) == (MASK, 9, 9, True)
    assert inpaint.content is MaskedContent.LATENT_NOISE
    assert (inpaint.area, inpaint.padding) == (InpaintArea.ONLY_MASKED, 16)


@pytest.mark.parametrize(
    ("scale", "size"),
    [(1.0, (640, 480)), (0.55, (352, 264)), (2.0, (1280, 960)), (0.333, (213, 159))],
)
def test_resize_by_truncates(scale: float, size: tuple[int, int]) -> None:
    values = form(resize_tab="by", scale=scale)
    assert working_size(values, lambda _: Extent(640, 480)) == size


def test_variation_counts_only_while_extra_is_ticked() -> None:
    hidden = build(subseed=5, subseed_strength=0.5, seed_width=512, seed_height=512)
    shown = build(extra=True, subseed=5, subseed_strength=0.5, seed_width=512, seed_height=0)
    assert (hidden.seeds.subseed_strength, hidden.seeds.resize_from_width) == (0.0, 0)
    assert (shown.seeds.subseed, shown.seeds.subseed_strength) == (5, 0.5)
    assert shown.seeds.resize_from_width == 0


def test_empty_seed_means_random() -> None:
    assert build(seed=None).seeds.seed == -1


def test_start_at_step_fields_count_in_their_semantics_only() -> None:
    other = build(start_at_step=6)
    chosen = build(start_at_step=6, semantics="start_at_step", add_noise=False)
    assert other.sampling.start_at_step == 0
    assert chosen.sampling.semantics is StepSemantics.START_AT_STEP
    assert (chosen.sampling.start_at_step, chosen.sampling.add_noise) == (6, False)


def test_settings_fill_what_the_form_does_not_say() -> None:
    base = {"comma_backtrack": 5, "sampling": {"semantics": "exact"}, "seeds": {"ensd": 31337}}
    request = build_request(form(), take, lambda _: Extent(64, 64), base)
    assert (request.comma_backtrack, request.seeds.ensd) == (5, 31337)
    assert request.sampling.semantics is StepSemantics.EXACT


def test_the_last_resize_mode_outpaints() -> None:
    found = build(resize_mode=4, outpaint_anchor="top_left", mask_blur=6, mask_mode=1, width=768)
    assert (found.outpaint, found.resize_mode) == (Anchor.TOP_LEFT, ResizeMode.JUST_RESIZE)
    assert found.inpaint is not None
    assert (found.inpaint.mask, found.inpaint.blur_x, found.inpaint.invert) == (None, 6, False)


def test_on_a_tab_with_a_mask_the_mask_is_part_of_it() -> None:
    files = {"tab": "inpaint_upload", "inpaint_image": "base.png", "inpaint_mask": "mask.png"}
    found = build(resize_mode=4, outpaint_anchor="left", width=768, mask_mode=1, **files)
    assert found.outpaint is Anchor.LEFT
    assert found.inpaint is not None and (found.inpaint.mask, found.inpaint.invert) == (MASK, True)


def test_a_picture_that_does_not_fit_is_said_before_the_job() -> None:
    with pytest.raises(FormError, match=r"Outpaint: the picture is 640x480 .* at least 640x512"):
        build(resize_mode=4, outpaint_anchor="left", width=512, height=512)


def test_resize_mode_is_an_index() -> None:
    assert build(resize_mode=2).resize_mode is ResizeMode.RESIZE_AND_FILL


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"image": None}, "no picture to paint over", id="no image"),
        pytest.param({"tab": "sketch"}, "on the Sketch tab first", id="no sketch"),
        pytest.param({"tab": "inpaint"}, "on the Inpaint tab first", id="no picture to mask"),
        pytest.param(
            {
                "tab": "inpaint_upload",
                "inpaint_image": "base.png",
                "inpaint_mask": "mask.png",
                "mask_blur": 4.5,
            },
            "Mask blur: 4.5 is not a whole number",
            id="fractional blur",
        ),
        pytest.param({"width": 63}, "Width: Input should be greater than", id="width 63"),
        pytest.param({"width": 100000}, "Width: Input should be less than", id="width 100000"),
        pytest.param({"width": 8192, "height": 8192}, "67108864 pixels", id="too many pixels"),
        pytest.param({"steps": 0}, "Sampling steps: Input should be greater", id="steps 0"),
        pytest.param({"steps": 20.5}, "20.5 is not a whole number", id="fractional steps"),
        pytest.param({"denoise": math.nan}, "Denoising strength: nan is not a", id="NaN strength"),
        pytest.param({"denoise": None}, "Denoising strength: None is not a", id="empty strength"),
        pytest.param({"denoise": 1.5}, "Denoising strength: Input should be", id="strength 1.5"),
        pytest.param({"seed": -5}, "Seed: Input should be greater", id="seed -5"),
        pytest.param({"cfg": "high"}, "CFG Scale: 'high' is not a number", id="text as number"),
        pytest.param({"batch_size": 100}, "Batch size: Input should be less", id="batch size"),
        pytest.param({"prompt": "x" * 100_001}, "Prompt: String should have", id="long prompt"),
    ],
)
def test_what_does_not_make_a_request_is_said(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(FormError, match=words) as caught:
        build(**changes)
    assert "\n  " not in str(caught.value)


def test_file_that_is_no_picture_keeps_its_own_sentence() -> None:
    def refuse(values: Mapping[str, Any]) -> TabPictures:
        raise ValueError(f"{values['image']} is truncated")

    with pytest.raises(ValueError, match=r"photo\.png is truncated"):
        build_request(form(), refuse, lambda _: Extent(64, 64), {})


def test_sampling_alone_is_none_while_it_is_not_valid() -> None:
    assert sampling_of(form(steps=None)) is None
    assert sampling_of(form(steps=0)) is None
    sampling = sampling_of(form(steps=30))
    assert sampling is not None
    assert sampling.steps == 30


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"tab": "sketch", "sketch": Painting("base.png", None, 300, 200)}, (300, 200)),
        ({"tab": "sketch", "sketch": Painting("base.png")}, (640, 480)),
        ({}, (640, 480)),
        ({"tab": "inpaint"}, None),
    ],
    ids=["measured by the browser", "never shown", "a file", "no picture"],
)
def test_size_of_the_visible_picture(changes: dict[str, Any], size: Any) -> None:
    assert active_size(form(**changes), lambda _: Extent(640, 480)) == size


def test_canvas_pictures_count_for_resize_by() -> None:
    values = form(
        tab="inpaint", inpaint=Painting("base.png", None, 300, 200), resize_tab="by", scale=0.5
    )
    assert working_size(values, lambda _: Extent(1, 1)) == (150, 100)


def test_soft_inpainting_counts_while_it_is_ticked() -> None:
    mask = {"tab": "inpaint_upload", "inpaint_image": "base.png", "inpaint_mask": "mask.png"}
    assert build(**mask, soft_bias=3).inpaint.soft is None
    soft = build(**mask, soft=True, soft_bias=3, soft_influence=0.5).inpaint.soft
    assert (soft.schedule_bias, soft.mask_influence, soft.transition_contrast_boost) == (3, 0.5, 4)


def test_switches_reach_the_request() -> None:
    request = build(tiling=True, color_correction=True, image_cfg=2.0)
    assert (request.tiling, request.color_correction) == (True, True)
    assert request.sampling.image_cfg_scale == 2.0
