"""CLIP text encoders of transformers as pipelines.prompt.conditioning.TextEncoder.

The modules are loaded by models/; here they are only run: clip skip and textual inversions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from pipelines.prompt.clip_tokenizer import COMMA_TOKEN
from pipelines.prompt.conditioning import Replacement
from pipelines.prompt.tokens import Tokenizer


class TransformersTokenizer:
    """A transformers CLIPTokenizer as pipelines.prompt.tokens.Tokenizer."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.comma_id: int | None = tokenizer.get_vocab().get(COMMA_TOKEN)
        self.start_id = int(tokenizer.bos_token_id)
        self.end_id = int(tokenizer.eos_token_id)
        pad = tokenizer.pad_token_id
        self.pad_id = self.end_id if pad is None else int(pad)

    def encode(self, text: str) -> list[int]:
        """Ids of a text, without start and end, uncut."""
        encoded = self._tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)
        return list(encoded["input_ids"])


class ClipTextEncoder:
    """A CLIPTextModel with A1111's clip skip: the n-th last layer, then the final LayerNorm."""

    def __init__(self, model: nn.Module, tokenizer: Tokenizer) -> None:
        """Wrap `model` (CLIPTextModel, with or without projection) where it is."""
        self.tokenizer = tokenizer
        self._model = model
        inner: Any = getattr(model, "text_model", model)  # some versions nest the transformer
        self._embed = cast(nn.Module, inner.embeddings.token_embedding)
        self._final_norm = cast(nn.Module, inner.final_layer_norm)

    @torch.no_grad()
    def encode_ids(
        self, ids: list[list[int]], clip_skip: int, vectors: Sequence[Replacement]
    ) -> Tensor:
        """Encode rows of 77 ids: (rows, 77) to (rows, 77, width) (behaviour 9.6, SD1).

        `clip_skip` 1 is the last layer; more than the layers there are means the first layer.
        Raises ValueError when a replacement's width is not the encoder's.
        """
        weight = cast(Tensor, self._embed.weight)
        _check_width(vectors, weight.shape[1])
        rows = torch.tensor(ids, dtype=torch.long, device=weight.device)

        def replace(_module: nn.Module, _inputs: Any, embedded: Tensor) -> Tensor:
            return _with_vectors(embedded, vectors)

        hook = self._embed.register_forward_hook(replace)
        try:
            output = self._model(input_ids=rows, output_hidden_states=True)
        finally:
            hook.remove()
        hidden = output.hidden_states  # embeddings, then one per layer
        layer = hidden[-min(max(1, clip_skip), len(hidden) - 1)]
        return cast(Tensor, self._final_norm(layer))


def _check_width(vectors: Sequence[Replacement], width: int) -> None:
    for replacement in vectors:
        if replacement.vectors.shape[-1] != width:
            raise ValueError(
                f"an embedding of width {replacement.vectors.shape[-1]} does not fit a text "
                f"encoder of width {width}: it was made for another model family"
            )


def _with_vectors(embedded: Tensor, vectors: Sequence[Replacement]) -> Tensor:
    if not vectors:
        return embedded
    embedded = embedded.clone()
    for replacement in vectors:
        end = replacement.position + replacement.vectors.shape[0]
        embedded[replacement.row, replacement.position : end] = replacement.vectors.to(embedded)
    return embedded
