"""Tiny models with random weights in the layouts of the real files."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image

from interrogate.base import Workplace
from interrogate.deepbooru_network import Block, BottleneckNet
from pipelines.geometry import Extent
from pipelines.request import ResizeMode
from pipelines.resize import resize_image

TAGS = ("1girl", "long_hair", "smile_(face)", "back\\slash", "rating:safe", "sky")

TINY_BLOCKS = (
    Block(8, 8, 32, 1, True),
    Block(32, 8, 32, 1, False),
    Block(32, 12, 48, 2, True),
)


def fit(image: Image.Image, side: int) -> Image.Image:
    return resize_image(image.convert("RGB"), ResizeMode.RESIZE_AND_FILL, Extent(side, side))


def workplace(folder: Path, device: str = "cpu") -> Workplace:
    return Workplace(folder / "models", folder / "data", fit, device)


def tiny_tagger(tags: tuple[str, ...] = TAGS, seed: int = 0) -> dict[str, torch.Tensor]:
    """State of a small network; its scores spread over 0..1."""
    torch.manual_seed(seed)
    network = BottleneckNet(8, TINY_BLOCKS, len(tags))
    state = network.state_dict()
    last = max(state, key=lambda name: int(name.split("_")[2].split(".")[0]))
    state[last] = state[last] * 40
    return state


def write_pt(path: Path, state: dict[str, torch.Tensor], tags: object = TAGS) -> Path:
    """As A1111's file: the tensors, and the tags beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, object] = dict(state)
    if tags is not None:
        content["tags"] = list(tags) if isinstance(tags, tuple) else tags
    torch.save(content, path)
    return path


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30), seed: int = 0) -> Image.Image:
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)
