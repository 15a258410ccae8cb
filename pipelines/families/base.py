"""What the denoise loop needs of a model family. One family, one file beside this one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Literal, Protocol

import torch
from PIL import Image
from torch import Tensor

from pipelines.computing import Computing
from pipelines.events import PreviewKind
from pipelines.prompt.conditioning import TextEncoder
from pipelines.schedules import NoiseSchedule

LATENT_SCALE = 8
"""Pixels per latent cell, along each side, of every family so far."""


Variant = Literal["base", "inpaint", "instruct-pix2pix"]
"""What the network sees besides the noisy latent (behaviour 5.5)."""


class ModelOutputError(RuntimeError):
    """The network or the VAE gave NaN; the sentence says what may help."""


class Family(Protocol):
    """A loaded model, seen by the pipeline. All latents are scaled: the sampler's x0 units."""

    schedule: NoiseSchedule
    latent_channels: int
    device: torch.device
    variant: Variant
    latent_scale: float
    """Encoded latents were multiplied by this to become x0 units."""
    text_width: int
    """Width of the text encoder's token vectors."""

    @property
    def text_encoder(self) -> TextEncoder:
        """Prompts to vectors."""

    def denoised(
        self, x: Tensor, sigma: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None
    ) -> Tensor:
        """D(x, sigma) of one conditioning.

        x (N, C, h, w) float32 at noise level sigma (N,), which is timestep t (N,) of the schedule,
        fractions allowed; context (N, tokens, dim). `extra` (N, K, h, w) are the further input
        channels of a variant, never scaled. Returns float32 like x (behaviour 7.5).
        """

    def epsilon(self, x: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None) -> Tensor:
        """Noise prediction for timestep samplers.

        x (N, C, h, w) float32 of unit variance (VP), t (N,) in 0..999, fractions allowed.
        """

    def encode(self, image: Image.Image) -> Tensor:
        """RGB picture to latent (C, H//8, W//8) float32 (behaviour 14.1); the posterior's mode."""

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """As `encode`, from values (3, H, W) in -1..1 that no 8-bit picture holds."""

    def tiled(self, on: bool) -> AbstractContextManager[None]:
        """A block in which pictures come out tileable, if `on` (behaviour 14.3)."""

    def computing(self, ways: Computing) -> AbstractContextManager[None]:
        """A block in which network and VAE compute as a job wants it (behaviour 14.1, 17)."""

    def merging(self, ratio: float) -> AbstractContextManager[None]:
        """A block in which self-attention merges this share of its tokens; 0 merges none."""

    def to_ram(self) -> None:
        """Leave the device; nothing may be asked of the model until `to_device`."""

    def to_device(self) -> None:
        """Come back to the device. Costs nothing where the model is there."""

    def decode(self, latents: Tensor) -> Sequence[Image.Image]:
        """Latents (B, C, h, w) to RGB pictures of 8h x 8w, truncated to 8 bit (behaviour 14.1).

        Raises ModelOutputError when the VAE gives NaN, also in the format that `computing` allows.
        """

    def preview(self, latent: Tensor, kind: PreviewKind) -> Image.Image:
        """A picture of one latent (C, h, w) for looking at: w x h or 8w x 8h pixels, RGB."""
