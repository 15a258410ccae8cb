"""Names of SD tensors in single files (CompVis / LDM layout) from their diffusers names. No torch.

The direction is diffusers -> CompVis because the diffusers module, built from a config, says
exactly which tensors there must be; a file that has fewer or more is refused by the loader.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from models.identify import UNET

VAE = "first_stage_model."
TEXT = "cond_stage_model.transformer."

_UNET_TOP = {
    "conv_in": "input_blocks.0.0",
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
_RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_VAE_ATTENTION = {
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
_BLOCK = re.compile(r"(down|up)_blocks\.(\d+)\.(resnets|attentions|downsamplers|upsamplers)\.(\d+)")
_MID = {"resnets.0": "0", "attentions.0": "1", "resnets.1": "2"}


def unet_names(names: Collection[str], layers_per_block: int) -> dict[str, str]:
    """CompVis name (with its `model.diffusion_model.` prefix) of every U-Net tensor.

    `names` are the tensors of a diffusers UNet2DConditionModel, `layers_per_block` is its config's.
    """
    attentive = {
        int(match[2]) for name in names if (match := _BLOCK.match(name)) and _is_up_attention(match)
    }
    return {name: UNET + _unet_name(name, layers_per_block, attentive) for name in names}


def vae_names(names: Iterable[str], levels: int) -> dict[str, str]:
    """CompVis name, without the `first_stage_model.` prefix, of every AutoencoderKL tensor."""
    return {name: _vae_name(name, levels) for name in names}


def text_names(names: Iterable[str]) -> dict[str, str]:
    """CompVis name of every CLIPTextModel tensor, however transformers spells them."""
    return {name: f"{TEXT}text_model.{name.removeprefix('text_model.')}" for name in names}


def _is_up_attention(match: re.Match[str]) -> bool:
    return match[1] == "up" and match[3] == "attentions"


def _unet_name(name: str, layers: int, attentive: set[int]) -> str:
    for ours, theirs in _UNET_TOP.items():
        if name.startswith(f"{ours}."):
            return theirs + name[len(ours) :]
    if name.startswith("mid_block."):
        part, rest = _split(name.removeprefix("mid_block."), 2)
        return f"middle_block.{_MID[part]}.{_resnet(rest) if 'resnets' in part else rest}"
    match = _BLOCK.match(name)
    if match is None:
        raise KeyError(name)
    side, block, what, layer = match[1], int(match[2]), match[3], int(match[4])
    rest = name[match.end() + 1 :]
    first = block * (layers + 1)
    if what == "downsamplers":
        return f"input_blocks.{first + layers + 1}.0.op.{rest.removeprefix('conv.')}"
    if what == "upsamplers":
        return f"output_blocks.{first + layers}.{2 if block in attentive else 1}.{rest}"
    index = (
        f"input_blocks.{first + layer + 1}" if side == "down" else f"output_blocks.{first + layer}"
    )
    return f"{index}.0.{_resnet(rest)}" if what == "resnets" else f"{index}.1.{rest}"


def _vae_name(name: str, levels: int) -> str:
    name = name.replace("conv_norm_out", "norm_out")
    match = re.match(r"(encoder|decoder)\.(.*)", name)
    if match is None:
        return name
    half, rest = match[1], match[2]
    if rest.startswith("mid_block.attentions.0."):
        part, tail = rest.removeprefix("mid_block.attentions.0.").rsplit(".", 1)
        return f"{half}.mid.attn_1.{_VAE_ATTENTION[part]}.{tail}"
    if rest.startswith("mid_block.resnets."):
        _, _, layer, tail = rest.split(".", 3)
        return f"{half}.mid.block_{int(layer) + 1}.{tail}"
    block = _BLOCK.match(rest)
    if block is None:
        return name
    tail = rest[block.end() + 1 :].replace("conv_shortcut", "nin_shortcut")
    level = int(block[2]) if block[1] == "down" else levels - 1 - int(block[2])
    if block[3] == "resnets":
        return f"{half}.{block[1]}.{level}.block.{block[4]}.{tail}"
    return f"{half}.{block[1]}.{level}.{block[1]}sample.{tail}"


def _resnet(rest: str) -> str:
    part, tail = _split(rest, 1)
    return f"{_RESNET[part]}.{tail}"


def _split(name: str, parts: int) -> tuple[str, str]:
    pieces = name.split(".")
    return ".".join(pieces[:parts]), ".".join(pieces[parts:])
