"""Writing infotexts (behaviour 10.1, 10.2)."""

from pathlib import Path

import pytest

from pipelines.infotext import ImageFacts, format_value, quote, write_infotext
from pipelines.infotext_keys import EXTRA_SLOTS, FIXED_SLOTS, OWN_SLOTS
from pipelines.request import (
    Emphasis,
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    MaskedContent,
    NoiseSource,
    ResizeMode,
    SamplerTuning,
    Sampling,
    Seeds,
    StepSemantics,
)
from pipelines.version import VERSION, VERSION_TAG

PICTURE = "a" * 64


def make_facts(request, **changes):
    values = {
        "index": 0,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "seed": 123,
        "subseed": 7,
        "model_name": "v1-5-pruned-emaonly",
        "model_hash": "6ce0161689",
        "schedule_label": "Karras",
        "sampler_name": "DPM++ 2M",
        "executed_steps": 16,
    }
    return ImageFacts(**values | changes)


def written(request, **changes):
    return write_infotext(request, make_facts(request, **changes))


def params(request, **changes):
    """The parameter line between Denoising strength and Version."""
    line = written(request, **changes).splitlines()[-1]
    return line.partition("Denoising strength: 0.75")[2].rpartition(", Version: ")[0].strip(", ")


def img2img(**changes):
    return Img2ImgRequest(**{"prompt": "a cat", "init_images": (PICTURE,)} | changes)


def inpaint(**changes):
    return img2img(inpaint=Inpaint(mask=PICTURE, **changes))


def test_behaviour_10_2_example():
    request = img2img(
        negative_prompt="blurry",
        height=768,
        inpaint=Inpaint(mask=PICTURE, content=MaskedContent.FILL, area=InpaintArea.ONLY_MASKED),
    )
    assert written(request, version="v1.10.1") == (
        "a cat\n"
        "Negative prompt: blurry\n"
        "Steps: 20, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 7, Seed: 123, "
        "Size: 512x768, Model hash: 6ce0161689, Model: v1-5-pruned-emaonly, "
        "Denoising strength: 0.75, Mask blur: 4, Inpaint area: Only masked, "
        "Masked area padding: 32, Masked content: fill, Version: v1.10.1"
    )


def test_without_negative_prompt_its_line_is_left_out():
    first, second = written(img2img()).split("\n")
    assert first == "a cat"
    assert second.startswith("Steps: 20, ")


def test_without_prompts_only_the_parameters_stay():
    assert written(img2img(prompt="")).startswith("Steps: 20, ")


def test_the_version_names_the_program():
    assert written(img2img()).endswith(f", Version: overpaint-{VERSION}")
    pyproject = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{VERSION}"\n' in pyproject
    assert f"overpaint-{VERSION}" == VERSION_TAG


def test_txt2img_has_no_denoising_strength():
    assert "Denoising" not in written(Img2ImgRequest(prompt="a"))


SLOTS = {
    "nothing special": (img2img(), {}, ""),
    "variation": (img2img(seeds=Seeds(subseed_strength=0.5)), {}, ""),
    "clip skip": (img2img(clip_skip=2), {}, "Clip skip: 2"),
    "rng and tiling": (
        img2img(seeds=Seeds(source=NoiseSource.NV), tiling=True),
        {},
        "RNG: NV, Tiling: True",
    ),
    "ensd": (
        img2img(seeds=Seeds(ensd=31337)),
        {"sampler_name": "Euler a"},
        "ENSD: 31337",
    ),
    "0.5: ensd without noise": (
        img2img(seeds=Seeds(ensd=31337), tuning=SamplerTuning(eta_ancestral=0)),
        {"sampler_name": "Euler a"},
        "Eta: 0",
    ),
    "not masked": (inpaint(invert=True), {}, "Mask mode: Inpaint not masked, Mask blur: 4"),
    "no blur": (inpaint(blur_x=0, blur_y=0), {}, "Mask blur: 0"),
    "uneven blur": (inpaint(blur_x=2, blur_y=3), {}, "Mask blur x: 2, Mask blur y: 3"),
    "which mask": (
        inpaint(),
        {"extra": {"Mask hash": "0123456789ab"}},
        "Mask blur: 4, Mask hash: 0123456789ab",
    ),
    "soft mask": (inpaint(round=False), {}, "Mask blur: 4, Mask rounding: False"),
    "tuning": (
        img2img(
            tuning=SamplerTuning(
                s_noise=1.1,
                sigma_min=0.1,
                rho=5,
                extra_noise=0.05,
                initial_noise_multiplier=0.9,
                ngms=2,
                ngms_all_steps=True,
                discard_penultimate_sigma=True,
            )
        ),
        {},
        "Noise multiplier: 0.9, Discard penultimate sigma: True, Schedule min sigma: 0.1, "
        "Schedule rho: 5, Extra noise: 0.05, Sigma noise: 1.1, NGMS: 2, NGMS all steps: True",
    ),
    "beta": (
        img2img(),
        {"schedule_label": "Beta"},
        "Beta schedule alpha: 0.6, Beta schedule beta: 0.6",
    ),
    "exact steps": (
        img2img(sampling=Sampling(semantics=StepSemantics.EXACT)),
        {"executed_steps": 20},
        "Step semantics: exact, Executed steps: 20",
    ),
    "start at step": (
        img2img(
            sampling=Sampling(
                semantics=StepSemantics.START_AT_STEP,
                start_at_step=4,
                end_at_step=10,
                add_noise=False,
                return_with_leftover_noise=True,
            )
        ),
        {"executed_steps": 6},
        "Step semantics: start_at_step, Executed steps: 6, Start at step: 4, End at step: 10, "
        "Add noise: False, Leftover noise: True",
    ),
    "resize mode": (
        img2img(resize_mode=ResizeMode.CROP_AND_RESIZE),
        {},
        "Resize mode: Crop and resize",
    ),
    "colours": (
        img2img(background_color="#000000", color_correction=True, comma_backtrack=10),
        {},
        "Background color: #000000, Color correction: True, Comma backtrack: 10",
    ),
    "no overlay": (
        inpaint().model_copy(update={"overlay_inpaint": False}),
        {},
        "Mask blur: 4, Overlay inpaint: False",
    ),
    "no overlay without mask": (img2img(overlay_inpaint=False), {}, ""),
    "extras": (
        img2img(),
        {
            "extra": {
                "VAE Decoder": "TAESD",
                "SD upscale overlap": 64,
                "Lora hashes": "x: 12",
                "Gone": None,
            }
        },
        'SD upscale overlap: 64, Lora hashes: "x: 12", VAE Decoder: TAESD',
    ),
    "a value per picture": (img2img(), {"index": 1, "extra": {"A key": ["x", "y"]}}, "A key: y"),
    "fewer values than pictures": (img2img(), {"index": 2, "extra": {"A key": ("x", "y")}}, ""),
    "key equal to value": (img2img(), {"extra": {"Special": "Special"}}, "Special"),
}


@pytest.mark.parametrize(("request_", "facts", "expected"), SLOTS.values(), ids=SLOTS)
def test_behaviour_10_2_keys(request_, facts, expected):
    assert params(request_, **facts) == expected


def test_variation_and_resize_stand_before_the_strength():
    request = img2img(
        seeds=Seeds(subseed_strength=0.25, resize_from_width=64, resize_from_height=128)
    )
    assert (
        "Model: v1-5-pruned-emaonly, VAE hash: aabbccddee, VAE: x.safetensors, Variation seed: 7, "
        "Variation seed strength: 0.25, Seed resize from: 64x128, Denoising strength: 0.75, Ver"
    ) in written(request, vae_name="x.safetensors", vae_hash="aabbccddee")


def test_extras_can_fill_fixed_slots_and_user_is_last():
    text = written(
        img2img(), extra={"User": "me", "Init image hash": "ff", "Face restoration": "GFPGAN"}
    )
    assert "Seed: 123, Face restoration: GFPGAN, Size: " in text
    assert "Denoising strength: 0.75, Init image hash: ff, Version: " in text
    assert text.endswith(", User: me")


@pytest.mark.parametrize(
    ("mode", "prompt", "is_written"),
    [
        (Emphasis.NO_NORM, "a (cat)", True),
        (Emphasis.NO_NORM, "a cat", False),
        (Emphasis.NONE, "a BREAK b", True),
        (Emphasis.ORIGINAL, "a (cat)", False),
    ],
)
def test_behaviour_9_7_emphasis_is_told_where_it_shows(mode, prompt, is_written):
    request = img2img(prompt=prompt, emphasis=mode)
    assert (f"Emphasis: {mode.value}" in written(request)) is is_written
    swapped = img2img(prompt="", negative_prompt=prompt, emphasis=mode)
    assert (f"Emphasis: {mode.value}" in written(swapped)) is is_written


@pytest.mark.parametrize(
    ("value", "expected"),
    [(7.0, "7"), (0.75, "0.75"), (True, "True"), (1e300, "1e+300"), (3, "3"), ("x", "x")],
)
def test_behaviour_10_1_values(value, expected):
    assert format_value(value) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("a, b", '"a, b"'),
        ("a: b", '"a: b"'),
        ("a\nb", '"a\\nb"'),
        ('say "x", y', '"say \\"x\\", y"'),
        ("ü", "ü"),
        ("ü,", '"ü,"'),
        ('"x"', '"\\"x\\""'),
        (" x", '" x"'),
    ],
)
def test_behaviour_10_1_quotes(text, expected):
    assert quote(text) == expected


def test_no_key_stands_twice_in_the_order():
    slots = [*FIXED_SLOTS, *EXTRA_SLOTS, *OWN_SLOTS]
    assert len(slots) == len(set(slots))
