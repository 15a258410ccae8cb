"""`a :1.2 AND b`: several prompts whose guidance is added up (behaviour 9.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.prompt.attention import MAX_WEIGHT

_AND = re.compile(r"\bAND\b")
_WEIGHT = re.compile(r"\s*([-+]?(?:\d+\.?|\d*\.\d+))")
_LONGEST_WEIGHT = 64


@dataclass(frozen=True, slots=True)
class Part:
    """One prompt of an AND composition: D = U + sum of weight * cfg * (C - U)."""

    text: str
    weight: float


def split_and(text: str) -> tuple[Part, ...]:
    """Split a positive prompt at the word AND; at least one part. Never raises.

    A trailing ` : w` of a part is its weight (default 1), also when there is no AND. Texts keep
    leading spaces and lose trailing ones.
    """
    return tuple(_part(piece) for piece in _AND.split(text))


def _part(piece: str) -> Part:
    text = piece.rstrip()
    head, colon, tail = text.rpartition(":")
    match = _WEIGHT.fullmatch(tail) if colon and len(tail) <= _LONGEST_WEIGHT else None
    if match is None:
        return Part(text, 1.0)
    weight = float(match.group(1))
    return Part(head.rstrip(), max(-MAX_WEIGHT, min(MAX_WEIGHT, weight)))
