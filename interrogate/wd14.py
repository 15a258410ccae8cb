"""WD14 taggers: SmilingWolf's ONNX files, `model.onnx` with `selected_tags.csv` beside it.

onnxruntime is optional (requirements-interrogate.txt) and imported when a tagger is loaded.
"""

from __future__ import annotations

import csv
import importlib
import importlib.util
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image

from interrogate.base import Availability, Description, MissingFiles, Say, Tag, Workplace
from interrogate.options import InterrogationOptions, TagOptions
from interrogate.places import children
from interrogate.tags import tag_text
from models.errors import BadModelFile

FOLDER = "wd14"
MODEL_FILE, TAGS_FILE = "model.onnx", "selected_tags.csv"
GENERAL, CHARACTER = 0, 4
"""Danbooru's categories of tags that are kept; 9 are the ratings."""


@dataclass(frozen=True, slots=True)
class _Output:
    name: str
    category: int


@dataclass(frozen=True, slots=True)
class _Session:
    """A loaded network; `batch` is its fixed batch size or None."""

    run: Any
    input_name: str
    side: int
    batch: int | None
    outputs: tuple[_Output, ...]


class Wd14Tagger:
    """See interrogate.base.Interrogator."""

    name: ClassVar[str] = "wd14"
    label: ClassVar[str] = "WD14 tagger"
    aliases: ClassVar[tuple[str, ...]] = ("wd", "wd14-tagger")

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._session: _Session | None = None

    @classmethod
    def available(cls, models_dir: Path) -> Availability:
        """See Interrogator."""
        folder = find_folder(models_dir)
        if folder is None:
            return Availability(False, _missing(models_dir))
        if importlib.util.find_spec("onnxruntime") is None:
            return Availability(False, _NO_RUNTIME)
        return Availability(True, folder.name)

    def load(self) -> None:
        """See Interrogator."""
        if self._session is not None:
            return
        folder = find_folder(self._workplace.models_dir)
        if folder is None:
            raise MissingFiles(_missing(self._workplace.models_dir))
        self._session = _open(folder, self._workplace.device)

    def describe(
        self, images: Sequence[Image], options: InterrogationOptions, say: Say
    ) -> list[Description]:
        """See Interrogator."""
        self.load()
        session = self._session
        assert session is not None
        say(self.label)
        began = time.monotonic()
        pixels = np.stack([padded(image, session.side) for image in images])
        step = session.batch or len(images)
        rows: list[list[float]] = []
        for start in range(0, len(images), step):
            part = _filled(pixels[start : start + step], step)
            found = session.run(None, {session.input_name: part})[0]
            rows += found[: len(images) - start].tolist()
        share = (time.monotonic() - began) / len(images)
        made = []
        for row in rows:
            tags = _kept(session.outputs, row, options.tags)
            text = tag_text(tags, options.tags, ranks=options.return_ranks)
            made.append(Description(text, tags, share))
        return made

    def unload(self) -> None:
        """See Interrogator."""
        self._session = None


def padded(image: Image, side: int) -> NDArray[np.float32]:
    """The picture on a white square, bicubic, as these networks were trained.

    (side, side, 3), blue first, 0..255. Transparent parts are white.
    """
    rgba = image.convert("RGBA")
    longest = max(rgba.size)
    scale = side / longest
    size = (max(1, round(rgba.width * scale)), max(1, round(rgba.height * scale)))
    white = Pillow.new("RGBA", rgba.size, "white")
    flat = Pillow.alpha_composite(white, rgba).convert("RGB")
    square = Pillow.new("RGB", (side, side), "white")
    corner = ((side - size[0]) // 2, (side - size[1]) // 2)
    square.paste(flat.resize(size, Pillow.Resampling.BICUBIC), corner)
    return np.asarray(square, np.float32)[:, :, ::-1]


def find_folder(models_dir: Path) -> Path | None:
    """The first folder with both files."""
    for folder in children(models_dir / FOLDER):
        if (folder / MODEL_FILE).is_file() and (folder / TAGS_FILE).is_file():
            return folder
    return None


def _open(folder: Path, device: str) -> _Session:
    outputs = _read_tags(folder / TAGS_FILE)
    try:
        runtime: Any = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise MissingFiles(_NO_RUNTIME) from error
    wanted = ["CUDAExecutionProvider"] if device.startswith("cuda") else []
    offered = set(runtime.get_available_providers())
    providers = [name for name in (*wanted, "CPUExecutionProvider") if name in offered]
    what = f"{folder.name}/{MODEL_FILE}"
    try:
        session = runtime.InferenceSession(str(folder / MODEL_FILE), providers=providers)
    except Exception as error:  # the runtime has an exception class for every reason
        first_line = (str(error).splitlines() or ["?"])[0][:200]
        raise BadModelFile(f"{what} cannot be loaded ({first_line}). Download it again.") from error
    shape, width = session.get_inputs()[0].shape, session.get_outputs()[0].shape[-1]
    if len(shape) != 4 or shape[3] != 3 or not isinstance(shape[1], int) or shape[1] != shape[2]:
        raise BadModelFile(
            f"{what} takes {shape} and is no WD14 tagger: (N, side, side, 3) is due."
        )
    if width != len(outputs):
        raise BadModelFile(
            f"{what} has {width} outputs but {TAGS_FILE} has {len(outputs)} tags: they do not "
            "belong together. Download both again."
        )
    batch = shape[0] if isinstance(shape[0], int) and shape[0] > 0 else None
    return _Session(session.run, session.get_inputs()[0].name, shape[1], batch, outputs)


def _read_tags(path: Path) -> tuple[_Output, ...]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [_Output(row["name"], int(row["category"])) for row in csv.DictReader(file)]
    except (KeyError, TypeError, ValueError) as error:
        raise BadModelFile(
            f"{path.name} needs the columns name and category. Download it again."
        ) from error
    return tuple(rows)


def _kept(outputs: Sequence[_Output], row: Sequence[float], options: TagOptions) -> tuple[Tag, ...]:
    lowest = {GENERAL: options.wd14_threshold, CHARACTER: options.wd14_character_threshold}
    kept = [
        Tag(output.name, score)
        for output, score in zip(outputs, row, strict=True)
        if output.category in lowest and score >= lowest[output.category]
    ]
    return tuple(sorted(kept, key=lambda tag: -tag.score))


def _filled(pixels: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Repeat the last picture until there are `count`, for networks of a fixed batch size."""
    missing = count - len(pixels)
    return np.concatenate([pixels, np.repeat(pixels[-1:], missing, 0)]) if missing else pixels


_NO_RUNTIME = (
    "WD14 taggers need onnxruntime: pip install -r requirements-interrogate.txt, then start again."
)


def _missing(models_dir: Path) -> str:
    return (
        f"WD14 needs a tagger: put {MODEL_FILE} and {TAGS_FILE} (for example of "
        f"SmilingWolf/wd-vit-tagger-v3) into {models_dir / FOLDER / 'wd-vit-tagger-v3'}."
    )
