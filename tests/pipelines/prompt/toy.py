"""A tokeniser of whole words, so that chunk tests can count tokens by eye."""

from __future__ import annotations

import re

START, END, COMMA = 1, 2, 3


class WordTokenizer:
    """Every word and every comma is one token; ids from 10 in order of first use."""

    def __init__(self, pad_id: int = END) -> None:
        self.comma_id: int | None = COMMA
        self.start_id = START
        self.end_id = END
        self.pad_id = pad_id
        self._ids: dict[str, int] = {",": COMMA}

    def encode(self, text: str) -> list[int]:
        words = re.findall(r",|[^\s,]+", text)
        return [self._ids.setdefault(word, len(self._ids) + 9) for word in words]

    def words(self, ids: tuple[int, ...]) -> str:
        """The text of a row without start, end and padding."""
        names = {number: word for word, number in self._ids.items()}
        return " ".join(names[number] for number in ids if number in names)


def numbered(count: int, first: int = 1) -> str:
    """`w1 w2 ... w<count>`."""
    return " ".join(f"w{n}" for n in range(first, first + count))
