"""LoRAs at work in a model: its weights changed in place, and given back bit by bit.

The weights stay where they are in memory, so that whatever holds on to them sees the change. What
they were is kept beside them for as long as they are changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from models.errors import UnsupportedModel
from models.extra_networks.deltas import LayerChange, bias_delta, scaled, weight_delta
from models.extra_networks.keys import text_spellings, unet_spellings
from models.extra_networks.lora import Lora

Side = Literal["unet", "text"]


@dataclass(frozen=True, eq=False)
class Wanted:
    """A LoRA with its two multipliers; `dynamic_dim` uses only its first so many ranks."""

    lora: Lora
    text_multiplier: float = 1.0
    unet_multiplier: float = 1.0
    dynamic_dim: int | None = None

    def multiplier(self, side: Side) -> float:
        """How strongly it changes this network."""
        return self.unet_multiplier if side == "unet" else self.text_multiplier


@dataclass(frozen=True, eq=False)
class Binding:
    """Which of a LoRA's changes goes to which layer of this model."""

    changes: Mapping[tuple[Side, str], LayerChange]
    absent: tuple[str, ...]
    """Layers of the file, as it spells them, that this model does not have."""


class PatchedModel:
    """A U-Net and a text encoder whose weights follow a set of LoRAs. Not thread-safe."""

    def __init__(self, unet: nn.Module, text_encoder: nn.Module, layers_per_block: int) -> None:
        self._layers: dict[tuple[Side, str], nn.Module] = {}
        spellings: dict[str, tuple[Side, str]] = {}
        for name, layer in _weighted(unet):
            self._layers["unet", name] = layer
        for name, layer in _weighted(text_encoder):
            self._layers["text", name] = layer
        unet_layers = [name for side, name in self._layers if side == "unet"]
        for spelling, name in unet_spellings(unet_layers, layers_per_block).items():
            spellings[spelling] = ("unet", name)
        for spelling, name in text_spellings(n for s, n in self._layers if s == "text").items():
            spellings[spelling] = ("text", name)
        self._spellings = spellings
        self._kept: dict[tuple[Side, str], tuple[Tensor, Tensor | None]] = {}
        self._bound: WeakKeyDictionary[Lora, Binding] = WeakKeyDictionary()

    def bind(self, lora: Lora) -> Binding:
        """Where the LoRA's layers belong; checks all shapes without computing anything, once.

        Raises UnsupportedModel if none of its layers is here, or if one has another shape.
        """
        if lora not in self._bound:
            self._bound[lora] = self._binding(lora)
        return self._bound[lora]

    def _binding(self, lora: Lora) -> Binding:
        changes: dict[tuple[Side, str], LayerChange] = {}
        absent: list[str] = []
        for spelling, change in lora.layers.items():
            place = self._spellings.get(spelling)
            if place is None:
                absent.append(spelling)
                continue
            self._check(lora, place, change)
            changes[place] = change
        if not changes and not lora.embeddings:
            raise UnsupportedModel(
                f"{lora.name} has no layer of this checkpoint's (its first is {absent[0][:80]}): "
                "it was made for another kind of model"
            )
        return Binding(changes, tuple(absent))

    def apply(self, wanted: Sequence[tuple[Wanted, Binding]]) -> None:
        """Give the model exactly these LoRAs, in order, whatever it had before.

        What no LoRA touches has its own weights bit by bit. If anything goes wrong (memory), all
        weights are given back before the error passes on.
        """
        plan: dict[tuple[Side, str], list[tuple[LayerChange, float, int | None]]] = {}
        for one, binding in wanted:
            for place, change in binding.changes.items():
                multiplier = one.multiplier(place[0])
                if multiplier != 0.0:
                    plan.setdefault(place, []).append((change, multiplier, one.dynamic_dim))
        try:
            with torch.no_grad():
                for place in [place for place in self._kept if place not in plan]:
                    self._give_back(place)
                for place, changes in plan.items():
                    self._change(place, changes)
        except BaseException:
            self.restore()
            raise

    def restore(self) -> None:
        """Give all weights back."""
        with torch.no_grad():
            for place in list(self._kept):
                self._give_back(place)

    def _check(self, lora: Lora, place: tuple[Side, str], change: LayerChange) -> None:
        weight, bias = _weights(self._layers[place])
        meta = torch.device("meta")
        try:
            weight_delta(change.to(meta), weight.to(meta))
            more = bias_delta(change)
            if more is not None and (bias is None or more.numel() != bias.numel()):
                raise RuntimeError("the bias does not fit")
        except (RuntimeError, ValueError, IndexError) as error:
            shapes = ", ".join(f"{k} {list(v.shape)}" for k, v in sorted(change.tensors.items()))
            raise UnsupportedModel(
                f"{lora.name} does not fit this checkpoint: it changes {place[1]} by {shapes}, the "
                f"weight there is {list(weight.shape)}; it was made for another kind of model"
            ) from error

    def _change(
        self, place: tuple[Side, str], changes: Sequence[tuple[LayerChange, float, int | None]]
    ) -> None:
        weight, bias = _weights(self._layers[place])
        if place not in self._kept:
            self._kept[place] = (weight.clone(), None if bias is None else bias.clone())
        new, new_bias = self._kept[place]
        for change, multiplier, dynamic_dim in changes:
            placed = change.to(weight.device, working_dtype(change, weight.dtype))
            delta = scaled(weight_delta(placed, new, dynamic_dim), multiplier)
            new = (new.to(delta.dtype) + delta).to(weight.dtype)
            more = bias_delta(placed)
            if more is not None and new_bias is not None:
                summed = new_bias.to(more.dtype) + more.reshape(new_bias.shape) * multiplier
                new_bias = summed.to(weight.dtype)
        weight.copy_(new)
        if bias is not None and new_bias is not None:
            bias.copy_(new_bias)

    def _give_back(self, place: tuple[Side, str]) -> None:
        weight, bias = _weights(self._layers[place])
        old, old_bias = self._kept[place]
        weight.copy_(old)
        if bias is not None and old_bias is not None:
            bias.copy_(old_bias)
        del self._kept[place]


def _weighted(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [
        (name, layer)
        for name, layer in module.named_modules()
        if name and isinstance(getattr(layer, "weight", None), nn.Parameter)
    ]


def _weights(layer: nn.Module) -> tuple[Tensor, Tensor | None]:
    weight, bias = layer.weight, getattr(layer, "bias", None)
    assert isinstance(weight, Tensor)
    return weight, bias if isinstance(bias, Tensor) else None


def working_dtype(change: LayerChange, model: torch.dtype) -> torch.dtype:
    """The number format of the sum (behaviour 0.5, 15.5).

    LoRA: the model's. The others: that of the file, but never coarser than the model's, for then
    the sum would round the weight itself. bfloat16 models (A1111 had none) sum in float32.
    """
    if model == torch.bfloat16:
        return torch.float32
    if change.cast_to_model:
        return model
    stored = [value.dtype for value in change.tensors.values() if value.is_floating_point()]
    found = model
    for dtype in stored:
        found = torch.promote_types(found, dtype)
    return found
