"""CLIP itself: pictures and texts to unit vectors in one space, on transformers' CLIPModel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from transformers import CLIPConfig, CLIPModel

from interrogate.base import Say
from interrogate.original_weights import clip_of_openai
from interrogate.pixels import centred
from interrogate.text_tokens import ClipTokens
from interrogate.torchscript_file import is_torchscript, read_torchscript
from interrogate.weights import load_folder, load_tensors
from models.tensor_file import open_tensors

TEXTS_AT_ONCE = 64

TOKENIZER = (
    Path(__file__).resolve().parent.parent / "models" / "builtin" / "checkpoint" / "tokenizer"
)
"""CLIP's vocabulary, which ships with us; OpenAI's file has none."""


class Clip:
    """One loaded CLIP model. All vectors are float32 on the CPU and have length 1."""

    def __init__(self, path: Path, device: str, dtype: torch.dtype) -> None:
        """Load a folder or OpenAI's own file. Raises MissingFiles, BadModelFile."""
        whole = path.is_dir()
        self._model: Any = (
            load_folder(path, _make, {}, device=device, dtype=dtype)
            if whole
            else _load_file(path, device, dtype)
        )
        config = self._model.config
        self._tokens = ClipTokens(
            path if whole else TOKENIZER, config.text_config.max_position_embeddings
        )
        self._side: int = config.vision_config.image_size
        self._device, self._dtype = device, dtype

    def embed_images(self, images: Sequence[Image]) -> torch.Tensor:
        """(pictures, dimension)."""
        pixels = torch.from_numpy(centred(images, self._side)).to(self._device, self._dtype)
        with torch.inference_mode():
            pooled = self._model.vision_model(pixel_values=pixels).pooler_output
            return _unit(self._model.visual_projection(pooled))

    def embed_texts(self, texts: Sequence[str], say: Say, what: str) -> torch.Tensor:
        """(texts, dimension). `say` hears how far the texts called `what` are."""
        parts = []
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            if len(texts) > TEXTS_AT_ONCE:
                say(f"Reading {what} {start}/{len(texts)}")
            rows = self._tokens.rows(texts[start : start + TEXTS_AT_ONCE])
            ids = torch.tensor(rows, device=self._device)
            with torch.inference_mode():
                pooled = self._model.text_model(input_ids=ids).pooler_output
                parts.append(_unit(self._model.text_projection(pooled)))
        return torch.cat(parts)


def _load_file(path: Path, device: str, dtype: torch.dtype) -> Any:
    if is_torchscript(path):
        config, renamed = clip_of_openai(read_torchscript(path), path.name)
        return load_tensors(renamed, config, _make, {}, path.name, device=device, dtype=dtype)
    with open_tensors(path) as (header, read):
        tensors = {name: read(name) for name in header.tensors}
        config, renamed = clip_of_openai(tensors, path.name)
        return load_tensors(renamed, config, _make, {}, path.name, device=device, dtype=dtype)


def _make(config: dict[str, Any]) -> Any:
    return CLIPModel(CLIPConfig.from_dict(config))


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(vectors.float().cpu(), dim=-1)
