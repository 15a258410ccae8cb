"""Texts of the browser of extra networks, ready for translation."""

from __future__ import annotations

from typing import Final

NETWORKS: Final = {
    "panel": "Extra networks: LoRA, embeddings, hypernetworks, checkpoints",
    "lora": "LoRA",
    "embedding": "Embeddings",
    "hypernetwork": "Hypernetworks",
    "checkpoint": "Checkpoints",
    "kinds": "Kind",
    "search": "Search by name or folder",
    "again": "Look again",
    "empty": "There is nothing here yet. Put files into {folder} and look again.",
    "no_match": "Nothing matches.",
    "builtin": "built-in",
    "selected": "selected",
    "other_width": "made for another text encoder",
    "how": "A click writes the tag at the cursor, a second one takes it out again.",
    "how_checkpoint": "A click selects the checkpoint.",
}
