"""Every English text of the page, collected; `ui/static/languages.json` holds the other languages.

Translation happens in the browser (ui/static/translate.js): English texts are the keys.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import ui
from jobs.options import OPTIONS

FILE: Final = Path(__file__).with_name("static") / "languages.json"

NAMES: Final = frozenset({"CFG", "Overpaint", "img2img", "txt2img", "Extras", "LoRA", "VAE", "API"})
"""Names of tabs and things that every language writes so."""

_VALUE = re.compile(r"[a-z_0-9]+")
_PLACE = re.compile(r"\{[^{}]*\}")
_WORDS = re.compile(r"[A-Za-z]{2}")
"""A text of nothing but places and signs is the same in every language."""


def english() -> list[str]:
    """All texts that need another one in each language, each once, in the order of the modules."""
    found: dict[str, None] = {}
    for info in sorted(pkgutil.iter_modules(ui.__path__), key=lambda info: info.name):
        if not info.name.startswith("texts"):
            continue
        module = importlib.import_module(f"ui.{info.name}")
        for name, value in vars(module).items():
            if name.isupper():
                found |= dict.fromkeys(_texts(value))
    for option in OPTIONS:
        found |= dict.fromkeys((option.section, option.text, option.instead))
    return [text for text in found if _WORDS.search(_PLACE.sub(" ", text)) and text not in NAMES]


def languages() -> dict[str, dict[str, str]]:
    """The catalogue: language -> English text -> the text in that language."""
    stored = json.loads(FILE.read_text(encoding="utf-8"))
    return {
        language: {text: others[at] for text, others in stored["texts"].items()}
        for at, language in enumerate(stored["languages"])
    }


def _texts(value: Any) -> Iterator[str]:
    """The texts of a table; of choices as (label, value) the label."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, tuple):
        is_pair = len(value) == 2 and all(isinstance(item, str) for item in value)
        for inner in value[:1] if is_pair and _VALUE.fullmatch(value[1]) else value:
            yield from _texts(inner)
