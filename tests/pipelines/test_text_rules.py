"""Settings about prompts in whole jobs: comments, old counting of steps, hires texts, the cache."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.options import request_defaults
from pipelines.infotext_apply import apply_infotext
from pipelines.request import HiresFix, Img2ImgRequest
from tests.pipelines.pixels import gradient
from tests.pipelines.run_doubles import INIT, Ran, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, ToyTextEncoder, toy_pipeline

PICTURES = {INIT: gradient(64, 64)}


def set_to(options: dict[str, Any], **fields: Any) -> Img2ImgRequest:
    """A small request as the settings make it."""
    made = request_defaults(options)
    return request_for(texts=made["texts"], computing=made["computing"], **fields)


def texts_of(encoder: ToyTextEncoder) -> set[str]:
    tokenizer: Any = encoder.tokenizer
    return {tokenizer.words(row) for row in encoder.rows}


COMMENTS = {
    "on": ({}, {"a cat", "a dog"}, "a cat \n"),
    "off": (
        {"enable_prompt_comments": False},
        {"a cat # one", "a dog # two"},
        "a cat # one",
    ),
}


@pytest.mark.parametrize(("options", "encoded", "prompt"), COMMENTS.values(), ids=list(COMMENTS))
def test_behaviour_9_1_comments(options: dict[str, Any], encoded: set[str], prompt: str) -> None:
    family = ToyFamily()
    request = set_to(options, prompt="a cat # one", negative_prompt="a dog # two")
    done = run_on(toy_pipeline(family), request, PICTURES)
    assert texts_of(family.text_encoder) == encoded
    picture = done.heard.pictures[0]
    assert picture.prompt == prompt
    assert picture.infotext.startswith(prompt)
    assert ("Prompt comments: False" in picture.infotext) is bool(options)
    again = apply_infotext(picture.infotext, Img2ImgRequest()).request
    assert again.texts == request.texts


def changes(done: Ran, family: ToyFamily) -> int:
    """At which call the prompt "a" gave way to "b": the first whose context is not the first's."""
    first = family.contexts[0]
    return next((k for k, seen in enumerate(family.contexts) if seen != first), -1)


EDITING = {
    # [a:b:4] of 8 steps: calls 0 to 4 are "a"; second-order samplers call twice a step.
    "Euler": ("Euler", "[a:b:4]", {}, 5),
    "Heun": ("Heun", "[a:b:0.5]", {}, 9),
    "Heun before 1.5": (
        "Heun",
        "[a:b:0.5]",
        {"dont_fix_second_order_samplers_schedule": True},
        5,
    ),
    "Euler never doubled": (
        "Euler",
        "[a:b:0.5]",
        {"dont_fix_second_order_samplers_schedule": True},
        5,
    ),
}


@pytest.mark.parametrize(
    ("sampler", "prompt", "options", "call"), EDITING.values(), ids=list(EDITING)
)
def test_behaviour_9_3_steps_of_prompt_editing(
    sampler: str, prompt: str, options: dict[str, Any], call: int
) -> None:
    family = ToyFamily()
    sampling = {"sampler": sampler, "steps": 8}
    request = set_to(options, init_images=(), prompt=prompt, sampling=sampling)
    done = run_on(toy_pipeline(family), request, {})
    assert changes(done, family) == call
    told = done.heard.pictures[0].infotext
    assert ("Undoubled prompt editing: True" in told) is bool(options)
    assert apply_infotext(told, Img2ImgRequest()).request.texts == request.texts


CACHE = {
    "on": ({}, 2),
    "off": ({"persistent_cond_cache": False}, 4),
}


@pytest.mark.parametrize(("options", "rows"), CACHE.values(), ids=list(CACHE))
def test_texts_are_remembered_between_jobs(options: dict[str, Any], rows: int) -> None:
    pipeline = toy_pipeline(family := ToyFamily())
    request = set_to(options, prompt="a cat", negative_prompt="a dog")
    one, two = (run_on(pipeline, request, PICTURES).image for _ in range(2))
    assert len(family.text_encoder.rows) == rows
    assert one.tobytes() == two.tobytes()


def test_hires_conds_of_the_first_pass_are_told() -> None:
    options = {"hires_fix_use_firstpass_conds": True}
    request = set_to(options, init_images=(), hires=HiresFix(scale=2))
    told = run_on(toy_pipeline(), request, {}).heard.pictures[0].infotext
    assert "Hires conds of first pass: True" in told
    assert apply_infotext(told, Img2ImgRequest()).request.texts == request.texts
