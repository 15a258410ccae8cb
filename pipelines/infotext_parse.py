"""Reading an infotext into prompts and `key: value` pairs (behaviour 10.4).

Pasted texts come from anywhere: nothing raises, and time grows with the length only. What the
values mean for a request is in infotext_apply.py.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass

from pipelines.infotext_keys import DEFAULTS

MAX_PARAMS = 1000
"""Pairs that are read; real texts have a few dozen, a hostile one a million."""

_FEWEST_PARAMS = 3
_PARAM = re.compile(
    # What is no key: other characters, words without a colon, one-letter keys.
    r"(?:[^\w]++|\w[\w \-/]*+(?!:)|\w:)*+"
    r"(?P<key>\w[\w \-/]++):\s*+"
    r'(?:(?P<quoted>"(?:\\.|[^\\"])++")(?=,|\Z)|(?P<raw>[^,]*+))(?:,|\Z)'
)
_NEGATIVE = re.compile(r"^[ \t]*+Negative prompt:[ \t]?", re.MULTILINE)
_SIZE = re.compile(r"([0-9]+)x([0-9]+)")


@dataclass(frozen=True)
class ParsedInfotext:
    """Both prompts and the parameters as text. `NxM` values are split into `key-1`, `key-2`."""

    prompt: str
    negative_prompt: str
    params: dict[str, str]


def parse_infotext(text: str, *, fill_defaults: bool = True) -> ParsedInfotext:
    """Take an infotext apart. Never raises.

    The last line holds parameters if it has at least three pairs, else it is part of the prompt.
    Old `Hypernet` keys become a tag in the prompt, `First pass size` becomes `Hires resize`. With
    `fill_defaults` missing keys get the value that their absence means.
    """
    text = text.replace("\r\n", "\n").strip()
    head, _, last = text.rpartition("\n")
    params = _read_params(last)
    if params is None:
        head, params = text, {}
    prompt, negative = _split_prompts(head)
    if "Hypernet" in params:
        strength = params.get("Hypernet strength", "1.0")
        prompt += f"<hypernet:{params['Hypernet']}:{strength}>"
    _translate_first_pass(params)
    return ParsedInfotext(prompt, negative, _with_defaults(params) if fill_defaults else params)


def _split_prompts(head: str) -> tuple[str, str]:
    marker = _NEGATIVE.search(head)
    if marker is None:
        return head.strip(), ""
    return head[: marker.start()].strip(), head[marker.end() :].strip()


def _read_params(line: str) -> dict[str, str] | None:
    """The pairs of a parameter line; None when it is none."""
    params: dict[str, str] = {}
    position = count = 0
    while count < MAX_PARAMS and (match := _PARAM.match(line, position)):
        count += 1
        position = match.end()
        _store(params, match["key"].rstrip(), match["quoted"] or match["raw"])
    return params if count >= _FEWEST_PARAMS else None


def _store(params: dict[str, str], key: str, value: str) -> None:
    if not value:
        return
    value = _unquoted(value)
    size = _SIZE.fullmatch(value)
    if size is None:
        params[key] = value
    else:
        params[f"{key}-1"], params[f"{key}-2"] = size.groups()


def _unquoted(value: str) -> str:
    if not (value[0] == value[-1] == '"'):
        return value
    try:
        text = json.loads(value)
    except ValueError:
        return value
    return text if isinstance(text, str) else value


def _with_defaults(params: dict[str, str]) -> dict[str, str]:
    filled = params | {key: value for key, value in DEFAULTS.items() if key not in params}
    if filled["FP8 weight"] != "Disable":
        filled.setdefault("Cache FP16 weight for LoRA", "False")
    return filled


def _translate_first_pass(params: dict[str, str]) -> None:
    """Old hires fix: `Size` was the final size, `First pass size` (0 = automatic) the first."""
    names = ("First pass size-1", "First pass size-2", "Size-1", "Size-2")
    texts = [params.get(name, "") for name in names]
    if not all(text.isdecimal() and len(text) <= 6 for text in texts):
        return
    first_width, first_height, width, height = map(int, texts)
    if not width * height:
        return
    if not (first_width and first_height):
        scale = math.sqrt(512 * 512 / (width * height))
        first_width, first_height = (math.ceil(scale * n / 64) * 64 for n in (width, height))
    params |= {
        "Size-1": str(first_width),
        "Size-2": str(first_height),
        "Hires resize-1": str(width),
        "Hires resize-2": str(height),
    }
