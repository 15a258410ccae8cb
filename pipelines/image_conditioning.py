"""What inpainting and InstructPix2Pix networks see besides the noisy latent (behaviour 5.5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL.Image import Image
from torch import Tensor

from pipelines.families.base import Family
from pipelines.geometry import Extent
from pipelines.masks import conditioning_mask, pixel_mask
from pipelines.request import Img2ImgRequest, ResizeMode
from pipelines.resize import resize_image


def picture_channels(
    family: Family, request: Img2ImgRequest, images: Sequence[Image], mask: Image | None
) -> Tensor | None:
    """Further input channels for init images, (n, K, h, w), or None for ordinary networks.

    `images` are RGB as given to the VAE, `mask` is L, W×H, white = repaint; none means all of it.
    Inpainting networks get (mask, masked picture): masked pixels go towards mid-grey by
    `inpainting_mask_weight`. InstructPix2Pix networks get the unscaled latent.
    """
    if family.variant == "base":
        return None
    target = Extent(request.width, request.height)
    sized = [
        image if image.size == target else resize_image(image, ResizeMode.JUST_RESIZE, target)
        for image in images
    ]
    if family.variant == "instruct-pix2pix":
        return torch.stack([family.encode(image) for image in sized]) / family.latent_scale
    rounds = request.inpaint is None or request.inpaint.rounds
    hidden, cells = _masks(mask, target, rounds=rounds)
    weight = request.inpainting_mask_weight
    rows = []
    for image in sized:
        pixels = torch.from_numpy(np.asarray(image, np.float32) / 255.0).permute(2, 0, 1) * 2 - 1
        shown = torch.lerp(pixels, pixels * (1.0 - hidden), weight)
        latent = family.encode_pixels(shown)
        rows.append(torch.cat([cells.to(latent), latent]))
    return torch.stack(rows)


def empty_channels(family: Family, height: int, width: int) -> Tensor | None:
    """The same for txt2img, (1, K, h, w), on latents of `height` x `width` cells.

    Inpainting networks are told that all of a mid-grey picture is to be repainted, InstructPix2Pix
    networks get zeros.
    """
    if family.variant == "base":
        return None
    if family.variant == "instruct-pix2pix":
        return torch.zeros(1, family.latent_channels, height, width, device=family.device)
    latent = family.encode_pixels(torch.zeros(3, height * 8, width * 8))
    return torch.cat([torch.ones_like(latent[:1]), latent])[None]


def hires_channels(family: Family, request: Img2ImgRequest, latents: Tensor) -> Tensor | None:
    """The same for the second pass of txt2img, which starts from `latents` (behaviour 16)."""
    height, width = latents.shape[-2:]
    if family.variant != "inpaint" or request.inpainting_mask_weight == 1.0:
        return empty_channels(family, height, width)
    sized = request.model_copy(update={"width": width * 8, "height": height * 8, "inpaint": None})
    return picture_channels(family, sized, family.decode(latents), None)


def _masks(mask: Image | None, target: Extent, *, rounds: bool) -> tuple[Tensor, Tensor]:
    """What is hidden per pixel, (H, W), and the mask channel, (1, h, w)."""
    latent = target.latent
    if mask is None:
        return torch.ones(target.height, target.width), torch.ones(1, latent.height, latent.width)
    hidden = torch.from_numpy(pixel_mask(mask, round=rounds))
    return hidden, torch.from_numpy(conditioning_mask(mask, latent, round=rounds))[None]
