"""Stable Diffusion 1.x: UNet on text (epsilon or v), f8 VAE with 4 channels, CLIP text encoder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from models.load import LoadedCheckpoint
from pipelines.computing import Computing
from pipelines.events import PreviewKind
from pipelines.families.attention import OwnAttention, using
from pipelines.families.base import ModelOutputError, Variant
from pipelines.families.tiling import circular_padding
from pipelines.prompt.clip_text import ClipTextEncoder, TransformersTokenizer
from pipelines.prompt.conditioning import TextEncoder
from pipelines.schedules import NoiseSchedule

_VARIANTS: dict[int, Variant] = {0: "base", 5: "inpaint", 4: "instruct-pix2pix"}
"""Variants by the number of input channels beyond the latent's (behaviour 5.5)."""


class SkipSizedUpsample(nn.Module):
    """Nearest x2, convolution, then a nearest resize to the skip's size.

    diffusers resizes to the skip's size before the convolution; the original does it after, which
    matters for sizes that are not divisible by 64 (behaviour 7.5, trap 34).
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(
        self, hidden_states: Tensor, output_size: tuple[int, int] | None = None, *_: object
    ) -> Tensor:
        """hidden_states (N, C, h, w) -> (N, C, 2h, 2w), or `output_size` where that differs."""
        up: Tensor = self.conv(functional.interpolate(hidden_states, scale_factor=2.0))
        if output_size is not None and tuple(up.shape[-2:]) != tuple(output_size):
            up = functional.interpolate(up, size=tuple(output_size))
        return up


class StableDiffusion1:
    """An SD 1.x checkpoint behind the Family protocol."""

    def __init__(self, loaded: LoadedCheckpoint) -> None:
        self.loaded = loaded
        self.device = loaded.placement.device
        self.schedule = NoiseSchedule.from_alphas(loaded.alphas_cumprod)
        self.latent_channels = int(loaded.vae.config.latent_channels)
        self.variant = _VARIANTS[loaded.unet.config.in_channels - self.latent_channels]
        self.latent_scale = loaded.vae_scale
        self.text_width = int(loaded.text_encoder.config.hidden_size)
        self._text_encoder = ClipTextEncoder(
            loaded.text_encoder, TransformersTokenizer(loaded.tokenizer)
        )
        self._ways = Computing()
        self._merging: OwnAttention | None = None
        self._predicts_v = loaded.prediction_type == "v_prediction"
        self._unet = loaded.unet.eval().requires_grad_(False)
        self._unet_dtype = self._unet.dtype  # asking takes a walk over all weights
        self._vae = loaded.vae.eval().requires_grad_(False)
        if self.device.type == "cpu":
            # A fifth faster here (benchmarks/README.md); the U-Net gains nothing from it.
            self._vae.to(memory_format=torch.channels_last)
        for block in self._unet.up_blocks:
            for i, upsampler in enumerate(block.upsamplers or ()):
                block.upsamplers[i] = SkipSizedUpsample(upsampler.conv)

    @property
    def text_encoder(self) -> TextEncoder:
        """See Family.text_encoder."""
        return self._text_encoder

    def denoised(
        self, x: Tensor, sigma: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None
    ) -> Tensor:
        """D = x - sigma * eps, or the v form (behaviour 7.5). See Family.denoised."""
        wide = sigma.view(-1, 1, 1, 1)
        c_in = 1.0 / (wide**2 + 1.0) ** 0.5
        output = self._network(x * c_in, t, context, extra)
        if self._predicts_v:
            return x / (wide**2 + 1.0) - output * wide * c_in
        return x - output * wide

    def epsilon(self, x: Tensor, t: Tensor, context: Tensor, extra: Tensor | None = None) -> Tensor:
        """See Family.epsilon."""
        output = self._network(x, t, context, extra)
        if not self._predicts_v:
            return output
        sigma = self.schedule.t_to_sigma(t.cpu()).view(-1, 1, 1, 1).to(x)
        c_in = 1.0 / (sigma**2 + 1.0) ** 0.5
        return output * c_in + x * sigma * c_in

    def encode(self, image: Image.Image) -> Tensor:
        """See Family.encode."""
        pixels = torch.from_numpy(np.asarray(image.convert("RGB"), np.float32) / 255.0)
        return self.encode_pixels(pixels.permute(2, 0, 1) * 2.0 - 1.0)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """See Family.encode_pixels."""
        latent = self._vae_latent(pixels)
        if not latent.isfinite().all():
            latent = self._again(lambda: self._vae_latent(pixels))
        return latent[0].float() * self.loaded.vae_scale

    def decode(self, latents: Tensor) -> Sequence[Image.Image]:
        """See Family.decode; one picture at a time, as the original."""
        return [self._decode_one(latent) for latent in latents]

    def preview(self, latent: Tensor, kind: PreviewKind) -> Image.Image:
        """See Family.preview; what the checkpoint does not bring falls back to its linear map."""
        if kind is PreviewKind.FULL:
            pixels = self._vae_pixels(latent)
            if pixels.isfinite().all():  # a preview must not move the VAE to float32
                return _to_picture((pixels[0].float().permute(1, 2, 0).cpu() + 1.0) / 2.0)
        elif kind is not PreviewKind.APPROX_CHEAP and self.loaded.preview is not None:
            with torch.inference_mode():
                seen = self.loaded.preview(latent[None].float().cpu())[0]
            return _to_picture((seen.permute(1, 2, 0) + 1.0) / 2.0)
        factors = torch.tensor(self.loaded.latent_rgb.factors)
        bias = torch.tensor(self.loaded.latent_rgb.bias)
        rgb = latent.float().cpu().permute(1, 2, 0) @ factors + bias
        return _to_picture((rgb + 1.0) / 2.0)

    def tiled(self, on: bool) -> AbstractContextManager[None]:
        """See Family.tiled."""
        return circular_padding((self._unet, self._vae), on=on)

    def to_ram(self) -> None:
        """See Family.to_ram."""
        self._move(torch.device("cpu"))

    def to_device(self) -> None:
        """See Family.to_device."""
        self._move(self.device)

    @contextmanager
    def computing(self, ways: Computing) -> Iterator[None]:
        """See Family.computing."""
        before, self._ways = self._ways, ways
        try:
            own = OwnAttention(wide=True)
            with using(self._unet, own) if ways.upcast_attention else nullcontext():
                yield
        finally:
            self._ways = before

    @contextmanager
    def merging(self, ratio: float) -> Iterator[None]:
        """See Family.merging."""
        if not ratio:
            yield
            return
        own = OwnAttention(wide=self._ways.upcast_attention, merging=ratio)
        before, self._merging = self._merging, own
        try:
            with using(self._unet, own):
                yield
        finally:
            self._merging = before

    def _network(self, x: Tensor, t: Tensor, context: Tensor, extra: Tensor | None) -> Tensor:
        dtype = self._unet_dtype
        # The original rounds t to half precision with the rest (behaviour 7.5). bfloat16 would
        # move it by up to 2; the network embeds it in float32 anyway.
        t_dtype = dtype if dtype == torch.float16 else torch.float32
        if extra is not None:
            x = torch.cat([x, extra.to(x)], dim=1)
        if self._merging is not None:
            self._merging.grid = self._finest_attention(*x.shape[-2:])
        with torch.inference_mode():
            output: Tensor = self._unet(
                x.to(dtype),
                t.to(self.device, t_dtype),
                encoder_hidden_states=context.to(self.device, dtype),
                return_dict=False,
            )[0]
        return output.float()

    def _finest_attention(self, height: int, width: int) -> tuple[int, int]:
        """Height and width where attention has most tokens; halves round up on the way there."""
        blocks = list(self._unet.down_blocks)
        level = next((k for k, one in enumerate(blocks) if hasattr(one, "attentions")), 0)
        return -(-height // 2**level), -(-width // 2**level)

    def _decode_one(self, latent: Tensor) -> Image.Image:
        pixels = self._vae_pixels(latent)
        if not pixels.isfinite().all():
            pixels = self._again(lambda: self._vae_pixels(latent))
        return _to_picture((pixels[0].float().permute(1, 2, 0).cpu() + 1.0) / 2.0)

    def _vae_latent(self, pixels: Tensor) -> Tensor:
        """(1, C, h, w), not scaled yet, in the VAE's precision."""
        with torch.inference_mode():
            encoded = self._vae.encode(pixels[None].to(self.device, self._vae.dtype))
        latent: Tensor = encoded.latent_dist.mode()
        return latent

    def _vae_pixels(self, latent: Tensor) -> Tensor:
        """(1, 3, 8h, 8w), about -1..1, in the VAE's precision."""
        scaled = latent[None] / self.loaded.vae_scale
        with torch.inference_mode():
            pixels: Tensor = self._vae.decode(scaled.to(self._vae.dtype), return_dict=False)[0]
        return pixels

    def _move(self, device: torch.device) -> None:
        """All three networks, with their LoRAs; each keeps its number format."""
        if self._unet.device != device:
            for module in (self._unet, self._vae, self.loaded.text_encoder):
                module.to(device)

    def _again(self, work: Callable[[], Tensor]) -> Tensor:
        """Repeat VAE work in the number format that the job allows, for good (behaviour 14.1)."""
        dtype = None
        if self._ways.vae_retry_bfloat16:
            dtype = torch.bfloat16
        elif self._ways.vae_retry_float32:
            dtype = torch.float32
        if dtype is not None and self._vae.dtype not in (dtype, torch.float32):
            self._vae.to(dtype)
            with torch.inference_mode():
                result = work()
            if result.isfinite().all():
                return result
        raise ModelOutputError(
            "the VAE gave NaN, so there is no picture; a lower CFG scale, another VAE, "
            "--no-half or the setting auto_vae_precision may help"
        )


def _to_picture(rgb: Tensor) -> Image.Image:
    """(h, w, 3) in 0..1 to 8 bit by truncation (behaviour 14.1, trap 13)."""
    return Image.fromarray((rgb.clamp(0.0, 1.0) * 255.0).to(torch.uint8).numpy())
