"""What interrogators have said, as the panel shows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interrogate.base import Description, Tag
from interrogate.registry import Listing
from interrogate.report import PictureReport, Report
from jobs.spec import JobState, Progress
from tests.ui.test_watching import VIEW
from ui.interrogate_view import (
    Part,
    cards,
    choices,
    joined,
    notes_on,
    parts_of,
    state_text,
)

CLIP = Description("a cat, oil", (Tag("oil", 0.25),), 1.25, 0.21)
BOORU = Description(r"1girl, smile \(face\), (long hair:0.900)", (), 0.5, 0.31)
TAGS = (Tag("1girl", 0.99), Tag("smile_(face)", 0.7), Tag("long_hair", 0.9))


def test_pieces_keep_their_order_and_know_their_scores() -> None:
    report = PictureReport({"clip": CLIP, "deepdanbooru": replace(BOORU, tags=TAGS), "wd14": CLIP})
    assert parts_of(report) == [
        Part("a cat"),
        Part("oil", 0.25),
        Part("1girl", 0.99),
        Part(r"smile \(face\)", 0.7),
        Part("(long hair:0.900)", 0.9),
    ]


def test_label_shows_the_score() -> None:
    assert (Part("a cat").label, Part("oil", 0.251).label) == ("a cat", "oil  0.25")


@pytest.mark.parametrize(
    ("prompt", "append", "expected"),
    [
        ("old", False, "cat, hat"),
        ("old", True, "old, cat, hat"),
        ("old, ", True, "old, cat, hat"),
        ("", True, "cat, hat"),
        ("a, cat", True, "a, cat, hat"),
    ],
    ids=["replace", "append", "comma at the end", "empty prompt", "no repetition"],
)
def test_ticked_pieces_meet_the_prompt(prompt: str, append: bool, expected: str) -> None:
    assert joined(prompt, ["cat", "hat", "cat"], append=append) == expected


def test_best_fitting_text_comes_first_and_html_is_inert() -> None:
    evil = Description("<script>x</script>", likeness=None)
    report = Report(
        (PictureReport({"a": evil, "clip": CLIP, "b": BOORU}, "bad <b>"),), ("note <i>",)
    )
    html = cards(report, {"clip": "CLIP"})
    assert html.index("1girl") < html.index("CLIP") < html.index("&lt;script&gt;")
    assert "fits 0.210, 1.2 s" in html
    assert "<script>" not in html
    assert "note &lt;i&gt;" in html
    assert "bad &lt;b&gt;" in html


def test_empty_text_says_so() -> None:
    assert "Nothing was found" in cards(Report((PictureReport({"a": Description("")}),)), {})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"state": JobState.QUEUED, "queue_position": 2, "queue_length": 3}, "In queue: 2/3"),
        ({"state": JobState.QUEUED, "queue_length": 1}, "Starting..."),
        ({"progress": Progress(1, 4, 0, 0, "CLIP ranking")}, "25%  CLIP ranking..."),
    ],
)
def test_state_of_a_job(changes: dict[str, object], text: str) -> None:
    assert state_text(replace(VIEW, **changes)) == text  # type: ignore[arg-type]


ROWS = [
    Listing("clip", "CLIP", True, "x", builtin=False),
    Listing("deepdanbooru", "DeepBooru", True, "knows little", builtin=True),
    Listing("wd14", "WD14", False, "put <it> there", builtin=False),
]


def test_missing_and_built_in_interrogators_are_marked_and_explained() -> None:
    assert choices(ROWS) == [
        ("CLIP", "clip"),
        ("DeepBooru (built-in)", "deepdanbooru"),
        ("WD14 (not available)", "wd14"),
    ]
    assert notes_on(ROWS) == (
        "<p>DeepBooru (built-in): knows little</p><p>WD14 (not available): put &lt;it&gt; there</p>"
    )
