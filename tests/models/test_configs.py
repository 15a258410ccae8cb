"""Configs derived from shapes alone, and what must be said beside them."""

from pathlib import Path
from typing import Any

import pytest

from models.build import empty_text_encoder, empty_unet, empty_vae
from models.compvis import VAE, text_names, unet_names, vae_names
from models.configs import base_config, text_config, unet_config, vae_config
from models.errors import BadModelFile
from models.facts import Facts, TextFacts, UNetFacts, VaeFacts
from models.identify import UNET, identify
from models.safetensors_header import Header, TensorInfo


def header(shapes: dict[str, tuple[int, ...]]) -> Header:
    return Header({name: TensorInfo("F16", shape) for name, shape in shapes.items()}, {})


def full_header(
    unet: dict[str, Any] | None = None,
    vae: dict[str, Any] | None = None,
    text: dict[str, Any] | None = None,
) -> Header:
    """Header of a single file whose networks have these configs."""
    unet_full = base_config("unet") | (unet or {})
    net = empty_unet(unet_full, "m").state_dict()
    code = empty_vae(base_config("vae") | (vae or {}), "m").state_dict()
    words = empty_text_encoder(base_config("text_encoder") | (text or {}), "m").state_dict()
    levels = len((base_config("vae") | (vae or {}))["block_out_channels"])
    shapes = {
        new: tuple(net[old].shape)
        for old, new in unet_names(list(net), unet_full["layers_per_block"]).items()
    }
    for old, new in vae_names(code, levels).items():
        shape = tuple(code[old].shape)
        conv = ".attn_1." in new and len(shape) == 2
        shapes[VAE + new] = (*shape, 1, 1) if conv else shape
    shapes |= {new: tuple(words[old].shape) for old, new in text_names(words).items()}
    return header(shapes)


NARROW = {
    "block_out_channels": [32, 64, 96],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "layers_per_block": 1,
    "cross_attention_dim": 48,
    "norm_num_groups": 8,
    "attention_head_dim": [2, 4, 6],
}


@pytest.mark.parametrize(
    ("changes", "variant"),
    [
        pytest.param({}, "base", id="sd1"),
        pytest.param({"in_channels": 9}, "inpaint", id="inpaint"),
        pytest.param({"in_channels": 8}, "instruct-pix2pix", id="pix2pix"),
        pytest.param({"use_linear_projection": True}, "base", id="linear projection"),
        pytest.param({"layers_per_block": 1}, "base", id="distilled: one layer"),
        pytest.param(NARROW, "base", id="narrow"),
    ],
)
def test_unet_config_from_shapes(changes: dict[str, Any], variant: str) -> None:
    table = full_header(unet=changes)
    kind = identify(table)
    facts = Facts(unet=UNetFacts(num_heads=(2, 4, 6), norm_num_groups=8))
    found = unet_config(table, kind, facts if changes is NARROW else Facts(), "m")
    assert kind.variant == variant
    assert found == base_config("unet") | changes


def test_vae_config_from_shapes() -> None:
    assert vae_config(full_header(), Facts(), "m") == base_config("vae")
    narrow = {
        "block_out_channels": [16, 32, 64],
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
        "layers_per_block": 1,
        "latent_channels": 4,
        "mid_block_add_attention": False,
        "norm_num_groups": 2,
        "scaling_factor": 0.7,
    }
    facts = Facts(vae=VaeFacts(norm_num_groups=2, scaling_factor=0.7))
    assert vae_config(full_header(vae=narrow), facts, "m") == base_config("vae") | narrow


def test_text_config_from_shapes() -> None:
    assert text_config(full_header(), Facts(), "m") == base_config("text_encoder")
    narrow = {
        "hidden_size": 48,
        "projection_dim": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "vocab_size": 1000,
        "hidden_act": "gelu",
    }
    facts = Facts(text_encoder=TextFacts(num_heads=3, hidden_act="gelu"))
    table = full_header(text=narrow)
    assert text_config(table, facts, "m") == base_config("text_encoder") | narrow


@pytest.mark.parametrize("part", ["unet", "vae", "text_encoder"])
def test_another_width_needs_facts(part: str) -> None:
    table = full_header(
        unet=NARROW,
        vae={"block_out_channels": [64, 64, 64, 64]},
        text={"hidden_size": 48, "projection_dim": 48},
    )
    derive = {
        "unet": lambda: unet_config(table, identify(table), Facts(), "my.ckpt"),
        "vae": lambda: vae_config(table, Facts(), "my.ckpt"),
        "text_encoder": lambda: text_config(table, Facts(), "my.ckpt"),
    }
    with pytest.raises(BadModelFile, match=rf"my\.overpaint\.json, for example .*{part}"):
        derive[part]()


@pytest.mark.parametrize(
    ("facts", "heads"),
    [
        (UNetFacts(num_heads=4), 4),
        (UNetFacts(num_head_channels=64), [5, 10, 20, 20]),
        (UNetFacts(num_heads=4, num_head_channels=64), 4),
        (UNetFacts(), 8),
    ],
    ids=str,
)
def test_heads_from_facts(facts: UNetFacts, heads: object) -> None:
    table = full_header()
    config = unet_config(table, identify(table), Facts(unet=facts), "m")
    assert config["attention_head_dim"] == heads


@pytest.mark.parametrize(
    ("lost", "finding"),
    [
        (f"{UNET}input_blocks.4.0.out_layers.3.weight", "tensor model.diffusion_model.input"),
        (f"{UNET}input_blocks.6.0.op.weight", "not laid out as in SD 1.x"),
        (f"{UNET}out.2.weight", "out.2.weight is missing"),
    ],
)
def test_a_unet_with_holes_is_refused(lost: str, finding: str) -> None:
    table = full_header()
    holed = Header({k: v for k, v in table.tensors.items() if k != lost}, {})
    with pytest.raises(BadModelFile, match=finding):
        unet_config(holed, identify(table), Facts(), "m")


def test_files_without_vae_or_text_encoder_are_refused() -> None:
    table = header({f"{UNET}input_blocks.0.0.weight": (320, 4, 3, 3)})
    with pytest.raises(BadModelFile, match="contains no VAE"):
        vae_config(table, Facts(), "m")
    with pytest.raises(BadModelFile, match="contains no CLIP text encoder"):
        text_config(table, Facts(), "m")


def test_configs_lie_where_the_package_says() -> None:
    assert (Path(__file__).parents[2] / "models/builtin/configs/sd1/unet/config.json").is_file()
