"""AND composition (behaviour 9.4)."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bad_input import PROMPTS
from pipelines.prompt.multi import split_and

CASES = {
    "[T] weights": ("a :1.2 AND b:-0.5", [("a", 1.2), (" b", -0.5)]),
    "[T] empty last part": ("a AND b AND", [("a", 1.0), (" b", 1.0), ("", 1.0)]),
    "[T] parenthesised": ("(a:1.2) AND b :1", [("(a:1.2)", 1.0), (" b", 1.0)]),
    "[T] without AND": ("a cat:1.2", [("a cat", 1.2)]),
    "empty": ("", [("", 1.0)]),
    "no word": ("SAND ANDb and", [("SAND ANDb and", 1.0)]),
    "number forms": ("a:1. AND b:+.5 AND c: 2", [("a", 1.0), (" b", 0.5), (" c", 2.0)]),
    "no number": ("a:b AND c:1e3 AND d:", [("a:b", 1.0), (" c:1e3", 1.0), (" d:", 1.0)]),
    "several colons": ("a:1:2", [("a:1", 2.0)]),
    "lines": ("a\nAND\nb:2\n", [("a", 1.0), ("\nb", 2.0)]),
    "cut": ("a:" + "9" * 60, [("a", 10_000.0)]),
}


@pytest.mark.parametrize(("text", "expected"), CASES.values(), ids=CASES)
def test_behaviour_9_4(text, expected):
    assert [(part.text, part.weight) for part in split_and(text)] == expected


@settings(deadline=None)
@given(st.text(alphabet="AND :1.-\nx") | st.text())
def test_any_text_has_parts_with_finite_weights(text):
    parts = split_and(text)
    assert parts
    assert all(math.isfinite(part.weight) for part in parts)


@pytest.mark.parametrize("text", PROMPTS.values(), ids=PROMPTS)
def test_hostile_prompts_have_parts_with_finite_weights(text):
    parts = split_and(text)
    assert len(parts) == text.count("AND") + 1
    assert all(math.isfinite(part.weight) for part in parts)
