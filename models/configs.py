"""Configs of the diffusers modules for a single file, derived from its tensors' shapes. No torch.

The SD 1.x configs in `builtin/configs/sd1` are the base; shapes replace what differs in a narrower
or shorter network of the same layout. What shapes cannot tell (attention heads, norm groups) comes
from the checkpoint's facts, and a network of another width is refused without them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.compvis import TEXT, VAE
from models.errors import BadModelFile
from models.facts import Facts
from models.identify import UNET, ModelKind
from models.safetensors_header import Header

SD1_CONFIGS = Path(__file__).parent / "builtin" / "configs" / "sd1"


def base_config(part: str) -> dict[str, Any]:
    """The SD 1.x config of "unet", "vae" or "text_encoder", without its private keys."""
    config = json.loads((SD1_CONFIGS / part / "config.json").read_text(encoding="utf-8"))
    return {key: value for key, value in config.items() if not key.startswith("_")}


def unet_config(header: Header, kind: ModelKind, facts: Facts, name: str) -> dict[str, Any]:
    """Config of the UNet2DConditionModel whose CompVis tensors `header` lists.

    Raises BadModelFile if the layout is not that of SD or needs facts that nobody gave.
    """
    prefix = f"{UNET}input_blocks."
    count = 1 + max((_index(key, prefix) for key in header.tensors), default=0)
    downs = [i for i in range(1, count) if f"{prefix}{i}.0.op.weight" in header.tensors]
    per_level = downs[0] if downs else count
    layers = per_level - 1
    firsts = range(1, count, per_level)
    channels = [_out_channels(header, f"{prefix}{i}.0.out_layers.3.weight", name) for i in firsts]
    attentive = [f"{prefix}{i}.1.norm.weight" in header.tensors for i in firsts]
    if layers < 1 or downs != [per_level * (k + 1) for k in range(len(channels) - 1)]:
        raise BadModelFile(f"{name}: its U-Net is not laid out as in SD 1.x. Choose another file.")
    projection = header.shape(f"{UNET}middle_block.1.proj_in.weight") or ()
    config = base_config("unet") | {
        "sample_size": kind.native_size // 8,
        "in_channels": kind.in_channels,
        "out_channels": _out_channels(header, f"{UNET}out.2.weight", name),
        "block_out_channels": channels,
        "layers_per_block": layers,
        "down_block_types": [_block("Down", has) for has in attentive],
        "up_block_types": [_block("Up", has) for has in reversed(attentive)],
        "cross_attention_dim": kind.context_dim or 768,
        "use_linear_projection": len(projection) == 2,
    }
    standard = channels[0] == 320
    groups = facts.unet.norm_num_groups or (32 if standard else None)
    heads = _heads(facts, channels) or (8 if standard else None)
    if groups is None or heads is None:
        raise _needs_facts(name, '{"unet": {"num_heads": 8, "norm_num_groups": 32}}', "U-Net")
    return config | {"norm_num_groups": groups, "attention_head_dim": heads}


def vae_config(header: Header, facts: Facts, name: str, prefix: str = VAE) -> dict[str, Any]:
    """Config of the AutoencoderKL whose CompVis tensors stand under `prefix` in `header`.

    Raises BadModelFile as `unet_config` does.
    """
    levels = 1 + max((_index(key, f"{prefix}encoder.down.") for key in header.tensors), default=-1)
    if levels == 0:
        raise BadModelFile(
            f"{name} contains no VAE. Put one into the VAE folder and choose it in the settings."
        )
    block = f"{prefix}encoder.down.0.block."
    channels = [
        _out_channels(header, f"{prefix}encoder.down.{i}.block.0.conv1.weight", name)
        for i in range(levels)
    ]
    latents = header.shape(f"{prefix}decoder.conv_in.weight") or (0, 0)
    config = base_config("vae") | {
        "block_out_channels": channels,
        "layers_per_block": 1 + max(_index(key, block) for key in header.tensors),
        "down_block_types": ["DownEncoderBlock2D"] * levels,
        "up_block_types": ["UpDecoderBlock2D"] * levels,
        "latent_channels": latents[1],
        "mid_block_add_attention": f"{prefix}encoder.mid.attn_1.q.weight" in header.tensors,
        "use_quant_conv": f"{prefix}quant_conv.weight" in header.tensors,
        "use_post_quant_conv": f"{prefix}post_quant_conv.weight" in header.tensors,
    }
    groups = facts.vae.norm_num_groups or (32 if channels[0] == 128 else None)
    if groups is None:
        raise _needs_facts(name, '{"vae": {"norm_num_groups": 32}}', "VAE")
    scale = facts.vae.scaling_factor
    return config | {"norm_num_groups": groups} | ({"scaling_factor": scale} if scale else {})


def text_config(header: Header, facts: Facts, name: str) -> dict[str, Any]:
    """Config of the CLIPTextModel in `header`; its names may lack `text_model.` (behaviour 15.2).

    Raises BadModelFile as `unet_config` does.
    """
    inner = f"{TEXT}text_model."
    if not any(key.startswith(inner) for key in header.tensors):
        inner = TEXT
    tokens = header.shape(f"{inner}embeddings.token_embedding.weight")
    positions = header.shape(f"{inner}embeddings.position_embedding.weight")
    layer = f"{inner}encoder.layers."
    feed_forward = header.shape(f"{layer}0.mlp.fc1.weight")
    if tokens is None or positions is None or feed_forward is None:
        raise BadModelFile(
            f"{name} contains no CLIP text encoder, so it cannot read prompts. "
            "Choose a complete checkpoint."
        )
    width = tokens[-1]
    heads = facts.text_encoder.num_heads or (12 if width == 768 else None)
    if heads is None:
        raise _needs_facts(name, '{"text_encoder": {"num_heads": 12}}', "text encoder")
    return base_config("text_encoder") | {
        "vocab_size": tokens[0],
        "hidden_size": width,
        "projection_dim": width,
        "max_position_embeddings": positions[0],
        "intermediate_size": feed_forward[0],
        "num_hidden_layers": 1 + max(_index(key, layer) for key in header.tensors),
        "num_attention_heads": heads,
        "hidden_act": facts.text_encoder.hidden_act or "quick_gelu",
    }


def _heads(facts: Facts, channels: list[int]) -> int | list[int] | None:
    """Number of heads; diffusers' `attention_head_dim` means just that for SD 1.x."""
    given = facts.unet.num_heads
    if isinstance(given, tuple):
        return list(given)
    if given is None and facts.unet.num_head_channels is not None:
        return [max(1, width // facts.unet.num_head_channels) for width in channels]
    return given


def _block(side: str, attentive: bool) -> str:
    return f"{'CrossAttn' if attentive else ''}{side}Block2D"


def _index(key: str, prefix: str) -> int:
    """The number right after `prefix` in `key`, or -1."""
    number = key[len(prefix) :].split(".", 1)[0] if key.startswith(prefix) else ""
    return int(number) if number.isdecimal() and len(number) < 4 else -1


def _out_channels(header: Header, key: str, name: str) -> int:
    shape = header.shape(key)
    if not shape:
        raise BadModelFile(f"{name} is incomplete: the tensor {key} is missing. Download it again.")
    return shape[0]


def _needs_facts(name: str, example: str, part: str) -> BadModelFile:
    stem = name.rsplit(".", 1)[0]
    return BadModelFile(
        f"{name}: its {part} has another width than SD 1.x, and shapes do not tell its attention "
        f"heads and norm groups. Write them into {stem}.overpaint.json, for example {example}."
    )
