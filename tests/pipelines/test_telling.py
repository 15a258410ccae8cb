"""What settings leave out of infotexts, and what pasting leaves out (behaviour 10.2, ui 10.2)."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.options import request_defaults
from pipelines.infotext import ImageFacts, write_infotext
from pipelines.infotext_apply import apply_infotext
from pipelines.request import Img2ImgRequest
from tests.pipelines.run_doubles import INIT, request_for

FACTS = ImageFacts(
    index=0,
    prompt="a cat",
    negative_prompt="",
    seed=1,
    subseed=1,
    model_name="v1-5",
    model_hash="6ce0161689",
    vae_name="kl.pt",
    vae_hash="735e4c3a44",
    schedule_label="Automatic",
    sampler_name="Euler",
    executed_steps=4,
    version="v1.10.1",
)
START = (
    "a cat\nSteps: 4, Sampler: Euler, Schedule type: Automatic, CFG scale: 7, Seed: 1, Size: 64x64"
)
MODEL, VAE = "Model hash: 6ce0161689, Model: v1-5", "VAE hash: 735e4c3a44, VAE: kl.pt"
END = "Denoising strength: 0.75, Version: v1.10.1"

TOLD = {
    "all": ({}, f"{START}, {MODEL}, {VAE}, {END}"),
    "add_model_hash_to_info": (
        {"add_model_hash_to_info": False},
        f"{START}, Model: v1-5, {VAE}, {END}",
    ),
    "add_model_name_to_info": (
        {"add_model_name_to_info": False},
        f"{START}, Model hash: 6ce0161689, {VAE}, {END}",
    ),
    "add_vae_hash_to_info": (
        {"add_vae_hash_to_info": False},
        f"{START}, {MODEL}, VAE: kl.pt, {END}",
    ),
    "add_vae_name_to_info": (
        {"add_vae_name_to_info": False},
        f"{START}, {MODEL}, VAE hash: 735e4c3a44, {END}",
    ),
    "add_version_to_infotext": (
        {"add_version_to_infotext": False},
        f"{START}, {MODEL}, {VAE}, Denoising strength: 0.75",
    ),
}


@pytest.mark.parametrize(("options", "text"), TOLD.values(), ids=TOLD)
def test_what_the_infotext_tells(options: dict[str, Any], text: str) -> None:
    request = request_for(prompt="a cat", telling=request_defaults(options)["telling"])
    assert write_infotext(request, FACTS) == text
    assert Img2ImgRequest.model_validate_json(request.model_dump_json()).telling == request.telling


PASTED = (
    "a (dog:1.2)\nNegative prompt: blurry\nSteps: 20, Sampler: DDIM, CFG scale: 9, Seed: 5, "
    "Size: 320x640, Model hash: 6ce0161689, Denoising strength: 0.3, Clip skip: 3, "
    "Emphasis: No norm, Conditional mask weight: 0.2, Eta DDIM: 0.5, Version: v1.9.0"
)
BASE = request_for(
    prompt="mine",
    negative_prompt="not mine",
    width=512,
    height=768,
    clip_skip=2,
    emphasis="Ignore",
    inpainting_mask_weight=0.5,
    tuning={"eta_ddim": 0.25},
    seeds={"seed": 42},
    sampling={"sampler": "Euler a", "steps": 7, "cfg_scale": 3, "denoising_strength": 0.6},
)


def read(request: Img2ImgRequest) -> dict[str, Any]:
    sampling = request.sampling
    return {
        "Prompt": request.prompt,
        "Negative prompt": request.negative_prompt,
        "Steps": sampling.steps,
        "Sampler": sampling.sampler,
        "CFG scale": sampling.cfg_scale,
        "Seed": request.seeds.seed,
        "Size": (request.width, request.height),
        "Denoising strength": sampling.denoising_strength,
        "Clip skip": request.clip_skip,
        "Emphasis": request.emphasis.value,
        "Conditional mask weight": request.inpainting_mask_weight,
        "Eta DDIM": request.tuning.eta_ddim,
    }


OURS = {
    "Prompt": "mine",
    "Negative prompt": "not mine",
    "Steps": 7,
    "Sampler": "Euler a",
    "CFG scale": 3,
    "Seed": 42,
    "Size": (512, 768),
    "Denoising strength": 0.6,
    "Clip skip": 2,
    "Emphasis": "Ignore",
    "Conditional mask weight": 0.5,
    "Eta DDIM": 0.25,
}
THEIRS = {
    "Prompt": "a (dog:1.2)",
    "Negative prompt": "blurry",
    "Steps": 20,
    "Sampler": "DDIM",
    "CFG scale": 9,
    "Seed": 5,
    "Size": (320, 640),
    "Denoising strength": 0.3,
    "Clip skip": 3,
    "Emphasis": "No norm",
    "Conditional mask weight": 0.2,
    "Eta DDIM": 0.5,
}


@pytest.mark.parametrize("key", OURS)
def test_a_key_that_is_skipped_stays_and_nothing_else(key: str) -> None:
    found = apply_infotext(PASTED, BASE, skip=[key])
    assert read(found.request) == {**THEIRS, key: OURS[key]}
    assert found.problems == ()
    assert found.unknown == {}


@pytest.mark.parametrize("key", ["Size-1", "size"])
def test_sizes_may_be_named_as_they_are_read(key: str) -> None:
    found = apply_infotext(PASTED, BASE, skip=[key]).request
    assert (found.width, found.height) == ((512, 640) if key == "Size-1" else (512, 768))


def test_a_skipped_model_is_not_looked_for() -> None:
    found = apply_infotext(PASTED, BASE, skip=["Model hash", "Model"])
    assert (found.model_hash, found.model_name) == (None, None)
    assert apply_infotext(PASTED, BASE).model_hash == "6ce0161689"


def test_a_bare_prompt_has_no_keys_to_skip() -> None:
    found = apply_infotext("a dog", BASE, skip=["Steps", "Negative prompt"]).request
    assert read(found) == {**OURS, "Prompt": "a dog"}
    assert found.init_images == (INIT,)
