"""The networks that a prompt names, at work in a loaded model (behaviour 9.8, 15.5, 15.6).

Reading the tags is pipelines/prompt/networks.py, the arithmetic models/extra_networks.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from torch import Tensor, nn

from models.errors import ModelError
from models.extra_networks.hypernetwork import Hooked, Hypernetwork
from models.extra_networks.lora import Lora
from models.extra_networks.patches import PatchedModel, Wanted
from models.extra_networks.shelf import FileState, NetworkShelf
from pipelines.prompt.networks import (
    HypernetworkTag,
    LoraTag,
    NetworkTag,
    hypernetwork_tag,
    lora_tag,
)

_NAMES = {"lora": "Lora", "lyco": "Lora", "hypernet": "Hypernetwork"}


@dataclass(frozen=True)
class ActiveNetworks:
    """What works in the model now. Hashes are by the name the prompt used, in its order.

    `text_weights` differs whenever the text encoder's weights do. `embeddings` are those that
    LoRAs brought along: the name of the LoRA and the vectors (count, width) by their names.
    """

    lora_hashes: Mapping[str, str] = field(default_factory=dict)
    hypernetwork_hashes: Mapping[str, str] = field(default_factory=dict)
    embeddings: Mapping[str, tuple[str, Tensor]] = field(default_factory=dict)
    text_weights: Hashable = ()
    notes: tuple[str, ...] = ()


class Networks(Protocol):
    """A model's way to networks."""

    def activate(self, tags: Sequence[NetworkTag]) -> ActiveNetworks:
        """Let exactly these networks work, and say in sentences what could not be done."""


class NoNetworks:
    """For models that take none."""

    def activate(self, tags: Sequence[NetworkTag]) -> ActiveNetworks:
        """See Networks."""
        notes = dict.fromkeys(
            _not_found(tag.kind, tag.name) if tag.kind in _NAMES else _unknown(tag) for tag in tags
        )
        return ActiveNetworks(notes=tuple(notes))


@dataclass(frozen=True)
class _Chosen:
    """The tags with the files they mean: what the model's state depends on."""

    loras: tuple[tuple[LoraTag, FileState | None], ...]
    hypernetworks: tuple[tuple[HypernetworkTag, FileState | None], ...]
    unknown: tuple[str, ...]


class ModelNetworks:
    """The networks of one loaded SD 1.x model. Not thread-safe.

    The same tags again cost nothing as long as their files do not change.
    """

    def __init__(
        self,
        unet: nn.Module,
        text_encoder: nn.Module,
        layers_per_block: int,
        loras: NetworkShelf[Lora],
        hypernetworks: NetworkShelf[Hypernetwork],
    ) -> None:
        self._patched = PatchedModel(unet, text_encoder, layers_per_block)
        self._hooked = Hooked(unet)
        self._loras = loras
        self._hypernetworks = hypernetworks
        self._now: tuple[_Chosen, ActiveNetworks] | None = None

    def activate(self, tags: Sequence[NetworkTag]) -> ActiveNetworks:
        """See Networks. A network that cannot be used is left out, the others work."""
        chosen = self._choose(tags)
        if self._now is None or self._now[0] != chosen:
            self._now = None  # an error on the way leaves nothing to rely on
            self._now = (chosen, self._applied(chosen))
        return self._now[1]

    def _choose(self, tags: Sequence[NetworkTag]) -> _Chosen:
        loras, hypernetworks, unknown = [], [], []
        for tag in tags:
            lora, hypernetwork = lora_tag(tag), hypernetwork_tag(tag)
            if lora is not None:
                loras.append((lora, self._loras.file(lora.name)))
            elif hypernetwork is not None:
                file = self._hypernetworks.file(hypernetwork.name)
                hypernetworks.append((hypernetwork, file))
            else:
                unknown.append(_unknown(tag))
        return _Chosen(tuple(loras), tuple(hypernetworks), tuple(unknown))

    def _applied(self, chosen: _Chosen) -> ActiveNetworks:
        notes = list(chosen.unknown)
        hashes, embeddings, text = self._apply_loras(chosen, notes)
        hyper = self._apply_hypernetworks(chosen, notes)
        return ActiveNetworks(hashes, hyper, embeddings, text, tuple(dict.fromkeys(notes)))

    def _apply_loras(
        self, chosen: _Chosen, notes: list[str]
    ) -> tuple[dict[str, str], dict[str, tuple[str, Tensor]], Hashable]:
        wanted, text = [], []
        hashes: dict[str, str] = {}
        embeddings: dict[str, tuple[str, Tensor]] = {}
        for tag, file in chosen.loras:
            notes += tag.problems
            if file is None:
                notes.append(_not_found("lora", tag.name))
                continue
            try:
                lora = self._loras.get(file)
                binding = self._patched.bind(lora)
            except (ModelError, OSError) as error:
                notes.append(_left_out("lora", tag.name, error))
                continue
            te, unet = tag.text_encoder_multiplier, tag.unet_multiplier
            wanted.append((Wanted(lora, te, unet, tag.dynamic_dim), binding))
            hashes[tag.name] = lora.hash12
            embeddings |= {name: (tag.name, one) for name, one in lora.embeddings.items()}
            notes += _incomplete(tag.name, binding.absent, lora.unknown)
            if te and any(side == "text" for side, _ in binding.changes):
                text.append((file, te, tag.dynamic_dim))
        self._patched.apply(wanted)
        return hashes, embeddings, tuple(text)

    def _apply_hypernetworks(self, chosen: _Chosen, notes: list[str]) -> dict[str, str]:
        wanted = []
        hashes: dict[str, str] = {}
        for tag, file in chosen.hypernetworks:
            notes += tag.problems
            if file is None:
                notes.append(_not_found("hypernet", tag.name))
                continue
            try:
                network = self._hypernetworks.get(file)
                self._hooked.check(network)
            except (ModelError, OSError) as error:
                notes.append(_left_out("hypernet", tag.name, error))
                continue
            wanted.append((network, tag.multiplier))
            hashes[tag.name] = network.hash10
        self._hooked.apply(wanted)
        return hashes


def _not_found(kind: str, name: str) -> str:
    return f"{_NAMES[kind]} not found: {name[:100]}. The picture is made without it."


def _unknown(tag: NetworkTag) -> str:
    shown = f"<{tag.kind[:40]}:{tag.name[:80]}>"
    return f"{shown} was left out: lora, lyco and hypernet are the kinds there are."


def _left_out(kind: str, name: str, error: Exception) -> str:
    text = str(error).rstrip(".")
    return f"{_NAMES[kind]} {name[:100]} was left out: {text}."


def _incomplete(name: str, absent: Sequence[str], unknown: int) -> list[str]:
    notes = []
    if absent:
        notes.append(
            f"Lora {name[:100]}: {len(absent)} of its layers are not in this checkpoint and were "
            f"left out (the first is {absent[0][:100]})."
        )
    if unknown:
        notes.append(
            f"Lora {name[:100]}: {unknown} of its tensors are of an unknown kind and were left out."
        )
    return notes
