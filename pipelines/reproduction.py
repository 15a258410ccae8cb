"""Made again and compared: is it the same picture, and if not, what may explain it? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import Extent
from pipelines.infotext_keys import DEFAULTS, LIBRARIES
from pipelines.infotext_parse import ParsedInfotext, parse_infotext

DIFFERENCE_GAIN = 32
_LONGEST_LIST = 1000
_HASHES = ("Model hash", "VAE hash", "Lora hashes", "Hypernet hashes", "TI hashes")
_NO_SETTINGS = frozenset(
    {LIBRARIES, "Version", "User", "Model", "Batch pos", "Batch size", *_HASHES}
)
_LARGEST_ROUNDING = 2
"""Levels by which two machines' rounding may part the same picture."""


@dataclass(frozen=True)
class Environment:
    """Where a picture was made: library versions by name, and the device in words."""

    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""


@dataclass(frozen=True)
class Made:
    """One picture with what is known of its making; `environment` None when nothing is."""

    picture: Image
    infotext: str = ""
    environment: Environment | None = None
    lossy: str = ""
    """Name of the file format when it did not keep every pixel."""


@dataclass(frozen=True)
class Comparison:
    """What came out of comparing.

    `differing` of `pixels` pixels have another colour, by at most `largest` levels in a channel
    and `mean` levels over all channels of all pixels. With different sizes all pixels differ and
    `largest` is 255. `reasons` are sentences, the likeliest first.
    """

    pixels: int
    differing: int
    largest: int
    mean: float
    reasons: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """True when every pixel has the same bytes."""
        return self.differing == 0

    @property
    def verdict(self) -> str:
        """The result in a sentence."""
        if self.is_equal:
            return f"The same picture: all {self.pixels} pixels are equal to the bit."
        share = _percent(self.differing, self.pixels)
        return (
            f"{self.differing} of {self.pixels} pixels ({share}) differ, by at most "
            f"{self.largest} of 255 levels and {self.mean:.3g} on average."
        )


def _percent(part: int, whole: int) -> str:
    """Two digits of a share, never rounded to all of it."""
    share = 100 * part / max(1, whole)
    if share >= 99.5 and part < whole:
        return "more than 99 %"
    return f"{share:.2g} %" if share < 10 else f"{share:.0f} %"


def compare(original: Made, again: Made) -> Comparison:
    """Compare a picture with one that was made from its infotext."""
    size, other = Extent.of(original.picture), Extent.of(again.picture)
    if size != other:
        reason = f"The sizes differ: {size} and {other}."
        found = (reason, *_explanations(original, again, largest=255))
        return Comparison(size.pixels, size.pixels, 255, 255.0, found)
    has_alpha = "A" in original.picture.mode + again.picture.mode
    mode = "RGBA" if has_alpha else "RGB"
    first = np.asarray(original.picture.convert(mode), dtype=np.int16)
    second = np.asarray(again.picture.convert(mode), dtype=np.int16)
    distance = np.abs(first - second)
    differing = int((distance.max(axis=2) > 0).sum())
    largest = int(distance.max(initial=0))
    reasons = _explanations(original, again, largest=largest) if differing else []
    mean = float(distance.mean()) if distance.size else 0.0
    return Comparison(size.pixels, differing, largest, mean, tuple(reasons))


def difference_picture(original: Image, again: Image, gain: int = DIFFERENCE_GAIN) -> Image | None:
    """Where two pictures differ (L): the largest channel's difference times `gain`.

    A difference of one level can still be seen. None when their sizes differ.
    """
    if original.size != again.size:
        return None
    first, second = (np.asarray(one.convert("RGB"), np.int16) for one in (original, again))
    moved = np.abs(first - second).max(axis=2).astype(np.int32)
    return Pillow.fromarray(np.minimum(moved * gain, 255).astype(np.uint8))


def environment_of(infotext: str) -> Environment | None:
    """What an infotext says of libraries and device (`libraries_text`), or None."""
    told = parse_infotext(infotext).params.get(LIBRARIES)
    if not told:
        return None
    pairs = (part.strip().partition(" ") for part in told[:_LONGEST_LIST].split(";"))
    versions = {name: version for name, _, version in pairs if name and version}
    device = versions.pop("device", "").replace("-", ":")
    return Environment(versions, device)


def libraries_text(versions: Mapping[str, str], device: str) -> str:
    """Libraries and device for the infotext: `torch 2.13.0; ...; device cpu`."""
    pairs = [*sorted(versions.items()), *([("device", device)] if device else [])]
    return "; ".join(f"{name} {version.replace(':', '-')}" for name, version in pairs)


def _explanations(original: Made, again: Made, *, largest: int) -> list[str]:
    first, second = parse_infotext(original.infotext), parse_infotext(again.infotext)
    reasons = [*_file(original), *_hashes(first, second), *_settings(first, second)]
    reasons += _programs(first, second) + _places(original, again, first)
    if largest <= _LARGEST_ROUNDING:
        reasons.append("So small a difference is what other hardware or libraries round to.")
    return reasons or ["Nothing that is recorded explains it."]


def _file(original: Made) -> list[str]:
    if not original.lossy:
        return []
    return [f"The file is a {original.lossy}, which does not keep every pixel."]


def _hashes(first: ParsedInfotext, second: ParsedInfotext) -> list[str]:
    """Other weights: the likeliest reason of all."""
    reasons = []
    for key in _HASHES:
        one, other = first.params.get(key), second.params.get(key)
        if one != other:
            reasons.append(f"{key}: {one or 'none'} then, {other or 'none'} now.")
    return reasons


def _settings(first: ParsedInfotext, second: ParsedInfotext) -> list[str]:
    reasons = [
        f"The {name} is another one."
        for name, one, other in (
            ("prompt", first.prompt, second.prompt),
            ("negative prompt", first.negative_prompt, second.negative_prompt),
        )
        if one != other
    ]
    for key in dict.fromkeys((*first.params, *second.params)):
        if key in _NO_SETTINGS:
            continue
        default = DEFAULTS.get(key, "not set")
        one, other = first.params.get(key, default), second.params.get(key, default)
        if one != other:
            reasons.append(f"{key}: {one} then, {other} now.")
    return reasons


def _programs(first: ParsedInfotext, second: ParsedInfotext) -> list[str]:
    one, other = first.params.get("Version", "unknown"), second.params.get("Version", "unknown")
    return [] if one == other else [f"Program: {one} then, {other} now."]


def _places(original: Made, again: Made, first: ParsedInfotext) -> list[str]:
    """Libraries and devices; GPU noise differs between cards even with equal libraries."""
    reasons = []
    then, now = original.environment, again.environment
    if then is not None and now is not None:
        for name in sorted({*then.versions, *now.versions}):
            one, other = then.versions.get(name, "none"), now.versions.get(name, "none")
            if one != other:
                reasons.append(f"{name}: {one} then, {other} now.")
        if then.device != now.device:
            reasons.append(f"Device: {then.device} then, {now.device} now.")
    same_device = then is not None and now is not None and then.device == now.device
    if first.params.get("RNG", "GPU") == "GPU" and not same_device:
        reasons.append(
            "Its noise came from the device that made it (RNG GPU), which may not be this one; "
            "pictures with RNG CPU or NV do not depend on it."
        )
    return reasons
