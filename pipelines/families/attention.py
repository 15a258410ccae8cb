"""Attention otherwise than diffusers does it: in 32 bits, or over merged tokens (behaviour 17)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn import functional

from pipelines.families.token_merging import Merge, most_alike


class OwnAttention:
    """Scaled dot product attention (Vaswani et al. 2017, equation 1), on float32 if `wide`.

    Projections stay in the network's number format. `merging` is the share of tokens that
    self-attention merges where the network has most of them; `grid` must then be told before each
    call: height and width of the attention that has most tokens. For the attention of SD 1.x
    U-Nets: on tokens, without norms of its own, without a mask.
    """

    def __init__(self, *, wide: bool = False, merging: float = 0.0) -> None:
        self.grid = (0, 0)
        self._wide = wide
        self._merging = merging

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        **_: Any,
    ) -> Tensor:
        """hidden_states (N, tokens, width), the text (N, words, width') or None -> the former."""
        assert attention_mask is None
        if encoder_hidden_states is not None:
            return self._attend(attn, hidden_states, encoder_hidden_states)
        merge = self._merge(hidden_states)
        if merge is None:
            return self._attend(attn, hidden_states, hidden_states)
        fewer = merge.merge(hidden_states)
        return merge.unmerge(self._attend(attn, fewer, fewer))

    def _merge(self, tokens: Tensor) -> Merge | None:
        height, width = self.grid
        if not self._merging or tokens.shape[1] != height * width:
            return None
        return most_alike(tokens, height, width, self._merging)

    def _attend(self, attn: Any, asking: Tensor, seen: Tensor) -> Tensor:
        query, key, value = (
            _heads(layer(tokens), attn.heads)
            for layer, tokens in ((attn.to_q, asking), (attn.to_k, seen), (attn.to_v, seen))
        )
        if self._wide:
            query, key, value = query.float(), key.float(), value.float()
        mixed = functional.scaled_dot_product_attention(query, key, value)
        joined = mixed.transpose(1, 2).flatten(2).to(asking.dtype)
        projected: Tensor = attn.to_out[0](joined)
        return projected


@contextmanager
def using(unet: UNet2DConditionModel, attention: OwnAttention) -> Iterator[None]:
    """All attention of the network goes this way inside the block."""
    before = unet.attn_processors
    unet.set_attn_processor(attention)
    try:
        yield
    finally:
        unet.set_attn_processor(before)


def _heads(tokens: Tensor, heads: int) -> Tensor:
    """(N, tokens, heads * d) -> (N, heads, tokens, d)."""
    return tokens.view(*tokens.shape[:2], heads, -1).transpose(1, 2)
