"""Upscalers by name: the latent modes of hires fix, filters that need no model, and files.

Files are known here only as something that enlarges by whole factors; `models.load_upscaler` loads
them, `jobs.worker_upscalers` keeps them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple, Protocol

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.events import StopKind
from pipelines.geometry import Extent
from pipelines.resize import Upscale

MOST_PASSES = 3
"""How often a picture goes through an upscaler to reach its size (behaviour 1.1)."""

LARGEST_PASS = 200_000_000
"""Pixels. A pass that would make more gets a picture that was reduced to what is needed."""


@dataclass(frozen=True)
class LatentMode:
    """An interpolation of latents, as torch names it."""

    name: str
    mode: str
    antialias: bool = False


class UnknownUpscaler(ValueError):
    """There is no upscaler of that name; the sentence lists those there are."""


class UpscaleStopped(Exception):
    """The user does not want to wait for the rest of the tiles."""

    def __init__(self, kind: StopKind) -> None:
        super().__init__(f"upscaling was stopped ({kind})")
        self.kind = kind


class Tiles(NamedTuple):
    """Side and overlap of an upscaler's tiles in pixels; a side of 0 means no tiles."""

    side: int = 192
    overlap: int = 8


OnTile = Callable[[int, int], None]
"""Told after each tile how many of how many are done; may raise UpscaleStopped."""


class PixelUpscalers(Protocol):
    """Where upscalers of pixels come from."""

    def get(self, name: str, tiles: Tiles, on_tile: OnTile) -> Upscale | None:
        """The upscaler of this name, loaded; None is LANCZOS straight to the size.

        Raises UnknownUpscaler, and ValueError with a sentence for a file that cannot be used.
        """


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


class Filters:
    """PixelUpscalers without any files."""

    def get(self, name: str, tiles: Tiles, on_tile: OnTile) -> Upscale | None:
        """See PixelUpscalers. A filter has no tiles."""
        return PIXEL_UPSCALERS[find_filter(name)]


def latent_mode(name: str) -> LatentMode | None:
    """The latent mode of this name in any letter case; an empty name is Latent (api 2.3)."""
    wanted = name.strip().lower() or "latent"
    return next((mode for mode in LATENT_MODES if mode.name.lower() == wanted), None)


def find_filter(name: str, files: Collection[str] = ()) -> str:
    """The filter of this name, in any letter case. Raises UnknownUpscaler.

    `files` are the names of other upscalers, for the sentence.
    """
    wanted = name.strip().lower()
    for filter_ in PIXEL_UPSCALERS:
        if filter_.lower() == wanted:
            return filter_
    known = ", ".join((*PIXEL_UPSCALERS, *files))
    raise UnknownUpscaler(f"could not find upscaler named {name[:80]}; there are {known}")


def find_upscaler(name: str, files: Collection[str] = ()) -> LatentMode | str:
    """The latent mode of this name, else a filter or one of `files`, all in any letter case.

    Raises UnknownUpscaler.
    """
    mode = latent_mode(name)
    if mode is not None:
        return mode
    for file in files:
        if file.lower() == name.strip().lower():
            return file
    return find_filter(name, (*files, *(mode.name for mode in LATENT_MODES)))


def upscale_in_passes(
    image: Image, target: Extent, scale: int, once: Callable[[Image], Image]
) -> Image:
    """Enlarge by `once`, a network that makes RGB pictures `scale` times larger (behaviour 1.1).

    At most three passes until the picture covers `target`, then LANCZOS to exactly that. A picture
    that covers it already goes through once when it has just that size (networks that only
    restore), else not at all. Transparency is enlarged by LANCZOS, grey stays grey.
    """
    made = image.convert("RGB")
    for number in range(MOST_PASSES):
        if _covers(made, target) and (number or made.size != target):
            break
        made = once(_reduced(made, target, scale))
        if scale == 1:
            break
    made = _lanczos(made, target) if made.size != target else made
    if image.mode == "RGBA":
        made.putalpha(_lanczos(image.getchannel("A"), target))
    return made.convert("L") if image.mode == "L" else made


def _covers(image: Image, target: Extent) -> bool:
    return image.width >= target.width and image.height >= target.height


def _reduced(image: Image, target: Extent, scale: int) -> Image:
    """The picture, smaller where the next pass would make absurdly many pixels of it."""
    if image.width * image.height * scale**2 <= LARGEST_PASS:
        return image
    return _lanczos(image, Extent(-(-target.width // scale), -(-target.height // scale)))
