"""CLIP's tokens, reduced to those that the world's captions use, and the way back to all.

Only some hundred of the 49408 entries ever occur; training a table of those alone costs nothing,
and the full one is filled in when a checkpoint is written (tiny-model 2.6).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from models.builtin.training.networks import BEGIN_TOKEN, END_TOKEN, TOKENS, VOCABULARY_SIZE

TOKENIZER = Path(__file__).parents[1] / "checkpoint" / "tokenizer"

Ids = npt.NDArray[np.int32]
"""Token ids, [..., 77]."""

SYNONYMS = {
    "red": ("crimson", "scarlet"),
    "pink": ("rose", "magenta"),
    "purple": ("violet", "lavender"),
    "blue": ("azure", "navy"),
    "teal": ("turquoise", "cyan"),
    "green": ("emerald", "lime"),
    "yellow": ("golden", "gold"),
    "gray": ("grey",),
    "brown": ("brunette", "auburn"),
    "black": ("dark-haired", "ebony"),
    "girl": ("lady", "female"),
    "woman": ("princess", "queen"),
    "boy": ("guy", "male"),
    "man": ("prince", "king"),
    "character": ("creature", "doll", "figurine"),
    "stream": ("brook", "creek"),
    "house": ("cottage", "hut", "cabin", "home"),
    "car": ("automobile", "vehicle"),
    "cup": ("mug",),
    "cat": ("kitten", "kitty"),
    "pants": ("jeans",),
    "hat": ("cap",),
    "moon": ("moonlight",),
    "snow": ("snowy",),
    "mountains": ("mountain", "peaks"),
    "hills": ("hill", "meadow"),
    "clouds": ("cloud",),
    "sunset": ("dusk", "dawn"),
    "happy": ("cheerful",),
    "glasses": ("spectacles", "eyeglasses"),
    "cute": ("adorable", "lovely"),
}
"""Known word -> words that mean about the same and get its vector."""


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """`used` holds the ids that occur, sorted; a compact id is an index into it."""

    used: tuple[int, ...]

    @property
    def begin(self) -> int:
        """Compact id of the token that starts every prompt."""
        return self.used.index(BEGIN_TOKEN)

    @property
    def end(self) -> int:
        """Compact id of the token that ends and pads every prompt."""
        return self.used.index(END_TOKEN)

    def compact(self, ids: Ids) -> Tensor:
        """Compact ids, int64; ids that never occurred become the end token."""
        table = np.full(VOCABULARY_SIZE, self.end, np.int64)
        table[list(self.used)] = np.arange(len(self.used))
        return torch.from_numpy(table[ids])

    def save(self, path: Path) -> None:
        """Keep it beside the weights that were trained with it."""
        path.write_text(json.dumps(self.used), encoding="utf-8")

    def expanded(self, table: Tensor, tokenizer: CLIPTokenizer) -> Tensor:
        """The full table: unused rows are the mean row, synonyms of known words their vectors."""
        full = table.mean(0, keepdim=True).repeat(VOCABULARY_SIZE, 1)
        full[list(self.used)] = table
        for word, others in SYNONYMS.items():
            known = _single_token(word, tokenizer)
            for other in others:
                token = _single_token(other, tokenizer)
                if known in self.used and token is not None and token not in self.used:
                    full[token] = full[known]
        return full


def load_vocabulary(path: Path) -> Vocabulary:
    """A vocabulary that was saved."""
    return Vocabulary(tuple(json.loads(path.read_text(encoding="utf-8"))))


def load_tokenizer() -> CLIPTokenizer:
    """The tokenizer that ships."""
    return CLIPTokenizer.from_pretrained(TOKENIZER, local_files_only=True)


def token_ids(captions: Sequence[str], tokenizer: CLIPTokenizer) -> Ids:
    """int32 [n, 77], padded with the end token and cut off."""
    found = tokenizer(list(captions), padding="max_length", max_length=TOKENS, truncation=True)
    return np.asarray(found.input_ids, np.int32)


def vocabulary_of(ids: Ids) -> Vocabulary:
    """The vocabulary of the ids that occur, with the two special tokens."""
    return Vocabulary(tuple(sorted({int(i) for i in np.unique(ids)} | {BEGIN_TOKEN, END_TOKEN})))


def _single_token(word: str, tokenizer: CLIPTokenizer) -> int | None:
    ids = tokenizer(word).input_ids[1:-1]
    return int(ids[0]) if len(ids) == 1 else None
