"""Phrases that CLIP is trained to rank: what they are and of which pictures they are true."""

from pathlib import Path

import numpy as np
import pytest

from models.builtin.training.render import load
from models.builtin.training.train_clip import chosen_phrases, matches, phrases_of

OWN = [("pink hair", "smile"), ("blue hair", "smile"), ("a house", "grass")]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param([(), (), ()], [[1, 0, 0], [0, 1, 0], [0, 0, 1]], id="whole captions"),
        pytest.param([("smile",), (), ()], [[1, 0, 0], [1, 1, 0], [0, 0, 1]], id="shared phrase"),
        pytest.param(
            [("smile", "pink hair"), ("smile",), ("grass",)],
            [[1, 1, 0], [0, 1, 0], [0, 0, 1]],
            id="all phrases of a text must be true",
        ),
    ],
)
def test_a_text_is_right_for_every_picture_that_has_its_phrases(
    chosen: list[tuple[str, ...]], expected: list[list[int]]
) -> None:
    assert matches(OWN, chosen).tolist() == expected


def test_about_half_of_the_texts_are_one_or_two_own_phrases() -> None:
    own = [("a", "b", "c"), ("d",)] * 500
    chosen = chosen_phrases(own, np.random.default_rng(0))
    lengths = [len(text) for text in chosen[::2]]
    assert 220 < lengths.count(0) < 280
    assert set(lengths) == {0, 1, 2}
    assert all(set(text) <= set(known) for text, known in zip(chosen, own, strict=True))


def test_phrases_are_parts_of_captions_tags_and_the_look(rendered: Path) -> None:
    pictures = load(rendered)
    for described, found in zip(pictures.words, phrases_of(pictures), strict=True):
        look = {"soft": "cartoon", "flat": "flat design", "clay": "clay", "line": "line art"}
        assert look[described["attributes"]["look"]] in found
        assert {tag.replace("_", " ") for tag in described["tags"]} <= set(found)
        assert described["captions"][0].split(",")[-1].strip() in {*found, "masterpiece",
            "best quality", "highly detailed", "digital art", "illustration", "8k"}  # fmt: skip
