"""DeepBooru: danbooru's tags for a picture, from A1111's .pt file or a DeepDanbooru project."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np
from PIL.Image import Image

from interrogate import places
from interrogate.base import Availability, Description, MissingFiles, Say, Workplace
from interrogate.booru_project import PROJECT_FILE, read_project
from interrogate.options import InterrogationOptions
from interrogate.tags import kept_tags, tag_text

if TYPE_CHECKING:
    from interrogate.deepbooru_load import Tagger

FOLDERS = ("deepbooru", "torch_deepdanbooru")
"""Sub-folders of the models folder that are looked into; the second is A1111's."""

FILE_NAME = "model-resnet_custom_v3.pt"
SUFFIXES = (".safetensors", ".pt")
BUILTIN = Path("tagger", "tagger.safetensors")
"""Our own small tagger, among what ships with us."""


class _Loaded(NamedTuple):
    place: Path
    net: Tagger
    side: int


class DeepBooru:
    """See interrogate.base.Interrogator."""

    name: ClassVar[str] = "deepdanbooru"
    label: ClassVar[str] = "DeepBooru"
    aliases: ClassVar[tuple[str, ...]] = ("deepbooru",)

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._loaded: _Loaded | None = None

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        """See Interrogator."""
        place = find_model(models_dir)
        if place is None:
            return Availability(False, _missing(models_dir))
        if place == places.BUILTIN / BUILTIN:
            return Availability(True, _builtin_note(models_dir), builtin=True)
        return Availability(True, place.name)

    def load(self) -> None:
        """See Interrogator."""
        self._net()

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        """See Interrogator."""
        loaded = self._net()
        say(self.label)
        began = time.monotonic()
        fitted = [self._workplace.fit(image, loaded.side) for image in images]
        pixels = np.stack([np.asarray(image, np.float32) for image in fitted]) / np.float32(255)
        found = []
        for row in loaded.net.probabilities(pixels):
            tags = kept_tags(zip(loaded.net.tags, row, strict=True), options.tags.threshold)
            found.append((tag_text(tags, options.tags, ranks=options.return_ranks), tags))
        share = (time.monotonic() - began) / len(images)
        return [Description(text, tags, share) for text, tags in found]

    def _net(self) -> _Loaded:
        """The network, loaded when it is not yet or when another one lies there now."""
        place = find_model(self._workplace.models_dir)
        if place is None:
            raise MissingFiles(_missing(self._workplace.models_dir))
        if self._loaded is None or self._loaded.place != place:
            from interrogate.deepbooru_load import load_tagger  # noqa: PLC0415

            self._loaded = None
            net = load_tagger(place, self._workplace)
            side = read_project(place).side if place.is_dir() else net.side
            self._loaded = _Loaded(place, net, side)
        return self._loaded

    def unload(self) -> None:
        """See Interrogator."""
        self._loaded = None


def find_model(models_dir: Path) -> Path | None:
    """The user's network or project; else our own small network, if it ships."""
    shipped = places.BUILTIN / BUILTIN
    return _own_model(models_dir) or (shipped if shipped.is_file() else None)


def _own_model(models_dir: Path) -> Path | None:
    """The network's file (the known name first) or, if there is none, a project's folder."""
    for folder in (models_dir / name for name in FOLDERS):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if not folder.is_dir():
            continue
        entries = sorted(folder.iterdir())
        for path in entries:
            if path.suffix in SUFFIXES and path.is_file():
                return path
        for path in (folder, *entries):
            if (path / PROJECT_FILE).is_file():
                return path
    return None


def _missing(models_dir: Path) -> str:
    return (
        "DeepBooru needs its model, and no built-in one ships with this version: "
        f"{_advice(models_dir)}"
    )


def _builtin_note(models_dir: Path) -> str:
    return (
        "built-in tagger: it knows the drawings that the built-in checkpoint makes and nothing "
        f"else. For other pictures {_advice(models_dir)}"
    )


def _advice(models_dir: Path) -> str:
    return (
        f"put {FILE_NAME} (614 MB, from the releases of AUTOMATIC1111/TorchDeepDanbooru) into "
        f"{models_dir / FOLDERS[0]}, or copy a DeepDanbooru project folder there."
    )
