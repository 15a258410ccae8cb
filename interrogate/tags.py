"""From the scores of a tagger to the text for the prompt (behaviour 13.2). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from interrogate.base import Tag
from interrogate.options import TagOptions

RATING_PREFIX = "rating:"
_TO_ESCAPE = re.compile(r"([\\()])")


def kept_tags(scored: Iterable[tuple[str, float]], threshold: float) -> tuple[Tag, ...]:
    """Tags of at least `threshold` without the ratings, best first, equals in the model's order."""
    kept = [
        Tag(name, score)
        for name, score in scored
        if score >= threshold and not name.startswith(RATING_PREFIX)
    ]
    return tuple(sorted(kept, key=lambda tag: -tag.score))


def tag_text(tags: Sequence[Tag], options: TagOptions, *, ranks: bool = False) -> str:
    """Join tags (best first) for the prompt.

    Filtered by exact name, then sorted, then spaces, escapes and `(tag:0.987)` as wished.
    """
    unwanted = filtered_names(options.filter_tags)
    wanted = [tag for tag in tags if tag.name not in unwanted]
    if options.sort_alpha:
        wanted.sort(key=lambda tag: tag.name)
    return ", ".join(_written(tag, options, ranks=ranks) for tag in wanted)


def filtered_names(filter_tags: str) -> frozenset[str]:
    """Read the comma-separated list of unwanted tags, with underscores for spaces."""
    names = (name.strip().replace(" ", "_") for name in filter_tags.split(","))
    return frozenset(name for name in names if name)


def _written(tag: Tag, options: TagOptions, *, ranks: bool) -> str:
    text = tag.name
    if options.use_spaces:
        text = text.replace("_", " ")
    if options.escape:
        text = _TO_ESCAPE.sub(r"\\\1", text)
    return f"({text}:{tag.score:.3f})" if ranks else text
