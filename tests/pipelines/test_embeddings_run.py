"""Textual inversions in a whole job, and what an infotext says is missing (behaviour 9.9, 10.4)."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from pipelines.infotext_apply import apply_infotext
from pipelines.infotext_missing import missing_parts
from pipelines.pipeline import Pipeline, TextualInversion
from pipelines.request import Img2ImgRequest
from tests.pipelines.pixels import array
from tests.pipelines.run_doubles import request_for, run_on
from tests.pipelines.test_infotext_apply import GUIDE

LEARNT = TextualInversion("my-style", torch.ones(2, 96), "0123456789ab")
OTHER = TextualInversion("my", torch.zeros(1, 96), "ba9876543210")


@pytest.fixture
def knowing(builtin: Pipeline) -> Pipeline:
    pipeline = Pipeline(builtin.family, "overpaint-tiny", "0123456789")
    pipeline.use_embeddings({"my-style": LEARNT, "my": OTHER})
    return pipeline


def text_of(pipeline: Pipeline, **fields: Any) -> str:
    request = request_for(init_images=(), sampling={"steps": 1}, **fields)
    return run_on(pipeline, request, {}).heard.pictures[0].infotext


@pytest.mark.parametrize(
    ("fields", "hashes"),
    [
        ({"prompt": "a cat"}, None),
        ({"prompt": "a my-style cat"}, "my-style: 0123456789ab"),
        ({"prompt": "a MY-STYLE cat"}, "my-style: 0123456789ab"),
        ({"negative_prompt": "(my-style:1.2), bad"}, "my-style: 0123456789ab"),
        ({"prompt": "my cat"}, "my: ba9876543210"),
        (
            {"prompt": "[cat:my-style:0.5] my"},
            "my-style: 0123456789ab, my: ba9876543210",
        ),
    ],
    ids=["none", "prompt", "case", "negative", "longest name", "editing"],
)
def test_behaviour_9_9_matched_by_tokens(
    knowing: Pipeline, fields: dict[str, str], hashes: str | None
) -> None:
    text = text_of(knowing, **fields)
    if hashes is None:
        assert "TI hashes" not in text
    else:
        assert f'TI hashes: "{hashes}"' in text


def test_its_vectors_change_the_picture(knowing: Pipeline, builtin: Pipeline) -> None:
    request = request_for(init_images=(), prompt="my-style", sampling={"steps": 2})
    with_it, without = run_on(knowing, request, {}), run_on(builtin, request, {})
    assert not (array(with_it.image) == array(without.image)).all()


def missing(text: str, models: tuple[str, ...] = (), embeddings: tuple[str, ...] = ()) -> list[str]:
    applied = apply_infotext(text, Img2ImgRequest())
    return list(missing_parts(applied, has_model=models.__contains__, embeddings=embeddings))


def test_the_guides_example_misses_its_model_and_its_embedding() -> None:
    assert missing(GUIDE) == [
        "The model CounterfeitV30_v30 [cbfba64e66] is not here; another one gives another picture.",
        "'dongwm-nt' in the negative prompt looks like an embedding; there is none of that name.",
    ]
    assert missing(GUIDE, ("cbfba64e66",), ("Dongwm-NT",)) == []


def test_ti_hashes_tell_exactly() -> None:
    line = 'Steps: 1, Sampler: Euler, Seed: 1, TI hashes: "aa-nt: 12ab, bb: 34cd"'
    text = f"x\nNegative prompt: aa-nt, EasyNegative\n{line}"
    assert missing(text, embeddings=("bb",)) == [
        "The embedding aa-nt (12ab) is not here; its name is read as plain text."
    ]


@pytest.mark.parametrize(
    ("word", "suspect"),
    [
        ("EasyNegative", True),
        ("badhandv4", True),
        ("bad-hands-5", True),
        ("(verybad_v1.3:1.2)", True),
        ("bad hands", False),
        ("lowres", False),
        ("t-shirt", False),
        ("sci-fi", False),
        ("8k", False),
        ("1girl", False),
        ("well-known", False),
    ],
)
def test_what_looks_like_an_embedding(word: str, suspect: bool) -> None:
    text = f"x\nNegative prompt: ugly, {word}, bad\nSteps: 1, Sampler: Euler, Seed: 1"
    assert bool(missing(text)) is suspect
