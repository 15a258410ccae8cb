"""The upscaler files a worker keeps loaded, as the pipelines use them."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pillow
from PIL.Image import Image

from models.load_upscaler import Upscaler, load_upscaler
from models.upscaler_files import UpscalerFiles
from models.upscaler_tiles import Tiling
from pipelines.geometry import Extent
from pipelines.resize import Upscale
from pipelines.upscalers import (
    PIXEL_UPSCALERS,
    OnTile,
    Tiles,
    find_filter,
    upscale_in_passes,
)

_NO_MEMORY = (
    "the GPU has not enough memory for {name} with tiles of {side} pixels (0 = the whole picture); "
    "choose a smaller ESRGAN_tile in the settings"
)
KEPT = 2
"""Upscalers that stay loaded: Extras may mix two."""


class UpscalerShelf:
    """PixelUpscalers with the files of a models folder. Not thread-safe."""

    def __init__(self, models_dir: Path, device: str) -> None:
        self._files = UpscalerFiles(models_dir)
        self._device = torch.device(device)
        self._loaded: OrderedDict[tuple[Path, int], Upscaler] = OrderedDict()

    def get(self, name: str, tiles: Tiles, on_tile: OnTile) -> Upscale | None:
        """See PixelUpscalers. Filters come before files of the same name."""
        entries = self._files.entries
        if name.strip().lower() in (filter_.lower() for filter_ in PIXEL_UPSCALERS):
            return PIXEL_UPSCALERS[find_filter(name)]
        entry = self._files.find(name)
        if entry is None:
            return PIXEL_UPSCALERS[find_filter(name, [one.name for one in entries])]
        upscaler = self._upscaler(entry.path)
        tiling = Tiling(tiles.side, tiles.overlap)

        def once(image: Image) -> Image:
            try:
                return Pillow.fromarray(upscaler.enlarge(np.asarray(image), tiling, on_tile))
            except torch.OutOfMemoryError as error:
                raise ValueError(_NO_MEMORY.format(name=entry.name, side=tiles.side)) from error

        def upscale(image: Image, target: Extent) -> Image:
            return upscale_in_passes(image, target, upscaler.scale, once)

        return upscale

    def clear(self) -> None:
        """Give all memory back."""
        self._loaded.clear()

    def _upscaler(self, path: Path) -> Upscaler:
        key = (path, path.stat().st_mtime_ns)
        if key not in self._loaded:
            while len(self._loaded) >= KEPT:
                self._loaded.popitem(last=False)
            self._loaded[key] = load_upscaler(path, self._device)
        self._loaded.move_to_end(key)
        return self._loaded[key]
