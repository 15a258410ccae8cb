"""DeepBooru: danbooru's tags for a picture, from A1111's .pt file or a DeepDanbooru project."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PIL.Image import Image

from interrogate.base import Availability, Description, MissingFiles, Say, Workplace
from interrogate.options import InterrogationOptions
from interrogate.tags import kept_tags, tag_text

if TYPE_CHECKING:
    from interrogate.deepbooru_file import TaggerNet

FOLDERS = ("deepbooru", "torch_deepdanbooru")
"""Sub-folders of the models folder that are looked into; the second is A1111's."""

FILE_NAME = "model-resnet_custom_v3.pt"
SUFFIXES = (".safetensors", ".pt")
SIDE = 512
"""Side of the network's picture in pixels (behaviour 13.2)."""


class DeepBooru:
    """See interrogate.base.Interrogator."""

    name: ClassVar[str] = "deepdanbooru"
    label: ClassVar[str] = "DeepBooru"
    aliases: ClassVar[tuple[str, ...]] = ("deepbooru",)

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._net: TaggerNet | None = None

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        """See Interrogator."""
        place = find_model(models_dir)
        if place is None:
            return Availability(False, _missing(models_dir))
        return Availability(True, place.name)

    def load(self) -> None:
        """See Interrogator."""
        if self._net is not None:
            return
        place = find_model(self._workplace.models_dir)
        if place is None:
            raise MissingFiles(_missing(self._workplace.models_dir))
        import torch  # noqa: PLC0415

        from interrogate.deepbooru_file import read_tagger  # noqa: PLC0415

        half = self._workplace.half and self._workplace.device != "cpu"
        dtype = torch.float16 if half else torch.float32
        self._net = read_tagger(place, self._workplace.device, dtype)

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        """See Interrogator."""
        self.load()
        assert self._net is not None
        say(self.label)
        began = time.monotonic()
        scores = probabilities(self._net, [self._workplace.fit(image, SIDE) for image in images])
        found = []
        for row in scores:
            tags = kept_tags(zip(self._net.tags, row, strict=True), options.tags.threshold)
            found.append((tag_text(tags, options.tags, ranks=options.return_ranks), tags))
        share = (time.monotonic() - began) / len(images)
        return [Description(text, tags, share) for text, tags in found]

    def unload(self) -> None:
        """See Interrogator."""
        self._net = None


def probabilities(net: TaggerNet, pictures: Sequence[Image]) -> list[list[float]]:
    """Run the network on RGB pictures of one size; one row of probabilities for each."""
    import torch  # noqa: PLC0415

    pixels = np.stack([np.asarray(picture, np.float32) for picture in pictures]) / 255.0
    weight = next(net.network.parameters())
    with torch.inference_mode():
        batch = torch.from_numpy(pixels).to(weight.device, weight.dtype)
        rows: list[list[float]] = net.network(batch).cpu().tolist()
    return rows


def find_model(models_dir: Path) -> Path | None:
    """The network's file: the known name first, else the first fitting one by name."""
    for folder in (models_dir / name for name in FOLDERS):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if path.suffix in SUFFIXES and path.is_file():
                    return path
    return None


def _missing(models_dir: Path) -> str:
    return (
        f"DeepBooru needs its model: put {FILE_NAME} (614 MB, from the releases of "
        f"AUTOMATIC1111/TorchDeepDanbooru) into {models_dir / FOLDERS[0]}, or copy a DeepDanbooru "
        "project folder there."
    )
