"""Emphasis syntax (behaviour 9.2)."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bad_input import PROMPTS
from pipelines.prompt.attention import MAX_WEIGHT, Segment, parse_attention

REFERENCE = {
    "weight": ("(a:1.2)", [("a", 1.2)]),
    "nested": ("((a))", [("a", 1.21)]),
    "square": ("[a]", [("a", 1 / 1.1)]),
    "last colon counts": ("(a:b:1.3)", [("a:b", 1.3)]),
    "spaces around number": ("(a: 1.5 )", [("a", 1.5)]),
    "negative": ("(a:-0.5)", [("a", -0.5)]),
    "unclosed": ("(a:1.2", [("a:1.2", 1.1)]),
    "unopened": ("a:1.2)", [("a:1.2)", 1.0)]),
    "product": ("(a (b:1.2):1.1)", [("a ", 1.1), ("b", 1.32)]),
    "escapes": (r"a\(b\)", [("a(b)", 1.0)]),
    "break": ("a BREAK b", [("a", 1.0), ("BREAK", -1.0), ("b", 1.0)]),
    "weighted break": ("(a BREAK b:1.2)", [("a", 1.2), ("BREAK", -1.2), ("b", 1.2)]),
    "no break in a word": ("aBREAKb", [("aBREAKb", 1.0)]),
}

OURS = {
    "a number that is none is text": ("(a:1.2.3)", [("a:1.2.3", 1.1)]),
    "the same without a bracket": ("a:1.2.3)", [("a:1.2.3)", 1.0)]),
    "empty": ("", [("", 1.0)]),
    "no weight in square brackets": ("[a:1.5]", [("a:1.5", 1 / 1.1)]),
    "all escapes": (r"\[\]\(\)\\", [(r"[]()" + "\\", 1.0)]),
    "lone backslash is dropped": (r"a\b", [("ab", 1.0)]),
    "unclosed square": ("a [b", [("a ", 1.0), ("b", 1 / 1.1)]),
    "unmatched closers": ("a] b)", [("a] b)", 1.0)]),
    "crossing brackets": ("(a[b)c]", [("a", 1.1), ("b", 1.0), ("c", 1 / 1.1)]),
    "equal neighbours merge": ("(a:1.2)(b:1.2)c", [("ab", 1.2), ("c", 1.0)]),
    "empty group": ("a()b", [("ab", 1.0)]),
    "only a break": ("BREAK", [("BREAK", -1.0)]),
    "two breaks": (" a BREAK  BREAK\nb ", [(" a", 1.0), ("BREAK", -1), ("BREAK", -1), ("b ", 1.0)]),
    "sign and point": ("(a:+.5)(b:2.)", [("a", 0.5), ("b", 2.0)]),
    "plus minus": ("(a:+-1)", [("a:+-1", 1.1)]),
    "huge number": ("(a:99999999)", [("a", MAX_WEIGHT)]),
    "zero": ("(a:0)", [("a", 0.0)]),
    "line breaks stay": ("a\n(b\nc:1.2)", [("a\n", 1.0), ("b\nc", 1.2)]),
}


@pytest.mark.parametrize(
    ("text", "expected"), [*REFERENCE.values(), *OURS.values()], ids=[*REFERENCE, *OURS]
)
def test_behaviour_9_2(text, expected):
    found = parse_attention(text)
    assert [s.text for s in found] == [text for text, _ in expected]
    assert [s.weight for s in found] == pytest.approx([weight for _, weight in expected])


def test_only_an_unweighted_break_is_a_marker():
    assert [s.is_break for s in parse_attention("a BREAK (b BREAK c)")] == [
        False,
        True,
        *[False] * 3,
    ]
    assert not Segment("x", -1.0).is_break


@pytest.mark.parametrize("text", PROMPTS.values(), ids=PROMPTS)
def test_hostile_prompts_have_finite_weights(text):
    found = parse_attention(text)
    assert found
    assert all(math.isfinite(s.weight) for s in found)


SYNTAX = st.text(alphabet="ab ()[]:|\\.,1-BREAK\n", max_size=60)


@settings(deadline=None)
@given(SYNTAX | st.text())
def test_any_text_has_finite_segments(text):
    found = parse_attention(text)
    assert found
    assert all(math.isfinite(s.weight) and abs(s.weight) <= MAX_WEIGHT for s in found)
    assert all(s.text for s in found) or found == [Segment("", 1.0)]


@settings(deadline=None)
@given(st.text(alphabet="abc ,.'1é\n"))
def test_text_without_syntax_stays_as_it_is(text):
    assert parse_attention(text) == [Segment(text, 1.0)]


@settings(deadline=None)
@given(st.text())
def test_escaped_text_stays_as_it_is(text):
    text = text.replace("BREAK", "")
    escaped = "".join("\\" + c if c in r"\()[]" else c for c in text)
    assert "".join(s.text for s in parse_attention(escaped)) == text
