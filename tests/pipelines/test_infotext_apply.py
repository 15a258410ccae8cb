"""From infotexts back to requests: round trips, clamping, the guide's example (behaviour 10.4)."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.infotext import ImageFacts, write_infotext
from pipelines.infotext_apply import NO_MASK_HERE, apply_infotext
from pipelines.infotext_values import field_range
from pipelines.outpaint import Anchor
from pipelines.request import (
    MAX_PIXELS,
    Emphasis,
    HiresFix,
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    Inversion,
    MaskedContent,
    NoiseSource,
    Refiner,
    RefinerPass,
    ResizeMode,
    SamplerTuning,
    Sampling,
    Seeds,
    SoftInpaint,
    StepSemantics,
)
from pipelines.sampler_names import SAMPLERS, SCHEDULERS, effective_scheduler, resolve_sampler

PICTURE, MASK = "a" * 64, "b" * 64
LINE = "Steps: 30, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 640x448, Denoising strength: 0.5"
GUIDE = """\
a woman with a short hair and a white shirt is posing for a picture with her hand on her chin, \
a photorealistic painting, Ayami Kojima, precisionism, perfect face
Negative prompt: dongwm-nt,bad finger, bad body
Steps: 20, Sampler: DPM++ 2M Karras, CFG scale: 8, Seed: 2345567052, Size: 512x512, \
Model hash: cbfba64e66, Model: CounterfeitV30_v30, Denoising strength: 0.65, Clip skip: 2"""


def applied(line, base=None):
    return apply_infotext(f"a cat\n{line}", base or Img2ImgRequest())


def test_the_example_of_the_users_guide_fills_every_field():
    found = apply_infotext(GUIDE, Img2ImgRequest(prompt="old", init_images=(PICTURE,)))
    lines = GUIDE.splitlines()
    assert found.request == Img2ImgRequest(
        prompt=lines[0],
        negative_prompt="dongwm-nt,bad finger, bad body",
        init_images=(PICTURE,),
        sampling=Sampling(
            sampler="DPM++ 2M",
            scheduler="Automatic",
            steps=20,
            cfg_scale=8,
            denoising_strength=0.65,
        ),
        seeds=Seeds(seed=2345567052),
        clip_skip=2,
    )
    assert (found.model_hash, found.model_name) == ("cbfba64e66", "CounterfeitV30_v30")
    assert found.problems == ()
    assert found.unknown == {}


def test_pictures_counts_and_checkpoint_stay():
    base = Img2ImgRequest(
        init_images=(PICTURE,), inpaint=Inpaint(mask=MASK), batch_size=3, n_iter=2, checkpoint="x"
    )
    found = applied(LINE, base).request
    assert (found.init_images, found.batch_size, found.n_iter) == ((PICTURE,), 3, 2)
    assert found.inpaint is not None
    assert (found.inpaint.mask, found.checkpoint) == (MASK, "x")


def test_without_parameters_only_the_prompts_change():
    base = Img2ImgRequest(prompt="x", negative_prompt="y", clip_skip=2, sampling=Sampling(steps=9))
    found = apply_infotext("a cat\nNegative prompt: b", base)
    assert found.request == base.model_copy(update={"prompt": "a cat", "negative_prompt": "b"})


def test_an_empty_text_changes_nothing():
    found = apply_infotext(" \n", Img2ImgRequest(prompt="x"))
    assert found.request == Img2ImgRequest(prompt="x")
    assert found.problems == ("There is no text to read parameters from.",)


def test_missing_core_keys_keep_the_request_others_their_default():
    base = Img2ImgRequest(
        sampling=Sampling(sampler="Euler", scheduler="Karras", steps=9, cfg_scale=3),
        seeds=Seeds(seed=8, source=NoiseSource.NV, ensd=1),
        tuning=SamplerTuning(eta_ancestral=0.5),
        width=256,
        clip_skip=2,
        tiling=True,
    )
    found = applied("Denoising strength: 0.3, Model: x, Model hash: y", base).request
    assert found.sampling == base.sampling.model_copy(update={"denoising_strength": 0.3})
    assert (found.seeds, found.width) == (Seeds(seed=8), 256)
    assert (found.tuning, found.clip_skip, found.tiling) == (SamplerTuning(), 1, False)


def test_what_a1111_never_writes_is_kept_from_the_request():
    base = Img2ImgRequest(
        init_images=(PICTURE,),
        inpaint=Inpaint(mask=MASK, round=False, blur_x=9, blur_y=9),
        resize_mode=ResizeMode.RESIZE_AND_FILL,
        color_correction=True,
        comma_backtrack=5,
        background_color="#123456",
        overlay_inpaint=False,
    )
    kept = ("inpaint", "resize_mode", "color_correction", "comma_backtrack", "overlay_inpaint")
    foreign, ours = (
        applied(LINE, base).request,
        applied(f"{LINE}, Version: overpaint-9", base).request,
    )
    for name in kept:
        assert getattr(foreign, name) == getattr(base, name), name
    assert foreign.background_color == "#123456"
    assert (ours.resize_mode, ours.color_correction) == (ResizeMode.JUST_RESIZE, False)
    assert ours.overlay_inpaint
    assert base.inpaint is not None
    assert ours.inpaint == base.inpaint.model_copy(update={"round": True})


def test_step_semantics_of_a1111_texts_are_a1111s():
    base = Img2ImgRequest(sampling=Sampling(semantics=StepSemantics.EXACT))
    assert applied(LINE, base).request.sampling.semantics is StepSemantics.A1111


@pytest.mark.parametrize(
    ("names", "sampler", "scheduler"),
    [
        ("Sampler: DPM++ 2M Karras", "DPM++ 2M", "Automatic"),
        ("Sampler: DPM++ 2M, Schedule type: Karras", "DPM++ 2M", "Automatic"),
        ("Sampler: DPM++ 2M, Schedule type: Exponential", "DPM++ 2M", "Exponential"),
        ("Sampler: Euler a", "Euler a", "Automatic"),
        ("Sampler: Euler a, Schedule type: Karras", "Euler a", "Karras"),
    ],
)
def test_behaviour_7_2_names(names, sampler, scheduler):
    found = applied(f"{names}, Steps: 20, Seed: 1").request.sampling
    assert (found.sampler, found.scheduler) == (sampler, scheduler)


def test_an_unknown_sampler_is_told():
    found = applied("Sampler: Fancy, Steps: 20, Seed: 1")
    assert found.request.sampling.sampler == SAMPLERS[0].name
    assert any("Fancy" in problem for problem in found.problems)


@pytest.mark.parametrize(
    ("pair", "path", "expected", "problem"),
    [
        (
            "Steps: 1000000000",
            "sampling.steps",
            1000,
            "Steps: 1000000000 is more than 1000; 1000 is used.",
        ),
        ("Steps: 0", "sampling.steps", 1, "Steps: 0 is less than 1; 1 is used."),
        ("Steps: 2.5", "sampling.steps", 30, "Steps: '2.5' is no whole number; 30 is kept."),
        ("CFG scale: nan", "sampling.cfg_scale", 7.0, "CFG scale: 'nan' is no number; 7 is kept."),
        ("CFG scale: inf", "sampling.cfg_scale", 7.0, "CFG scale: 'inf' is no number; 7 is kept."),
        (
            "CFG scale: 1e308",
            "sampling.cfg_scale",
            100.0,
            "CFG scale: 1e+308 is more than 100; 100 is used.",
        ),
        (
            "Denoising strength: -1",
            "sampling.denoising_strength",
            0.0,
            "Denoising strength: -1.0 is less than 0; 0 is used.",
        ),
        ("Size: 8x512", "width", 64, "Size-1: 8 is less than 64; 64 is used."),
        (
            "Size: 8192x8192",
            "width",
            512,
            f"Size: 8192x8192 is more than {MAX_PIXELS} pixels; 512x512 is kept.",
        ),
        ("Clip skip: 99", "clip_skip", 12, "Clip skip: 99 is more than 12; 12 is used."),
        (
            "RNG: dice",
            "seeds.source",
            NoiseSource.GPU,
            "RNG: 'dice' is none of GPU, CPU, NV; GPU is kept.",
        ),
        (
            "Tiling: maybe",
            "tiling",
            False,
            "Tiling: 'maybe' is neither True nor False; False is kept.",
        ),
        (
            "ENSD: 4294967296",
            "seeds.ensd",
            2**31 - 1,
            "ENSD: 4294967296 is more than 2147483647; 2147483647 is used.",
        ),
        (
            "Beta schedule alpha: 0",
            "tuning.beta_alpha",
            1e-6,
            "Beta schedule alpha: 0.0 is less than 1e-06; 1e-06 is used.",
        ),
        (
            "Background color: red",
            "background_color",
            "#ffffff",
            "Background color: 'red' is no #rrggbb colour; #ffffff is kept.",
        ),
        (
            "Step semantics: x",
            "sampling.semantics",
            StepSemantics.A1111,
            "Step semantics: 'x' is none of a1111, exact, start_at_step, diffusers; a1111 is kept.",
        ),
        (
            "Seed: " + "9" * 99,
            "seeds.seed",
            -1,
            f"Seed: '{'9' * 40}' is no whole number; -1 is kept.",
        ),
    ],
)
def test_s37_values_are_moved_into_their_range_or_left_out(pair, path, expected, problem):
    key = pair.partition(":")[0]
    base = Img2ImgRequest(sampling=Sampling(steps=30))
    pairs = [pair, "aa: 1", "bb: 2"] + (
        [] if key == "Background color" else ["Version: overpaint-1"]
    )
    found = applied(", ".join(pairs), base)
    value = found.request
    for name in path.split("."):
        value = getattr(value, name)
    assert value == expected
    assert found.problems == (problem,)


@pytest.mark.parametrize(
    ("pair", "path", "expected"),
    [
        ("Steps: 20.0", "sampling.steps", 20),
        ("Tiling: true", "tiling", True),
        ("Emphasis: No norm", "emphasis", Emphasis.NO_NORM),
        ("RNG: nv", "seeds.source", NoiseSource.NV),
        ("Seed: -1", "seeds.seed", -1),
        ("Seed: 18446744073709551615", "seeds.seed", 2**64 - 1),
        ("Eta: 0.5", "tuning.eta_ancestral", 0.5),
        ("Beta schedule alpha: 0.7", "tuning.beta_alpha", 0.7),
    ],
)
def test_spellings(pair, path, expected):
    found = applied(f"{pair}, aa: 1, bb: 2")
    value = found.request
    for name in path.split("."):
        value = getattr(value, name)
    assert value == expected
    assert not found.problems


def test_unknown_keys_are_handed_on_and_facts_are_not():
    line = f"{LINE}, FP8 weight: Enable, Face restoration: GFPGAN"
    line = f"{line}, Masked content: original, Lora hashes: ab, Version: v1.10.1"
    found = applied(f"{line}, VAE: v.pt, VAE hash: 11")
    assert found.unknown == {
        "FP8 weight": "Enable",
        "Face restoration": "GFPGAN",
    }
    assert (found.vae_name, found.vae_hash) == ("v.pt", "11")


def test_the_masks_hash_is_handed_on_and_sets_nothing():
    found = applied(f"{LINE}, Mask blur: 4, Mask hash: 0123456789ab")
    assert found.mask_hash == "0123456789ab"
    assert found.unknown == {}
    assert found.request == applied(f"{LINE}, Mask blur: 4").request
    assert applied(LINE).mask_hash is None


INPAINT_LINE = f"{LINE}, Mask mode: Inpaint not masked, Mask blur: 9, Masked content: latent noise"
INPAINT_FIELDS = {
    "invert": True,
    "blur_x": 9,
    "blur_y": 9,
    "content": MaskedContent.LATENT_NOISE,
    "area": InpaintArea.WHOLE_PICTURE,
    "padding": 32,
    "round": True,
    "soft": None,
}


@pytest.mark.parametrize(
    ("text", "outpaint", "mask", "told"),
    [
        ("Mask blur: 9, Outpaint anchor: top left", Anchor.TOP_LEFT, None, False),
        ("Mask blur: 9, Outpaint anchor: top left, Mask hash: a", Anchor.TOP_LEFT, None, True),
        ("Mask blur: 9", None, None, True),
    ],
    ids=["the new area is the mask", "there was a drawn mask too", "a drawn mask alone"],
)
def test_an_anchor_needs_no_mask(text, outpaint, mask, told):
    base = Img2ImgRequest(init_images=(PICTURE,), resize_mode=ResizeMode.RESIZE_AND_FILL)
    found = applied(f"{text}, Steps: 5, Version: overpaint-9", base)
    assert (found.request.outpaint, found.outpaint) == (outpaint, outpaint)
    assert (NO_MASK_HERE in found.problems) is told
    if outpaint is None:
        assert found.request.inpaint is None
    else:
        assert found.request.inpaint == Inpaint(mask=mask, blur_x=9, blur_y=9)
        assert found.request.resize_mode is ResizeMode.JUST_RESIZE


def test_without_a_picture_an_anchor_is_handed_on_alone():
    found = applied("Outpaint anchor: left, Steps: 5, Seed: 1", Img2ImgRequest())
    assert (found.request.outpaint, found.request.inpaint) == (None, None)
    assert found.outpaint is Anchor.LEFT


def test_an_unreadable_anchor_is_told():
    found = applied(
        "Outpaint anchor: middle, Steps: 5, Seed: 1", Img2ImgRequest(init_images=(PICTURE,))
    )
    assert found.request.outpaint is None
    assert any("'middle' is none of top left, top" in problem for problem in found.problems)


def test_mask_settings_act_on_a_mask():
    base = Img2ImgRequest(init_images=(PICTURE,), inpaint=Inpaint(mask=MASK, padding=8))
    found = applied(INPAINT_LINE, base)
    assert found.request.inpaint == Inpaint(mask=MASK, **INPAINT_FIELDS)
    assert found.inpaint == INPAINT_FIELDS
    assert not found.problems


def test_mask_settings_without_a_mask_are_handed_on_and_told():
    found = applied(INPAINT_LINE)
    assert found.request.inpaint is None
    assert found.inpaint == INPAINT_FIELDS
    assert found.problems == ("The infotext is of an inpainted picture; there is no mask here.",)


OLD = {
    "1.5.2, editing": ("[a:b:1.0]", "", "v1.5.2", (True, False, True, None)),
    "1.6.0, editing": ("[a:b:1.0]", "", "v1.6.0", (False, False, True, None)),
    "1.5.2, no bracket": ("a", "", "v1.5.2", (False, False, True, None)),
    "1.5.2, DDIM": ("a", ", Sampler: DDIM", "v1.5.2", (False, True, True, None)),
    "1.5.2, PLMS": ("a", ", Sampler: PLMS", "v1.5.2", (False, True, True, None)),
    "1.6.0, DDIM": ("a", ", Sampler: DDIM", "v1.6.0", (False, False, True, None)),
    "1.7.0": ("a", "", "v1.7.0", (False, False, True, None)),
    "1.7.0 and 224 changes": ("a", "", "v1.7.0-224-gabc", (False, False, True, None)),
    "1.7.0 and 225 changes": ("a", "", "v1.7.0-225-gabc", (False, False, False, None)),
    "1.7.0, refiner": ("a", ", Refiner: r", "v1.7.0", (False, False, True, True)),
    "1.8.0, refiner": ("a", ", Refiner: r", "v1.8.0", (False, False, False, False)),
    "no version": ("[a:b:1.0]", "", "", (False, False, False, None)),
    "another program": ("[a:b:1.0]", "", "f0.0.17v1.5.1", (False, False, False, None)),
    "said otherwise": (
        "[a:b:1.0]",
        ", Old prompt editing timelines: False, Downcast alphas_cumprod: False",
        "v1.5.2",
        (False, False, False, None),
    ),
}


@pytest.mark.parametrize(("prompt", "extra", "version", "expected"), OLD.values(), ids=OLD)
def test_behaviour_10_4_old_versions_are_followed(prompt, extra, version, expected):
    tail = f", Version: {version}" if version else ""
    text = f"{prompt}\nSteps: 20, Seed: 1, Size: 512x512{extra}{tail}"
    found = apply_infotext(text, Img2ImgRequest()).request
    by_steps = None if found.refiner is None else found.refiner.by_steps
    seen = found.old_prompt_editing, found.pad_conds_v0, found.tuning.downcast_alphas, by_steps
    assert seen == expected
    plain = apply_infotext(text, Img2ImgRequest(), backcompat=False).request
    assert not (plain.old_prompt_editing or plain.pad_conds_v0 or plain.tuning.downcast_alphas)


SETTINGS_TOLD = {
    "Old prompt editing timelines: True": lambda r: r.old_prompt_editing,
    "Pad conds: True": lambda r: r.pad_conds,
    "Pad conds v0: True": lambda r: r.pad_conds_v0,
    "Downcast alphas_cumprod: True": lambda r: r.tuning.downcast_alphas,
    "Noise Schedule: Zero Terminal SNR": lambda r: r.tuning.trained_noise == "Zero Terminal SNR",
    "UniPC variant: bh2": lambda r: r.tuning.unipc_variant == "bh2",
    "UniPC skip type: logSNR": lambda r: r.tuning.unipc_skip == "logSNR",
    "UniPC order: 2": lambda r: r.tuning.unipc_order == 2,
}


@pytest.mark.parametrize(("pair", "is_set"), SETTINGS_TOLD.items(), ids=SETTINGS_TOLD)
def test_behaviour_10_4_keys_that_are_settings(pair, is_set):
    found = apply_infotext(f"a\nSteps: 20, Seed: 1, Size: 512x512, {pair}", Img2ImgRequest())
    assert is_set(found.request)
    assert not is_set(Img2ImgRequest())
    assert (found.unknown, found.problems) == ({}, ())


def test_a_prompt_too_long_is_cut_and_told():
    found = apply_infotext("a" * 100_001, Img2ImgRequest())
    assert len(found.request.prompt) == 100_000
    assert found.problems == ("The prompt has 100001 characters; the first 100000 are used.",)


def values_of(model, **fixed):
    """A strategy for a model's fields by their ranges."""
    parts = {}
    for name, info in model.model_fields.items():
        kind = info.annotation
        low, high = field_range(model, name)
        if name in fixed:
            parts[name] = fixed[name]
        elif kind is bool:
            parts[name] = st.booleans()
        elif kind is int:
            parts[name] = st.integers(low, high)
        elif kind is float:
            parts[name] = st.floats(low, high)
        else:
            parts[name] = st.sampled_from(list(kind))
    return st.builds(model, **parts)


PROMPT = st.text(max_size=40) | st.text(alphabet='ab(),:"\n BREAK\\', max_size=40)
SAMPLING = values_of(
    Sampling,
    sampler=st.sampled_from([sampler.name for sampler in SAMPLERS]),
    scheduler=st.sampled_from([scheduler.label for scheduler in SCHEDULERS]),
)
NAME = st.text(alphabet='ab,:"\\ []', min_size=1, max_size=20).map(lambda name: f"x{name}x")
REFINER = st.none() | values_of(Refiner, checkpoint=NAME, hires_pass=st.sampled_from(RefinerPass))
HIRES = st.none() | values_of(
    HiresFix,
    checkpoint=st.just("") | NAME,
    sampler=st.sampled_from(["", "Euler a"]),
    scheduler=st.sampled_from(["", "Karras"]),
    upscaler=NAME,
    prompt=PROMPT.map(str.strip),
    negative_prompt=PROMPT.map(str.strip),
    scale=st.floats(1, 8),
    resize_x=st.just(0) | st.integers(64, 4096),
    resize_y=st.just(0) | st.integers(64, 4096),
).filter(lambda hires: hires.problem(512, 512) is None)
REQUESTS = st.builds(
    Img2ImgRequest,
    prompt=PROMPT,
    negative_prompt=PROMPT,
    init_images=st.just((PICTURE,)),
    inpaint=st.none()
    | values_of(
        Inpaint,
        mask=st.just(MASK),
        latent_mask=st.none(),
        soft=st.none() | values_of(SoftInpaint),
    ),
    resize_mode=st.sampled_from(ResizeMode),
    width=st.integers(64, 2048),
    height=st.integers(64, 2048),
    sampling=SAMPLING,
    tuning=values_of(SamplerTuning),
    seeds=values_of(Seeds),
    clip_skip=st.integers(1, 12),
    emphasis=st.sampled_from(Emphasis),
    comma_backtrack=st.integers(0, 74),
    old_prompt_editing=st.booleans(),
    pad_conds=st.booleans(),
    pad_conds_v0=st.booleans(),
    background_color=st.sampled_from(["#ffffff", "#00FF7f"]),
    color_correction=st.booleans(),
    overlay_inpaint=st.booleans(),
    tiling=st.booleans(),
    refiner=REFINER,
    inversion=st.none()
    | values_of(Inversion, prompt=PROMPT.map(str.strip), negative_prompt=PROMPT.map(str.strip)),
) | st.builds(
    Img2ImgRequest,
    prompt=PROMPT,
    sampling=SAMPLING,
    tuning=values_of(SamplerTuning),
    hires=HIRES,
    refiner=REFINER,
)


def outpainted(request, anchor):
    """The request with an anchor, and without a mask of its own if it has none."""
    inpaint = request.inpaint or Inpaint(blur_x=3, blur_y=3)
    changes = {"outpaint": anchor, "inpaint": inpaint, "resize_mode": ResizeMode.JUST_RESIZE}
    return request if request.is_txt2img else request.model_copy(update=changes)


REQUESTS = REQUESTS | st.builds(outpainted, REQUESTS, st.sampled_from(Anchor))


def facts_of(request):
    names = resolve_sampler(request.sampling.sampler, request.sampling.scheduler)
    return ImageFacts(
        index=0,
        prompt=request.prompt,
        negative_prompt=request.negative_prompt,
        seed=request.seeds.seed,
        subseed=request.seeds.subseed,
        model_name="model, with comma",
        model_hash="0123456789",
        schedule_label=effective_scheduler(names.sampler, names.scheduler).label,
        sampler_name=names.sampler.name,
        executed_steps=1,
        extra={"Script": "X/Y/Z plot", "X Values": 'a "b", c'},
    )


def recoverable(request):
    """The request without what an infotext leaves out because it changes nothing."""
    sampling, seeds, tuning, inpaint = (
        request.sampling,
        request.seeds,
        request.tuning,
        request.inpaint,
    )
    sampler = resolve_sampler(sampling.sampler).sampler
    label = facts_of(request).schedule_label
    preferred = resolve_sampler(sampler.name, sampler.default_scheduler or "").scheduler.label
    sampling_changes = {"scheduler": "Automatic" if label == preferred else label}
    if sampling.semantics is not StepSemantics.START_AT_STEP:
        names = ("start_at_step", "end_at_step", "add_noise", "return_with_leftover_noise")
        sampling_changes |= {name: getattr(Sampling(), name) for name in names}
    if request.is_txt2img and request.hires is None:
        sampling_changes["denoising_strength"] = 0.75
    sampling_changes["image_cfg_scale"] = 1.5
    seed_changes = {}
    if not seeds.subseed_strength:
        seed_changes["subseed"] = -1
    if not (seeds.resize_from_width and seeds.resize_from_height):
        seed_changes |= {"resize_from_width": 0, "resize_from_height": 0}
    if sampler.uses_ensd and tuning.eta_ancestral == 0:
        seed_changes["ensd"] = 0
    if label != "Beta":
        tuning = tuning.model_copy(update={"beta_alpha": 0.6, "beta_beta": 0.6})
    if inpaint is not None and inpaint.area is InpaintArea.WHOLE_PICTURE:
        inpaint = inpaint.model_copy(update={"padding": 32})
    hires, refiner = request.hires, request.refiner
    if hires is not None and (hires.resize_x or hires.resize_y):
        hires = hires.model_copy(update={"scale": 2.0})
    if refiner is not None and hires is None:
        refiner = refiner.model_copy(update={"hires_pass": RefinerPass.SECOND})
    prompts = {
        name: getattr(request, name).replace("\r\n", "\n").strip()
        for name in ("prompt", "negative_prompt")
    }
    shows = re.search(r"[(\[\\]|\bBREAK\b", request.prompt + "\n" + request.negative_prompt)
    return request.model_copy(
        update={
            **prompts,
            "sampling": sampling.model_copy(update=sampling_changes),
            "seeds": seeds.model_copy(update=seed_changes),
            "tuning": tuning,
            "inpaint": inpaint,
            "hires": hires,
            "refiner": refiner,
            "emphasis": request.emphasis if shows else Emphasis.ORIGINAL,
            "overlay_inpaint": request.overlay_inpaint or inpaint is None,
        }
    )


@settings(deadline=None, max_examples=200)
@given(REQUESTS)
def test_what_is_written_is_read_back(request_):
    has_mask = request_.inpaint is not None and request_.inpaint.mask is not None
    base = Img2ImgRequest(
        init_images=request_.init_images, inpaint=Inpaint(mask=MASK) if has_mask else None
    )
    found = apply_infotext(write_infotext(request_, facts_of(request_)), base)
    assert found.request == recoverable(request_)
    assert found.problems == ()
    assert found.unknown == {"Script": "X/Y/Z plot", "X Values": 'a "b", c'}
    assert found.model_name == "model, with comma"


@settings(deadline=None)
@given(REQUESTS)
def test_writing_again_gives_the_same_text(request_):
    first = write_infotext(request_, facts_of(request_))
    base = request_.model_copy(update={"prompt": "", "seeds": Seeds()})
    again = apply_infotext(first, base).request
    assert write_infotext(again, facts_of(again)).splitlines()[-1] == first.splitlines()[-1]


KEYS = st.sampled_from(
    [
        "Hires upscale",
        "Hires resize",
        "Hires upscaler",
        "Refiner",
        "Refiner switch at",
        "Soft inpainting enabled",
        "Steps",
        "Sampler",
        "Schedule type",
        "CFG scale",
        "Seed",
        "Size",
        "ENSD",
        "RNG",
        "Eta",
        "Clip skip",
        "Mask blur",
        "Masked content",
        "Outpaint anchor",
        "Seed resize from",
        "Background color",
        "Version",
        "Emphasis",
        "Tiling",
    ]
)
VALUES = st.text(max_size=12) | st.sampled_from(
    [
        "1e308",
        "nan",
        "-inf",
        "-5",
        "0x0",
        "99999x99999",
        "True",
        "1" * 500,
        "v1.5",
        "overpaint-1",
        "bottom left",
        "²",
        '"',
    ]
)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(KEYS, VALUES), min_size=3, max_size=8))
def test_s37_whatever_is_pasted_the_request_stays_valid(pairs):
    line = ", ".join(f"{key}: {value}" for key, value in pairs)
    masked = Img2ImgRequest(init_images=(PICTURE,), inpaint=Inpaint(mask=MASK))
    for base in (masked, Img2ImgRequest()):
        found = apply_infotext(line, base).request
        assert Img2ImgRequest.model_validate(found.model_dump()) == found


def test_lone_surrogates_do_not_reach_the_request():
    found = apply_infotext(f'\ud800\n{LINE}, Background color: "\\ud800"', Img2ImgRequest())
    assert Img2ImgRequest.model_validate_json(found.request.model_dump_json()) == found.request


def test_a_vae_that_is_named_is_chosen_and_otherwise_kept() -> None:
    """Behaviour 10.4: VAE is a key that maps to a setting."""
    base = Img2ImgRequest(vae="mine.pt")
    line = "Steps: 20, CFG scale: 7, Seed: 1"
    assert apply_infotext(line, base).request.vae == "mine.pt"
    assert apply_infotext(f"{line}, VAE hash: 0123456789, VAE: kl.pt", base).request.vae == "kl.pt"
