"""The vectors of textual inversions that fit the loaded model (behaviour 9.9, 15.8)."""

from __future__ import annotations

import hashlib
import logging
import pickle
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from models.embedding_files import (
    PICTURE_SUFFIXES,
    EmbeddingFile,
    list_embeddings,
    picture_embedding,
    picture_vectors,
)
from models.errors import BadModelFile
from models.model_file import is_safetensors

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class Embedding:
    """One textual inversion: float32 vectors (count, width) and its file's first 12 hex digits."""

    name: str
    vectors: torch.Tensor
    hash12: str


@dataclass
class EmbeddingShelf:
    """The folders of embeddings, looked at again whenever their files have changed."""

    folders: tuple[Path, ...]
    _loaded: dict[tuple[Path, int, int], Embedding] = field(default_factory=dict)

    def fitting(self, width: int) -> dict[str, Embedding]:
        """All embeddings for text encoders of this width, by name; others are left out.

        A file that turns out to be damaged is logged and left out, too.
        """
        found: dict[str, Embedding] = {}
        for file in list_embeddings(*self.folders):
            if file.problem is not None or file.width != width:
                continue
            try:
                found[file.name] = self._load(file)
            except (BadModelFile, OSError) as error:
                _log.warning("embedding %s is left out: %s", file.name, error)
        return found

    def _load(self, file: EmbeddingFile) -> Embedding:
        facts = file.path.stat()
        key = (file.path, facts.st_mtime_ns, facts.st_size)
        if key not in self._loaded:
            self._loaded[key] = load_embedding(file)
        return self._loaded[key]


def load_embedding(file: EmbeddingFile) -> Embedding:
    """Load one file that `list_embeddings` found usable. Raises BadModelFile."""
    digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
    return Embedding(file.name, _vectors(file.path), digest[:12])


def _vectors(path: Path) -> torch.Tensor:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        data = picture_embedding(path)
        if data is None:
            raise BadModelFile(f"{path.name} carries no embedding.")
        return torch.from_numpy(picture_vectors(data, path.name).copy())
    tensors = _safetensors(path) if is_safetensors(path) else _pickle(path)
    if {"clip_l", "clip_g"} <= tensors.keys():
        vectors = torch.cat([tensors["clip_l"], tensors["clip_g"]], dim=-1)
    else:
        vectors = next(iter(tensors.values()))
    return (vectors[None] if vectors.dim() == 1 else vectors).detach().float().clone()


def _safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise BadModelFile(f"{path.name} is damaged. Download it again.") from error


def _pickle(path: Path) -> dict[str, torch.Tensor]:
    """Through torch's weights-only unpickler (behaviour 15.1)."""
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadModelFile(
            f"{path.name} cannot be loaded safely ({type(error).__name__}). "
            "Get the embedding as .safetensors."
        ) from error
    table = content.get("string_to_param", content) if isinstance(content, dict) else None
    if not isinstance(table, dict):
        raise BadModelFile(f"{path.name} is no embedding.")
    return {key: value for key, value in table.items() if isinstance(value, torch.Tensor)}
