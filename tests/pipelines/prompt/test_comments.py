"""Comments in prompts (behaviour 9.1, corrected in 0.5)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prompt.comments import strip_comments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a # b", "a \n"),
        ("a # b\nc", "a \nc"),
        ("a\n# b\nc", "a\nc"),
        ("# b\nc", "\nc"),
        ("a\n# b", "a\n"),
        ("a\n# b\n# c\nd", "a\n\nd"),
        ("no comment\n", "no comment\n"),
        ("a#b#c", "a\n"),
        ("", ""),
    ],
)
def test_behaviour_0_5_comments_leave_a_newline(text, expected):
    assert strip_comments(text) == expected


@settings(deadline=None)
@given(st.text(alphabet="#\nab ") | st.text())
def test_no_comment_survives(text):
    assert "#" not in strip_comments(text)
