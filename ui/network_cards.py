"""What the browser of extra networks shows: one card for each file that can be named in a prompt.

Pure: the catalog in, plain values out. Drawn by static/networks.js.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from models.catalog import Catalog, CheckpointEntry
from models.embedding_files import EMBEDDING_FOLDER, PICTURE_SUFFIXES, EmbeddingFile
from models.extra_networks.files import NetworkFile
from ui.texts_networks import NETWORKS

PREVIEW_ENDINGS: Final = tuple(
    f"{middle}{ending}"
    for middle in (".preview", "")
    for ending in (".png", ".jpg", ".jpeg", ".webp")
)
"""Pictures beside a file that show what it does, in A1111's order."""

KINDS: Final = ("lora", "embedding", "hypernetwork", "checkpoint")

Card = dict[str, Any]


def browser_value(catalog: Catalog, selected: str, previews_url: str) -> dict[str, Any]:
    """All cards, by kind, looked for now; `selected` is the title of the checkpoint in use."""
    catalog.loras.rescan()
    catalog.hypernetworks.rescan()
    width = catalog.default(selected).text_width
    found: Mapping[str, Sequence[Card]] = {
        "lora": [_network(one, "lora", previews_url) for one in catalog.loras.entries],
        "embedding": [_embedding(one, width, previews_url) for one in catalog.embeddings()],
        "hypernetwork": [
            _network(one, "hypernet", previews_url) for one in catalog.hypernetworks.entries
        ],
        "checkpoint": list(_checkpoints(catalog, selected, previews_url)),
    }
    folders = ("Lora", EMBEDDING_FOLDER, "hypernetworks", "Stable-diffusion")
    empty = {
        kind: NETWORKS["empty"].format(folder=catalog.models_dir / folder)
        for kind, folder in zip(KINDS, folders, strict=True)
    }
    return {"cards": found, "empty": empty, "chosen": ""}


def preview_of(catalog: Catalog, kind: str, name: str) -> Path | None:
    """The picture beside the file of this card, or None."""
    path = _path_of(catalog, kind, name)
    return None if path is None else _preview(path)


def _path_of(catalog: Catalog, kind: str, name: str) -> Path | None:
    if kind == "embedding":
        return next((one.path for one in catalog.embeddings() if one.name == name), None)
    found: Iterable[NetworkFile | CheckpointEntry] = ()
    if kind == "checkpoint":
        found = catalog.entries
    elif kind in ("lora", "hypernetwork"):
        found = (catalog.loras if kind == "lora" else catalog.hypernetworks).entries
    return next((one.path for one in found if one.name == name), None)


def _network(one: NetworkFile, tag: str, previews_url: str) -> Card:
    kind = "lora" if tag == "lora" else "hypernetwork"
    return {
        "name": one.name,
        "tag": f"<{tag}:{one.name}:1>",
        "search": f"{one.name} {one.alias} {one.folder}".lower(),
        "folder": one.folder,
        "note": one.problem or _builtin(one.builtin),
        "preview": _address(kind, one.name, one.path, previews_url),
    }


def _embedding(one: EmbeddingFile, width: int | None, previews_url: str) -> Card:
    fits = width is None or one.width == width
    return {
        "name": one.name,
        "tag": one.name,
        "search": one.name.lower(),
        "folder": "",
        "note": one.problem or ("" if fits else NETWORKS["other_width"]),
        "preview": _address("embedding", one.name, one.path, previews_url),
    }


def _checkpoints(catalog: Catalog, selected: str, previews_url: str) -> Iterable[Card]:
    in_use = catalog.default(selected).path
    for one in catalog.entries:
        here = NETWORKS["selected"] if one.path == in_use else ""
        yield {
            "name": one.name,
            "tag": one.title,
            "search": one.title.lower(),
            "folder": "",
            "note": one.problem or here or _builtin(one.kind == "builtin"),
            "preview": _address("checkpoint", one.name, one.path, previews_url),
        }


def _builtin(is_builtin: bool) -> str:
    return NETWORKS["builtin"] if is_builtin else ""


def _address(kind: str, name: str, path: Path, previews_url: str) -> str:
    """Where the card's picture is; its time keeps browsers from showing an older one."""
    found = _preview(path)
    if found is None:
        return ""
    return f"{previews_url}/{kind}?name={quote(name, safe='')}&v={found.stat().st_mtime_ns:x}"


def _preview(path: Path) -> Path | None:
    if path.suffix.lower() in PICTURE_SUFFIXES:
        return path  # an embedding in a picture shows itself
    stem = path if path.is_dir() else path.with_suffix("")
    beside = (stem.with_name(stem.name + ending) for ending in PREVIEW_ENDINGS)
    return next((found for found in beside if found.is_file()), None)
