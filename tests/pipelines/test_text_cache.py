"""The cache in front of a text encoder: encoded once, and the same as without it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from pipelines.prompt.conditioning import Replacement
from pipelines.text_cache import CachedTextEncoder
from tests.pipelines.toy_family import ToyTextEncoder


def row(*ids: int) -> list[int]:
    return [1, *ids, *[2] * (76 - len(ids))]


def test_rows_come_in_the_order_asked_for_and_equal_the_encoders() -> None:
    plain, cached = ToyTextEncoder(), CachedTextEncoder(ToyTextEncoder())
    for ids in ([row(5), row(6)], [row(6), row(7), row(5), row(6)], [row(7)]):
        assert torch.equal(cached.encode_ids(ids, 1, ()), plain.encode_ids(ids, 1, ()))


def test_every_row_is_encoded_once() -> None:
    encoder = ToyTextEncoder()
    cached = CachedTextEncoder(encoder)
    cached.encode_ids([row(5), row(6), row(5)], 1, ())
    cached.encode_ids([row(6), row(7)], 1, ())
    assert encoder.rows == [tuple(row(5)), tuple(row(6)), tuple(row(7))]


def test_clip_skip_belongs_to_the_key() -> None:
    encoder = ToyTextEncoder()
    cached = CachedTextEncoder(encoder)
    one, two = (cached.encode_ids([row(5)], skip, ()) for skip in (1, 2))
    assert encoder.skips == [1, 2]
    assert not torch.equal(one, two)


def test_rows_with_embeddings_are_not_remembered() -> None:
    """Their vectors are no part of the ids."""
    given: list[int] = []

    class Encoder(ToyTextEncoder):
        def encode_ids(
            self, ids: list[list[int]], clip_skip: int, vectors: Sequence[Replacement]
        ) -> Tensor:
            given.append(len(vectors))
            return super().encode_ids(ids, clip_skip, vectors)

    cached = CachedTextEncoder(Encoder())
    vectors = [Replacement(0, 1, torch.ones(1, 2))]
    for _ in range(2):
        cached.encode_ids([row(5)], 1, vectors)
    cached.encode_ids([row(5)], 1, ())
    assert given == [1, 1, 0]


@pytest.mark.parametrize(
    ("asked", "encoded_again"),
    [((5, 6, 7, 5), True), ((5, 6, 5, 7, 5), False)],
    ids=["the oldest goes", "what was used lately stays"],
)
def test_it_forgets_what_was_not_used_for_longest(
    asked: tuple[int, ...], encoded_again: bool
) -> None:
    encoder = ToyTextEncoder()
    cached = CachedTextEncoder(encoder, capacity=2)
    for word in asked:
        cached.encode_ids([row(word)], 1, ())
    assert (encoder.rows.count(tuple(row(5))) == 2) == encoded_again


def test_more_rows_than_it_holds_in_one_call() -> None:
    encoder = ToyTextEncoder()
    cached = CachedTextEncoder(encoder, capacity=2)
    rows = [row(word) for word in range(5, 10)]
    assert torch.equal(cached.encode_ids(rows, 1, ()), encoder.encode_ids(rows, 1, ()))
    assert cached.tokenizer is encoder.tokenizer
