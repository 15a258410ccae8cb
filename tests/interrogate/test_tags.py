"""Thresholds, order, spaces, escapes, filters, ranks (behaviour 13.2)."""

import pytest

from interrogate.base import Tag
from interrogate.options import TagOptions
from interrogate.tags import kept_tags, tag_text

SCORED = [
    ("sky", 0.5),
    ("1girl", 0.98765),
    ("smile_(face)", 0.7),
    ("rating:safe", 0.99),
    ("a\\b", 0.4999),
]


def test_kept_are_tags_from_the_threshold_on_without_ratings() -> None:
    assert kept_tags(SCORED, 0.5) == (
        Tag("1girl", 0.98765),
        Tag("smile_(face)", 0.7),
        Tag("sky", 0.5),
    )


@pytest.mark.parametrize(
    ("changes", "ranks", "expected"),
    [
        ({}, False, r"1girl, a\\b, sky, smile \(face\)"),
        ({"sort_alpha": False}, False, r"1girl, smile \(face\), sky, a\\b"),
        ({"use_spaces": False}, False, r"1girl, a\\b, sky, smile_\(face\)"),
        ({"escape": False}, False, r"1girl, a\b, sky, smile (face)"),
        ({}, True, r"(1girl:0.988), (a\\b:0.500), (sky:0.500), (smile \(face\):0.700)"),
        ({"filter_tags": "sky , smile (face)"}, False, r"1girl, a\\b"),
        ({"filter_tags": "sk, 1GIRL,,"}, False, r"1girl, a\\b, sky, smile \(face\)"),
    ],
    ids=["defaults", "by score", "underscores", "raw brackets", "ranks", "filter", "exact filter"],
)
def test_text(changes: dict[str, object], ranks: bool, expected: str) -> None:
    options = TagOptions.model_validate(changes)
    assert tag_text(kept_tags(SCORED, 0.1), options, ranks=ranks) == expected


def test_nothing_found_is_an_empty_text() -> None:
    assert tag_text((), TagOptions()) == ""
