"""Small LoRA files for tests, made for the built-in checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

ATTN = "mid_block.attentions.0.transformer_blocks.0.attn2"
UNET_KEY = f"lora_unet_{ATTN.replace('.', '_')}_to_q"
TEXT_KEY = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
UNET_WIDTH, TEXT_WIDTH = 160, 96


def low_rank(
    key: str, outputs: int, inputs: int, *, seed: int = 0, size: float = 0.1
) -> dict[str, Tensor]:
    """The tensors of a rank-2 LoRA of one linear layer, alpha 1, float16."""
    dice = torch.Generator().manual_seed(seed)
    return {
        f"{key}.lora_up.weight": (torch.randn(outputs, 2, generator=dice) * size).half(),
        f"{key}.lora_down.weight": (torch.randn(2, inputs, generator=dice) * size).half(),
        f"{key}.alpha": torch.tensor(1.0).half(),
    }


def both_sides(seed: int = 0, size: float = 0.1) -> dict[str, Tensor]:
    """One layer of the U-Net and one of the text encoder."""
    unet = low_rank(UNET_KEY, UNET_WIDTH, UNET_WIDTH, seed=seed, size=size)
    return unet | low_rank(TEXT_KEY, TEXT_WIDTH, TEXT_WIDTH, seed=seed + 1, size=size)


def write_lora(
    path: Path,
    tensors: Mapping[str, Tensor] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """A LoRA file; without `tensors` that of `both_sides`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(
        dict(both_sides() if tensors is None else tensors), path, metadata=dict(metadata or {})
    )
    return path
