"""The shapes of the networks that ship, and builders for them. SD 1.x layouts, small widths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextConfig, CLIPTextModel

BEGIN_TOKEN, END_TOKEN = 49406, 49407
VOCABULARY_SIZE = 49408
TOKENS = 77


@dataclass(frozen=True, slots=True)
class Sizes:
    """Channels per level, and widths. `head` is the width of a UNet attention head."""

    vae: tuple[int, ...]
    unet: tuple[int, ...]
    text: int
    text_layers: int
    head: int = 32
    vae_groups: int = 2
    unet_groups: int = 8


SIZES = {
    "shipped": Sizes((16, 32, 64, 96), (64, 128, 160), 96, 3),
    "wide": Sizes((16, 32, 64, 96), (64, 128, 192), 96, 3),
    "smoke": Sizes((8, 8, 8, 16), (8, 16, 16), 32, 1, head=8, unet_groups=4),
}
"""shipped: today's checkpoint; wide: the most that 40 MB hold; smoke: for tests."""


def build_vae(sizes: Sizes) -> AutoencoderKL:
    """An 8-fold autoencoder; without attention, so that crops teach it whole pictures."""
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=sizes.vae,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=sizes.vae_groups,
        sample_size=256,
        mid_block_add_attention=False,
    )


def build_unet(sizes: Sizes, in_channels: int = 4) -> UNet2DConditionModel:
    """A denoiser with cross-attention on all levels but the outermost. 9 channels inpaint."""
    count = len(sizes.unet)
    return UNet2DConditionModel(
        sample_size=32,
        in_channels=in_channels,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=sizes.unet,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * (count - 1)),
        up_block_types=(*["CrossAttnUpBlock2D"] * (count - 1), "UpBlock2D"),
        cross_attention_dim=sizes.text,
        attention_head_dim=tuple(max(1, width // sizes.head) for width in sizes.unet),
        norm_num_groups=sizes.unet_groups,
    )


def text_config(sizes: Sizes, vocabulary: int, begin: int, end: int) -> CLIPTextConfig:
    """The config of a CLIP text model for a vocabulary of that many entries."""
    return CLIPTextConfig(
        vocab_size=vocabulary,
        bos_token_id=begin,
        eos_token_id=end,
        pad_token_id=end,
        hidden_size=sizes.text,
        intermediate_size=4 * sizes.text,
        num_hidden_layers=sizes.text_layers,
        num_attention_heads=max(1, sizes.text // 32),
        max_position_embeddings=TOKENS,
        projection_dim=sizes.text,
        hidden_act="quick_gelu",
    )


def build_text(sizes: Sizes, vocabulary: int, begin: int, end: int) -> CLIPTextModel:
    """A CLIP text model with explicit attention, which trains faster on CPUs (tiny-model 2.4)."""
    config = text_config(sizes, vocabulary, begin, end)
    config._attn_implementation = "eager"
    model = CLIPTextModel(config)
    model.get_input_embeddings().weight.data.normal_(0, 0.05)
    return model


def fill_text(text: CLIPTextModel, state: Mapping[str, Tensor]) -> CLIPTextModel:
    """Load weights whose names may or may not begin with `text_model.`, as versions differ."""
    prefix = "text_model."
    wanted = prefix if next(iter(text.state_dict())).startswith(prefix) else ""
    text.load_state_dict({wanted + name.removeprefix(prefix): state[name] for name in state})
    return text
