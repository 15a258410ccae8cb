"""Tokens and chunks: weighted text to rows of 77 token ids for a CLIP text encoder (behaviour 9.5).

Tokenisers and embedding tables are given; what the ids mean to a model is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from pipelines.prompt.attention import Segment, parse_attention
from pipelines.request import Emphasis

CHUNK_LENGTH = 75
ROW_LENGTH = CHUNK_LENGTH + 2
DEFAULT_COMMA_BACKTRACK = 20

EmbeddingSizes = Mapping[tuple[int, ...], int]
"""Textual inversions: the token ids of the name -> how many vectors stand for it."""


class Tokenizer(Protocol):
    """What the chunks need of a CLIP tokeniser."""

    @property
    def comma_id(self) -> int | None:
        """Id of a comma that ends a word; None when the vocabulary has none."""

    @property
    def start_id(self) -> int:
        """Id that opens a row."""

    @property
    def end_id(self) -> int:
        """Id that closes the text of a row."""

    @property
    def pad_id(self) -> int:
        """Id behind the first end; the end id itself for most encoders, 0 for OpenCLIP."""

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without start and end, uncut."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A textual inversion in a row: its name's ids and the position (0..76) of its first vector."""

    position: int
    name: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """One row for the encoder: 77 ids, 77 weights (1.0 on start, end and padding)."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]
    placements: tuple[Placement, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenCount:
    """What the page's counter shows: tokens used, and the room of the chunks they need."""

    used: int
    limit: int


def parse_segments(text: str, emphasis: Emphasis = Emphasis.ORIGINAL) -> list[Segment]:
    """The weighted pieces of a text; with Emphasis.NONE brackets and BREAK are plain text."""
    return [Segment(text, 1.0)] if emphasis is Emphasis.NONE else parse_attention(text)


def chunk_segments(
    segments: Sequence[Segment],
    tokenizer: Tokenizer,
    *,
    comma_backtrack: int = DEFAULT_COMMA_BACKTRACK,
    embeddings: EmbeddingSizes | None = None,
) -> tuple[Chunk, ...]:
    """Rows of 75 tokens plus start and end; at least one (behaviour 9.5).

    Segments are tokenised one by one. When a chunk overflows, what follows its last comma moves to
    the next chunk if the comma is at most `comma_backtrack` tokens back (0 = never). Unlike the
    reference, an embedding's vectors move along. An embedding of more than 75 vectors is cut.
    """
    builder = _fill(segments, tokenizer, comma_backtrack, embeddings or {})
    return tuple(_row(items, tokenizer) for items in builder.chunks)


def empty_chunk(tokenizer: Tokenizer) -> Chunk:
    """The row of an empty prompt; it also pads shorter prompts of one encoder call."""
    return _row([], tokenizer)


def count_tokens(
    text: str,
    tokenizer: Tokenizer,
    *,
    comma_backtrack: int = DEFAULT_COMMA_BACKTRACK,
    emphasis: Emphasis = Emphasis.ORIGINAL,
    embeddings: EmbeddingSizes | None = None,
) -> TokenCount:
    """Tokens of a text, all but the padding of the last chunk, over the room of its chunks."""
    segments = parse_segments(text, emphasis)
    chunks = _fill(segments, tokenizer, comma_backtrack, embeddings or {}).chunks
    used = CHUNK_LENGTH * (len(chunks) - 1) + len(chunks[-1])
    return TokenCount(used, CHUNK_LENGTH * -(-max(used, 1) // CHUNK_LENGTH))


@dataclass(frozen=True, slots=True)
class _Item:
    """One position of a chunk: a token, or a vector of an embedding (its first has the name)."""

    id: int
    weight: float
    name: tuple[int, ...] | None = None
    size: int = 0


@dataclass(slots=True)
class _Builder:
    comma_id: int | None
    comma_backtrack: int
    chunks: list[list[_Item]] = field(default_factory=list)
    current: list[_Item] = field(default_factory=list)
    last_comma: int | None = None

    def close(self) -> None:
        self.chunks.append(self.current)
        self.current = []
        self.last_comma = None

    def make_room(self, token: int) -> None:
        """Before a token is added: remember a comma, or close a full chunk."""
        length = len(self.current)
        if token == self.comma_id:
            self.last_comma = length
        elif (
            length == CHUNK_LENGTH
            and self.last_comma is not None
            and length - self.last_comma <= self.comma_backtrack
        ):
            moved = self.current[self.last_comma + 1 :]
            del self.current[self.last_comma + 1 :]
            self.close()
            self.current = moved
        if len(self.current) == CHUNK_LENGTH:
            self.close()

    def add_embedding(self, name: tuple[int, ...], size: int, weight: float) -> None:
        size = min(size, CHUNK_LENGTH)
        if len(self.current) + size > CHUNK_LENGTH:
            self.close()
        first = _Item(0, weight, name, size)
        self.current.extend([first, *[_Item(0, weight)] * (size - 1)][:size])


def _fill(
    segments: Sequence[Segment],
    tokenizer: Tokenizer,
    comma_backtrack: int,
    embeddings: EmbeddingSizes,
) -> _Builder:
    builder = _Builder(tokenizer.comma_id, comma_backtrack)
    names = _names_by_first_token(embeddings)
    for segment in segments:
        if segment.is_break:
            builder.close()
            continue
        tokens = tuple(tokenizer.encode(segment.text))
        position = 0
        while position < len(tokens):
            token = tokens[position]
            builder.make_room(token)
            name = _name_at(tokens, position, names.get(token, ()))
            if name is None:
                builder.current.append(_Item(token, segment.weight))
                position += 1
            else:
                builder.add_embedding(name, embeddings[name], segment.weight)
                position += len(name)
    if builder.current or not builder.chunks:
        builder.close()
    return builder


def _names_by_first_token(embeddings: EmbeddingSizes) -> dict[int, list[tuple[int, ...]]]:
    """Names by their first token, longest first."""
    names: dict[int, list[tuple[int, ...]]] = {}
    for name in sorted(embeddings, key=len, reverse=True):
        if name:
            names.setdefault(name[0], []).append(name)
    return names


def _name_at(
    tokens: tuple[int, ...], position: int, candidates: Sequence[tuple[int, ...]]
) -> tuple[int, ...] | None:
    for name in candidates:
        if tokens[position : position + len(name)] == name:
            return name
    return None


def _row(items: Sequence[_Item], tokenizer: Tokenizer) -> Chunk:
    padding = CHUNK_LENGTH - len(items)
    end, pad = tokenizer.end_id, tokenizer.pad_id
    ids = [tokenizer.start_id, *(item.id for item in items), *[end] * (padding + 1)]
    if pad != end:
        first_end = ids.index(end)
        ids[first_end + 1 :] = [pad] * (len(ids) - first_end - 1)
    weights = (1.0, *(item.weight for item in items), *[1.0] * (padding + 1))
    placements = tuple(
        Placement(position, item.name, item.size)
        for position, item in enumerate(items, start=1)
        if item.name is not None
    )
    return Chunk(tuple(ids), weights, placements)
