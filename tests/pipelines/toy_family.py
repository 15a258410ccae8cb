"""A model family without weights: latents are pixels, the network is a smooth function.

Fast, and exact: a latent cell holds its 8x8 pixels as 192 channels, each value a multiple of 1/256,
so that whatever sampling leaves alone decodes to the very bytes it was encoded from. All
arithmetic is per element, so that a picture does not depend on its neighbours in a batch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from pipelines.computing import Computing
from pipelines.events import PreviewKind
from pipelines.families.base import LATENT_SCALE, ModelOutputError, Variant
from pipelines.prompt.conditioning import Replacement
from pipelines.prompt.tokens import Tokenizer
from pipelines.run import Pipeline
from pipelines.schedules import NoiseSchedule
from tests.pipelines.prompt.toy import WordTokenizer


class ToyTextEncoder:
    """Every token id becomes two numbers; `rows` counts what was encoded."""

    def __init__(self) -> None:
        self.tokenizer: Tokenizer = WordTokenizer()
        self.rows: list[tuple[int, ...]] = []
        self.skips: list[int] = []

    def encode_ids(
        self, ids: list[list[int]], clip_skip: int, vectors: Sequence[Replacement]
    ) -> Tensor:
        self.rows += [tuple(row) for row in ids]
        self.skips.append(clip_skip)
        angles = torch.tensor(ids, dtype=torch.float32) * clip_skip
        return torch.stack([torch.sin(angles), torch.cos(angles)], dim=-1)


@dataclass
class ToyFamily:
    """See the module. `levels` has the sigma (or timestep) of every network call."""

    schedule: NoiseSchedule = field(default_factory=NoiseSchedule.from_betas)
    text_encoder: ToyTextEncoder = field(default_factory=ToyTextEncoder)
    latent_channels: int = 3 * LATENT_SCALE**2
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    levels: list[float] = field(default_factory=list)
    inputs: list[Tensor] = field(default_factory=list)
    encoded: int = 0
    nan_from_call: int | None = None
    nan_in_vae: bool = False
    variant: Variant = "base"
    latent_scale: float = 1.0
    text_width: int = 2
    contexts: list[float] = field(default_factory=list)
    """A number for the first text of every network call."""
    tiling: list[bool] = field(default_factory=list)
    ways: list[Computing] = field(default_factory=list)
    merged: list[float] = field(default_factory=list)

    def denoised(
        self, x: Tensor, sigma: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None
    ) -> Tensor:
        self._note(x, sigma)
        wide = sigma.view(-1, 1, 1, 1)
        return x - wide * self._eps(x / (wide**2 + 1) ** 0.5, t, context)

    def epsilon(self, x: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None) -> Tensor:
        self._note(x, t)
        return self._eps(x, t, context)

    def encode(self, image: Image.Image) -> Tensor:
        self.encoded += 1
        pixels = torch.from_numpy(np.asarray(image, np.float32)).permute(2, 0, 1)
        return self.encode_pixels((pixels + 0.5) / 128 - 1)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        height, width = (side // LATENT_SCALE * LATENT_SCALE for side in pixels.shape[1:])
        return functional.pixel_unshuffle(pixels[:, :height, :width], LATENT_SCALE)

    @contextmanager
    def tiled(self, on: bool) -> Iterator[None]:
        self.tiling.append(on)
        yield

    @contextmanager
    def computing(self, ways: Computing) -> Iterator[None]:
        self.ways.append(ways)
        yield

    @contextmanager
    def merging(self, ratio: float) -> Iterator[None]:
        self.merged.append(ratio)
        yield

    def to_ram(self) -> None:
        """It has no weights."""

    def to_device(self) -> None:
        """It has no weights."""

    def decode(self, latents: Tensor) -> Sequence[Image.Image]:
        if self.nan_in_vae:
            raise ModelOutputError("the VAE gave NaN")
        pixels = functional.pixel_shuffle((latents + 1) * 128, LATENT_SCALE)
        bytes_ = pixels.floor().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return [Image.fromarray(one) for one in bytes_]

    def preview(self, latent: Tensor, kind: PreviewKind) -> Image.Image:
        grey = ((latent.mean(dim=0) + 1) * 128).clamp(0, 255).to(torch.uint8)
        return Image.fromarray(grey.numpy()).convert("RGB")

    def _note(self, x: Tensor, level: Tensor) -> None:
        self.levels.append(float(level[0]))
        self.inputs.append(x.clone())

    def _eps(self, z: Tensor, t: Tensor, context: Tensor) -> Tensor:
        if self.nan_from_call is not None and len(self.levels) > self.nan_from_call:
            return torch.full_like(z, torch.nan)
        self.contexts.append(float(context[0].double().sum()))
        text = torch.stack([row.mean() for row in context]).view(-1, 1, 1, 1)
        turn = t.float().view(-1, 1, 1, 1) / 500
        return 0.9 * z + 0.2 * torch.tanh(2 * z + turn) + 0.5 * text


def toy_pipeline(family: ToyFamily | None = None) -> Pipeline:
    return Pipeline(family or ToyFamily(), "toy", "0123456789")
