"""How the network and the VAE are run where A1111 leaves that to its settings.

But for token merging it is a matter of memory, speed and rounding, so infotexts do not tell it.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipelines.frozen import Frozen


class Computing(Frozen):
    """One job's ways of computing (behaviour 7.5, 14.1, 17)."""

    batch_conds: Annotated[
        bool, Field(description="prompt and negative prompt in one call of the network")
    ] = True
    upcast_attention: Annotated[bool, Field(description="attention in 32 bits")] = False
    vae_retry_float32: Annotated[bool, Field(description="VAE gave NaN: again in 32 bits")] = True
    vae_retry_bfloat16: Annotated[
        bool, Field(description="VAE gave NaN: again in bfloat16; goes before 32 bits")
    ] = False
    token_merging: Annotated[
        float, Field(ge=0.0, le=0.9, description="share of tokens that self-attention merges")
    ] = 0.0
    token_merging_img2img: Annotated[
        float, Field(ge=0.0, le=0.9, description="the same in img2img; 0 = as above")
    ] = 0.0
    token_merging_hr: Annotated[
        float, Field(ge=0.0, le=0.9, description="the same in the hires pass; 0 = as above")
    ] = 0.0
    keep_texts: Annotated[
        bool, Field(description="text embeddings of earlier jobs are used again")
    ] = True

    def merged(self, *, txt2img: bool) -> float:
        """The share of tokens that a first pass merges."""
        return self.token_merging if txt2img else self.token_merging_img2img or self.token_merging

    @property
    def merged_in_hires(self) -> float:
        """The share of tokens that the hires pass merges."""
        return self.token_merging_hr or self.token_merging
