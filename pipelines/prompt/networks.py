"""`<lora:name:0.8>` tags: finding them and reading their arguments (behaviour 9.8).

Which file a name means is the business of models/.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

_TAG = re.compile(r"<(\w+):([^>]+)>")
_LORA_KINDS = frozenset({"lora", "lyco"})


@dataclass(frozen=True, slots=True)
class NetworkTag:
    """A tag as written: its kind (`lora`), positional arguments and `key=value` arguments."""

    kind: str
    positional: tuple[str, ...] = ()
    named: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The network's name, the first positional argument; "" when there is none."""
        return self.positional[0] if self.positional else ""


@dataclass(frozen=True, slots=True)
class LoraTag:
    """A LoRA by name with its multipliers; `problems` tell what could not be read."""

    name: str
    text_encoder_multiplier: float = 1.0
    unet_multiplier: float = 1.0
    dynamic_dim: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HypernetworkTag:
    """A hypernetwork by name with its multiplier; `problems` tell what could not be read."""

    name: str
    multiplier: float = 1.0
    problems: tuple[str, ...] = ()


def extract_networks(prompt: str) -> tuple[str, tuple[NetworkTag, ...]]:
    """Take the tags out of a positive prompt: the rest of the text, and the tags in order.

    Only for positive prompts: in a negative prompt a tag is text. An argument with exactly one `=`
    is named, any other is positional. Never raises.
    """
    end = prompt.rfind(">") + 1  # no tag starts behind it: unclosed tags cost no time
    tags = tuple(_tag(match.group(1), match.group(2)) for match in _TAG.finditer(prompt, 0, end))
    return _TAG.sub("", prompt[:end]) + prompt[end:], tags


def lora_tag(tag: NetworkTag) -> LoraTag | None:
    """Read `<lora:name:te:unet:dim>` (or `te=`, `unet=`, `dyn=`); None for other kinds."""
    if tag.kind not in _LORA_KINDS:
        return None
    named = dict(tag.named)
    positional = tag.positional
    problems: list[str] = []

    def number(key: str, position: int, default: float) -> float:
        text = named.get(key, positional[position] if len(positional) > position else None)
        return _multiplier(tag, text, default, problems)

    text_encoder = number("te", 1, 1.0)
    unet = number("unet", 2, text_encoder)
    dim = number("dyn", 3, 0.0)
    return LoraTag(tag.name, text_encoder, unet, int(dim) if dim >= 1 else None, tuple(problems))


def renamed(prompt: str, names: Mapping[str, str]) -> str:
    """The prompt with other names in its LoRA tags: `names` are new ones by old ones."""

    def rewritten(match: re.Match[str]) -> str:
        name, colon, rest = match.group(2).partition(":")
        if match.group(1) not in _LORA_KINDS or name not in names:
            return match.group(0)
        return f"<{match.group(1)}:{names[name]}{colon}{rest}>"

    return _TAG.sub(rewritten, prompt)


def with_lora_weight(prompt: str, weight: float) -> str:
    """The prompt with this weight, for text encoder and U-Net, in all its LoRA tags."""

    def rewritten(match: re.Match[str]) -> str:
        tag = _tag(match.group(1), match.group(2))
        if tag.kind not in _LORA_KINDS:
            return match.group(0)
        return f"<{tag.kind}:{tag.name}:{weight:g}>"

    return _TAG.sub(rewritten, prompt)


def hypernetwork_tag(tag: NetworkTag) -> HypernetworkTag | None:
    """Read `<hypernet:name:multiplier>`; None for other kinds."""
    if tag.kind != "hypernet":
        return None
    problems: list[str] = []
    text = tag.positional[1] if len(tag.positional) > 1 else None
    multiplier = _multiplier(tag, text, 1.0, problems)
    return HypernetworkTag(tag.name, multiplier, tuple(problems))


def _tag(kind: str, arguments: str) -> NetworkTag:
    positional: list[str] = []
    named: list[tuple[str, str]] = []
    for argument in arguments.split(":"):
        key, equals, value = argument.partition("=")
        if equals and "=" not in value:
            named.append((key, value))
        else:
            positional.append(argument)
    return NetworkTag(kind, tuple(positional), tuple(named))


def _multiplier(tag: NetworkTag, text: str | None, default: float, problems: list[str]) -> float:
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if math.isfinite(value):
        return value
    problems.append(
        f"{text[:40]!r} in the <{tag.kind}:{tag.name[:80]}> tag is no number; {default:g} is used"
    )
    return default
