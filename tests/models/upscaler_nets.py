"""Small random upscalers in the layouts they are published in, and their value in float64.

The evaluation is written from the papers' formulas, on the names of each layout, with numpy alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

Array = NDArray[np.float64]
Weights = dict[str, torch.Tensor]


def random_weights(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> Weights:
    """Weights that keep a picture's range about as it is, around a middle grey."""
    generator = torch.Generator().manual_seed(seed)
    made = {}
    for name, shape in shapes.items():
        spread = 1.2 / np.sqrt(shape[1] * 9) if len(shape) == 4 else 0.1
        grey = 0.5 if shape == (3,) else 0.0
        made[name] = torch.randn(shape, generator=generator) * spread + grey
    return made


def rrdb_shapes(
    layout: str,
    *,
    width: int = 6,
    growth: int = 4,
    blocks: int = 2,
    doublings: int = 2,
    fold: int = 1,
) -> dict[str, tuple[int, ...]]:
    """All tensors of an RRDBNet in the layout "old", "paper" or "new"."""
    heads = heads_of(layout, blocks, doublings)
    convs = {heads["first"]: (width, 3 * fold**2), heads["last"]: (3, width)}
    for name in (heads["trunk"], heads["hr"], *(heads[f"up{n}"] for n in range(doublings))):
        convs[name] = (width, width)
    for block in range(blocks):
        for dense in (1, 2, 3):
            for layer in range(1, 6):
                out = width if layer == 5 else growth
                name = dense_name(layout, block, dense, layer)
                convs[name] = (out, width + (layer - 1) * growth)
    return {
        **{f"{name}.weight": (*sides, 3, 3) for name, sides in convs.items()},
        **{f"{name}.bias": (sides[0],) for name, sides in convs.items()},
    }


def heads_of(layout: str, blocks: int, doublings: int) -> dict[str, str]:
    if layout == "old":
        tail = 2 + 3 * doublings
        ups = {f"up{n}": f"model.{3 + 3 * n}" for n in range(doublings)}
        ends = {"hr": f"model.{tail}", "last": f"model.{tail + 2}"}
        return {"first": "model.0", "trunk": f"model.1.sub.{blocks}"} | ups | ends
    if layout == "paper":
        ups = {f"up{n}": f"upconv{n + 1}" for n in range(doublings)}
        ends = {"trunk": "trunk_conv", "hr": "HRconv", "last": "conv_last"}
    else:
        ups = {f"up{n}": f"conv_up{n + 1}" for n in range(doublings)}
        ends = {"trunk": "conv_body", "hr": "conv_hr", "last": "conv_last"}
    return {"first": "conv_first"} | ups | ends


def dense_name(layout: str, block: int, dense: int, layer: int) -> str:
    if layout == "old":
        return f"model.1.sub.{block}.RDB{dense}.conv{layer}.0"
    if layout == "paper":
        return f"RRDB_trunk.{block}.RDB{dense}.conv{layer}"
    return f"body.{block}.rdb{dense}.conv{layer}"


def compact_shapes(*, width: int = 6, convs: int = 2, scale: int = 4) -> dict[str, tuple[int, ...]]:
    sides = [(width, 3), *[(width, width)] * convs, (3 * scale**2, width)]
    shapes: dict[str, tuple[int, ...]] = {}
    for place, (out, into) in enumerate(sides):
        shapes[f"body.{2 * place}.weight"] = (out, into, 3, 3)
        shapes[f"body.{2 * place}.bias"] = (out,)
        if place <= convs:
            shapes[f"body.{2 * place + 1}.weight"] = (width,)
    return shapes


def write_upscaler(path: Path, weights: Weights, wrapper: str = "") -> Path:
    """As .safetensors, or as .pth with the weights under `wrapper`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(weights, path)
    else:
        content: Any = {wrapper: weights} if wrapper else weights
        torch.save(content, path)
    return path


def rrdb_value(weights: Weights, layout: str, pixels: NDArray[np.uint8]) -> Array:
    """What the network makes of (h, w, 3) pixels: (H, W, 3), 0..255 but not cut off there."""
    blocks = 2
    doublings = len(_ups(layout, weights))
    heads = heads_of(layout, blocks, doublings)
    conv = _conv_of(weights)
    x = pixels.astype(np.float64).transpose(2, 0, 1) / 255
    fold = int(np.sqrt(weights[heads["first"] + ".weight"].shape[1] // 3))
    channels, height, width = x.shape
    cells = x.reshape(channels, height // fold, fold, width // fold, fold)
    x = cells.transpose(0, 2, 4, 1, 3).reshape(-1, height // fold, width // fold)
    first = conv(heads["first"], x)
    trunk = first
    for block in range(blocks):
        inner = trunk
        for dense in (1, 2, 3):
            seen = [inner]
            for layer in range(1, 5):
                made = conv(dense_name(layout, block, dense, layer), np.concatenate(seen))
                seen.append(np.where(made > 0, made, 0.2 * made))
            last = conv(dense_name(layout, block, dense, 5), np.concatenate(seen))
            inner = inner + 0.2 * last
        trunk = trunk + 0.2 * inner
    x = first + conv(heads["trunk"], trunk)
    for n in range(doublings):
        x = conv(heads[f"up{n}"], x.repeat(2, axis=1).repeat(2, axis=2))
        x = np.where(x > 0, x, 0.2 * x)
    x = conv(heads["hr"], x)
    x = conv(heads["last"], np.where(x > 0, x, 0.2 * x))
    return 255 * x.transpose(1, 2, 0)


def _ups(layout: str, weights: Weights) -> list[str]:
    if layout == "old":
        numbered = [n for n in weights if n.startswith("model.") and n.endswith(".weight")]
        return [n for n in numbered if n.count(".") == 2][3:]
    stem = "upconv" if layout == "paper" else "conv_up"
    return [n for n in weights if n.startswith(stem) and n.endswith(".weight")]


def compact_value(weights: Weights, pixels: NDArray[np.uint8]) -> Array:
    """What the compact network makes of (h, w, 3) pixels."""
    conv = _conv_of(weights)
    picture = x = pixels.astype(np.float64).transpose(2, 0, 1) / 255
    places = sorted({int(name.split(".")[1]) for name in weights})
    for place in places[::2]:
        x = conv(f"body.{place}", x)
        if place != places[-1]:
            slope = weights[f"body.{place + 1}.weight"].double().numpy()[:, None, None]
            x = np.where(x > 0, x, slope * x)
    scale = int(np.sqrt(x.shape[0] // 3))
    _, height, width = x.shape
    cells = x.reshape(3, scale, scale, height, width).transpose(0, 3, 1, 4, 2)
    large = cells.reshape(3, height * scale, width * scale)
    large += picture.repeat(scale, axis=1).repeat(scale, axis=2)
    return 255 * large.transpose(1, 2, 0)


def _conv_of(weights: Weights) -> Callable[[str, Array], Array]:
    def conv(name: str, x: Array) -> Array:
        kernel = weights[f"{name}.weight"].double().numpy()
        height, width = x.shape[1:]
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        made = np.zeros((kernel.shape[0], height, width))
        for dy in range(3):
            for dx in range(3):
                window = padded[:, dy : dy + height, dx : dx + width]
                made += np.einsum("oi,ihw->ohw", kernel[:, :, dy, dx], window)
        made += weights[f"{name}.bias"].double().numpy()[:, None, None]
        return made

    return conv
