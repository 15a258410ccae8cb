"""DeepDanbooru project folders: what lies in them, checked before TensorFlow is asked. No torch."""

from __future__ import annotations

import hashlib
import json
import mmap
from dataclasses import dataclass
from pathlib import Path

from models.errors import BadModelFile

PROJECT_FILE, TAGS_FILE = "project.json", "tags.txt"
SIDES = range(64, 2049)

_CODE = b"Lambda"
"""Keras layers of this class hold Python code, which .h5 files run when they are loaded."""


@dataclass(frozen=True, slots=True)
class BooruProject:
    """One project: square pictures of `side` pixels, tags in the order of the outputs."""

    folder: Path
    model: Path
    side: int
    tags: tuple[str, ...]

    @property
    def tags_hash(self) -> str:
        """Changes when tags do."""
        return hashlib.sha256("\n".join(self.tags).encode()).hexdigest()[:16]


def read_project(folder: Path) -> BooruProject:
    """Read `project.json` and `tags.txt` and find the model. Raises BadModelFile."""
    what = f"the DeepDanbooru project {folder.name}"
    try:
        context = json.loads((folder / PROJECT_FILE).read_text(encoding="utf-8"))
        kind, sides = str(context["model"]), (context["image_width"], context["image_height"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadModelFile(
            f"{what} has a damaged {PROJECT_FILE}: model, image_width and image_height are needed. "
            "Copy the project again."
        ) from error
    if sides[0] != sides[1] or sides[0] not in SIDES:
        raise BadModelFile(f"{what} is for pictures of {sides[0]}x{sides[1]}; squares are needed.")
    tags_file = folder / TAGS_FILE
    if not tags_file.is_file():
        raise BadModelFile(f"{what} has no {TAGS_FILE}. Copy the whole project folder.")
    lines = tags_file.read_text(encoding="utf-8", errors="replace").splitlines()
    tags = tuple(line.strip() for line in lines if line.strip())
    return BooruProject(folder, _model_file(folder, kind, what), int(sides[0]), tags)


def _model_file(folder: Path, kind: str, what: str) -> Path:
    if not kind.replace("_", "").isalnum():
        raise BadModelFile(f"{what} names the model {kind!r:.60}, which is no model's name.")
    for suffix in (".keras", ".h5"):
        path = folder / f"model-{kind}{suffix}"
        if path.is_file() and path.stat().st_size > 0:
            _refuse_code(path)
            return path
    raise BadModelFile(f"{what} has no model-{kind}.h5. Copy the whole project folder.")


def _refuse_code(path: Path) -> None:
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
    ):
        if content.find(_CODE) >= 0:
            raise BadModelFile(
                f"{path.name} was refused: it holds a Lambda layer, that is code, which no "
                "DeepDanbooru model needs."
            )
