"""Prompts to tensors: encoding with emphasis, and what to guide with at each model call.

Built once per job. Running the U-Net and the CFG formula belong to pipelines/guidance.py; the text
encoders themselves are wrapped elsewhere (pipelines/prompt/clip_text.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from typing import Protocol

import torch
from torch import Tensor

from pipelines.prompt.editing import Stage, edit_schedule, stage_at
from pipelines.prompt.multi import split_and
from pipelines.prompt.tokens import (
    DEFAULT_COMMA_BACKTRACK,
    Chunk,
    Tokenizer,
    chunk_segments,
    empty_chunk,
    parse_segments,
)
from pipelines.request import Emphasis

_ROWS_PER_CALL = 32

Embeddings = Mapping[tuple[int, ...], Tensor]
"""Textual inversions: the token ids of the name -> its vectors, (vectors, encoder width)."""


@dataclass(frozen=True, slots=True)
class Replacement:
    """Vectors (count, width) that stand at `position`.. of row `row` instead of token vectors."""

    row: int
    position: int
    vectors: Tensor


class PadConds(Enum):
    """How prompt and negative prompt are brought to the same length (behaviour 9.5)."""

    OFF = auto()
    """Not at all: the network is called once for each length."""
    EMPTY = auto()
    """The shorter one gets empty chunks."""
    V0 = auto()
    """The negative prompt repeats its last vector, or is cut off."""


class TextEncoder(Protocol):
    """A text encoder as the prompts see it."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The vocabulary the encoder was trained with."""

    def encode_ids(
        self, ids: list[list[int]], clip_skip: int, vectors: Sequence[Replacement]
    ) -> Tensor:
        """Encode rows of 77 ids, each for itself: (rows, 77) to (rows, 77, width)."""


@dataclass(frozen=True)
class EncodeSettings:
    """How texts become tensors (behaviour 9.5 to 9.7, 9.9)."""

    clip_skip: int = 1
    emphasis: Emphasis = Emphasis.ORIGINAL
    comma_backtrack: int = DEFAULT_COMMA_BACKTRACK
    embeddings: Embeddings = field(default_factory=dict)
    padding: PadConds = PadConds.OFF


@dataclass(frozen=True, slots=True)
class PartCond:
    """One AND part of one picture: its weight and its text, (tokens, width)."""

    image_index: int
    weight: float
    tensor: Tensor


@dataclass(frozen=True, slots=True)
class StepConditioning:
    """What one model call is guided with: D = U + sum of weight * cfg * (C - U).

    All parts have the same number of tokens, and so have all rows of `uncond` (batch, tokens,
    width); the two numbers may differ, then cond and uncond need separate model calls.
    """

    parts: tuple[PartCond, ...]
    uncond: Tensor


def encode_prompts(
    encoder: TextEncoder,
    texts: Sequence[str],
    *,
    clip_skip: int = 1,
    emphasis: Emphasis = Emphasis.ORIGINAL,
    comma_backtrack: int = DEFAULT_COMMA_BACKTRACK,
    embeddings: Embeddings | None = None,
) -> list[Tensor]:
    """Encode texts in one call: a tensor (77 * chunks, width), float32, for each.

    Shorter texts are padded with empty chunks. In Original emphasis the texts share the mean that
    the weighted vectors are scaled back to, so the grouping matters: one call holds all stages of
    one prompt (behaviour 9.7). Repeated texts are encoded once and counted as often as they occur.
    """
    settings = EncodeSettings(clip_skip, emphasis, comma_backtrack, embeddings or {})
    return _encode_call(encoder, texts, settings)


def _encode_call(
    encoder: TextEncoder, texts: Sequence[str], settings: EncodeSettings
) -> list[Tensor]:
    return _encode_chunks(encoder, texts, _chunked(encoder, texts, settings), settings)


def _chunked(
    encoder: TextEncoder, texts: Sequence[str], settings: EncodeSettings
) -> dict[str, tuple[Chunk, ...]]:
    sizes = {name: len(vectors) for name, vectors in settings.embeddings.items()}
    return {
        text: chunk_segments(
            parse_segments(text, settings.emphasis),
            encoder.tokenizer,
            comma_backtrack=settings.comma_backtrack,
            embeddings=sizes,
        )
        for text in dict.fromkeys(texts)
    }


def _encode_chunks(
    encoder: TextEncoder,
    texts: Sequence[str],
    chunked: Mapping[str, tuple[Chunk, ...]],
    settings: EncodeSettings,
) -> list[Tensor]:
    counts = Counter(texts)
    blank = empty_chunk(encoder.tokenizer)
    encoded: dict[str, list[Tensor]] = {text: [] for text in counts}
    for index in range(max((len(chunks) for chunks in chunked.values()), default=0)):
        column = [chunks[index] if index < len(chunks) else blank for chunks in chunked.values()]
        rows = _encode_column(encoder, column, list(counts.values()), settings)
        for parts, row in zip(encoded.values(), rows, strict=True):
            parts.append(row)
    joined = {text: torch.cat(parts) for text, parts in encoded.items()}
    return [joined[text] for text in texts]


class Conditioning:
    """The texts of a batch of pictures over all model calls; `at` gives those of one call."""

    def __init__(
        self,
        conds: Sequence[Sequence[tuple[float, _Timeline]]],
        unconds: Sequence[_Timeline],
        padding: PadConds = PadConds.OFF,
        blank: Tensor | None = None,
    ) -> None:
        """One list of weighted AND parts, and one negative prompt, per picture. See `build`.

        `blank` is the encoding of the empty prompt, (77, width), for PadConds.EMPTY.
        """
        self._conds = conds
        self._unconds = unconds
        self._padding = padding
        self._blank = blank
        self._timelines = [*(line for parts in conds for _, line in parts), *unconds]
        used = (name for line in self._timelines for name in line.names)
        self.embedding_names: tuple[tuple[int, ...], ...] = tuple(dict.fromkeys(used))
        """The textual inversions that the texts name, in the order of their first use."""
        self._last: tuple[tuple[int, ...], StepConditioning] | None = None

    @classmethod
    def build(
        cls,
        encoder: TextEncoder,
        prompts: Sequence[str],
        negative_prompts: Sequence[str],
        *,
        steps: int,
        hires_steps: int | None = None,
        old_editing: bool = False,
        settings: EncodeSettings | None = None,
    ) -> Conditioning:
        """Encode the prompts of a batch. Comments, styles and network tags must be gone already.

        `steps` is the steps slider, doubled for second-order samplers (behaviour 9.3). The two
        lists must be equally long. AND is understood in the positive prompts only.
        """
        if len(prompts) != len(negative_prompts):
            raise ValueError(
                f"{len(prompts)} prompts need as many negative prompts; "
                f"{len(negative_prompts)} were given"
            )
        settings = settings or EncodeSettings()
        known: dict[str, _Timeline] = {}

        def timeline(text: str) -> _Timeline:
            if text not in known:
                stages = edit_schedule(text, steps, hires_steps=hires_steps, old=old_editing)
                texts = [stage.text for stage in stages]
                chunked = _chunked(encoder, texts, settings)
                tensors = _encode_chunks(encoder, texts, chunked, settings)
                known[text] = _Timeline(stages, tensors, _names(chunked))
            return known[text]

        conds = [
            [(part.weight, timeline(part.text)) for part in split_and(prompt)] for prompt in prompts
        ]
        unconds = [timeline(text) for text in negative_prompts]
        blank = None
        if settings.padding is PadConds.EMPTY:
            blank = _encode_call(encoder, [""], replace(settings, embeddings={}))[0]
        return cls(conds, unconds, settings.padding, blank)

    def at(self, call_index: int) -> StepConditioning:
        """The conditioning of a model call; calls count from 0 at every sampler start."""
        key = tuple(stage_at(line.stages, call_index) for line in self._timelines)
        if self._last is None or self._last[0] != key:
            self._last = (key, self._assemble(call_index))
        return self._last[1]

    def _assemble(self, call_index: int) -> StepConditioning:
        parts = [
            (image, weight, line.at(call_index))
            for image, lines in enumerate(self._conds)
            for weight, line in lines
        ]
        padded = torch.stack(pad_to_longest([tensor for _, _, tensor in parts]))
        uncond = torch.stack(pad_to_longest([line.at(call_index) for line in self._unconds]))
        padded, uncond = self._equally_long(padded, uncond)
        return StepConditioning(
            tuple(
                PartCond(image, weight, tensor)
                for (image, weight, _), tensor in zip(parts, padded, strict=True)
            ),
            uncond,
        )

    def _equally_long(self, cond: Tensor, uncond: Tensor) -> tuple[Tensor, Tensor]:
        """Both sides, (rows, tokens, width), of one length if the settings ask for that."""
        missing = cond.shape[1] - uncond.shape[1]
        if missing == 0 or self._padding is PadConds.OFF:
            return cond, uncond
        if self._blank is not None:
            chunks = abs(missing) // self._blank.shape[0]
            if missing > 0:
                return cond, _with_chunks(uncond, self._blank, chunks)
            return _with_chunks(cond, self._blank, chunks), uncond
        if missing < 0:
            return cond, uncond[:, : cond.shape[1]]
        repeated = uncond[:, -1:].expand(-1, missing, -1)
        return cond, torch.cat([uncond, repeated], dim=1)


@dataclass(frozen=True, slots=True)
class _Timeline:
    """The stages of one text and a tensor for each."""

    stages: tuple[Stage, ...]
    tensors: list[Tensor]
    names: tuple[tuple[int, ...], ...] = ()

    def at(self, call_index: int) -> Tensor:
        return self.tensors[stage_at(self.stages, call_index)]


def _with_chunks(rows: Tensor, blank: Tensor, count: int) -> Tensor:
    """Append `count` empty chunks to every row."""
    return torch.cat([rows, blank.repeat(count, 1).expand(rows.shape[0], -1, -1)], dim=1)


def pad_to_longest(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Make tensors (tokens, width) equally long by repeating their last vector (behaviour 9.5)."""
    longest = max((tensor.shape[0] for tensor in tensors), default=0)
    return [
        torch.cat([tensor, tensor[-1:].expand(longest - tensor.shape[0], -1)])
        if tensor.shape[0] < longest
        else tensor
        for tensor in tensors
    ]


def _names(chunked: Mapping[str, tuple[Chunk, ...]]) -> tuple[tuple[int, ...], ...]:
    return tuple(
        placement.name
        for chunks in chunked.values()
        for chunk in chunks
        for placement in chunk.placements
    )


def _encode_column(
    encoder: TextEncoder, column: Sequence[Chunk], counts: Sequence[int], settings: EncodeSettings
) -> Tensor:
    """Encode the n-th chunk of every text and apply emphasis: (texts, 77, width)."""
    parts = [
        encoder.encode_ids(
            [list(chunk.ids) for chunk in column[start : start + _ROWS_PER_CALL]],
            settings.clip_skip,
            _replacements(column[start : start + _ROWS_PER_CALL], settings.embeddings),
        )
        for start in range(0, len(column), _ROWS_PER_CALL)
    ]
    z = torch.cat(parts).float()
    if settings.emphasis in (Emphasis.NONE, Emphasis.IGNORE):
        return z
    weights = torch.tensor([chunk.weights for chunk in column], dtype=z.dtype, device=z.device)
    weighted = z * weights[:, :, None]
    if settings.emphasis is Emphasis.NO_NORM:
        return weighted
    return _restore_mean(z, weighted, counts)


def _restore_mean(z: Tensor, weighted: Tensor, counts: Sequence[int]) -> Tensor:
    """Scale `weighted` so that its mean over everything is that of `z` (behaviour 9.7)."""
    if torch.equal(z, weighted):
        return z
    occurrences = torch.tensor(counts, dtype=z.dtype, device=z.device)
    before = (z.mean(dim=(1, 2)) * occurrences).sum()
    after = (weighted.mean(dim=(1, 2)) * occurrences).sum()
    scale = before / after
    return weighted * scale if bool(torch.isfinite(scale)) else weighted


def _replacements(column: Sequence[Chunk], embeddings: Embeddings) -> list[Replacement]:
    return [
        Replacement(row, placement.position, embeddings[placement.name][: placement.size])
        for row, chunk in enumerate(column)
        for placement in chunk.placements
    ]
