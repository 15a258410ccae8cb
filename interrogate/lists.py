"""The lists that CLIP ranks: text files, one term a line, `NAME.topN.txt` for N results. No torch.

Lists of the user's in `interrogate` below the models folder replace the shipped ones, which are
those of clip-interrogator (MIT, see data/LICENSE.txt), as in A1111 (behaviour 13.1).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from models.errors import BadModelFile

FOLDER = "interrogate"
SHIPPED = Path(__file__).resolve().parent / "data"
SHIPPED_LISTS = ("artists", "flavors", "mediums", "movements")
BUILTIN_FOLDER = SHIPPED / "builtin"
"""Words of the world that the built-in models know: all that the built-in CLIP can rank."""

_TOP = re.compile(r"(?P<name>.+)\.top(?P<count>[1-9]\d{0,3})")


@dataclass(frozen=True, slots=True)
class TermList:
    """One category: its terms in the file's order, and how many results it gives."""

    name: str
    top: int
    terms: tuple[str, ...]


def read_lists(
    models_dir: Path, limit: int = 1500, skip: Collection[str] = ()
) -> tuple[TermList, ...]:
    """The lists in order of their file names, each cut after `limit` lines (0 = uncut).

    `skip` names categories with or without their `.topN`. Empty lists are left out. Raises
    BadModelFile for a list that is no UTF-8 text.
    """
    return _read(list_files(models_dir), limit, skip)


def builtin_lists(limit: int = 1500, skip: Collection[str] = ()) -> tuple[TermList, ...]:
    """The built-in CLIP's lists, in the same way."""
    return _read(sorted(BUILTIN_FOLDER.glob("*.txt")), limit, skip)


def list_files(models_dir: Path) -> list[Path]:
    """The user's lists, or the shipped ones when he has none."""
    own = sorted((models_dir / FOLDER).glob("*.txt"))
    return own or [SHIPPED / f"{name}.txt" for name in SHIPPED_LISTS]


def category_names(models_dir: Path) -> tuple[str, ...]:
    """The names that the setting `interrogate_clip_skip_categories` can choose from."""
    return tuple(path.stem for path in list_files(models_dir))


def _read(paths: Iterable[Path], limit: int, skip: Collection[str]) -> tuple[TermList, ...]:
    found = []
    for path in paths:
        match = _TOP.fullmatch(path.stem)
        name = match["name"] if match else path.stem
        if name in skip or path.stem in skip:
            continue
        terms = _terms(path, limit)
        if terms:
            found.append(TermList(name, int(match["count"]) if match else 1, terms))
    return tuple(found)


def _terms(path: Path, limit: int) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise BadModelFile(f"the list {path.name} is no UTF-8 text; save it as UTF-8.") from error
    cut = lines[:limit] if limit else lines
    return tuple(line.strip() for line in cut if line.strip())
