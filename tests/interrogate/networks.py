"""Tiny models with random weights in the layouts of the real files."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from PIL import Image

from interrogate.base import Workplace
from interrogate.deepbooru_network import Block, BottleneckNet
from interrogate.text_tokens import bert_tokenizer
from pipelines.geometry import Extent
from pipelines.request import ResizeMode
from pipelines.resize import resize_image

TAGS = ("1girl", "long_hair", "smile_(face)", "back\\slash", "rating:safe", "sky")

TINY_BLOCKS = (
    Block(8, 8, 32, 1, True),
    Block(32, 8, 32, 1, False),
    Block(32, 12, 48, 2, True),
)


def fit(image: Image.Image, side: int) -> Image.Image:
    return resize_image(image.convert("RGB"), ResizeMode.RESIZE_AND_FILL, Extent(side, side))


def workplace(folder: Path, device: str = "cpu") -> Workplace:
    return Workplace(folder / "models", folder / "data", fit, device)


def tiny_tagger(tags: tuple[str, ...] = TAGS, seed: int = 0) -> dict[str, torch.Tensor]:
    """State of a small network; its scores spread over 0..1."""
    torch.manual_seed(seed)
    network = BottleneckNet(8, TINY_BLOCKS, len(tags))
    state = network.state_dict()
    last = max(state, key=lambda name: int(name.split("_")[2].split(".")[0]))
    state[last] = state[last] * 40
    return state


def write_pt(path: Path, state: dict[str, torch.Tensor], tags: object = TAGS) -> Path:
    """As A1111's file: the tensors, and the tags beside them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content: dict[str, object] = dict(state)
    if tags is not None:
        content["tags"] = list(tags) if isinstance(tags, tuple) else tags
    torch.save(content, path)
    return path


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30), seed: int = 0) -> Image.Image:
    import numpy as np

    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 4), np.uint8)
    return Image.fromarray(pixels, "RGBA").convert(mode)


_WORDS = "a picture of cat dog hat red blue sky tree on the in with and man girl"
WORDS = tuple(re.findall(r"\w+", _WORDS))


def write_blip(folder: Path, seed: int = 0) -> Path:
    """A captioner saved by transformers, its word pieces as tokenizer.json."""
    from transformers import BlipConfig, BlipForConditionalGeneration

    folder.mkdir(parents=True, exist_ok=True)
    tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS, "[DEC]"]
    vocabulary = folder / "vocab.txt"
    vocabulary.write_text("\n".join(tokens) + "\n", encoding="utf-8")
    bert_tokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    size = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    config = BlipConfig(
        text_config={
            **size,
            "vocab_size": len(tokens),
            "encoder_hidden_size": 16,
            "num_attention_heads": 2,
            "max_position_embeddings": 64,
            "bos_token_id": tokens.index("[DEC]"),
            "eos_token_id": 3,
            "sep_token_id": 3,
            "pad_token_id": 0,
        },
        vision_config={**size, "num_attention_heads": 2, "image_size": 32, "patch_size": 16},
        projection_dim=16,
    )
    torch.manual_seed(seed)
    model = BlipForConditionalGeneration(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name.lower():
                parameter.fill_(1.0 if name.endswith("weight") else 0.0)
        model.text_decoder.cls.predictions.bias.zero_()
        for token in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]"):
            model.text_decoder.cls.predictions.bias[tokens.index(token)] = -100.0
    model.save_pretrained(folder)
    return folder


def write_clip(folder: Path, seed: int = 0) -> Path:
    """A small CLIP saved by transformers, with letters as its byte-pair vocabulary."""
    import json

    from transformers import CLIPConfig, CLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,'-()"
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({t: k for k, t in enumerate(tokens)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    size = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    size |= {"num_attention_heads": 2}
    ends = {"bos_token_id": len(tokens) - 2, "eos_token_id": len(tokens) - 1, "pad_token_id": 0}
    config = CLIPConfig(
        text_config={**size, **ends, "vocab_size": len(tokens), "max_position_embeddings": 20},
        vision_config={**size, "image_size": 32, "patch_size": 16},
        projection_dim=12,
    )
    torch.manual_seed(seed)
    model = CLIPModel(config)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    return folder
