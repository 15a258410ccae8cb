"""Emphasis syntax: `(a:1.2)`, `((a))`, `[a]`, `BREAK` to weighted pieces of text (behaviour 9.2).

Scheduling (`[a:b:0.5]`) has been resolved before and AND has been split; neither is known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROUND_FACTOR = 1.1
SQUARE_FACTOR = 1 / 1.1
MAX_WEIGHT = 10_000.0
"""Weights are cut to +-MAX_WEIGHT, so that 10,000 nested brackets do not end in infinities."""

_BREAK_WEIGHT = -1.0
_TOKEN = re.compile(
    r"\\[\\()\[\]]"  # an escaped bracket or backslash: literal
    r"|\\"  # a lone backslash: dropped
    r"|[(\[]"
    r"|:\s*+(?P<number>[+-]?[.\d]++)\s*+\)"
    r"|[)\]]"
    r"|[^\\()\[\]:]+"
    r"|:"
)
_BREAK = re.compile(r"\bBREAK\b")


@dataclass(frozen=True, slots=True)
class Segment:
    """A piece of prompt text and its weight (1.0 = plain)."""

    text: str
    weight: float

    @property
    def is_break(self) -> bool:
        """True for the marker that closes a chunk; a weighted BREAK is an ordinary word."""
        return self.text == "BREAK" and self.weight == _BREAK_WEIGHT


def parse_attention(text: str) -> list[Segment]:
    r"""Split a prompt into weighted segments (behaviour 9.2). Never raises; takes linear time.

    `(a)` weighs 1.1, `[a]` 1/1.1, `(a:w)` w; nested groups multiply. Escapes: `\(` `\)` `\[` `\]`
    `\\`. An unclosed bracket acts up to the end, an unmatched closer is text. Neighbours of equal
    weight are merged, empty pieces dropped; an empty prompt is one empty segment.
    A number that is none, as in `(a:1.2.3)`, is text: that example reads "a:1.2.3" at 1.1.
    """
    parser = _Parser()
    for match in _TOKEN.finditer(text):
        parser.feed(match.group(), match.group("number"))
    return _merge(parser.weighted())


class _Groups:
    """All groups of one kind of bracket, as a forest; group 0 is the text outside."""

    def __init__(self, factor: float) -> None:
        self._default = factor
        self._parents = [0]
        self._factors = [1.0]
        self.current = 0

    def open(self) -> None:
        self._parents.append(self.current)
        self._factors.append(self._default)
        self.current = len(self._factors) - 1

    def close(self, factor: float | None = None) -> bool:
        """Close the innermost group; False when none is open."""
        if not self.current:
            return False
        if factor is not None:
            self._factors[self.current] = factor
        self.current = self._parents[self.current]
        return True

    def products(self) -> list[float]:
        """For each group the product of the factors from the outermost inwards."""
        products = [1.0]
        for parent, factor in zip(self._parents[1:], self._factors[1:], strict=True):
            products.append(_clamp(products[parent] * factor))
        return products


class _Parser:
    """Round and square brackets close independently of each other, as the reference has it."""

    def __init__(self) -> None:
        self._rounds = _Groups(ROUND_FACTOR)
        self._squares = _Groups(SQUARE_FACTOR)
        self._pieces: list[tuple[str, bool, int, int]] = []

    def feed(self, token: str, number: str | None) -> None:
        if token == "(":
            self._rounds.open()
        elif token == "[":
            self._squares.open()
        elif token[0] == "\\":
            self._add(token[1:])
        elif number is not None:
            self._close_weighted(token, _number(number))
        elif not self._close_plain(token):
            self._add_text(token)

    def _close_plain(self, token: str) -> bool:
        if token == ")":
            return self._rounds.close()
        return token == "]" and self._squares.close()

    def _close_weighted(self, token: str, weight: float | None) -> None:
        if weight is None:
            self._add_text(token[:-1])
            token = token[-1]
        if not self._rounds.close(weight):
            self._add_text(token)

    def _add(self, text: str, is_break: bool = False) -> None:
        self._pieces.append((text, is_break, self._rounds.current, self._squares.current))

    def _add_text(self, text: str) -> None:
        if "BREAK" not in text:
            return self._add(text)
        first, *others = _BREAK.split(text)
        self._add(first.rstrip() if others else first)
        for index, word in enumerate(others, start=1):
            self._add("BREAK", is_break=True)
            self._add(word.lstrip() if index == len(others) else word.strip())
        return None

    def weighted(self) -> list[tuple[str, bool, float]]:
        """Text, whether it is a BREAK marker, and weight of every piece."""
        rounds, squares = self._rounds.products(), self._squares.products()
        return [
            (text, is_break, _clamp(rounds[round_group] * squares[square_group]))
            for text, is_break, round_group, square_group in self._pieces
        ]


def _merge(pieces: list[tuple[str, bool, float]]) -> list[Segment]:
    segments: list[Segment] = []
    texts: list[str] = []
    current = 1.0

    def flush() -> None:
        if texts:
            segments.append(Segment("".join(texts), current))
            texts.clear()

    for text, is_break, weight in pieces:
        if is_break:
            flush()
            segments.append(Segment("BREAK", _BREAK_WEIGHT * weight))
        elif text:
            if weight != current:
                flush()
                current = weight
            texts.append(text)
    flush()
    return segments or [Segment("", 1.0)]


def _number(text: str) -> float | None:
    try:
        return _clamp(float(text)) if len(text) <= 64 else None
    except ValueError:
        return None


def _clamp(weight: float) -> float:
    return max(-MAX_WEIGHT, min(MAX_WEIGHT, weight))
