"""Every text of the page has all languages, with the same places for values."""

from __future__ import annotations

import re

import pytest

from ui.catalogue import english, languages

PLACE = re.compile(r"\{[^{}]*\}")


@pytest.fixture(scope="module")
def texts() -> list[str]:
    return english()


def test_the_languages_are_chinese_and_japanese() -> None:
    assert list(languages()) == ["zh-Hans", "ja"]


def test_texts_are_collected_from_every_table(texts: list[str]) -> None:
    for text in (
        "Sampling method",
        "Just resize",
        "A1111: strength x steps",
        "Brush (B)",
        "Empty both prompts",
        "In queue: {position}/{length}",
        "Apply settings",
        "Saving images",
        "Noise multiplier of DDIM.",
    ):
        assert text in texts
    assert not {"a1111", "start_at_step", "{label}: {problem}", "img2img"} & set(texts)


@pytest.mark.parametrize("language", ["zh-Hans", "ja"])
def test_every_text_has_all_languages(texts: list[str], language: str) -> None:
    catalogue = languages()[language]
    assert [text for text in texts if not catalogue.get(text, "").strip()] == []
    assert sorted(catalogue.keys() - set(texts)) == []


@pytest.mark.parametrize("language", ["zh-Hans", "ja"])
def test_places_for_values_are_the_same(language: str) -> None:
    wrong = {
        text: other
        for text, other in languages()[language].items()
        if sorted(PLACE.findall(text)) != sorted(PLACE.findall(other))
    }
    assert wrong == {}
