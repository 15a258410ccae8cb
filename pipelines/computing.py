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
    keep_texts: Annotated[
        bool, Field(description="text embeddings of earlier jobs are used again")
    ] = True
