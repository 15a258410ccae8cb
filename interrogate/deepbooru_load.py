"""From DeepBooru's file or project folder to a network that runs; projects are converted once."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from interrogate.base import Workplace
from interrogate.booru_keras import KerasTagger, NotConvertible, convert, load_keras
from interrogate.booru_project import BooruProject, read_project
from interrogate.deepbooru_file import TaggerNet, build_tagger, read_tagger, write_tagger
from models.errors import BadModelFile
from models.hashes import HashCache

_log = logging.getLogger("overpaint.interrogate")

FOLDER = "interrogate"
TOLERANCE = 1e-3
"""A converted network may differ so much from Keras in any tag of a test picture."""


class Tagger(Protocol):
    """A network with names for its outputs."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Names of the outputs, in their order."""

    @property
    def side(self) -> int:
        """Side of the pictures in pixels; a project's own `project.json` goes before it."""

    def probabilities(self, pixels: NDArray[np.float32]) -> list[list[float]]:
        """(B, H, W, 3) in 0..1 to one row of probabilities for each picture."""


def load_tagger(place: Path, workplace: Workplace) -> Tagger:
    """Load a file or a project folder. Raises MissingFiles, BadModelFile."""
    half = workplace.half and workplace.device != "cpu"
    dtype = torch.float16 if half else torch.float32
    if not place.is_dir():
        return read_tagger(place, workplace.device, dtype)
    project = read_project(place)
    digest = HashCache(workplace.data_dir).sha256(project.model)
    stored = workplace.data_dir / FOLDER / f"{digest}-{project.tags_hash}.safetensors"
    if stored.is_file():
        try:
            return read_tagger(stored, workplace.device, dtype)
        except BadModelFile:
            _log.warning("%s is damaged; the project is converted again", stored.name)
    keras = load_keras(project)
    try:
        tensors = _converted(keras, project)
    except NotConvertible as error:
        _log.warning("%s runs in TensorFlow on the CPU: %s", project.model.name, error)
        return keras
    write_tagger(stored, tensors, project.tags)
    return read_tagger(stored, workplace.device, dtype)


def _converted(keras: KerasTagger, project: BooruProject) -> dict[str, torch.Tensor]:
    """The tensors, once they are known to say what Keras says. Raises NotConvertible."""
    tensors = convert(keras.model)
    try:
        net: TaggerNet = build_tagger(
            tensors, project.tags, project.model.name, "cpu", torch.float32
        )
    except BadModelFile as error:
        raise NotConvertible(str(error)) from error
    shape = (1, project.side, project.side, 3)
    pixels = np.random.default_rng(0).random(shape, np.float32)
    difference = np.abs(np.subtract(net.probabilities(pixels), keras.probabilities(pixels))).max()
    if not difference <= TOLERANCE:
        raise NotConvertible(f"its converted network differs by {difference:.3g}")
    return tensors
