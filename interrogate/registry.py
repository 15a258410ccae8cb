"""Every interrogator there is, in the order of the page. One line adds one. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from interrogate.base import Interrogator
from interrogate.clip import ClipInterrogator
from interrogate.deepbooru import DeepBooru
from interrogate.wd14 import Wd14Tagger

INTERROGATORS: Final[tuple[type[Interrogator], ...]] = (ClipInterrogator, DeepBooru, Wd14Tagger)


class UnknownInterrogator(ValueError):
    """Nothing goes by this name; the message lists what there is."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One interrogator as a list shows it."""

    name: str
    label: str
    available: bool
    note: str
    builtin: bool


def find(name: str) -> type[Interrogator]:
    """The interrogator of this name, label or alias, in any letter case."""
    wanted = name.strip().lower()
    for kind in INTERROGATORS:
        if wanted in {kind.name.lower(), kind.label.lower(), *kind.aliases}:
            return kind
    names = ", ".join(kind.name for kind in INTERROGATORS)
    raise UnknownInterrogator(f"there is no interrogator {name!r:.60}; choose one of {names}")


def listing(models_dir: Path) -> list[Listing]:
    """All of them, and whether each can be used here."""
    found = []
    for kind in INTERROGATORS:
        state = kind.available(models_dir)
        found.append(Listing(kind.name, kind.label, state.ready, state.note, state.builtin))
    return found
