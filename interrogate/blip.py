"""BLIP's captions (behaviour 13.1), on transformers' BlipForConditionalGeneration."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image
from transformers import BlipConfig, BlipForConditionalGeneration

from interrogate.base import MissingFiles
from interrogate.clip_places import bert_folder, missing_bert
from interrogate.options import ClipOptions
from interrogate.original_weights import blip_of_salesforce
from interrogate.pixels import squashed
from interrogate.text_tokens import BertTokens
from interrogate.weights import load_folder, load_tensors
from models.tensor_file import open_tensors

PROMPT = "a picture of "
"""Put before every caption and taken away again."""

_HEAD = "text_decoder.cls.predictions"
_TIES = {
    f"{_HEAD}.decoder.weight": "text_decoder.bert.embeddings.word_embeddings.weight",
    f"{_HEAD}.decoder.bias": f"{_HEAD}.bias",
}


class Captioner:
    """One loaded BLIP model."""

    def __init__(self, path: Path, device: str, dtype: torch.dtype) -> None:
        """Load a folder or Salesforce's own file. Raises MissingFiles, BadModelFile."""
        if path.is_dir():
            self._tokens = BertTokens(path)
            self._model: Any = load_folder(path, _make, _TIES, device=device, dtype=dtype)
        else:
            self._tokens = BertTokens(_words_for(path))
            self._model = _load_file(path, self._tokens.end, device, dtype)
        self._side: int = self._model.config.vision_config.image_size
        self._device, self._dtype = device, dtype

    def captions(self, images: Sequence[Image], options: ClipOptions) -> list[str]:
        """Caption pictures as one batch: beam search without sampling, lengths in tokens."""
        pixels = torch.from_numpy(squashed(images, self._side)).to(self._device, self._dtype)
        prompt = torch.tensor([self._tokens.framed(PROMPT)] * len(images), device=self._device)
        with torch.inference_mode():
            rows = self._model.generate(
                pixel_values=pixels,
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                num_beams=options.num_beams,
                do_sample=False,
                min_length=options.min_length,
                max_length=options.max_length,
                repetition_penalty=1.0,
            )
        return [self._tokens.text(row[prompt.shape[1] - 1 :]) for row in rows.tolist()]


def _words_for(path: Path) -> Path:
    words = bert_folder(path)
    if words is None:
        raise MissingFiles(missing_bert(path))
    return words


def _load_file(path: Path, end: int, device: str, dtype: torch.dtype) -> Any:
    with open_tensors(path) as (header, read):
        tensors = {name: read(name) for name in header.tensors}
        config, renamed = blip_of_salesforce(tensors, end, path.name)
        return load_tensors(renamed, config, _make, _TIES, path.name, device=device, dtype=dtype)


def _make(config: dict[str, Any]) -> Any:
    return BlipForConditionalGeneration(BlipConfig.from_dict(config))
