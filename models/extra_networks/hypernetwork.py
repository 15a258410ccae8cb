"""Hypernetworks: small networks before the keys and values of attention (behaviour 15.6).

Files are read through torch's weights-only unpickler, so nothing in them is ever run.
"""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from models.errors import BadModelFile, UnsupportedModel
from models.hashes import sha256_file, short_hash

_NAMED: dict[str, Callable[[], nn.Module]] = {
    "leakyrelu": nn.LeakyReLU,
    "swish": nn.Hardswish,
}
_TORCHS: tuple[Callable[[], nn.Module], ...] = (
    *(nn.CELU, nn.ELU, nn.GELU, nn.Hardshrink, nn.Hardsigmoid, nn.Hardswish, nn.Hardtanh),
    *(nn.LogSigmoid, nn.Mish, nn.ReLU, nn.ReLU6, nn.RReLU, nn.SELU, nn.Sigmoid, nn.SiLU),
    *(nn.Softplus, nn.Softshrink, nn.Softsign, nn.Tanh, nn.Tanhshrink),
)
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    **{made().__class__.__name__.lower(): made for made in _TORCHS},
    **_NAMED,
}
"""Activations by the names that hypernetworks use; "linear" and none at all mean none."""

_OLD = re.compile(r"^linear([12])\.(weight|bias)$")
_NEW = re.compile(r"^linear\.(\d+)\.(weight|bias)$")
_WIDEST = 1 << 16

Pair = tuple[nn.Module, nn.Module]
"""The branches before to_k and before to_v."""


@dataclass(frozen=True, eq=False)
class Hypernetwork:
    """A loaded hypernetwork: its pairs of branches by the width they take; float32 on the CPU."""

    name: str
    hash10: str
    pairs: Mapping[int, Pair]

    @property
    def nbytes(self) -> int:
        """Memory of its tensors in bytes."""
        branches = [branch for pair in self.pairs.values() for branch in pair]
        return sum(p.numel() * p.element_size() for b in branches for p in b.parameters())


class Hooked:
    """Hypernetworks at work in a U-Net, one after the other. Not thread-safe."""

    def __init__(self, unet: nn.Module) -> None:
        self._layers = [
            (layer, int(name.endswith("to_v")))
            for name, layer in unet.named_modules()
            if name.endswith((".to_k", ".to_v")) and isinstance(layer, nn.Linear)
        ]
        self._handles: list[Any] = []

    def check(self, network: Hypernetwork) -> None:
        """Raises UnsupportedModel if the hypernetwork has no pair for any width of this model."""
        widths = {layer.in_features for layer, _ in self._layers}
        if not widths & set(network.pairs):
            raise UnsupportedModel(
                f"{network.name} works on widths {sorted(network.pairs)}, this checkpoint has "
                f"{sorted(widths)}: it was made for another kind of model"
            )

    def apply(self, wanted: Sequence[tuple[Hypernetwork, float]]) -> None:
        """Let exactly these work, in order, with their multipliers, whatever did before."""
        for handle in self._handles:
            handle.remove()
        self._handles = []
        for network, multiplier in wanted:
            if multiplier == 0.0:
                continue
            placed: dict[tuple[int, int], nn.Module] = {}
            for layer, side in self._layers:
                pair = network.pairs.get(layer.in_features)
                if pair is None:
                    continue
                key = (layer.in_features, side)
                if key not in placed:
                    placed[key] = _copied(pair[side], layer.weight)
                hook = _before(placed[key], multiplier)
                self._handles.append(layer.register_forward_pre_hook(hook))


def load_hypernetwork(path: Path) -> Hypernetwork:
    """Read a hypernetwork as A1111 saves them. Raises BadModelFile."""
    content = _content(path)
    structure = content.get("activation_func")
    activation = str(structure).lower() if structure else "linear"
    if activation != "linear" and activation not in ACTIVATIONS:
        raise BadModelFile(f"{path.name} uses the activation {activation[:40]!r}, which is unknown")
    ends_active = content.get("activate_output", True) is not False
    pairs: dict[int, Pair] = {}
    for width, states in content.items():
        if not isinstance(width, int) or isinstance(width, bool):
            continue
        if not isinstance(states, list | tuple) or len(states) != 2:
            raise BadModelFile(f"{path.name} is no hypernetwork: {width} has no pair of branches")
        one, other = (_branch(path.name, width, s, activation, ends_active) for s in states)
        pairs[width] = (one, other)
    if not pairs:
        raise BadModelFile(f"{path.name} is no hypernetwork: it has no branches")
    return Hypernetwork(path.stem, short_hash(sha256_file(path)), pairs)


def _content(path: Path) -> Mapping[Any, Any]:
    if not path.is_file():
        raise BadModelFile(f"{path.name} is not there any more. Refresh the list.")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadModelFile(
            f"{path.name} cannot be loaded safely ({type(error).__name__}); get the file again"
        ) from error
    if not isinstance(content, dict):
        raise BadModelFile(f"{path.name} is no hypernetwork")
    return content


def _branch(
    name: str, width: int, state: object, activation: str, ends_active: bool
) -> nn.Sequential:
    """One branch, built from its tensors: two dimensions are a linear layer, one is a layer norm.

    Activations and dropout have no tensors; dropout only matters in training.
    """
    layers = _layers(name, state)
    order = sorted(layers)
    linear = [index for index in order if layers[index]["weight"].dim() == 2]
    if not linear:
        raise BadModelFile(f"{name} is damaged: a branch of width {width} has no layers")
    built: list[nn.Module] = []
    for index in order:
        tensors = layers[index]
        built.append(_filled(name, tensors))
        is_linear = tensors["weight"].dim() == 2
        if is_linear and activation != "linear" and (index != linear[-1] or ends_active):
            built.append(ACTIVATIONS[activation]())
    _check_widths(name, width, [layers[index]["weight"] for index in linear])
    return nn.Sequential(*built).eval().requires_grad_(False)


def _layers(name: str, state: object) -> dict[int, dict[str, Tensor]]:
    found: dict[int, dict[str, Tensor]] = {}
    for key, value in state.items() if isinstance(state, Mapping) else ():
        old, new = _OLD.match(str(key)), _NEW.match(str(key))
        if not isinstance(value, Tensor) or not (old or new):
            raise BadModelFile(f"{name} holds {str(key)[:60]!r}, which no hypernetwork has")
        match = old or new
        assert match is not None
        index = int(match[1]) - (1 if old else 0)
        found.setdefault(index, {})[match[2]] = value
    for tensors in found.values():
        weight, bias = tensors.get("weight"), tensors.get("bias")
        fits = weight is not None and bias is not None and weight.dim() in (1, 2)
        if not fits or weight is None or bias is None or bias.shape != weight.shape[:1]:
            raise BadModelFile(f"{name} is damaged: a layer's weight and bias do not fit")
    return found


def _filled(name: str, tensors: Mapping[str, Tensor]) -> nn.Module:
    shape = tensors["weight"].shape
    if max(shape) > _WIDEST:
        raise BadModelFile(f"{name} is damaged: a layer of {list(shape)} is impossibly large")
    made = nn.Linear(shape[1], shape[0]) if len(shape) == 2 else nn.LayerNorm(shape[0])
    made.load_state_dict({part: value.float() for part, value in tensors.items()})
    return made


def _check_widths(name: str, width: int, weights: Sequence[Tensor]) -> None:
    """Each layer takes what the one before gives, and the whole keeps the width."""
    inputs = [weight.shape[1] for weight in weights]
    outputs = [weight.shape[0] for weight in weights]
    if inputs != [width, *outputs[:-1]] or outputs[-1] != width:
        raise BadModelFile(
            f"{name} is damaged: the layers of width {width} do not follow each other"
        )


def _copied(branch: nn.Module, like: Tensor) -> nn.Module:
    """A copy on the model's device and in its number format."""
    return copy.deepcopy(branch).to(like.device, like.dtype)


def _before(branch: nn.Module, multiplier: float) -> Callable[..., tuple[Tensor, ...]]:
    def hook(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        x = inputs[0]
        return (x + branch(x) * multiplier,)

    return hook
