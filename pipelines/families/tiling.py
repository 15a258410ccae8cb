"""Tileable pictures: every convolution looks round the edges, as long as a job wants it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def circular_padding(modules: Iterable[nn.Module], *, on: bool = True) -> Iterator[None]:
    """Pad all Conv2d of the modules circularly inside the block (behaviour 14.3).

    Afterwards every layer pads as before, also after an error. Explicit pads outside the layers,
    as the VAE encoder has before its strides, are not touched.
    """
    layers = [m for module in modules for m in module.modules() if isinstance(m, nn.Conv2d)]
    before = [layer.padding_mode for layer in layers]
    if on:
        for layer in layers:
            layer.padding_mode = "circular"
    try:
        yield
    finally:
        for layer, mode in zip(layers, before, strict=True):
            layer.padding_mode = mode
