"""A loaded model with the caches that outlive one job, as one worker keeps it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from PIL import Image
from torch import Tensor

from pipelines.families.base import Family
from pipelines.networks import ActiveNetworks, Networks, NoNetworks
from pipelines.prompt.networks import NetworkTag
from pipelines.text_cache import CachedTextEncoder

ENCODED_KEPT = 8
"""Init latents that are remembered: the same picture again and again is the normal case."""


@dataclass(frozen=True, eq=False)
class TextualInversion:
    """A learnt word: its name, its vectors (count, text encoder width), its file's first 12 hex."""

    name: str
    vectors: Tensor
    hash12: str = ""


class Pipeline:
    """A family with its caches. Owned by one worker; not thread-safe."""

    def __init__(
        self,
        family: Family,
        model_name: str,
        model_hash: str,
        *,
        vae_name: str | None = None,
        vae_hash: str | None = None,
        networks: Networks | None = None,
    ) -> None:
        self.family = family
        self.model_name = model_name
        self.model_hash = model_hash
        self.vae_name = vae_name
        """File of an external VAE; None for the checkpoint's own."""
        self.vae_hash = vae_hash
        self.networks = networks or NoNetworks()
        self.text_encoder = CachedTextEncoder(family.text_encoder)
        self.embeddings: Mapping[tuple[int, ...], TextualInversion] = {}
        """Textual inversions by the token ids of their names (behaviour 9.9)."""
        self._encoded: OrderedDict[bytes, Tensor] = OrderedDict()

    def encode(self, image: Image.Image, *, tiling: bool = False) -> Tensor:
        """Latent (C, h, w) of an RGB picture, remembered by its pixels.

        `tiling` says whether the family is switched to it now: that makes another latent.
        """
        described = repr((image.size, tiling)).encode()
        key = hashlib.sha256(image.tobytes() + described).digest()
        if key not in self._encoded:
            self._encoded[key] = self.family.encode(image)
        self._encoded.move_to_end(key)
        if len(self._encoded) > ENCODED_KEPT:
            self._encoded.popitem(last=False)
        return self._encoded[key]

    def activate(self, tags: Sequence[NetworkTag]) -> ActiveNetworks:
        """Let exactly these LoRAs and hypernetworks work in the model from now on."""
        active = self.networks.activate(tags)
        self.text_encoder.weights = active.text_weights
        return active

    def rest(self) -> None:
        """Leave the device for the RAM, without networks, until `wake`."""
        self.activate(())
        self.family.to_ram()

    def wake(self) -> None:
        """Come back to the device."""
        self.family.to_device()

    def embeddings_with(self, active: ActiveNetworks) -> Mapping[tuple[int, ...], TextualInversion]:
        """The known textual inversions and those that LoRAs brought along, which say their name."""
        brought = {
            tuple(self.text_encoder.tokenizer.encode(name)): TextualInversion(name, vectors, lora)
            for name, (lora, vectors) in active.embeddings.items()
            if vectors.shape[-1] == self.text_width
        }
        return {**self.embeddings, **{ids: one for ids, one in brought.items() if ids}}

    @property
    def text_width(self) -> int:
        """Width of the vectors that the text encoder reads."""
        return self.family.text_width

    def use_embeddings(self, found: Mapping[str, TextualInversion]) -> None:
        """Know these textual inversions from now on; of two with the same tokens the first."""
        known: dict[tuple[int, ...], TextualInversion] = {}
        for name, one in found.items():
            ids = tuple(self.text_encoder.tokenizer.encode(name))
            if ids:
                known.setdefault(ids, one)
        self.embeddings = known
