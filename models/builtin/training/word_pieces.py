"""A BERT vocabulary of the words of the world, for the captioner: `vocab.txt` and what reads it."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]")
"""In the order of their numbers. [DEC] begins what BLIP's decoder writes."""

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class WordPieces:
    """Whole words, and letters so that other words can be read as well."""

    pieces: tuple[str, ...]

    def number(self, piece: str) -> int:
        """The number of a piece that is known."""
        return self.pieces.index(piece)

    def encoded(self, text: str) -> list[int]:
        """The numbers of the words of a text that consists of known ones."""
        place = {piece: number for number, piece in enumerate(self.pieces)}
        return [place[word] for word in words_in(text)]

    def write(self, folder: Path) -> None:
        """Write vocab.txt."""
        text = "\n".join(self.pieces) + "\n"
        (folder / "vocab.txt").write_text(text, encoding="utf-8")


def words_in(text: str) -> list[str]:
    """Lower-case words and single punctuation marks, as BERT splits before word pieces."""
    return _WORD.findall(text.lower())


def word_pieces_of(texts: Iterable[str]) -> WordPieces:
    """The vocabulary of these texts."""
    words = sorted({word for text in texts for word in words_in(text)})
    letters = [*string.ascii_lowercase, *string.digits]
    others: Sequence[str] = [*letters, *(f"##{letter}" for letter in letters)]
    pieces = dict.fromkeys([*SPECIAL, *others, *words])
    return WordPieces(tuple(pieces))
