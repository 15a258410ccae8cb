"""A guard with a margin on what ships; the figures themselves are made by the benchmark."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.builtin_interrogators import main
from interrogate import places

SHIPPED = places.BUILTIN  # before the fixtures hide it

pytestmark = pytest.mark.slow


def needs(*parts: str) -> Callable[[Any], Any]:
    """Skip while the weights are not there."""
    missing = [part for part in parts if not (SHIPPED / part).is_file()]
    return pytest.mark.skipif(bool(missing), reason=f"{', '.join(missing)} does not ship yet")


def figures(part: str) -> dict[str, float]:
    """Of sixty drawings that were never trained on."""
    return {
        one.name: one.value
        for one in main(["--builtin", str(SHIPPED), "--count", "60", "--only", part])
    }


@needs("captioner/model.safetensors")
def test_captions_name_hair_and_sky() -> None:
    """The goal is 90 %, on more pictures."""
    found = figures("captions")
    assert found["caption: hair colour or sky"] >= 83
    assert found["caption: colour of a thing"] >= 85
    assert found["caption: kind of a thing"] >= 70


@needs("captioner/model.safetensors", "clip/model.safetensors")
def test_ranking_finds_the_look_and_the_kind_of_picture() -> None:
    found = figures("ranking")
    assert found["ranking: look"] >= 70
    assert found["ranking: kind of picture"] >= 90


@needs("tagger/tagger.safetensors")
def test_tags_are_right() -> None:
    """The goal is a mean F1 of 0.9, on more pictures."""
    assert figures("tags")["tags: mean F1"] >= 0.85
