"""The upscaler files there are, and the names they go by. No torch: the web process uses it."""

from __future__ import annotations

import importlib.util
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from models.errors import ModelError, UnsupportedModel
from models.model_file import read_model_header
from models.upscaler_kind import UpscalerKind, UpscalerLayout, identify_upscaler

REALESRGAN: Final = "RealESRGAN"
UPSCALER_FOLDERS: Final = ("ESRGAN", REALESRGAN)
"""Folders of the models folder that are looked through; the second is A1111's for Real-ESRGAN."""

SUFFIXES: Final = (".pth", ".pt", ".safetensors")
EXTRA: Final = "spandrel"
"""The optional package that knows further architectures."""

A1111_NAMES: Final = {
    "ESRGAN": "ESRGAN_4x",
    "RealESRGAN_x4plus": "R-ESRGAN 4x+",
    "RealESRGAN_x4plus_anime_6B": "R-ESRGAN 4x+ Anime6B",
    "RealESRGAN_x2plus": "R-ESRGAN 2x+",
    "realesr-general-x4v3": "R-ESRGAN General 4xV3",
    "realesr-general-wdn-x4v3": "R-ESRGAN General WDN 4xV3",
    "realesr-animevideov3": "R-ESRGAN AnimeVideo",
}
"""What A1111 calls the files it downloads itself; infotexts and clients use these names."""


@dataclass(frozen=True, slots=True)
class UpscalerFile:
    """One file. `kind` is None when it is no network of ours; `problem` says what is wrong."""

    name: str
    path: Path
    folder: str
    kind: UpscalerKind | None = None
    problem: str | None = None

    @property
    def scale(self) -> int | None:
        """How many times larger its result is, or None while only `spandrel` could tell."""
        return None if self.kind is None else self.kind.scale

    def goes_by(self, name: str) -> bool:
        """Its name, its file's name or its stem, in any letter case."""
        return name.strip().lower() in (
            self.name.lower(),
            self.path.name.lower(),
            self.path.stem.lower(),
        )


def layout_of(path: Path) -> UpscalerLayout:
    """The network in a file. Raises BadModelFile, or UnsupportedModel for another architecture."""
    layout = identify_upscaler(read_model_header(path))
    if layout is None:
        raise UnsupportedModel(
            f"{path.name} is no ESRGAN (RRDBNet) and no Real-ESRGAN compact network for RGB "
            f"pictures. Choose another upscaler, or install what knows more architectures "
            f"(pip install {EXTRA} torchvision) and start again."
        )
    return layout


def has_extra() -> bool:
    """True when the optional package is installed; it is not imported."""
    return importlib.util.find_spec(EXTRA) is not None


class UpscalerFiles:
    """The upscalers below a models folder. Safe for several threads."""

    def __init__(self, models_dir: Path) -> None:
        self._roots = tuple(models_dir / folder for folder in UPSCALER_FOLDERS)
        self._lock = threading.Lock()
        self._known: dict[tuple[Path, int, int], UpscalerFile] = {}

    @property
    def entries(self) -> tuple[UpscalerFile, ...]:
        """All upscalers as they are on disk now, by name without regard to case.

        Where two go by one name, the second is named after its folder, too.
        """
        found: dict[str, UpscalerFile] = {}
        with self._lock:
            for root in self._roots:
                for path in _walk(root):
                    entry = self._entry(path, root.name)
                    if entry is not None:
                        if entry.name.lower() in found:
                            also = f"{entry.name} ({path.parent.name}, {path.suffix[1:]})"
                            entry = replace(entry, name=also)
                        found.setdefault(entry.name.lower(), entry)
        return tuple(sorted(found.values(), key=lambda entry: entry.name.lower()))

    @property
    def names(self) -> tuple[str, ...]:
        """What there is to choose from: those that can be used."""
        return tuple(entry.name for entry in self.entries if entry.problem is None)

    def find(self, name: str) -> UpscalerFile | None:
        """The upscaler that goes by this name; full names come before file names."""
        entries = self.entries
        exact = (entry for entry in entries if entry.name.lower() == name.strip().lower())
        return next(exact, next((entry for entry in entries if entry.goes_by(name)), None))

    def _entry(self, path: Path, folder: str) -> UpscalerFile | None:
        """What is known of a file; a file is looked into only when it is new or has changed."""
        try:
            facts = path.stat()
        except OSError:
            return None
        key = (path, facts.st_mtime_ns, facts.st_size)
        if key not in self._known:
            self._known[key] = _described(path, folder)
        return self._known[key]


def _described(path: Path, folder: str) -> UpscalerFile:
    stem = os.fsencode(path.stem).decode("utf-8", "replace")
    name = A1111_NAMES.get(stem, stem)
    try:
        return UpscalerFile(name, path, folder, layout_of(path).kind)
    except UnsupportedModel as error:
        return UpscalerFile(name, path, folder, None, None if has_extra() else str(error))
    except ModelError as error:
        return UpscalerFile(name, path, folder, None, str(error))
    except OSError as error:
        problem = f"{path.name} cannot be read ({error.strerror}). Look at its permissions."
        return UpscalerFile(name, path, folder, None, problem)


def _walk(root: Path) -> Iterator[Path]:
    """Model files below `root`, hidden folders left out."""
    for base, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES):
                yield Path(base) / name
