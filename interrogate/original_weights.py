"""Weights as their authors published them, in transformers' names: BLIP and OpenAI's CLIP.

A1111 uses these files (behaviour 13.1). Sizes are read from the shapes; nothing is loaded here.
Sources: the published networks (BSD-3 `salesforce/BLIP`, MIT `openai/CLIP`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import torch

from models.errors import BadModelFile

Tensors = dict[str, torch.Tensor]

HEAD_WIDTH = 64
"""Width of one attention head in all published sizes of both."""

_BLIP_EYES = (
    (r"^visual_encoder\.cls_token$", "vision_model.embeddings.class_embedding"),
    (r"^visual_encoder\.pos_embed$", "vision_model.embeddings.position_embedding"),
    (r"^visual_encoder\.patch_embed\.proj\.", "vision_model.embeddings.patch_embedding."),
    (r"^visual_encoder\.norm\.", "vision_model.post_layernorm."),
    (r"^visual_encoder\.blocks\.(\d+)\.attn\.proj\.",
     r"vision_model.encoder.layers.\1.self_attn.projection."),
    (r"^visual_encoder\.blocks\.(\d+)\.attn\.", r"vision_model.encoder.layers.\1.self_attn."),
    (r"^visual_encoder\.blocks\.(\d+)\.norm([12])\.",
     r"vision_model.encoder.layers.\1.layer_norm\2."),
    (r"^visual_encoder\.blocks\.(\d+)\.", r"vision_model.encoder.layers.\1."),
)  # fmt: skip
"""The decoder's names are the same on both sides."""

_BLOCK = r"transformer\.resblocks\.(\d+)\."
_CLIP_BLOCK = (
    (r"attn\.out_proj\.", "self_attn.out_proj."),
    (r"ln_1\.", "layer_norm1."),
    (r"ln_2\.", "layer_norm2."),
    (r"mlp\.c_fc\.", "mlp.fc1."),
    (r"mlp\.c_proj\.", "mlp.fc2."),
)
_CLIP = (
    (r"^token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"^positional_embedding$", "text_model.embeddings.position_embedding.weight"),
    (r"^ln_final\.", "text_model.final_layer_norm."),
    (r"^visual\.class_embedding$", "vision_model.embeddings.class_embedding"),
    (r"^visual\.positional_embedding$", "vision_model.embeddings.position_embedding.weight"),
    (r"^visual\.conv1\.", "vision_model.embeddings.patch_embedding."),
    (r"^visual\.ln_pre\.", "vision_model.pre_layrnorm."),  # transformers' own spelling
    (r"^visual\.ln_post\.", "vision_model.post_layernorm."),
    *((rf"^visual\.{_BLOCK}{old}", rf"vision_model.encoder.layers.\1.{new}")
      for old, new in _CLIP_BLOCK),
    *((rf"^{_BLOCK}{old}", rf"text_model.encoder.layers.\1.{new}") for old, new in _CLIP_BLOCK),
)  # fmt: skip
_CLIP_NUMBERS = frozenset({"input_resolution", "context_length", "vocab_size"})
"""Numbers that old files keep among the weights."""
_FUSED = re.compile(rf"^(visual\.)?{_BLOCK}attn\.in_proj_(weight|bias)$")


def blip_of_salesforce(
    tensors: Mapping[str, torch.Tensor], end: int, what: str
) -> tuple[Any, Tensors]:
    """The config and the tensors for transformers' BLIP; `end` is the number of BERT's [SEP].

    Raises BadModelFile for other models.
    """
    renamed = {_renamed(name, _BLIP_EYES): tensor for name, tensor in tensors.items()}
    try:
        patches = tensors["visual_encoder.patch_embed.proj.weight"]
        places = tensors["visual_encoder.pos_embed"].shape[1]
        eyes = "visual_encoder.blocks."
        vision = {
            **_sizes(patches.shape[0], _count(tensors, eyes)),
            "intermediate_size": tensors[f"{eyes}0.mlp.fc1.weight"].shape[0],
            "patch_size": patches.shape[2],
            "image_size": _side(places, patches.shape[2]),
            "layer_norm_eps": 1e-6,
        }
        words = tensors["text_decoder.bert.embeddings.word_embeddings.weight"]
        layers = "text_decoder.bert.encoder.layer."
        text = {
            **_sizes(words.shape[1], _count(tensors, layers)),
            "vocab_size": words.shape[0],
            "intermediate_size": tensors[f"{layers}0.intermediate.dense.weight"].shape[0],
            "encoder_hidden_size": patches.shape[0],
            "max_position_embeddings": tensors[
                "text_decoder.bert.embeddings.position_embeddings.weight"
            ].shape[0],
            "bos_token_id": words.shape[0] - 2,  # BLIP adds [DEC] and [ENC] to BERT's words
            "eos_token_id": 2,
            "sep_token_id": end,
            "pad_token_id": 0,
        }
    except (KeyError, IndexError, ValueError) as error:
        raise BadModelFile(
            f"{what} is no BLIP captioner ({error} is missing or odd). Put A1111's "
            "model_base_caption_capfilt_large.pth there."
        ) from error
    return {"vision_config": vision, "text_config": text}, renamed


def clip_of_openai(tensors: Mapping[str, torch.Tensor], what: str) -> tuple[Any, Tensors]:
    """The config and the tensors for transformers' CLIP. Raises BadModelFile for other models."""
    try:
        words, places = tensors["token_embedding.weight"], tensors["positional_embedding"]
        width = tensors["text_projection"].shape[1]
        text = {
            **_clip_side(tensors, "transformer.resblocks.", words.shape[1]),
            "vocab_size": words.shape[0],
            "max_position_embeddings": places.shape[0],
            "bos_token_id": words.shape[0] - 2,
            "eos_token_id": words.shape[0] - 1,
            "pad_token_id": words.shape[0] - 1,
        }
        patches = tensors["visual.conv1.weight"]
        vision = {
            **_clip_side(tensors, "visual.transformer.resblocks.", patches.shape[0]),
            "patch_size": patches.shape[2],
            "image_size": _side(tensors["visual.positional_embedding"].shape[0], patches.shape[2]),
        }
        renamed = _clip_tensors(tensors)
    except (KeyError, IndexError, ValueError) as error:
        raise BadModelFile(
            f"{what} is no CLIP of OpenAI's with a vision transformer ({error} is missing or odd). "
            "Put ViT-L-14.pt there."
        ) from error
    return {"text_config": text, "vision_config": vision, "projection_dim": width}, renamed


def _clip_tensors(tensors: Mapping[str, torch.Tensor]) -> Tensors:
    """Renamed; projections turned, and the fused attention taken apart into its three."""
    found: Tensors = {
        "text_projection.weight": tensors["text_projection"].T,
        "visual_projection.weight": tensors["visual.proj"].T,
    }
    for name, tensor in tensors.items():
        fused = _FUSED.match(name)
        if fused:
            side = "vision_model" if fused[1] else "text_model"
            base = f"{side}.encoder.layers.{fused[2]}.self_attn"
            for letter, part in zip("qkv", tensor.chunk(3), strict=True):
                found[f"{base}.{letter}_proj.{fused[3]}"] = part
        elif name not in {"text_projection", "visual.proj", *_CLIP_NUMBERS}:
            found[_renamed(name, _CLIP)] = tensor
    return found


def _clip_side(tensors: Mapping[str, torch.Tensor], blocks: str, width: int) -> dict[str, Any]:
    return {
        **_sizes(width, _count(tensors, blocks)),
        "intermediate_size": tensors[f"{blocks}0.mlp.c_fc.weight"].shape[0],
        "hidden_act": "quick_gelu",
    }


def _sizes(width: int, layers: int) -> dict[str, int]:
    heads = max(1, width // HEAD_WIDTH)
    return {"hidden_size": width, "num_hidden_layers": layers, "num_attention_heads": heads}


def _count(tensors: Mapping[str, torch.Tensor], prefix: str) -> int:
    """How many blocks are numbered under the prefix."""
    return len({name[len(prefix) :].split(".")[0] for name in tensors if name.startswith(prefix)})


def _side(places: int, patch: int) -> int:
    """Side of the picture in pixels from the number of places, one of which is the class."""
    grid = int((places - 1) ** 0.5)
    if grid * grid != places - 1:
        raise ValueError(f"a grid of {places - 1} patches")
    return grid * patch


def _renamed(name: str, table: tuple[tuple[str, str], ...]) -> str:
    for old, new in table:
        changed, count = re.subn(old, new, name)
        if count:
            return changed
    return name
