"""A cache in front of a text encoder: the same prompts job after job are encoded once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from pipelines.prompt.conditioning import Replacement, TextEncoder
from pipelines.prompt.tokens import Tokenizer

CAPACITY = 256
"""Rows of 77 tokens that are kept; 77 x 768 floats each are 60 MB in all."""


class CachedTextEncoder:
    """A TextEncoder that remembers rows without embeddings. One per checkpoint."""

    def __init__(self, encoder: TextEncoder, capacity: int = CAPACITY) -> None:
        self._encoder = encoder
        self._capacity = capacity
        self._rows: OrderedDict[tuple[Hashable, int, tuple[int, ...]], Tensor] = OrderedDict()
        self.weights: Hashable = ()
        """What the encoder's weights depend on now, such as LoRAs: other weights, other rows."""

    def clear(self) -> None:
        """Forget all rows."""
        self._rows.clear()

    @property
    def tokenizer(self) -> Tokenizer:
        """See TextEncoder."""
        return self._encoder.tokenizer

    def encode_ids(
        self, ids: list[list[int]], clip_skip: int, vectors: Sequence[Replacement]
    ) -> Tensor:
        """See TextEncoder. Rows are independent of each other, so they are cached one by one."""
        if vectors:
            return self._encoder.encode_ids(ids, clip_skip, vectors)
        keys = [(self.weights, clip_skip, tuple(row)) for row in ids]
        missing = list(dict.fromkeys(key for key in keys if key not in self._rows))
        if missing:
            fresh = self._encoder.encode_ids([list(row) for _, _, row in missing], clip_skip, ())
            self._rows.update(zip(missing, fresh, strict=True))
        found = torch.stack([self._rows[key] for key in keys])
        for key in keys:
            self._rows.move_to_end(key)
        while len(self._rows) > self._capacity:
            self._rows.popitem(last=False)
        return found
