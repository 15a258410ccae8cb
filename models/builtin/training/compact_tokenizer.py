"""CLIP's tokenizer with only the entries that some words need; other text falls into its bytes.

A small model has no use for 49408 entries: in full they would be most of its file.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from models.builtin.training.vocabulary import TOKENIZER

Pair = tuple[str, str]

_END_OF_WORD = "</w>"
_BYTES = 512
"""CLIP's first entries: every byte inside a word, then every byte at a word's end."""


@dataclass(frozen=True, slots=True)
class CompactTokenizer:
    """`tokens` by their new numbers, and the merges that are left, in CLIP's order."""

    tokens: tuple[str, ...]
    merges: tuple[Pair, ...]

    def write(self, folder: Path) -> None:
        """vocab.json and merges.txt, as CLIP's tokenizers read them."""
        folder.mkdir(parents=True, exist_ok=True)
        numbered = {token: number for number, token in enumerate(self.tokens)}
        (folder / "vocab.json").write_text(json.dumps(numbered, ensure_ascii=False), "utf-8")
        lines = ["#version: 0.2", *(" ".join(pair) for pair in self.merges)]
        (folder / "merges.txt").write_text("\n".join(lines) + "\n", "utf-8")


def compact_tokenizer(used: Sequence[int], folder: Path = TOKENIZER) -> CompactTokenizer:
    """The tokenizer for the ids `used`, which keep their order and get the numbers from 0.

    Words that CLIP writes with these ids are still written so: of the merges CLIP would try, only
    ones that it never takes on the way to them are gone.
    """
    numbers: dict[str, int] = json.loads((folder / "vocab.json").read_text("utf-8"))
    names = {number: token for token, number in numbers.items()}
    lines = (folder / "merges.txt").read_text("utf-8").splitlines()
    pairs = [(one, other) for one, other in (line.split() for line in lines[1:] if line.strip())]
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    needed: set[Pair] = set()
    for number in used:
        if not names[number].startswith("<|"):
            needed |= merges_to(names[number], ranks)
    wanted = dict.fromkeys([names[number] for number in used])
    wanted |= dict.fromkeys(names[number] for number in range(_BYTES))
    merges = sorted(needed, key=ranks.__getitem__)
    wanted |= dict.fromkeys("".join(pair) for pair in merges)
    return CompactTokenizer(tuple(wanted), tuple(merges))


def merges_to(token: str, ranks: Mapping[Pair, int]) -> set[Pair]:
    """The merges by which byte-pair encoding arrives at a token, the lowest rank first."""
    is_last = token.endswith(_END_OF_WORD)
    parts = list(token.removesuffix(_END_OF_WORD))
    if is_last:
        parts[-1] += _END_OF_WORD
    taken: set[Pair] = set()
    while len(parts) > 1:
        known = [pair for pair in _neighbours(parts) if pair in ranks]
        if not known:
            break
        best = min(known, key=ranks.__getitem__)
        taken.add(best)
        parts = _merged(parts, best)
    return taken


def _neighbours(parts: Sequence[str]) -> Iterable[Pair]:
    return itertools.pairwise(parts)


def _merged(parts: Sequence[str], pair: Pair) -> list[str]:
    """All places of the pair joined, from the left."""
    found: list[str] = []
    for part in parts:
        if found and (found[-1], part) == pair:
            found[-1] += part
        else:
            found.append(part)
    return found
