"""BLIP and CLIP with random weights in the module layout of their authors, as references.

Written from the published architectures; they share nothing with the code that reads their files.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import BlipTextConfig
from transformers.models.blip.modeling_blip_text import BlipTextLMHeadModel


class QuickGelu(nn.Module):
    def forward(self, x: Tensor) -> Any:
        return x * torch.sigmoid(1.702 * x)


class ClipBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn = nn.MultiheadAttention(width, width // 64)
        self.ln_1 = nn.LayerNorm(width)
        parts = OrderedDict(
            c_fc=nn.Linear(width, 2 * width), gelu=QuickGelu(), c_proj=nn.Linear(2 * width, width)
        )
        self.mlp = nn.Sequential(parts)
        self.ln_2 = nn.LayerNorm(width)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Any:
        """(places, pictures, width)."""
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp(self.ln_2(x))


class ClipTransformer(nn.Module):
    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.resblocks = nn.Sequential(*(ClipBlock(width) for _ in range(layers)))


class ClipEyes(nn.Module):
    def __init__(self, width: int, layers: int, output: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 16, 16, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width))
        self.positional_embedding = nn.Parameter(torch.randn(5, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = ClipTransformer(width, layers)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, output))

    def forward(self, x: Tensor) -> Any:
        x = self.conv1(x).flatten(2).permute(0, 2, 1)
        first = self.class_embedding + torch.zeros(x.shape[0], 1, x.shape[-1])
        x = self.ln_pre(torch.cat([first, x], 1) + self.positional_embedding).permute(1, 0, 2)
        for block in self.transformer.resblocks:
            x = block(x)
        return self.ln_post(x[0]) @ self.proj


class OpenAiClip(nn.Module):
    """OpenAI's layout: 32x32 pictures in patches of 16, `words` tokens, 20 places."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.visual = ClipEyes(128, 2, 48)
        self.transformer = ClipTransformer(64, 3)
        self.token_embedding = nn.Embedding(words, 64)
        self.positional_embedding = nn.Parameter(torch.randn(20, 64))
        self.ln_final = nn.LayerNorm(64)
        self.text_projection = nn.Parameter(torch.randn(64, 48))
        self.logit_scale = nn.Parameter(torch.tensor(2.7))

    def encode_text(self, ids: Tensor) -> Any:
        places = ids.shape[1]
        x = self.token_embedding(ids) + self.positional_embedding[:places]
        mask = torch.full((places, places), float("-inf")).triu(1)
        x = x.permute(1, 0, 2)
        for block in self.transformer.resblocks:
            x = block(x, mask)
        x = self.ln_final(x.permute(1, 0, 2))
        return x[torch.arange(len(ids)), ids.argmax(-1)] @ self.text_projection

    def forward(self, pixels: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
        return self.visual(pixels), self.encode_text(ids)


def save_script(clip: OpenAiClip, path: Path) -> None:
    """As OpenAI publishes it: a compiled archive, in half precision, with numbers beside."""
    path.parent.mkdir(parents=True, exist_ok=True)
    clip.register_buffer("input_resolution", torch.tensor(32))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = torch.randn(1, 3, 32, 32), torch.tensor([[1, 2, 3]])
        traced: Any = torch.jit.trace(clip, inputs, check_trace=False)
        traced.half().save(str(path))


class BlipAttention(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Any:
        batch, places, width = x.shape
        parts = self.qkv(x).reshape(batch, places, 3, width // 64, 64).permute(2, 0, 3, 1, 4)
        shares = (parts[0] @ parts[1].transpose(-2, -1) * 64**-0.5).softmax(-1)
        return self.proj((shares @ parts[2]).transpose(1, 2).reshape(batch, places, width))


class BlipBlock(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=1e-6)
        self.attn = BlipAttention(width)
        self.norm2 = nn.LayerNorm(width, eps=1e-6)
        self.mlp: Any = nn.Module()
        self.mlp.fc1 = nn.Linear(width, 2 * width)
        self.mlp.fc2 = nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Any:
        x = x + self.attn(self.norm1(x))
        return x + self.mlp.fc2(nn.functional.gelu(self.mlp.fc1(self.norm2(x))))


class BlipEyes(nn.Module):
    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.patch_embed: Any = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, 16, 16)
        self.cls_token = nn.Parameter(torch.randn(1, 1, width))
        self.pos_embed = nn.Parameter(torch.randn(1, 5, width))
        self.blocks = nn.ModuleList(BlipBlock(width) for _ in range(layers))
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Any:
        x = self.patch_embed.proj(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.norm(x)


class SalesforceBlip(nn.Module):
    """Salesforce's layout. Its decoder is BERT's, which transformers has under the same names."""

    def __init__(self, words: int, end: int) -> None:
        super().__init__()
        self.visual_encoder = BlipEyes(128, 2)
        config = BlipTextConfig(
            vocab_size=words,
            hidden_size=64,
            encoder_hidden_size=128,
            intermediate_size=96,
            num_hidden_layers=2,
            num_attention_heads=1,
            max_position_embeddings=64,
            bos_token_id=words - 2,
            sep_token_id=end,
        )
        self.text_decoder: Any = BlipTextLMHeadModel(config)

    def first_words(self, pixels: Tensor, ids: Tensor, count: int) -> list[int]:
        """The likeliest next `count` tokens after `ids`, one after the other."""
        states = self.visual_encoder(pixels)
        for _ in range(count):
            mask = torch.ones_like(ids)
            scores = self.text_decoder(
                input_ids=ids, attention_mask=mask, encoder_hidden_states=states
            ).logits
            ids = torch.cat([ids, scores[:, -1:].argmax(-1)], 1)
        return list(ids[0, -count:].tolist())


def lively(module: nn.Module, seed: int, spread: float) -> None:
    """Weights that make a difference between inputs."""
    torch.manual_seed(seed)
    for name, parameter in module.named_parameters():
        plain = "norm" in name.lower() or "ln_" in name or name.endswith("logit_scale")
        if not plain:
            nn.init.normal_(parameter, std=spread)
