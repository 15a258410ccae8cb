"""Attention in 32 bits inside a network of 16 (A1111's `upcast_attn`, behaviour 17)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from diffusers import UNet2DConditionModel
from torch import Tensor
from torch.nn import functional


class WideAttention:
    """Scaled dot product attention on float32 (Vaswani et al. 2017, equation 1).

    Projections stay in the network's number format. For the attention of SD 1.x U-Nets: on tokens,
    without norms of its own, without a mask.
    """

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
        seen = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            _heads(layer(tokens), attn.heads).float()
            for layer, tokens in (
                (attn.to_q, hidden_states),
                (attn.to_k, seen),
                (attn.to_v, seen),
            )
        )
        mixed = functional.scaled_dot_product_attention(query, key, value)
        joined = mixed.transpose(1, 2).flatten(2).to(hidden_states.dtype)
        projected: Tensor = attn.to_out[0](joined)
        return projected


@contextmanager
def upcast_attention(unet: UNet2DConditionModel, *, on: bool) -> Iterator[None]:
    """Compute all attention of the network in float32 inside the block, if `on`."""
    if not on:
        yield
        return
    before = unet.attn_processors
    unet.set_attn_processor(WideAttention())
    try:
        yield
    finally:
        unet.set_attn_processor(before)


def _heads(tokens: Tensor, heads: int) -> Tensor:
    """(N, tokens, heads * d) -> (N, heads, tokens, d)."""
    return tokens.view(*tokens.shape[:2], heads, -1).transpose(1, 2)
