"""The upscaler networks as torch modules: RRDBNet and SRVGGNetCompact. Inference only.

Parameters are called as in BasicSR, so that `models.upscaler_kind` can name those of any file.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import Conv2d, Module, ModuleList, PReLU, functional

from models.upscaler_kind import UpscalerKind

RESIDUAL = 0.2
"""What a dense block's result counts for beside its input (ESRGAN, section 3.1)."""

SLOPE = 0.2
"""Of the leaky ReLUs."""


def build_network(kind: UpscalerKind) -> Module:
    """A network without sensible weights: (B, 3, h, w) in 0..1 -> (B, 3, scale·h, scale·w).

    The result may leave 0..1. Height and width must be multiples of `kind.fold`.
    """
    return Rrdb(kind) if kind.network == "rrdb" else Compact(kind)


def _conv(into: int, out: int) -> Conv2d:
    return Conv2d(into, out, 3, padding=1)


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, SLOPE, inplace=True)


class DenseBlock(Module):
    """Five convolutions, each of which sees the block's input and all that came before it."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, growth)
        self.conv2 = _conv(width + growth, growth)
        self.conv3 = _conv(width + 2 * growth, growth)
        self.conv4 = _conv(width + 3 * growth, growth)
        self.conv5 = _conv(width + 4 * growth, width)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) -> the same shape."""
        seen = x
        for conv in (self.conv1, self.conv2, self.conv3, self.conv4):
            seen = torch.cat((seen, _leaky(conv(seen))), 1)
        result: Tensor = x + RESIDUAL * self.conv5(seen)
        return result


class ResidualBlock(Module):
    """A residual of three dense blocks."""

    def __init__(self, width: int, growth: int) -> None:
        super().__init__()
        self.rdb1 = DenseBlock(width, growth)
        self.rdb2 = DenseBlock(width, growth)
        self.rdb3 = DenseBlock(width, growth)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, h, w) -> the same shape."""
        result: Tensor = x + RESIDUAL * self.rdb3(self.rdb2(self.rdb1(x)))
        return result


class Rrdb(Module):
    """ESRGAN's network: a deep trunk at the picture's size, then upsamplings by two."""

    def __init__(self, kind: UpscalerKind) -> None:
        super().__init__()
        width = kind.width
        self.fold = kind.fold
        self.conv_first = _conv(3 * kind.fold**2, width)
        self.body = ModuleList(ResidualBlock(width, kind.growth) for _ in range(kind.depth))
        self.conv_body = _conv(width, width)
        self.ups = tuple(f"conv_up{number + 1}" for number in range(kind.doublings))
        for name in self.ups:
            self.add_module(name, _conv(width, width))
        self.conv_hr = _conv(width, width)
        self.conv_last = _conv(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        """See `build_network`."""
        first = self.conv_first(functional.pixel_unshuffle(x, self.fold))
        trunk = first
        for block in self.body:
            trunk = block(trunk)
        x = first + self.conv_body(trunk)
        for name in self.ups:
            x = _leaky(
                self.get_submodule(name)(functional.interpolate(x, scale_factor=2, mode="nearest"))
            )
        result: Tensor = self.conv_last(_leaky(self.conv_hr(x)))
        return result


class Compact(Module):
    """Real-ESRGAN's small network: plain convolutions, then sub-pixels over the enlarged input."""

    def __init__(self, kind: UpscalerKind) -> None:
        super().__init__()
        self.scale = kind.scale
        layers: list[Module] = [_conv(3, kind.width), PReLU(kind.width)]
        for _ in range(kind.depth):
            layers += [_conv(kind.width, kind.width), PReLU(kind.width)]
        self.body = ModuleList((*layers, _conv(kind.width, 3 * kind.scale**2)))

    def forward(self, x: Tensor) -> Tensor:
        """See `build_network`."""
        base = functional.interpolate(x, scale_factor=self.scale, mode="nearest")
        for layer in self.body:
            x = layer(x)
        return functional.pixel_shuffle(x, self.scale) + base
