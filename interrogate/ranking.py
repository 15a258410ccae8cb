"""Which terms of a list fit a picture best; the lists' vectors are kept on disk."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL.Image import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from interrogate.base import Say, Tag
from interrogate.clip_model import Clip
from interrogate.lists import TermList

SCALE = 100.0
"""Factor of the cosine before the softmax (behaviour 13.1)."""

FOLDER = "interrogate"


class Ranker:
    """Ranks lists of terms with one CLIP model; `model_hash` names its weights."""

    def __init__(self, clip: Clip, model_hash: str, data_dir: Path) -> None:
        self._clip = clip
        self._hash = model_hash
        self._folder = data_dir / FOLDER
        self._known: dict[str, torch.Tensor] = {}

    def best(self, images: Sequence[Image], lists: Sequence[TermList], say: Say) -> list[list[Tag]]:
        """For each picture the best terms of each list, with their share of the list (softmax)."""
        vectors = self._clip.embed_images(images)
        found: list[list[Tag]] = [[] for _ in images]
        for terms in lists:
            scores = (SCALE * vectors @ self._vectors(terms, say).T).softmax(-1)
            values, places = scores.topk(min(terms.top, len(terms.terms)))
            for row, shares, numbers in zip(found, values.tolist(), places.tolist(), strict=True):
                row += [Tag(terms.terms[n], s) for n, s in zip(numbers, shares, strict=True)]
        return found

    def likeness(self, image: Image, texts: Sequence[str]) -> list[float]:
        """Cosine (-1..1) of the picture and each text."""
        vectors = self._clip.embed_texts(texts, lambda _: None, "captions")
        cosines: list[float] = (vectors @ self._clip.embed_images([image])[0]).tolist()
        return cosines

    def _vectors(self, terms: TermList, say: Say) -> torch.Tensor:
        """(terms, dimension), from memory, from disk, or computed now."""
        text = "\n".join((self._hash, *terms.terms))
        key = hashlib.sha256(text.encode()).hexdigest()
        if key not in self._known:
            path = self._folder / f"{key}.safetensors"
            vectors = _read(path, len(terms.terms))
            if vectors is None:
                vectors = self._clip.embed_texts(terms.terms, say, terms.name)
                _write(path, vectors)
            self._known[key] = vectors
        return self._known[key]


def _read(path: Path, rows: int) -> torch.Tensor | None:
    """The stored vectors, or None when they must be computed (again)."""
    try:
        vectors = load_file(path)["vectors"]
    except (OSError, SafetensorError, KeyError):
        return None
    return vectors if vectors.ndim == 2 and vectors.shape[0] == rows else None


def _write(path: Path, vectors: torch.Tensor) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    os.close(handle)
    try:
        save_file({"vectors": vectors.contiguous()}, name)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
