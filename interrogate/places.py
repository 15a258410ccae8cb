"""Where model folders lie: in the models folder, the Hugging Face cache, or with us. No torch."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

WEIGHTS = ("model.safetensors", "pytorch_model.bin")
"""Names of the weights in a folder saved by transformers, in order of preference."""

BUILTIN = Path(__file__).resolve().parent.parent / "models" / "builtin"
"""What ships with us; `captioner`, `clip` and `tagger` in it need not be there."""


def children(folder: Path) -> Iterator[Path]:
    """The folder itself, then its sub-folders by name; nothing when it is not there."""
    if folder.is_dir():
        yield folder
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def transformers_folder(places: Iterator[Path], model_type: str) -> Path | None:
    """The first folder with `config.json` of this type and weights beside it."""
    for folder in places:
        config = folder / "config.json"
        if config.is_file() and any((folder / name).is_file() for name in WEIGHTS):
            text = config.read_text(encoding="utf-8", errors="replace")
            if re.search(rf'"model_type"\s*:\s*"{model_type}"', text):
                return folder
    return None


def cached_snapshots(repo: str) -> Iterator[Path]:
    """Snapshots of a hub repository in this user's cache, the one that `main` means first."""
    base = hub_cache() / f"models--{repo.replace('/', '--')}"
    snapshots = base / "snapshots"
    if not snapshots.is_dir():
        return
    reference = base / "refs" / "main"
    main = reference.read_text(encoding="utf-8").strip() if reference.is_file() else ""
    folders = sorted(path for path in snapshots.iterdir() if path.is_dir())
    yield from sorted(folders, key=lambda path: path.name != main)


def hub_cache() -> Path:
    """The folder of the Hugging Face cache, found as huggingface_hub finds it."""
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(name):
            return Path(os.environ[name]).expanduser()
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home).expanduser() / "hub"
    cache = os.environ.get("XDG_CACHE_HOME")
    root = Path(cache).expanduser() if cache else Path.home() / ".cache"
    return root / "huggingface" / "hub"
