"""Key layouts of LoRA files against the layers of the full-size SD 1.x networks (15.5)."""

from __future__ import annotations

from functools import cache

import pytest

from models.build import empty_text_encoder, empty_unet
from models.compvis import unet_names
from models.configs import base_config
from models.extra_networks.keys import other_family, split_key, text_spellings, unet_spellings

DOWN = "down_blocks.1.attentions.0.transformer_blocks.0"
LDM = "input_blocks.4.1.transformer_blocks.0"
TEXT = "encoder.layers.11"


@cache
def unet_layers() -> dict[str, str]:
    unet = empty_unet(base_config("unet"), "sd1")
    names = [name for name, layer in unet.named_modules() if hasattr(layer, "weight")]
    return unet_spellings(names, 2)


@cache
def text_layers() -> dict[str, str]:
    encoder = empty_text_encoder(base_config("text_encoder"), "sd1")
    return text_spellings(n for n, layer in encoder.named_modules() if hasattr(layer, "weight"))


KOHYA_UNET = [
    ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q", f"{DOWN}.attn1.to_q"),
    (
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_out_0",
        f"{DOWN}.attn2.to_out.0",
    ),
    (
        "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_ff_net_0_proj",
        f"{DOWN}.ff.net.0.proj",
    ),
    ("lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_ff_net_2", f"{DOWN}.ff.net.2"),
    ("lora_unet_mid_block_attentions_0_proj_in", "mid_block.attentions.0.proj_in"),
    ("lora_unet_up_blocks_3_attentions_2_proj_out", "up_blocks.3.attentions.2.proj_out"),
    ("lora_unet_down_blocks_0_downsamplers_0_conv", "down_blocks.0.downsamplers.0.conv"),
    ("lora_unet_up_blocks_0_upsamplers_0_conv", "up_blocks.0.upsamplers.0.conv"),
    ("lora_unet_up_blocks_1_resnets_2_conv_shortcut", "up_blocks.1.resnets.2.conv_shortcut"),
    ("lora_unet_mid_block_resnets_1_time_emb_proj", "mid_block.resnets.1.time_emb_proj"),
    ("lora_unet_conv_in", "conv_in"),
    ("lora_unet_time_embedding_linear_1", "time_embedding.linear_1"),
    ("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", f"{DOWN}.attn1.to_q"),
    ("lora_unet_middle_block_1_proj_in", "mid_block.attentions.0.proj_in"),
    ("lora_unet_output_blocks_11_1_proj_out", "up_blocks.3.attentions.2.proj_out"),
    ("lora_unet_input_blocks_0_0", "conv_in"),
]
OTHER_UNET = [
    (f"unet.{DOWN}.attn1.to_q", f"{DOWN}.attn1.to_q"),
    (f"{DOWN}.attn2.to_k", f"{DOWN}.attn2.to_k"),
    (f"diffusion_model.{LDM}.attn1.to_q", f"{DOWN}.attn1.to_q"),
    (f"model.diffusion_model.{LDM}.attn2.to_out.0", f"{DOWN}.attn2.to_out.0"),
]


@pytest.mark.parametrize(("spelling", "layer"), KOHYA_UNET + OTHER_UNET)
def test_unet_layers(spelling: str, layer: str) -> None:
    assert unet_layers()[spelling] == layer


@pytest.mark.parametrize(
    ("spelling", "layer"),
    [
        ("lora_te_text_model_encoder_layers_11_self_attn_q_proj", f"{TEXT}.self_attn.q_proj"),
        ("lora_te_text_model_encoder_layers_11_mlp_fc2", f"{TEXT}.mlp.fc2"),
        ("lora_te1_text_model_encoder_layers_11_mlp_fc1", f"{TEXT}.mlp.fc1"),
        ("text_encoder.text_model.encoder.layers.11.self_attn.k_proj", f"{TEXT}.self_attn.k_proj"),
        ("text_encoder.encoder.layers.11.self_attn.out_proj", f"{TEXT}.self_attn.out_proj"),
        ("lora_te_text_model_final_layer_norm", "final_layer_norm"),
    ],
)
def test_text_layers(spelling: str, layer: str) -> None:
    assert text_layers()[spelling].removeprefix("text_model.") == layer


def test_every_layer_of_the_unet_has_all_spellings_and_none_is_ambiguous() -> None:
    spellings = unet_layers()
    layers = set(spellings.values())
    ldm = unet_names([f"{layer}.weight" for layer in layers], 2)
    assert len(set(ldm.values())) == len(layers)
    assert all(f"lora_unet_{layer.replace('.', '_')}" in spellings for layer in layers)
    dashed = {layer.replace(".", "_") for layer in layers}
    assert len(dashed) == len(layers)
    assert len({v.removesuffix(".weight").replace(".", "_") for v in ldm.values()}) == len(layers)


K = "lora_unet_mid_block_attentions_0_proj_in"
Q = f"unet.{DOWN}.attn1.to_q"


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (f"{K}.lora_up.weight", (K, "up")),
        (f"{K}.lora_down.weight", (K, "down")),
        (f"{K}.lora_mid.weight", (K, "mid")),
        (f"{K}.alpha", (K, "alpha")),
        (f"{K}.scale", (K, "scale")),
        (f"{K}.dora_scale", (K, "dora_scale")),
        (f"{K}.diff", (K, "diff")),
        (f"{K}.diff_b", (K, "diff_b")),
        (f"{K}.hada_w1_a", (K, "hada_w1_a")),
        (f"{K}.hada_t2", (K, "hada_t2")),
        (f"{K}.lokr_w1", (K, "lokr_w1")),
        (f"{K}.lokr_w2_b", (K, "lokr_w2_b")),
        (f"{K}.lokr_t2", (K, "lokr_t2")),
        (f"{K}.weight", (K, "ia3")),
        (f"{K}.on_input", (K, "on_input")),
        (f"{K}.w_norm", (K, "w_norm")),
        (f"{K}.b_norm", (K, "b_norm")),
        (f"{K}.a1.weight", (K, "glora_a1")),
        (f"{K}.b2.weight", (K, "glora_b2")),
        (f"{K}.oft_blocks", (K, "oft_blocks")),
        (f"{Q}.lora_A.weight", (Q, "down")),
        (f"{Q}.lora_B.weight", (Q, "up")),
        (f"base_model.model.{DOWN}.attn1.to_q.lora_A.default.weight", (Q[5:], "down")),
        (f"{Q}.lora.up.weight", (Q, "up")),
        (f"{Q}.lora_linear_layer.down.weight", (Q, "down")),
        (f"{Q}.lora_magnitude_vector", (Q, "dora_scale")),
        (f"unet.{DOWN}.attn1.processor.to_q_lora.up.weight", (Q, "up")),
        (
            f"unet.{DOWN}.attn2.processor.to_out_lora.down.weight",
            (f"unet.{DOWN}.attn2.to_out.0", "down"),
        ),
        (
            f"text_encoder.text_model.{TEXT}.self_attn.to_out_lora.down.weight",
            (f"text_encoder.text_model.{TEXT}.self_attn.out_proj", "down"),
        ),
        ("something", None),
        (f"{K}.rank_of_it", None),
    ],
)
def test_parts(key: str, expected: tuple[str, str] | None) -> None:
    assert split_key(key) == expected


@pytest.mark.parametrize(
    ("key", "metadata", "family"),
    [
        (f"{K}.lora_up.weight", {}, None),
        (f"{K}.lora_up.weight", {"ss_base_model_version": "sd_v1"}, None),
        (f"{K}.lora_up.weight", {"ss_base_model_version": "sdxl_base_v1-0"}, "SDXL"),
        ("lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha", {}, "SDXL"),
        ("text_encoder_2.text_model.encoder.layers.0.mlp.fc1.lora_A.weight", {}, "SDXL"),
        (
            "lora_unet_input_blocks_7_1_transformer_blocks_9_attn1_to_q.lora_up.weight",
            {},
            "SDXL",
        ),
        ("lora_unet_double_blocks_0_img_attn_proj.lora_up.weight", {}, "Flux or SD3"),
        ("transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", {}, "Flux or SD3"),
    ],
)
def test_other_families(key: str, metadata: dict[str, str], family: str | None) -> None:
    assert other_family([key], metadata) == family
