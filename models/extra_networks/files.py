"""The files of extra networks: which there are and what they are called. No torch.

Behaviour 9.8 and 10.3. Their weights are loaded by lora.py and hypernetwork.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from models.errors import BadModelFile, ModelError
from models.hashes import sha256_file
from models.model_file import is_safetensors
from models.safetensors_header import read_header

BUILTIN = Path(__file__).parents[1] / "builtin"
"""What ships with us lies here under the same folder names; it comes after the user's files."""

LORA_FOLDERS = ("Lora", "LyCORIS")
LORA_SUFFIXES = (".safetensors", ".pt", ".ckpt")
HYPERNETWORK_FOLDERS = ("hypernetworks",)
HYPERNETWORK_SUFFIXES = (".pt",)
LORA_HASH_LENGTH = 12

_ALIAS = "ss_output_name"
_NO_ALIAS = frozenset({"none"})
"""Names that trainers write when nobody chose one."""


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """One file of a network.

    `name` is the file's stem, `folder` its sub-folder with forward slashes ("" at the top), `alias`
    what its trainer called it, else the name. `problem` is a sentence if the file cannot be used.
    """

    name: str
    path: Path
    folder: str = ""
    alias: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None
    builtin: bool = False


class NetworkCatalog:
    """All networks of one kind below some folders. Safe for several threads.

    Of two files with one name the first counts: folders in their order, paths sorted; so a user's
    file wins over a built-in one.
    """

    def __init__(
        self, folders: Sequence[Path], suffixes: Sequence[str], builtin: Sequence[Path] = ()
    ) -> None:
        self._folders = tuple(folders)
        self._builtin = tuple(builtin)
        self._suffixes = tuple(suffixes)
        self._lock = threading.Lock()
        self._seen: dict[tuple[Path, int, int], tuple[Mapping[str, str], str | None]] = {}
        self._hashes: dict[Path, str] = {}
        self._states: dict[Path, tuple[int, int]] = {}
        self._entries: tuple[NetworkFile, ...] = ()
        self._names: Mapping[str, NetworkFile] | None = None
        """None until the folders were looked at, which waits for the first who asks."""

    @property
    def entries(self) -> tuple[NetworkFile, ...]:
        """All networks, the user's sorted by name without regard to case, then the built-in."""
        if self._names is None:
            self.rescan()
        return self._entries

    def rescan(self) -> None:
        """Look at the folders again. Missing folders count as empty."""
        with self._lock:
            found: dict[str, NetworkFile] = {}
            places = [(f, False) for f in self._folders] + [(f, True) for f in self._builtin]
            for root, builtin in places:
                for path in _walk(root, self._suffixes):
                    found.setdefault(_text(path.stem), self._described(root, path, builtin))
            kept = sorted(found.values(), key=lambda e: (e.builtin, e.name.lower(), e.name))
            self._entries = tuple(kept)
            self._names = MappingProxyType(_names(kept))

    def find(self, name: str) -> NetworkFile | None:
        """The network of this name, or None: file stem, `folder/stem`, unambiguous alias.

        Then the same without regard to case (A1111 heeds the case).
        """
        if self._names is None:
            self.rescan()
        names = self._names or {}
        return names.get(name) or names.get(name.casefold())

    def hash_of(self, name: str) -> str:
        """The LoRA hash of the file of this name, "" without one; reads the file once."""
        found = self.find(name)
        try:
            return "" if found is None else self._hash(found)
        except (ModelError, OSError):
            return ""

    def name_of(self, digest: str) -> str:
        """The name of a LoRA with this hash, "" when none is known.

        Known are the hashes that trainers wrote into their files and those asked for before: all
        other files would have to be read.
        """
        for entry in self.entries:
            known = _own_hash(entry.metadata) or self._hashes.get(entry.path, "")
            if known and known == digest:
                return entry.name
        return ""

    def _hash(self, entry: NetworkFile) -> str:
        own = _own_hash(entry.metadata)
        facts = entry.path.stat()
        state = (facts.st_mtime_ns, facts.st_size)
        if not own and self._states.get(entry.path) != state:
            self._hashes[entry.path] = lora_hash(entry.path)
            self._states[entry.path] = state
        return own or self._hashes[entry.path]

    def _described(self, root: Path, path: Path, builtin: bool) -> NetworkFile:
        name, folder = _text(path.stem), _text(path.parent.relative_to(root).as_posix())
        metadata, problem = self._looked_at(path)
        alias = metadata.get(_ALIAS, "").strip()
        return NetworkFile(
            name,
            path,
            "" if folder == "." else folder,
            name if not alias or alias.lower() in _NO_ALIAS else alias,
            metadata,
            problem,
            builtin,
        )

    def _looked_at(self, path: Path) -> tuple[Mapping[str, str], str | None]:
        """Metadata and problem of a file; a file that did not change is not read again."""
        try:
            facts = path.stat()
            key = (path, facts.st_mtime_ns, facts.st_size)
            if key not in self._seen:
                self._seen[key] = _metadata(path)
            return self._seen[key]
        except OSError as error:
            return {}, f"{path.name} cannot be read ({error.strerror})."


def lora_catalog(models_dir: Path, builtin: Path = BUILTIN) -> NetworkCatalog:
    """The LoRAs of `models_dir/Lora` (and `LyCORIS`), then the built-in ones."""
    return NetworkCatalog(
        [models_dir / folder for folder in LORA_FOLDERS],
        LORA_SUFFIXES,
        [builtin / LORA_FOLDERS[0]],
    )


def hypernetwork_catalog(models_dir: Path, builtin: Path = BUILTIN) -> NetworkCatalog:
    """The hypernetworks of `models_dir/hypernetworks`, then the built-in ones."""
    return NetworkCatalog(
        [models_dir / folder for folder in HYPERNETWORK_FOLDERS],
        HYPERNETWORK_SUFFIXES,
        [builtin / HYPERNETWORK_FOLDERS[0]],
    )


def lora_hash(path: Path) -> str:
    """The first 12 hex digits that the infotext tells of a LoRA (behaviour 10.3).

    The trainer's own `sshs_model_hash` if there is one, else the SHA-256 of a safetensors file
    without its header, else that of the whole file. Reads the whole file. Raises BadModelFile.
    """
    if not is_safetensors(path):
        return sha256_file(path)[:LORA_HASH_LENGTH]
    own = _own_hash(read_header(path).metadata)
    if own:
        return own
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        file.seek(8 + length)
        return hashlib.file_digest(file, "sha256").hexdigest()[:LORA_HASH_LENGTH]


def readable_metadata(metadata: Mapping[str, str]) -> dict[str, Any]:
    """A trainer's metadata with the tables that it wrote as JSON texts read."""
    found: dict[str, Any] = {}
    for key, text in metadata.items():
        found[key] = text
        if text.startswith("{"):
            try:
                found[key] = json.loads(text)
            except (ValueError, RecursionError):
                continue
    return found


def _own_hash(metadata: Mapping[str, str]) -> str:
    """The hash that a trainer wrote into the file, as infotexts tell it, or ""."""
    return metadata.get("sshs_model_hash", "").strip()[:LORA_HASH_LENGTH]


def _metadata(path: Path) -> tuple[Mapping[str, str], str | None]:
    try:
        return (read_header(path).metadata if is_safetensors(path) else {}), None
    except (BadModelFile, ModelError) as error:
        return {}, str(error)


def _names(entries: Sequence[NetworkFile]) -> dict[str, NetworkFile]:
    """All names with their file: exact before folded ones, stems before aliases."""
    aliases = Counter(entry.alias for entry in entries)
    exact: dict[str, NetworkFile] = {entry.name: entry for entry in reversed(entries)}
    for entry in entries:
        if entry.folder:
            exact.setdefault(f"{entry.folder}/{entry.name}", entry)
        if aliases[entry.alias] == 1:
            exact.setdefault(entry.alias, entry)
    folded: dict[str, NetworkFile] = {}
    for name, entry in exact.items():
        folded.setdefault(name.casefold(), entry)
    return folded | exact


def _walk(root: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Files below `root`, sorted, the upper folders first; links are followed, never round."""
    seen: set[str] = set()
    for base, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(base)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(suffixes) and Path(base, name).is_file():
                yield Path(base, name)


def _text(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")
