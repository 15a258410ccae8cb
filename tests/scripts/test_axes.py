"""Each axis does to a request what its name says (behaviour 12.1)."""

from functools import reduce
from typing import Any

import pytest

from pipelines.request import HiresFix, Img2ImgRequest, Refiner
from scripts.axes import AXES
from scripts.axis import AxisContext
from scripts.axis_menu import A1111_MENU, axes_of, find_axis
from scripts.values import ValuesError
from tests.scripts.making import CONTEXT, A, B, request

NAMED = AxisContext(
    CONTEXT.checkpoints,
    CONTEXT.finder,
    CONTEXT.styles,
    {"cat": A, "dog": B},
    vaes=("Soft.pt",),
    upscalers=("4x_foo",),
)


def field(made: Img2ImgRequest, path: str) -> Any:
    return reduce(getattr, path.split("."), made)


def applied(label: str, text: str, base: Img2ImgRequest | None = None) -> list[Img2ImgRequest]:
    axis = next(axis for axis in AXES if axis.label == label)
    start = base or request()
    return [axis.apply(start, value, NAMED) for value in axis.values(text, NAMED)]


ROWS = [
    ("Seed", "1-3", "seeds.seed", [1, 2, 3]),
    ("Var. seed", "7", "seeds.subseed", [7]),
    ("Var. strength", "0-1 [3]", "seeds.subseed_strength", [0, 0.5, 1]),
    ("Steps", "10,20", "sampling.steps", [10, 20]),
    ("CFG Scale", "7.5", "sampling.cfg_scale", [7.5]),
    ("Image CFG Scale", "1.5", "sampling.image_cfg_scale", [1.5]),
    ("Sampler", "euler a, DDIM", "sampling.sampler", ["Euler a", "DDIM"]),
    ("Checkpoint name", "one", "checkpoint", ["one.safetensors"]),
    ("Negative Guidance minimum sigma", "2", "tuning.ngms", [2]),
    ("Sigma Churn", "1", "tuning.s_churn", [1]),
    ("Sigma min", "1", "tuning.s_tmin", [1]),
    ("Sigma max", "1", "tuning.s_tmax", [1]),
    ("Sigma noise", "1", "tuning.s_noise", [1]),
    ("Schedule type", "karras", "sampling.scheduler", ["Karras"]),
    ("Schedule min sigma", "0.1", "tuning.sigma_min", [0.1]),
    ("Schedule max sigma", "10", "tuning.sigma_max", [10]),
    ("Schedule rho", "5", "tuning.rho", [5]),
    ("Beta schedule alpha", "0.5", "tuning.beta_alpha", [0.5]),
    ("Beta schedule beta", "0.5", "tuning.beta_beta", [0.5]),
    ("Eta", "0.5", "tuning.eta_ancestral", [0.5]),
    ("Eta", "0.5", "tuning.eta_ddim", [0.5]),
    ("Clip skip", "2", "clip_skip", [2]),
    ("Denoising", "0.1-0.3 (+0.1)", "sampling.denoising_strength", [0.1, 0.2, 0.3]),
    ("Initial noise multiplier", "0.9", "tuning.initial_noise_multiplier", [0.9]),
    ("Extra noise", "0.1", "tuning.extra_noise", [0.1]),
    ("Cond. Image Mask Weight", "0.5", "inpainting_mask_weight", [0.5]),
    ("Styles", "noir", "prompt", ["a cat on a mat, film noir"]),
    ("Styles", '"noir, oil"', "prompt", ["a cat on a mat, film noir, oil painting"]),
    ("Always discard next-to-last sigma", "true", "tuning.discard_penultimate_sigma", [True]),
    ("SGM noise multiplier", "False,True", "tuning.sgm_noise_multiplier", [False, True]),
    ("VAE", "auto, none, soft.PT", "vae", ["Automatic", "None", "Soft.pt"]),
    ("UniPC Order", "2,9", "tuning.unipc_order", [2, 7]),
    ("Token merging ratio", "0,0.5", "computing.token_merging", [0, 0.5]),
    ("Token merging ratio", "0.5", "computing.token_merging_img2img", [0.5]),
    ("RNG source", "nv", "seeds.source", ["NV"]),
    ("Size", "128x64", "width", [128]),
    ("Size", "128x64", "height", [64]),
    ("Sampler + schedule", "Euler a + Karras", "sampling.scheduler", ["Karras"]),
    ("Sampler + schedule", "DPM++ 2M", "sampling.sampler", ["DPM++ 2M"]),
    ("Init image", "dog", "init_images", [(B,)]),
    ("Resize mode", "resize and fill", "resize_mode", [2]),
    ("Outpaint anchor", "top left, CENTER", "outpaint", ["top left", "centre"]),
    ("Step semantics", "exact", "sampling.semantics", ["exact"]),
    ("Start at step", "3", "sampling.start_at_step", [3]),
    ("Start at step", "3", "sampling.semantics", ["start_at_step"]),
    ("Mask", "dog", "inpaint.mask", [B]),
    ("Mask blur", "0,9", "inpaint.blur_x", [0, 9]),
    ("Mask blur", "9", "inpaint.blur_y", [9]),
    ("Masked content", "latent noise", "inpaint.content", [2]),
    ("Inpaint area", "only masked", "inpaint.area", [1]),
    ("Only masked padding", "64", "inpaint.padding", [64]),
]


@pytest.mark.parametrize(("label", "text", "path", "expected"), ROWS)
def test_axis_sets_its_field(label: str, text: str, path: str, expected: list[object]) -> None:
    assert [field(made, path) for made in applied(label, text)] == expected


def test_hires_axes_change_the_second_pass() -> None:
    base = request(init_images=(), inpaint=None, hires=HiresFix())
    assert [field(r, "hires.steps") for r in applied("Hires steps", "5", base)] == [5]
    assert [field(r, "hires.sampler") for r in applied("Hires sampler", "ddim", base)] == ["DDIM"]
    merging = applied("Token merging ratio high-res", "0.5", base)
    assert [field(r, "computing.token_merging_hr") for r in merging] == [0.5]
    found = applied("Hires upscaler", "latent, lanczos, 4X_FOO", base)
    assert [field(r, "hires.upscaler") for r in found] == ["Latent", "Lanczos", "4x_foo"]


@pytest.mark.parametrize("label", ["Denoising", "Extra noise"])
def test_strength_in_txt2img_is_that_of_the_hires_pass(label: str) -> None:
    base = request(init_images=(), inpaint=None, hires=HiresFix())
    assert len(applied(label, "0.5", base)) == 1
    with pytest.raises(ValuesError, match="hires pass, which is off"):
        applied(label, "0.5", base.model_copy(update={"hires": None}))


def test_refiner_axes() -> None:
    base = request(refiner=Refiner(checkpoint="x", switch_at=0.5))
    chosen = [r.refiner for r in applied("Refiner checkpoint", "None, two", base)]
    assert chosen == [None, Refiner(checkpoint="two.safetensors", switch_at=0.5)]
    assert [field(r, "refiner.switch_at") for r in applied("Refiner switch at", ".9", base)] == [
        0.9
    ]
    with pytest.raises(ValuesError, match="no refiner is chosen"):
        applied("Refiner switch at", "0.9")


def test_every_axis_is_tested() -> None:
    apart = {"Nothing", "Prompt S/R", "Prompt order", "Refiner checkpoint", "Refiner switch at"}
    apart |= {
        "Token merging ratio high-res",
        "Hires steps",
        "Hires sampler",
        "Hires upscaler",
        "LoRA weight",
    }
    assert {axis.label for axis in AXES} == apart | {row[0] for row in ROWS}


def test_prompt_replacement_acts_on_both_prompts() -> None:
    base = request(negative_prompt="cat, cat")
    made = applied("Prompt S/R", 'cat, dog, "red, fox"', base)
    assert [(r.prompt, r.negative_prompt) for r in made] == [
        ("a cat on a mat", "cat, cat"),
        ("a dog on a mat", "dog, dog"),
        ("a red, fox on a mat", "red, fox, red, fox"),
    ]


def test_lora_weight_is_that_of_all_lora_tags() -> None:
    base = request(prompt="a <lora:x:0.5:1> cat <lyco:y> <hypernet:h:1>")
    assert [made.prompt for made in applied("LoRA weight", "0-1 [3]", base)] == [
        f"a <lora:x:{w}> cat <lyco:y:{w}> <hypernet:h:1>" for w in ("0", "0.5", "1")
    ]
    with pytest.raises(ValuesError, match="no <lora:name:1> tag"):
        applied("LoRA weight", "1")


@pytest.mark.parametrize(
    ("prompt", "text", "expected"),
    [
        ("a cat, b", "a,b", ["a cat, b", "b cat, a"]),
        ("x y z", "x,y,z", ["x y z", "x z y", "y x z", "y z x", "z x y", "z y x"]),
        ("one two", "two,one", ["two one", "one two"]),
    ],
)
def test_prompt_order(prompt: str, text: str, expected: list[str]) -> None:
    made = applied("Prompt order", text, request(prompt=prompt))
    assert [r.prompt for r in made] == expected


@pytest.mark.parametrize(
    ("label", "text", "said"),
    [
        ("Prompt S/R", "bird, cat", "'bird' is neither in the prompt"),
        ("Prompt order", "cat, bird", "'bird' is not in the prompt"),
        ("Prompt order", "a,b,c,d,e,f,g,h", "too many orders"),
        ("Sampler", "Euler, Elephant", "no sampler 'Elephant'"),
        ("Schedule type", "Fast", "no schedule type 'Fast'"),
        ("Sampler + schedule", "Euler + Fast", "no schedule type 'Fast'"),
        ("Checkpoint name", "three", "no checkpoint 'three'"),
        ("Styles", "baroque", "no style 'baroque'"),
        ("VAE", "hard.pt", "no VAE 'hard.pt' (there are: Automatic, None, Soft.pt)"),
        ("UniPC Order", "0", "greater than or equal to 1"),
        ("Size", "big", "is no size"),
        ("Size", "8x8", "greater than or equal to 64"),
        ("Steps", "0", "greater than or equal to 1"),
        ("Denoising", "1.5", "less than or equal to 1"),
        ("Denoising", "", "there are no values"),
        ("Seed", "10-1", "there are no values"),
        ("Masked content", "cheese", "none of fill, original"),
        ("Init image", "bird", "no picture named 'bird' was handed in (there are: cat, dog)"),
        ("SGM noise multiplier", "perhaps", "none of False, True"),
    ],
)
def test_bad_values_are_said(label: str, text: str, said: str) -> None:
    with pytest.raises(ValuesError) as problem:
        applied(label, text)
    assert said in str(problem.value)


@pytest.mark.parametrize(
    ("label", "value", "expected"),
    [
        ("CFG Scale", 7.0, "CFG Scale: 7"),
        ("Denoising", 0.123456789012, "Denoising: 0.12345679"),
        ("Sampler", "Euler a", "Euler a"),
        ("Prompt S/R", ("cat", "dog"), "dog"),
        ("Prompt order", ("b", "a"), "b, a"),
        ("Seed", 4294967293, "Seed: 4294967293"),
        ("Nothing", 0, ""),
    ],
)
def test_legends(label: str, value: Any, expected: str) -> None:
    assert find_axis(label, "img2img").legend(value) == expected


def test_choices_are_values_of_their_axis() -> None:
    for axis in AXES:
        for choice in axis.choices(NAMED) if axis.choices else ():
            quoted = f'"{choice}"'
            assert axis.values(quoted, NAMED) == (choice,), (axis.label, choice)


@pytest.mark.parametrize(
    ("number", "tab", "label"),
    [
        (0, "img2img", "Nothing"),
        (4, "img2img", "Steps"),
        (5, "img2img", "CFG Scale"),
        (5, "txt2img", "Hires steps"),
        (9, "img2img", "Sampler"),
        (8, "txt2img", "Prompt order"),
    ],
)
def test_numbers_follow_a1111s_menu(number: int, tab: Any, label: str) -> None:
    assert find_axis(number, tab).label == label


@pytest.mark.parametrize(
    ("name", "tab", "said"),
    [
        (99, "img2img", "no axis number 99"),
        ("FP8 mode", "img2img", "'FP8 mode' cannot be used in img2img"),
        ("Image CFG Scale", "txt2img", "'Image CFG Scale' cannot be used in txt2img"),
    ],
)
def test_axes_that_are_not_there(name: Any, tab: Any, said: str) -> None:
    with pytest.raises(ValuesError, match=said):
        find_axis(name, tab)


def test_our_axes_follow_a1111s_own_order() -> None:
    theirs = [label for label, _ in A1111_MENU]
    shown = [axis.label for axis in AXES if not axis.own]
    assert shown == [label for label in theirs if label in shown]
    assert len(axes_of("img2img")) > 40
