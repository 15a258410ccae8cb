"""The second pass of txt2img: from the first pass's latents to those it starts from (16)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from pipelines.families.base import LATENT_SCALE, Family
from pipelines.geometry import Extent
from pipelines.request import HiresFix, Img2ImgRequest, ResizeMode, Sampling, StepSemantics
from pipelines.resize import Upscale, resize_image
from pipelines.upscalers import latent_mode


@dataclass(frozen=True)
class HiresSize:
    """Where the second pass's latents come from.

    `upscaled` is what the first pass is brought to, in pixels; `cut_x` and `cut_y` are the latent
    cells that are cropped off afterwards, half of them (rounded down) at the left and the top.
    """

    upscaled: Extent
    cut_x: int
    cut_y: int


def hires_size(request: Img2ImgRequest, hires: HiresFix) -> HiresSize:
    """Sizes of the second pass (behaviour 16)."""
    upscaled = Extent(*hires.upscaled(request.width, request.height))
    if not (hires.resize_x and hires.resize_y):
        return HiresSize(upscaled, 0, 0)
    return HiresSize(
        upscaled,
        (upscaled.width - hires.resize_x) // LATENT_SCALE,
        (upscaled.height - hires.resize_y) // LATENT_SCALE,
    )


def hires_sampling(first: Sampling, hires: HiresFix) -> Sampling:
    """How the second pass is sampled: always exactly its steps (behaviour 6.1, 16)."""
    return first.model_copy(
        update={
            "sampler": hires.sampler or first.sampler,
            "scheduler": hires.scheduler or first.scheduler,
            "steps": hires.steps or first.steps,
            "semantics": StepSemantics.EXACT,
        }
    )


def enlarged(
    latents: Tensor,
    hires: HiresFix,
    size: HiresSize,
    first: Family,
    second: Family,
    upscale: Upscale | None = None,
) -> Tensor:
    """The latents (B, C, h, w) of the first pass at the size of the second, cropped.

    Where `hires.upscaler` is no latent mode, the pictures are enlarged by `upscale`: decoded with
    the first pass's VAE, encoded with the second's. What `upscale` raises passes through.
    """
    upscaler = latent_mode(hires.upscaler)
    if upscaler is not None:
        height, width = size.upscaled.latent[1], size.upscaled.latent[0]
        has_antialias = upscaler.mode in ("bilinear", "bicubic")
        latents = functional.interpolate(
            latents,
            size=(height, width),
            mode=upscaler.mode,
            align_corners=False if has_antialias else None,
            antialias=upscaler.antialias,
        )
        return _cropped(latents, size)
    pictures = [
        resize_image(picture, ResizeMode.JUST_RESIZE, size.upscaled, upscale=upscale)
        for picture in first.decode(latents)
    ]
    return _cropped(torch.stack([second.encode(picture) for picture in pictures]), size)


def _cropped(latents: Tensor, size: HiresSize) -> Tensor:
    height, width = latents.shape[-2:]
    top, left = size.cut_y // 2, size.cut_x // 2
    return latents[
        ...,
        top : height - (size.cut_y + 1) // 2,
        left : width - (size.cut_x + 1) // 2,
    ].contiguous()
