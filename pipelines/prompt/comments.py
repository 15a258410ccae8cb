"""`# a note to myself`: comments in prompts (behaviour 9.1)."""

from __future__ import annotations

import re

_WHOLE_LINE = re.compile(r"(?:\A|\n)#[^\n]*(?:\n|\Z)")
_REST_OF_LINE = re.compile(r"#[^\n]*(?:\n|\Z)")


def strip_comments(text: str, *, on: bool = True) -> str:
    r"""Remove everything from `#` to the end of the line.

    A comment leaves one newline: a whole-line comment takes both newlines around it and leaves
    one, a comment after text leaves one even at the end (`a # b` becomes `a \n`), as A1111 does.
    Without `on` (A1111's `enable_prompt_comments`) a `#` is text like any other.
    """
    if not on:
        return text
    return _REST_OF_LINE.sub("\n", _WHOLE_LINE.sub("\n", text))
