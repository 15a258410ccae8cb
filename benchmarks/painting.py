"""The built-in checkpoint, a photograph and a silent listener, as the benchmarks use them."""

from __future__ import annotations

import tempfile
from pathlib import Path

import skimage.data
import torch
from PIL import Image

from benchmarks.measuring import BUILTIN
from models.catalog import Catalog
from models.device import DeviceFlags, DevicePolicy, Placement
from models.load import LoadedCheckpoint, load_checkpoint
from pipelines.events import FinishedPicture, PreviewKind, StepEvent, StopKind

PROMPT = "a portrait of a girl with pink hair, blue background"
NEGATIVE = "fog, rain"


class Silent:
    """A listener that keeps the last picture only."""

    picture: Image.Image

    def on_note(self, text: str) -> None:
        """See RunListener."""

    def on_step(self, event: StepEvent) -> None:
        """See RunListener."""

    def on_picture(self, picture: FinishedPicture) -> None:
        """See RunListener."""
        self.picture = picture.image

    def stop_asked(self) -> StopKind | None:
        """See RunListener."""
        return None

    def interrupted_as(self) -> PreviewKind | None:
        """See RunListener."""
        return None


def photograph(side: int) -> Image.Image:
    """A square photograph that scikit-image ships."""
    return Image.fromarray(skimage.data.astronaut()).resize((side, side))


def builtin_checkpoint(dtype: torch.dtype = torch.float32) -> LoadedCheckpoint:
    """The built-in checkpoint on the CPU; `dtype` is the U-Net's."""
    with tempfile.TemporaryDirectory() as folder:
        entry = Catalog(Path(folder) / "models", Path(folder) / "data", BUILTIN).default()
    flags = DeviceFlags(use_cpu=True, no_half=True)
    chosen = DevicePolicy.detect(use_cpu=True).choose(flags)
    place = Placement(chosen.device, dtype, chosen.text_dtype, chosen.vae_dtype)
    return load_checkpoint(entry, place)
