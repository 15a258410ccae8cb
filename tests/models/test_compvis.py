"""Tensor names of single files, against diffusers' own converter and SD 1.x's public layout."""

import json
from typing import Any

import pytest
import torch
from diffusers.loaders.single_file_utils import (
    convert_ldm_unet_checkpoint,
    convert_ldm_vae_checkpoint,
)

from models.build import empty_text_encoder, empty_unet, empty_vae
from models.compvis import TEXT, VAE, text_names, unet_names, vae_names
from models.configs import base_config
from models.identify import UNET

UNET_NARROW = {
    "block_out_channels": [32, 64, 64],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "cross_attention_dim": 32,
}
UNETS = {"sd1": {}, "narrow": UNET_NARROW, "three layers": {"layers_per_block": 3}}
VAES: dict[str, dict[str, Any]] = {
    "sd1": {},
    "two levels": {
        "block_out_channels": [32, 64],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "layers_per_block": 1,
    },
}


@pytest.mark.parametrize("changes", UNETS.values(), ids=UNETS.keys())
def test_unet_names_agree_with_diffusers(changes: dict[str, Any]) -> None:
    config = base_config("unet") | changes
    ours = unet_names(list(empty_unet(config, "m").state_dict()), config["layers_per_block"])
    assert len(set(ours.values())) == len(ours)
    tagged = {theirs: torch.tensor(i) for i, theirs in enumerate(ours.values())}
    back = convert_ldm_unet_checkpoint(tagged, config)
    assert {name: int(tag) for name, tag in back.items()} == {
        name: int(tagged[theirs]) for name, theirs in ours.items()
    }


@pytest.mark.parametrize("changes", VAES.values(), ids=VAES.keys())
def test_vae_names_agree_with_diffusers(changes: dict[str, Any]) -> None:
    config = base_config("vae") | changes
    state = empty_vae(config, "m").state_dict()
    ours = vae_names(state, len(config["block_out_channels"]))
    tagged = {VAE + theirs: torch.full((1, 1, 1, 1), i) for i, theirs in enumerate(ours.values())}
    back = convert_ldm_vae_checkpoint(dict(tagged), config)
    assert {name: int(tag) for name, tag in back.items()} == {
        name: int(tagged[VAE + theirs]) for name, theirs in ours.items()
    }


def sd1_unet_by_hand() -> set[str]:
    """The 686 tensors of the SD 1.x U-Net, written out from its published layout."""
    res = [f"{part}.{kind}" for part in ("in_layers.0", "in_layers.2", "emb_layers.1",
           "out_layers.0", "out_layers.3") for kind in ("weight", "bias")]  # fmt: skip
    block = "transformer_blocks.0"
    cross = [f"{part}.{kind}" for part in ("norm", "proj_in", "proj_out", f"{block}.norm1",
             f"{block}.norm2", f"{block}.norm3", f"{block}.ff.net.0.proj", f"{block}.ff.net.2",
             f"{block}.attn1.to_out.0", f"{block}.attn2.to_out.0")
             for kind in ("weight", "bias")]  # fmt: skip
    cross += [f"{block}.attn{n}.to_{p}.weight" for n in (1, 2) for p in ("q", "k", "v")]
    skip = ["skip_connection.weight", "skip_connection.bias"]
    blocks: dict[str, list[str]] = {"middle_block.0": res, "middle_block.1": cross,
                                    "middle_block.2": res}  # fmt: skip
    for i in (1, 2, 4, 5, 7, 8, 10, 11):
        blocks[f"input_blocks.{i}.0"] = res + (skip if i in (4, 7) else [])
        if i < 9:
            blocks[f"input_blocks.{i}.1"] = cross
    for i in range(12):
        blocks[f"output_blocks.{i}.0"] = res + skip
        if i > 2:
            blocks[f"output_blocks.{i}.1"] = cross
    names = {f"{block}.{rest}" for block, parts in blocks.items() for rest in parts}
    lone = ["time_embed.0", "time_embed.2", "input_blocks.0.0", "out.0", "out.2",
            "input_blocks.3.0.op", "input_blocks.6.0.op", "input_blocks.9.0.op",
            "output_blocks.2.1.conv", "output_blocks.5.2.conv",
            "output_blocks.8.2.conv"]  # fmt: skip
    return names | {f"{part}.{kind}" for part in lone for kind in ("weight", "bias")}


def test_the_full_size_unet_has_859_5_million_weights_and_the_published_names() -> None:
    unet = empty_unet(base_config("unet"), "sd1")
    assert sum(parameter.numel() for parameter in unet.parameters()) == 859_520_964
    names = unet_names(list(unet.state_dict()), layers_per_block=2)
    by_hand = sd1_unet_by_hand()
    assert len(by_hand) == 686
    assert set(names.values()) == {UNET + name for name in by_hand}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("encoder.conv_in.weight", "encoder.conv_in.weight"),
        (
            "encoder.down_blocks.1.resnets.0.conv_shortcut.bias",
            "encoder.down.1.block.0.nin_shortcut.bias",
        ),
        (
            "encoder.down_blocks.2.downsamplers.0.conv.weight",
            "encoder.down.2.downsample.conv.weight",
        ),
        ("encoder.mid_block.attentions.0.to_q.weight", "encoder.mid.attn_1.q.weight"),
        ("decoder.mid_block.attentions.0.to_out.0.bias", "decoder.mid.attn_1.proj_out.bias"),
        ("decoder.mid_block.attentions.0.group_norm.bias", "decoder.mid.attn_1.norm.bias"),
        ("decoder.mid_block.resnets.1.norm2.weight", "decoder.mid.block_2.norm2.weight"),
        ("decoder.up_blocks.0.resnets.2.conv1.weight", "decoder.up.3.block.2.conv1.weight"),
        ("decoder.up_blocks.0.upsamplers.0.conv.bias", "decoder.up.3.upsample.conv.bias"),
        ("decoder.conv_norm_out.weight", "decoder.norm_out.weight"),
        ("quant_conv.weight", "quant_conv.weight"),
    ],
)
def test_vae_names_of_sd1(ours: str, theirs: str) -> None:
    vae = empty_vae(base_config("vae"), "sd1")
    assert sum(parameter.numel() for parameter in vae.parameters()) == 83_653_863
    assert len(vae.state_dict()) == 248
    assert vae_names(vae.state_dict(), 4)[ours] == theirs


def test_text_names_of_sd1_do_not_depend_on_the_version_of_transformers() -> None:
    encoder = empty_text_encoder(base_config("text_encoder"), "sd1")
    assert sum(parameter.numel() for parameter in encoder.parameters()) == 123_060_480
    state = list(encoder.state_dict())
    assert len(state) == 196
    expected = f"{TEXT}text_model.encoder.layers.11.mlp.fc2.weight"
    assert expected in text_names(state).values()
    other = [
        name.removeprefix("text_model.") if name.startswith("text_model.") else f"text_model.{name}"
        for name in state
    ]
    assert set(text_names(other).values()) == set(text_names(state).values())


def test_the_hand_written_configs_are_json_of_sd1() -> None:
    """Public architecture facts; diffusers' defaults must not be able to change them."""
    unet, vae, text = (base_config(part) for part in ("unet", "vae", "text_encoder"))
    assert unet["block_out_channels"] == [320, 640, 1280, 1280]
    assert (unet["cross_attention_dim"], unet["attention_head_dim"]) == (768, 8)
    assert (vae["block_out_channels"], vae["scaling_factor"]) == ([128, 256, 512, 512], 0.18215)
    assert (text["hidden_size"], text["num_hidden_layers"], text["hidden_act"]) == (
        768,
        12,
        "quick_gelu",
    )
    assert json.dumps([unet, vae, text])
