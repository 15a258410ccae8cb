"""Loaded networks by name: the files of the folders, the last ones used kept in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from models.cache import ModelCache, Sized
from models.extra_networks.files import NetworkCatalog
from models.extra_networks.hypernetwork import Hypernetwork, load_hypernetwork
from models.extra_networks.lora import Lora, load_lora

KEPT_BYTES = 1 << 30
"""Memory for networks of each kind that were used and may be used again."""

NetworkT = TypeVar("NetworkT", bound=Sized)


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it is now; another size or time makes it another file."""

    path: Path
    mtime_ns: int
    size: int


class NetworkShelf(Generic[NetworkT]):
    """The networks of one kind. One load runs at a time."""

    def __init__(self, catalog: NetworkCatalog, load: Callable[[Path], NetworkT]) -> None:
        self._catalog = catalog
        self._load = load
        self._kept: ModelCache[NetworkT] = ModelCache(KEPT_BYTES)

    def file(self, name: str) -> FileState | None:
        """The file that goes by this name, looked for again if it is unknown or gone."""
        return self._state(name) or self._state(name, rescan=True)

    def get(self, file: FileState) -> NetworkT:
        """Its weights. Raises BadModelFile, UnsupportedModel, OSError."""
        return self._kept.get_or_load(file, file.size, lambda: self._load(file.path))

    def _state(self, name: str, *, rescan: bool = False) -> FileState | None:
        if rescan:
            self._catalog.rescan()
        found = self._catalog.find(name)
        try:
            facts = None if found is None else found.path.stat()
        except OSError:
            return None
        if found is None or facts is None:
            return None
        return FileState(found.path, facts.st_mtime_ns, facts.st_size)


def lora_shelf(catalog: NetworkCatalog) -> NetworkShelf[Lora]:
    """The LoRAs of a catalog."""
    return NetworkShelf(catalog, load_lora)


def hypernetwork_shelf(catalog: NetworkCatalog) -> NetworkShelf[Hypernetwork]:
    """The hypernetworks of a catalog."""
    return NetworkShelf(catalog, load_hypernetwork)
