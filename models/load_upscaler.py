"""An upscaler file to something that enlarges pictures: our own networks, or `spandrel`'s."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.build import fill
from models.errors import BadModelFile, ModelError, UnsupportedModel
from models.tensor_file import open_tensors
from models.upscaler_files import EXTRA, has_extra, layout_of
from models.upscaler_network import build_network
from models.upscaler_tiles import Pixels, Progress, Tiling, enlarge_in_tiles


@dataclass(frozen=True, slots=True)
class Upscaler:
    """A loaded upscaler. `fold`: its input's sides are multiples of this."""

    name: str
    scale: int
    fold: int
    device: torch.device
    network: Callable[[Tensor], Tensor]
    """(1, 3, h, w) float32 in 0..1, RGB -> (1, 3, scale·h, scale·w)."""

    def enlarge(self, pixels: Pixels, tiling: Tiling, progress: Progress) -> Pixels:
        """(h, w, 3) RGB -> (scale·h, scale·w, 3), tile by tile.

        Raises ModelError when the network gives no numbers, and whatever `progress` raises.
        """
        return enlarge_in_tiles(pixels, self._tile, self.scale, tiling, self.fold, progress)

    def _tile(self, pixels: Pixels) -> NDArray[np.float32]:
        with torch.inference_mode():
            planes = torch.from_numpy(np.array(pixels, order="C")).to(self.device)
            x = planes.permute(2, 0, 1)[None].float() / 255
            made = self.network(x)[0]
            if not bool(torch.isfinite(made).all()):
                raise ModelError(
                    f"{self.name} gives no numbers for this picture: its file is damaged. "
                    "Download it again, or choose another upscaler."
                )
            levels: NDArray[np.float32] = (made.clamp(0, 1) * 255).permute(1, 2, 0).cpu().numpy()
            return levels


def load_upscaler(path: Path, device: torch.device) -> Upscaler:
    """The upscaler of a file, in float32 on `device`.

    Raises BadModelFile, and UnsupportedModel for an architecture that neither we nor an installed
    `spandrel` know.
    """
    try:
        layout = layout_of(path)
    except UnsupportedModel:
        if not has_extra():
            raise
        return _foreign(path, device)
    with torch.device("meta"):
        empty = build_network(layout.kind)
    with open_tensors(path) as (header, read):
        network = fill(
            empty,
            layout.names,
            header.tensors,
            read,
            device=device,
            dtype=torch.float32,
            what=path.name,
        )
    return Upscaler(path.name, layout.kind.scale, layout.kind.fold, device, network)


def _foreign(path: Path, device: torch.device) -> Upscaler:
    """Through `spandrel`, which gets tensors that were loaded by our safe means."""
    with open_tensors(path) as (header, read):
        tensors = {name: read(name).clone() for name in header.tensors}
    try:
        loader: Any = importlib.import_module(EXTRA).ModelLoader(device=device)
        found: Any = loader.load_from_state_dict(tensors)
        channels = (found.input_channels, found.output_channels)
        scale, network = int(found.scale), found.float().eval()
    except ImportError as error:
        raise BadModelFile(
            f"{path.name} needs {EXTRA}, which is installed but does not start ({error}): it wants "
            "a torchvision that fits this torch. Choose another upscaler."
        ) from error
    except Exception as error:  # a library of many architectures can fail anywhere on a file
        raise UnsupportedModel(
            f"{path.name} is of no architecture that {EXTRA} knows ({type(error).__name__}). "
            "Choose another upscaler."
        ) from error
    if channels != (3, 3):
        raise UnsupportedModel(
            f"{path.name} works on {channels[0]} channels and gives {channels[1]}; an upscaler of "
            "RGB pictures is needed. Choose another one."
        )
    return Upscaler(path.name, scale, 1, device, network)
