"""The captions of rendered pictures as tokens, and their attributes as numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models.builtin.training.vocabulary import (
    Ids,
    Vocabulary,
    load_tokenizer,
    token_ids,
    vocabulary_of,
)
from models.builtin.training.world.attributes import ATTRIBUTES

UNSEEN = -100
"""What a picture does not have; cross-entropy ignores it."""


@dataclass(frozen=True, slots=True)
class Words:
    """`ids` compact ids [n, captions, 77], `targets` [n, attributes], `empty` [77]: no caption."""

    ids: Tensor
    targets: Tensor
    empty: Tensor
    vocabulary: Vocabulary


def words_of(
    described: Sequence[dict[str, Any]],
    cache: Path | None = None,
    vocabulary: Vocabulary | None = None,
) -> Words:
    """Tokens and targets of pictures that render.load described; tokens are kept in `cache`.

    A given vocabulary is used as it is, else it is made of what occurs.
    """
    tokenizer = load_tokenizer()
    ids = _cached_ids(described, cache)
    vocabulary = vocabulary or vocabulary_of(ids)
    targets = torch.full((len(described), len(ATTRIBUTES)), UNSEEN, dtype=torch.long)
    for column, (name, values) in enumerate(ATTRIBUTES.items()):
        place = {value: number for number, value in enumerate(values)}
        for row, words in enumerate(described):
            if name in words["attributes"]:
                targets[row, column] = place[words["attributes"][name]]
    empty = vocabulary.compact(token_ids([""], tokenizer))[0]
    return Words(vocabulary.compact(ids), targets, empty, vocabulary)


def _cached_ids(described: Sequence[dict[str, Any]], cache: Path | None) -> Ids:
    if cache is not None and cache.is_file():
        kept: Ids = np.load(cache)
        if len(kept) == len(described):
            return kept
    captions = [caption for words in described for caption in words["captions"]]
    ids = token_ids(captions, load_tokenizer()).reshape(len(described), -1, 77)
    if cache is not None:
        np.save(cache, ids)
    return ids


def chosen_captions(ids: Tensor, rows: Tensor, dice: np.random.Generator) -> Tensor:
    """One caption of each of the rows, [batch, 77]."""
    columns = torch.from_numpy(dice.integers(0, ids.shape[1], len(rows))).to(ids.device)
    return ids[rows, columns]
