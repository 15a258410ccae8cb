"""A LoRA file in memory: its layers' changes and the textual inversions it brings along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from models.errors import BadModelFile, UnsupportedModel
from models.extra_networks.deltas import LayerChange
from models.extra_networks.files import lora_hash
from models.extra_networks.keys import BUNDLED, other_family, split_key
from models.tensor_file import open_tensors

_LARGEST = 8 * 1024**3
"""Bytes of weights above which a file is no LoRA but a checkpoint."""


@dataclass(frozen=True, eq=False)
class Lora:
    """A loaded LoRA. `layers` are named as the file spells them; tensors lie on the CPU.

    `unknown` counts the tensors that nothing here understands.
    """

    name: str
    hash12: str
    layers: Mapping[str, LayerChange]
    embeddings: Mapping[str, Tensor] = field(default_factory=dict)
    unknown: int = 0

    @property
    def nbytes(self) -> int:
        """Memory of its tensors in bytes."""
        return sum(
            tensor.numel() * tensor.element_size()
            for change in self.layers.values()
            for tensor in change.tensors.values()
        )


def load_lora(path: Path) -> Lora:
    """Read a LoRA of SD 1.x (or a relative: LoHa, LoKr, full, IA3, norm, GLoRA, OFT, DoRA).

    Raises BadModelFile if the file is damaged or no LoRA, UnsupportedModel if it was made for
    another model family.
    """
    if not path.is_file():
        raise BadModelFile(f"{path.name} is not there any more. Refresh the list.")
    parts: dict[str, dict[str, Tensor]] = {}
    bundled: dict[str, Tensor] = {}
    unknown = 0
    with open_tensors(path) as (header, read):
        family = other_family(header.tensors, header.metadata)
        if family is not None:
            raise UnsupportedModel(
                f"{path.name} was made for {family}; this checkpoint is Stable Diffusion 1.x"
            )
        if sum(info.nbytes for info in header.tensors.values()) > _LARGEST:
            raise BadModelFile(f"{path.name} is far too large for a LoRA")
        for key in header.tensors:
            found = split_key(key)
            if key.startswith(BUNDLED):
                bundled.setdefault(key.removeprefix(BUNDLED).rsplit(".", 1)[0], read(key).clone())
            elif found is None:
                unknown += 1
            else:
                parts.setdefault(found[0], {})[found[1]] = read(key).clone()
    layers = {layer: LayerChange.of(tensors) for layer, tensors in parts.items()}
    known = {layer: change for layer, change in layers.items() if change is not None}
    unknown += sum(len(parts[layer]) for layer, change in layers.items() if change is None)
    if not known and not bundled:
        raise BadModelFile(f"{path.name} is no LoRA: it has no tensors of a known kind")
    return Lora(path.stem, lora_hash(path), known, _embeddings(bundled), unknown)


def _embeddings(bundled: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {
        name.removesuffix(".string_to_param"): vectors.float().reshape(-1, vectors.shape[-1])
        for name, vectors in bundled.items()
        if vectors.dim()
    }
