"""Textual inversions as files: which there are, what they are called, how wide. No torch.

Behaviour 9.9 and 15.8. Their vectors are loaded by `models/embeddings.py`.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.errors import BadModelFile, ModelError
from models.model_file import is_safetensors
from models.pickle_header import read_pickle_header
from models.safetensors_header import TensorInfo, read_header

EMBEDDING_FOLDER = "embeddings"
TENSOR_SUFFIXES = (".safetensors", ".pt", ".bin")
PICTURE_SUFFIXES = (".png", ".webp", ".avif")
PICTURE_KEY = "sd-ti-embedding"
FILE_LIMIT = 64 * 1024 * 1024
"""Longest embedding file in bytes; real ones have some kilobytes."""
_MOST_VECTORS = 4096
_MOST_TENSORS = 16


@dataclass(frozen=True, slots=True)
class EmbeddingFile:
    """One file of the embeddings folder.

    `vectors` and `width` are those of the text encoder it was made for (0 when unreadable);
    `problem` is a sentence when the file cannot be used by any model.
    """

    name: str
    path: Path
    vectors: int = 0
    width: int = 0
    problem: str | None = None


def list_embeddings(*folders: Path) -> tuple[EmbeddingFile, ...]:
    """All embeddings below these folders, sorted by path; of two with one name the first counts."""
    found: dict[str, EmbeddingFile] = {}
    for path in (path for folder in folders for path in _files(folder)):
        described = describe(path)
        if described is not None:
            found.setdefault(described.name, described)
    return tuple(found.values())


def describe(path: Path) -> EmbeddingFile | None:
    """Name and shape of one file, or None for a picture that carries no embedding."""
    try:
        if path.stat().st_size > FILE_LIMIT:
            raise BadModelFile(f"{path.name} is too large for an embedding.")
        if path.suffix.lower() in PICTURE_SUFFIXES:
            data = picture_embedding(path)
            if data is None:
                return None
            name = data.get("name")
            vectors = picture_vectors(data, path.name)
            shown = name if isinstance(name, str) and name.strip() else path.stem
            return EmbeddingFile(shown.strip(), path, *vectors.shape)
        shape = embedding_shape(_tensors(path), path.name)
        return EmbeddingFile(path.stem, path, *shape)
    except ModelError as error:
        return EmbeddingFile(path.stem, path, problem=str(error))
    except OSError as error:
        return EmbeddingFile(path.stem, path, problem=f"{path.name} cannot be read ({error}).")


def embedding_shape(tensors: Mapping[str, TensorInfo], name: str) -> tuple[int, int]:
    """(vectors, width) of an embedding's tensors; SDXL's pair counts with both widths together.

    Raises BadModelFile when this is no embedding.
    """
    if {"clip_l", "clip_g"} <= tensors.keys():
        small, large = (_matrix(tensors[key].shape, name) for key in ("clip_l", "clip_g"))
        if small[0] != large[0]:
            raise BadModelFile(f"{name} is damaged: clip_l and clip_g differ in length.")
        return small[0], small[1] + large[1]
    if len(tensors) != 1:
        raise BadModelFile(f"{name} holds {len(tensors)} tensors; an embedding has one.")
    return _matrix(next(iter(tensors.values())).shape, name)


def picture_embedding(path: Path) -> dict[str, Any] | None:
    """The embedding in a picture's text chunk `sd-ti-embedding`, or None (behaviour 15.8)."""
    if path.name.lower().rsplit(".", 1)[0].endswith(".preview"):
        return None
    try:
        with Image.open(path) as picture:
            text = picture.info.get(PICTURE_KEY)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadModelFile(f"{path.name} is no readable picture ({type(error).__name__}).") from (
            error
        )
    if not isinstance(text, str):
        return None
    try:
        data = json.loads(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise BadModelFile(f"{path.name} carries a damaged embedding.") from error
    return data if isinstance(data, dict) else None


def picture_vectors(data: Mapping[str, Any], name: str) -> NDArray[np.float32]:
    """The vectors (count, width) of an embedding in a picture. Raises BadModelFile."""
    table = data.get("string_to_param")
    entry = next(iter(table.values()), None) if isinstance(table, dict) else None
    rows = entry.get("TORCHTENSOR") if isinstance(entry, dict) else None
    try:
        vectors = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise BadModelFile(f"{name} carries a damaged embedding.") from error
    if vectors.ndim == 1:
        vectors = vectors[np.newaxis]
    _matrix(vectors.shape, name)
    return vectors


def _tensors(path: Path) -> Mapping[str, TensorInfo]:
    header = read_header(path) if is_safetensors(path) else read_pickle_header(path)
    if len(header.tensors) > _MOST_TENSORS:
        raise BadModelFile(f"{path.name} is no embedding: it holds {len(header.tensors)} tensors.")
    return header.tensors


def _matrix(shape: tuple[int, ...], name: str) -> tuple[int, int]:
    sizes = (1, *shape) if len(shape) == 1 else shape
    if len(sizes) != 2 or not 0 < sizes[0] <= _MOST_VECTORS or sizes[1] <= 0:
        raise BadModelFile(f"{name} is no embedding: its tensor is {list(shape)}.")
    return sizes[0], sizes[1]


def _files(folder: Path) -> list[Path]:
    found = []
    for base, _, names in os.walk(folder, followlinks=False):
        suffixes = TENSOR_SUFFIXES + PICTURE_SUFFIXES
        found += [Path(base, name) for name in names if name.lower().endswith(suffixes)]
    return sorted(found)
