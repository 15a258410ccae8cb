"""Which upscaler network a file holds, told from its tensors' names and shapes. No torch.

Two are known: RRDBNet (ESRGAN, Wang et al. 2018; Real-ESRGAN, Wang et al. 2021) under the three
sets of names it was published with, and SRVGGNetCompact (Real-ESRGAN's small network).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from models.safetensors_header import Header

Shapes = Mapping[str, tuple[int, ...]]

_WRAPPER = "module."
"""What torch's DataParallel puts before every name."""

_OLD_BLOCK = re.compile(r"model\.1\.sub\.(\d+)\.RDB([123])\.conv([1-5])\.0\.(weight|bias)")
_PAPER_BLOCK = re.compile(r"RRDB_trunk\.(\d+)\.RDB([123])\.conv([1-5])\.(weight|bias)")
_PAPER_NAMES = {
    "trunk_conv": "conv_body",
    "upconv1": "conv_up1",
    "upconv2": "conv_up2",
    "upconv3": "conv_up3",
    "HRconv": "conv_hr",
}


@dataclass(frozen=True, slots=True)
class UpscalerKind:
    """An upscaler network, as far as its shape goes.

    `width` is its number of feature channels. RRDBNet: `depth` residual blocks of dense layers
    with `growth` channels each, then `doublings` upsamplings by two; a picture is first folded by
    `fold` (pixel unshuffle), so the scale is 2^doublings / fold. Compact: `depth` convolutions
    between the first and the last, which makes `scale`² sub-pixels; `fold`, `growth` are 1, 0.
    """

    network: Literal["rrdb", "compact"]
    width: int
    depth: int
    scale: int
    fold: int = 1
    growth: int = 0
    doublings: int = 0

    @property
    def label(self) -> str:
        """The network's name for people."""
        return "RRDBNet (ESRGAN)" if self.network == "rrdb" else "SRVGGNetCompact"


@dataclass(frozen=True, slots=True)
class UpscalerLayout:
    """A network and how its tensors are called: our name -> name in the file."""

    kind: UpscalerKind
    names: Mapping[str, str]


def identify_upscaler(header: Header) -> UpscalerLayout | None:
    """The network in a file, or None when it is neither RRDBNet nor Compact for RGB pictures.

    Every tensor the network needs is there in its right shape, and no other one is.
    """
    names = _our_names(header.tensors)
    if len(names) != len(header.tensors):
        return None
    shapes = {ours: header.tensors[theirs].shape for ours, theirs in names.items()}
    kind = _rrdb(shapes) if "conv_first.weight" in shapes else _compact(shapes)
    if kind is None:
        return None
    expected = rrdb_shapes(kind) if kind.network == "rrdb" else compact_shapes(kind)
    return UpscalerLayout(kind, names) if shapes == expected else None


def rrdb_shapes(kind: UpscalerKind) -> dict[str, tuple[int, ...]]:
    """All tensors of an RRDBNet, under BasicSR's names."""
    width, growth = kind.width, kind.growth
    convs = {"conv_first": (3 * kind.fold**2, width), "conv_last": (width, 3)}
    plain = ("conv_body", "conv_hr", *(f"conv_up{n + 1}" for n in range(kind.doublings)))
    convs |= dict.fromkeys(plain, (width, width))
    for block in range(kind.depth):
        for dense in (1, 2, 3):
            for layer in range(1, 6):
                name = f"body.{block}.rdb{dense}.conv{layer}"
                convs[name] = (width + (layer - 1) * growth, growth if layer < 5 else width)
    return _conv_shapes(convs)


def compact_shapes(kind: UpscalerKind) -> dict[str, tuple[int, ...]]:
    """All tensors of an SRVGGNetCompact: convolutions at even places, PReLU slopes between."""
    last = 2 * (kind.depth + 1)
    convs = {f"body.{place}": (kind.width, kind.width) for place in range(2, last, 2)}
    convs |= {"body.0": (3, kind.width), f"body.{last}": (kind.width, 3 * kind.scale**2)}
    slopes = {f"body.{place}.weight": (kind.width,) for place in range(1, last, 2)}
    return _conv_shapes(convs) | slopes


def _conv_shapes(convs: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, ...]]:
    weights: dict[str, tuple[int, ...]] = {
        f"{name}.weight": (out, into, 3, 3) for name, (into, out) in convs.items()
    }
    return weights | {f"{name}.bias": (out,) for name, (_, out) in convs.items()}


def _rrdb(shapes: Shapes) -> UpscalerKind | None:
    first, last = shapes["conv_first.weight"], shapes.get("conv_last.weight", ())
    dense = shapes.get("body.0.rdb1.conv1.weight", ())
    if len(first) != 4 or len(dense) != 4 or last[:1] != (3,):
        return None
    fold = math.isqrt(first[1] // 3)
    doublings = sum(f"conv_up{number}.weight" in shapes for number in range(1, 6))
    if fold not in (1, 2, 4) or 2**doublings % fold:
        return None
    depth = _count(shapes, re.compile(r"body\.(\d+)\."))
    return UpscalerKind("rrdb", first[0], depth, 2**doublings // fold, fold, dense[0], doublings)


def _compact(shapes: Shapes) -> UpscalerKind | None:
    first = shapes.get("body.0.weight", ())
    places = _count(shapes, re.compile(r"body\.(\d+)\.weight"))
    last = shapes.get(f"body.{places - 1}.weight", ())
    if len(first) != 4 or len(last) != 4 or last[0] % 3 or places < 3:
        return None
    return UpscalerKind("compact", first[0], (places - 3) // 2, max(1, math.isqrt(last[0] // 3)))


def _count(names: Iterable[str], pattern: re.Pattern[str]) -> int:
    """One more than the largest number at the pattern's place."""
    found = (pattern.match(name) for name in names)
    return max((int(match[1]) + 1 for match in found if match), default=0)


def _our_names(names: Iterable[str]) -> dict[str, str]:
    """BasicSR's name of each tensor -> its name in the file; unknown ones stand for themselves."""
    bare = {name.removeprefix(_WRAPPER): name for name in names}
    heads = _old_heads(bare) if "model.0.weight" in bare else _PAPER_NAMES
    return {_renamed(name, heads): spelt for name, spelt in bare.items()}


def _renamed(name: str, heads: Mapping[str, str]) -> str:
    block = _OLD_BLOCK.fullmatch(name) or _PAPER_BLOCK.fullmatch(name)
    if block:
        return f"body.{block[1]}.rdb{block[2]}.conv{block[3]}.{block[4]}"
    head, _, leaf = name.rpartition(".")
    return f"{heads.get(head, head)}.{leaf}"


def _old_heads(names: Iterable[str]) -> dict[str, str]:
    """ESRGAN's first release numbers its layers: 0, then the trunk in 1, then all that follows."""
    numbered = (re.fullmatch(r"model\.(\d+)\.weight", name) for name in names)
    places = sorted(int(match[1]) for match in numbered if match)
    tail = re.compile(r"model\.1\.sub\.(\d+)\.weight")
    trunk = next((match[1] for match in map(tail.fullmatch, names) if match), "?")
    heads = {"model.0": "conv_first", f"model.1.sub.{trunk}": "conv_body"}
    if len(places) >= 3:
        heads |= {f"model.{places[-2]}": "conv_hr", f"model.{places[-1]}": "conv_last"}
        heads |= {f"model.{place}": f"conv_up{n + 1}" for n, place in enumerate(places[1:-2])}
    return heads
