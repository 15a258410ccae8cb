"""What an infotext names that is not here: the checkpoint and the textual inversions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from pipelines.infotext_apply import Applied

_ITEM = re.compile(r"[(\[]*([A-Za-z][\w.-]*)(?::[\d.]+)?[)\]]*")
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_INNER_CAPITAL = re.compile(r"[a-z][A-Z]")
_SHORTEST = 5


def missing_parts(
    applied: Applied, *, has_model: Callable[[str], bool], embeddings: Collection[str]
) -> tuple[str, ...]:
    """A sentence for each part of the picture that is missing here.

    `has_model` tells whether a name or hash is known; for `embeddings` see `missing_embeddings`.
    """
    return (*_model(applied, has_model), *missing_embeddings(applied, embeddings))


def _model(applied: Applied, has_model: Callable[[str], bool]) -> list[str]:
    names = [name for name in (applied.model_hash, applied.model_name) if name]
    if not names or any(has_model(name) for name in names):
        return []
    shown = applied.model_name or ""
    if applied.model_hash:
        shown = f"{shown} [{applied.model_hash}]".strip()
    return [f"The model {shown} is not here; another one gives another picture."]


def missing_embeddings(applied: Applied, embeddings: Collection[str]) -> list[str]:
    """A sentence for each textual inversion that is not here; `embeddings` are the names that are.

    Infotexts without "TI hashes" do not name them; then items of the negative prompt that look like
    file names and are none are pointed out.
    """
    known = {name.lower() for name in embeddings}
    if applied.ti_hashes:
        return [
            f"The embedding {name} ({hash12}) is not here; its name is read as plain text."
            for name, hash12 in applied.ti_hashes.items()
            if name.lower() not in known
        ]
    return [
        f"{word!r} in the negative prompt looks like an embedding; there is none of that name."
        for word in _suspects(applied.request.negative_prompt)
        if word.lower() not in known
    ]


def _suspects(negative_prompt: str) -> list[str]:
    items = (_ITEM.fullmatch(item.strip()) for item in negative_prompt[:10_000].split(","))
    words = [match.group(1) for match in items if match]
    return [word for word in dict.fromkeys(words) if _is_file_name(word)]


def _is_file_name(word: str) -> bool:
    """Underscores, digits, inner capitals or a part without vowels: no word of a language."""
    if len(word) < _SHORTEST:
        return False
    odd_parts = any(len(part) > 1 and not _VOWEL.search(part) for part in word.split("-")[1:])
    has_digit = any(letter.isdigit() for letter in word)
    return "_" in word or has_digit or bool(_INNER_CAPITAL.search(word)) or odd_parts
