"""The tiny decoder that a checkpoint may bring for live previews, in place of a linear map.

Layout of TAESD's decoder in a small width: soft clamp, convolutions, three doublings
(behaviour 14.2). models/builtin/training/train_preview.py makes such files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from models.errors import BadModelFile
from models.facts import facts_of_folder

PREVIEW_FILE = "preview.safetensors"
_FIRST = "layers.0.weight"


class _Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = torch.relu(x + self.conv(x))
        return found


class PreviewDecoder(nn.Module):
    """Scaled latents [b, 4, h, w] to RGB [b, 3, 8h, 8w], about -1..1."""

    def __init__(self, width: int = 24, channels: int = 4) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(), _Block(width)
        ]  # fmt: skip
        for _ in range(3):
            layers += [nn.Upsample(scale_factor=2), nn.Conv2d(width, width, 3, padding=1)]
            layers.append(_Block(width))
        self.layers = nn.Sequential(*layers, nn.Conv2d(width, 3, 3, padding=1))

    def forward(self, latents: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.layers(torch.tanh(latents / 3) * 3)
        return found


def load_preview_decoder(root: Path) -> PreviewDecoder | None:
    """The decoder of a diffusers folder, float32 on the CPU, or None if it brings none.

    A folder that shares parts with the one beside it takes that one's. Raises BadModelFile for a
    damaged file.
    """
    other = facts_of_folder(root).shares_with if root.is_dir() else None
    folders = [root] if other is None else [root, root.parent / other]
    file = next((f / PREVIEW_FILE for f in folders if (f / PREVIEW_FILE).is_file()), None)
    return None if file is None else _loaded(file)


def _loaded(file: Path) -> PreviewDecoder:
    try:
        state: Mapping[str, Tensor] = load_file(file)
        width, channels = state[_FIRST].shape[:2]
        decoder = PreviewDecoder(width, channels)
        decoder.load_state_dict({name: value.float() for name, value in state.items()})
    except (SafetensorError, KeyError, ValueError, RuntimeError, OSError) as error:
        raise BadModelFile(
            f"{file.parent.name}/{file.name} is no preview decoder ({type(error).__name__}). "
            "Remove it or download the model again."
        ) from error
    return decoder.eval().requires_grad_(False)
