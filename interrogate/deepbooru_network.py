"""DeepDanbooru's residual network in torch, built from the tensors of a file alone.

The layout is that of `model-resnet_custom_v3.pt` (behaviour 13.2): convolutions `n_Conv_0` to
`n_Conv_178` in the order of the graph, batch normalisation folded into them. Widths and depth are
read from the shapes, so the other bottleneck networks of DeepDanbooru fit as well.
Source: the MIT-licensed package `deepdanbooru`, `model/resnet.py`; He et al. 2015.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from models.errors import BadModelFile

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """One bottleneck: 1x1, 3x3, 1x1; `widens` has a 1x1 shortcut, which is numbered first."""

    inputs: int
    middle: int
    outputs: int
    stride: int
    widens: bool


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's "same": the odd pixel goes right and below."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) to (B, C', ceil(H / stride), ceil(W / stride))."""
        return super().forward(pad_same(input, self.kernel_size[0], self.stride[0], 0.0))


class BottleneckNet(nn.Module):
    """Pictures (B, H, W, 3), float 0..1, to tag probabilities (B, tags), float32."""

    def __init__(self, stem: int, blocks: tuple[Block, ...], tags: int) -> None:
        super().__init__()
        self._blocks = blocks
        convolutions: list[SameConv] = [SameConv(3, stem, 7, stride=2)]
        for block in blocks:
            if block.widens:
                convolutions.append(SameConv(block.inputs, block.outputs, 1, block.stride))
            convolutions += [
                SameConv(block.inputs, block.middle, 1),
                SameConv(block.middle, block.middle, 3, block.stride),
                SameConv(block.middle, block.outputs, 1),
            ]
        convolutions.append(SameConv(blocks[-1].outputs, tags, 1, bias=False))
        for number, convolution in enumerate(convolutions):
            self.add_module(f"n_Conv_{number}", convolution)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """See the class."""
        convolutions = iter(self.children())
        x = pictures.permute(0, 3, 1, 2)
        x = functional.relu(next(convolutions)(x))
        x = functional.max_pool2d(pad_same(x, 3, 2, float("-inf")), 3, 2)
        for block in self._blocks:
            shortcut = next(convolutions)(x) if block.widens else x
            y = functional.relu(next(convolutions)(x))
            y = functional.relu(next(convolutions)(y))
            x = functional.relu(next(convolutions)(y) + shortcut)
        scores: torch.Tensor = next(convolutions)(x).float().mean(dim=(2, 3)).sigmoid()
        return scores


def pad_same(x: torch.Tensor, kernel: int, stride: int, value: float) -> torch.Tensor:
    """Pad height and width so that the output has ceil(n / stride); 512, 7, 2 pads 2 and 3."""
    pads: list[int] = []
    for length in (x.shape[3], x.shape[2]):
        total = max((-(-length // stride) - 1) * stride + kernel - length, 0)
        pads += [total // 2, total - total // 2]
    return functional.pad(x, pads, value=value) if any(pads) else x


def network_of_shapes(shapes: Mapping[str, Shape], what: str) -> BottleneckNet:
    """The network (on the meta device) whose tensors have exactly these names and shapes.

    Raises BadModelFile with `what` as its subject when no bottleneck network has them.
    """
    kernels: list[Shape] = []
    while (shape := shapes.get(f"n_Conv_{len(kernels)}.weight")) is not None:
        kernels.append(shape)
    if len(kernels) < 6 or any(len(shape) != 4 for shape in kernels):
        raise _not_deepbooru(what, f"it has {len(kernels)} convolutions n_Conv_0, n_Conv_1, ...")
    if kernels[0][1:] != (3, 7, 7):
        raise _not_deepbooru(what, f"its first convolution is {list(kernels[0])}")
    blocks = _blocks(kernels, what)
    with torch.device("meta"):
        network = BottleneckNet(kernels[0][0], blocks, kernels[-1][0])
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    if wanted != dict(shapes):
        odd = min(set(wanted.items()) ^ set(shapes.items()))
        raise _not_deepbooru(what, f"{odd[0]} does not fit")
    return network


def _blocks(kernels: list[Shape], what: str) -> tuple[Block, ...]:
    """Group the convolutions between the first and the last one into bottlenecks."""
    blocks: list[Block] = []
    at, width = 1, kernels[0][0]
    while at < len(kernels) - 1:
        group = kernels[at : at + 4]
        widens = len(group) == 4 and group[1][2:] == (1, 1) and group[2][2:] == (3, 3)
        inner = group[1:] if widens else group[:3]
        if len(inner) < 3 or [shape[2:] for shape in inner] != [(1, 1), (3, 3), (1, 1)]:
            raise _not_deepbooru(what, f"n_Conv_{at} begins no bottleneck")
        stride = 2 if widens and blocks else 1
        blocks.append(Block(width, inner[0][0], inner[2][0], stride, widens))
        width = inner[2][0]
        at += len(inner) + widens
    return tuple(blocks)


def _not_deepbooru(what: str, finding: str) -> BadModelFile:
    return BadModelFile(
        f"{what} is no DeepDanbooru network: {finding}. Put model-resnet_custom_v3.pt there."
    )
