"""The token counter of the page (ui 3.1)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prompt.counter import count_prompt
from pipelines.prompt.tokens import TokenCount
from tests.pipelines.prompt.toy import WordTokenizer, numbered


@pytest.mark.parametrize(
    ("prompt", "used"),
    [
        ("", 0),
        ("a cat", 2),
        ("a cat # and a note", 2),
        ("a cat <lora:x:0.8>", 2),
        ("[a:b c d:0.5] e", 4),
        ("[a|b c]", 2),
        ("a b c AND d", 3),
    ],
)
def test_the_largest_text_counts(prompt, used):
    assert count_prompt(prompt, 20, WordTokenizer()) == TokenCount(used, 75)


def test_in_the_negative_prompt_tags_and_and_are_text():
    assert count_prompt("a AND b <lora:x>", 20, WordTokenizer(), is_negative=True).used == 4


def test_the_limit_grows_by_chunks():
    assert count_prompt(numbered(80), 20, WordTokenizer()) == TokenCount(80, 150)


@settings(deadline=None)
@given(
    st.text(alphabet="ab ,()[]:|<>#ANDBREAK.5\n", max_size=80),
    st.integers(-5, 10**9),
    st.booleans(),
)
def test_no_prompt_raises(prompt, steps, is_negative):
    count = count_prompt(prompt, steps, WordTokenizer(), is_negative=is_negative)
    assert 0 <= count.used <= count.limit
