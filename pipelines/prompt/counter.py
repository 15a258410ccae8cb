"""The token counter of the page: what a prompt box needs at most over all steps (ui 3.1)."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.prompt.comments import strip_comments
from pipelines.prompt.editing import edit_schedule
from pipelines.prompt.multi import split_and
from pipelines.prompt.networks import extract_networks
from pipelines.prompt.tokens import (
    DEFAULT_COMMA_BACKTRACK,
    TokenCount,
    Tokenizer,
    count_tokens,
)
from pipelines.request import Emphasis

MAX_COUNTED = 100_000
"""Characters of a prompt that are looked at; a request holds no more."""
_MAX_STEPS = 150


def count_prompt(
    prompt: str,
    steps: int,
    tokenizer: Tokenizer,
    *,
    is_negative: bool = False,
    comments: bool = True,
    comma_backtrack: int = DEFAULT_COMMA_BACKTRACK,
    emphasis: Emphasis = Emphasis.ORIGINAL,
    embeddings: Mapping[tuple[int, ...], int] | None = None,
) -> TokenCount:
    """The largest count among the AND parts and the stages of prompt editing. Never raises.

    Styles are applied before. Comments do not count (unless `comments` is off: then they are text),
    network tags only where they are text: in the negative prompt.
    """
    text = strip_comments(prompt[:MAX_COUNTED], on=comments)
    parts = {text} if is_negative else {p.text for p in split_and(extract_networks(text)[0])}
    texts = {stage.text for part in parts for stage in edit_schedule(part, min(steps, _MAX_STEPS))}
    counts = [
        count_tokens(
            stage,
            tokenizer,
            comma_backtrack=comma_backtrack,
            emphasis=emphasis,
            embeddings=embeddings,
        )
        for stage in texts
    ]
    return max(counts, key=lambda count: count.used)
