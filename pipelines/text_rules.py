"""How prompts are read where A1111 leaves that to its settings (behaviour 9.1, 9.3, 16)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pipelines.frozen import Frozen


class TextRules(Frozen):
    """What a `#` means, how prompt editing counts, and whose networks encode a second pass."""

    comments: Annotated[bool, Field(description="a # starts a comment")] = True
    undoubled_editing: Annotated[
        bool,
        Field(description="second-order samplers count steps like all others, as before 1.5"),
    ] = False
    first_pass_networks: Annotated[
        bool, Field(description="the hires pass's texts are encoded with the first pass's LoRAs")
    ] = False
