"""Small additions to a finished checkpoint while they are being trained: LoRA, words, hypernetwork.

Each is a module that hooks itself into the frozen UNet or text encoder, and gives its tensors in
the layout of the files that people exchange (behaviour 15.5, 15.6, 15.8).
"""

from __future__ import annotations

from typing import Any

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

_ADAPTED = (
    *("to_q", "to_k", "to_v", "to_out.0"),
    *("ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"),
    *("conv1", "conv2"),
)
"""Ends of the names of layers that a LoRA adds to: transformer blocks and residual convolutions."""


class _LowRank(nn.Module):
    """A product of two thin layers, zero at first; the first one looks as far as the layer does."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, rank: int) -> None:
        super().__init__()
        self.down: nn.Module
        self.up: nn.Linear | nn.Conv2d
        if isinstance(layer, nn.Linear):
            self.down = nn.Linear(layer.in_features, rank, bias=False)
            self.up = nn.Linear(rank, layer.out_features, bias=False)
        else:
            size, padding = layer.kernel_size[0], layer.kernel_size[0] // 2
            self.down = nn.Conv2d(layer.in_channels, rank, size, padding=padding, bias=False)
            self.up = nn.Conv2d(rank, layer.out_channels, 1, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.up(self.down(x))
        return found


class Lora(nn.Module):
    """Low-rank additions to a UNet's layers (Hu et al. 2021; convolutions as LoCon has them)."""

    def __init__(self, unet: UNet2DConditionModel, rank: int) -> None:
        super().__init__()
        self.rank = rank
        self.keys: list[str] = []
        self.parts = nn.ModuleList()
        for name, layer in list(unet.named_modules()):
            if isinstance(layer, nn.Linear | nn.Conv2d) and name.endswith(_ADAPTED):
                part = _LowRank(layer, rank)
                self.keys.append("lora_unet_" + name.replace(".", "_"))
                self.parts.append(part)
                layer.register_forward_hook(_adding(part))

    def tensors(self) -> dict[str, Tensor]:
        """The names kohya's scripts use; alpha is the rank, so that the scale is 1."""
        found: dict[str, Tensor] = {}
        for key, part in zip(self.keys, self.parts, strict=True):
            state = part.state_dict()
            found[f"{key}.lora_down.weight"] = state["down.weight"].half().cpu()
            found[f"{key}.lora_up.weight"] = state["up.weight"].half().cpu()
            found[f"{key}.alpha"] = torch.tensor(float(self.rank)).half()
        return found


def _adding(part: nn.Module) -> Any:
    def add(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        more: Tensor = part(inputs[0])
        return output + more

    return add


class LearntWord(nn.Module):
    """Vectors of a new word, which stands at the beginning of every caption (Gal et al. 2022)."""

    def __init__(self, text: CLIPTextModel, count: int) -> None:
        super().__init__()
        table = text.get_input_embeddings()
        self.known = int(table.weight.shape[0])
        mean = table.weight.detach().mean(0, keepdim=True).cpu()
        self.vectors = nn.Parameter(mean.repeat(count, 1) + 0.01 * torch.randn(count, len(mean[0])))
        table.register_forward_pre_hook(self._clamp)
        table.register_forward_hook(self._replace)
        self._ids: Tensor | None = None

    def _clamp(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        self._ids = inputs[0]
        return (inputs[0].clamp(max=self.known - 1),)

    def _replace(self, _: nn.Module, __: tuple[Tensor, ...], output: Tensor) -> Tensor:
        assert self._ids is not None
        learnt = self.vectors[(self._ids - self.known).clamp(min=0)]
        return torch.where((self._ids >= self.known)[..., None], learnt.to(output.dtype), output)

    def before(self, ids: Tensor) -> Tensor:
        """Captions [b, 77] with the word after their first token."""
        word = torch.arange(self.known, self.known + len(self.vectors), device=ids.device)
        start, rest = ids[:, :1], ids[:, 1 : ids.shape[1] - len(word)]
        return torch.cat([start, word.expand(len(ids), -1), rest], 1)

    def file(self, name: str, step: int) -> dict[str, Any]:
        """What A1111 saves."""
        return {
            "string_to_token": {"*": 265},
            "string_to_param": {"*": self.vectors.detach().cpu()},
            "name": name,
            "step": step,
            "sd_checkpoint": None,
            "sd_checkpoint_name": None,
        }


class Hypernetwork(nn.Module):
    """Two small networks per attended width: x + f(x) before to_k and before to_v."""

    structure = (1, 2, 1)

    def __init__(self, unet: UNet2DConditionModel) -> None:
        super().__init__()
        self.pairs = nn.ModuleDict()
        for name, layer in unet.named_modules():
            if name.endswith(("to_k", "to_v")) and isinstance(layer, nn.Linear):
                width = str(layer.in_features)
                if width not in self.pairs:
                    self.pairs[width] = nn.ModuleList(
                        [self._network(layer.in_features) for _ in range(2)]
                    )
                layer.register_forward_pre_hook(self._passing(width, name.endswith("to_v")))

    def _network(self, width: int) -> nn.Module:
        steps = zip(self.structure, self.structure[1:], strict=False)
        layers = [nn.Linear(width * one, width * two) for one, two in steps]
        for layer in layers:
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)
        return nn.ModuleDict({"linear": nn.Sequential(*layers)})

    def _passing(self, width: str, values: bool) -> Any:
        def through(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            pair = self.pairs[width]
            assert isinstance(pair, nn.ModuleList)
            branch = pair[int(values)]
            assert isinstance(branch, nn.ModuleDict)
            return (inputs[0] + branch["linear"](inputs[0]),)

        return through

    def file(self, name: str, step: int) -> dict[Any, Any]:
        """What A1111 saves: a pair of state dicts per width, and how to build them."""
        pairs: dict[Any, Any] = {}
        for width, pair in self.pairs.items():
            assert isinstance(pair, nn.ModuleList)
            pairs[int(width)] = tuple(
                {key: value.detach().cpu() for key, value in branch.state_dict().items()}
                for branch in pair
            )
        return pairs | {
            "layer_structure": list(self.structure),
            "activation_func": None,
            "is_layer_norm": False,
            "activate_output": False,
            "use_dropout": False,
            "last_layer_dropout": False,
            "name": name,
            "step": step,
        }
