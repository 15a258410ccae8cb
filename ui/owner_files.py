"""Small JSON files in a folder per owner: written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def name_digest(name: str) -> str:
    """32 hex digits for a name; names are free text and never become a path."""
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:32]


def write_json(place: Path, data: Mapping[str, Any]) -> None:
    """Put `data` in place of what was there; a reader sees the old file or the new one."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=place.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(data, file)
    Path(temporary).replace(place)


def read_json(place: Path) -> dict[str, Any] | None:
    """A missing or damaged file counts as none."""
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data if isinstance(data, dict) else None
