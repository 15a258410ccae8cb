"""Names of upscalers: the latent modes of hires fix, and the pixel filters that need no model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import Extent
from pipelines.resize import Upscale


@dataclass(frozen=True)
class LatentMode:
    """An interpolation of latents, as torch names it."""

    name: str
    mode: str
    antialias: bool = False


class UnknownUpscaler(ValueError):
    """There is no upscaler of that name; the sentence lists those there are."""


LATENT_MODES: tuple[LatentMode, ...] = (
    LatentMode("Latent", "bilinear"),
    LatentMode("Latent (antialiased)", "bilinear", True),
    LatentMode("Latent (bicubic)", "bicubic"),
    LatentMode("Latent (bicubic antialiased)", "bicubic", True),
    LatentMode("Latent (nearest)", "nearest"),
    LatentMode("Latent (nearest-exact)", "nearest-exact"),
)
"""The latent modes in the order of the page (behaviour 16)."""


def _lanczos(image: Image, extent: Extent) -> Image:
    return image.resize(extent, Pillow.Resampling.LANCZOS)


def _nearest(image: Image, extent: Extent) -> Image:
    return image.resize(extent, Pillow.Resampling.NEAREST)


PIXEL_UPSCALERS: Mapping[str, Upscale | None] = MappingProxyType(
    {"None": None, "Lanczos": _lanczos, "Nearest": _nearest}
)
"""Filters by name; None is LANCZOS straight to the size (behaviour 1.1)."""


def find_upscaler(name: str) -> LatentMode | str:
    """The latent mode of this name, or a key of PIXEL_UPSCALERS, in any letter case.

    An empty name is Latent (api 2.3). Raises UnknownUpscaler.
    """
    wanted = name.strip().lower() or "latent"
    for mode in LATENT_MODES:
        if mode.name.lower() == wanted:
            return mode
    for pixel in PIXEL_UPSCALERS:
        if pixel.lower() == wanted:
            return pixel
    known = ", ".join((*(mode.name for mode in LATENT_MODES), *PIXEL_UPSCALERS))
    raise UnknownUpscaler(f"could not find upscaler named {name[:80]}; there are {known}")
