"""The checkpoints there are, under all the names they go by. No torch: the web process uses it."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from models.embedding_files import EMBEDDING_FOLDER, EmbeddingFile, list_embeddings
from models.errors import MissingModel, ModelError
from models.extra_networks.files import hypernetwork_catalog, lora_catalog
from models.facts import Facts, facts_of_file, facts_of_folder, yaml_path
from models.folder import identify_folder, is_folder_checkpoint, weight_files
from models.hashes import LEGACY_OFFSET, HashCache, legacy_hash, short_hash
from models.identify import ModelKind, identify
from models.safetensors_header import read_header
from models.upscaler_files import UpscalerFiles
from models.vae import VaeFile, is_vae_name, list_vaes

BUILTIN_NAME = "overpaint-tiny"
BUILTIN_INPAINTING = "overpaint-tiny-inpainting"
CHECKPOINT_FOLDER = "Stable-diffusion"
SUFFIXES = (".safetensors", ".ckpt")

_HASH_SUFFIX = re.compile(r"\s*\[[^\[\]]*\]\s*$")


@dataclass(frozen=True, slots=True)
class Defaults:
    """Working size (pixels) and CFG scale that suit a checkpoint."""

    width: int = 512
    height: int = 512
    cfg: float = 7.0


@dataclass(frozen=True, slots=True)
class CheckpointEntry:
    """One checkpoint (api 3.5). Hashes are None until `Catalog.ensure_hash` has run.

    `name` is the path below its root with forward slashes and extension, `model_name` the same
    without extension and with `_` for slashes. `problem` is a sentence if the file cannot be used.
    `text_width` is the width of its text embedding, where the header tells.
    """

    name: str
    path: Path
    kind: Literal["builtin", "file", "folder"]
    defaults: Defaults = Defaults()
    label: str = ""
    sha256: str | None = None
    legacy: str | None = None
    size: int = 0
    config: Path | None = None
    problem: str | None = None
    text_width: int | None = None

    @property
    def hash10(self) -> str | None:
        """The first 10 hex digits of the SHA-256, or None."""
        return None if self.sha256 is None else short_hash(self.sha256)

    @property
    def title(self) -> str:
        """`name [hash]`, or the name alone while the hash is unknown."""
        return self.name if self.sha256 is None else f"{self.name} [{self.hash10}]"

    @property
    def model_name(self) -> str:
        """The name without extension, separators as `_`."""
        return _without_suffix(self.name).replace("/", "_")

    @property
    def stem(self) -> str:
        """The bare file name without extension."""
        return _without_suffix(self.name).rsplit("/", 1)[-1]

    def aliases(self) -> Iterator[tuple[int, str]]:
        """All exact names with their rank: where two entries share one, the lower rank has it."""
        yield 0, self.title
        yield 1, self.name
        yield 2, self.model_name
        yield 3, self.stem
        if self.sha256 is not None:
            yield 4, f"{self.stem} [{self.hash10}]"
            yield 5, short_hash(self.sha256)
            yield 5, self.sha256
        if self.legacy is not None:
            yield 6, self.legacy


@dataclass(frozen=True, slots=True)
class _Snapshot:
    entries: tuple[CheckpointEntry, ...]
    aliases: Mapping[str, CheckpointEntry]


class Catalog:
    """Checkpoints of `models_dir/Stable-diffusion`, of further folders, and the built-in one.

    Safe for several threads: readers see whole snapshots, which are replaced, never changed.
    """

    def __init__(
        self,
        models_dir: Path,
        data_dir: Path,
        builtin: Path,
        extra_dirs: Sequence[Path] = (),
        vae_dirs: Sequence[Path] = (),
    ) -> None:
        self._roots = tuple(
            root.absolute() for root in (models_dir / CHECKPOINT_FOLDER, *extra_dirs)
        )
        self.models_dir = models_dir
        self.upscalers = UpscalerFiles(models_dir)
        self._vae_dirs = tuple(vae_dirs)
        self._companions = builtin.absolute().parent
        self.embedding_dirs = tuple(
            root / EMBEDDING_FOLDER for root in (models_dir, self._companions)
        )
        self.loras = lora_catalog(models_dir, self._companions)
        self.hypernetworks = hypernetwork_catalog(models_dir, self._companions)
        self._builtin = builtin.absolute()
        self._hashes = HashCache(data_dir)
        self._lock = threading.Lock()
        self._snapshot = _Snapshot((), MappingProxyType({}))
        self.rescan()

    @property
    def entries(self) -> tuple[CheckpointEntry, ...]:
        """All checkpoints, sorted by name without regard to case; the built-in one comes last."""
        return self._snapshot.entries

    def vaes(self) -> tuple[VaeFile, ...]:
        """The VAE files there are now; their folders are looked at anew."""
        return list_vaes(self.models_dir, self._vae_dirs, self._companions / "VAE")

    def embeddings(self) -> tuple[EmbeddingFile, ...]:
        """The textual inversions, looked up now; the built-in ones come last."""
        return list_embeddings(*self.embedding_dirs)

    def rescan(self) -> None:
        """Look at the folders again. Unreadable folders count as empty."""
        with self._lock:
            found: dict[str, CheckpointEntry] = {}
            for root in self._roots:
                for path in _walk(root):
                    entry = self._entry(_relative(path, root), path)
                    found.setdefault(entry.name, entry)
            users = sorted(found.values(), key=lambda entry: (entry.name.lower(), entry.name))
            self._snapshot = _snapshot((*users, *self._builtins()))

    def _builtins(self) -> Iterator[CheckpointEntry]:
        """What ships: the inpainting variant beside the checkpoint, if it is there, and that."""
        variant = self._companions / "inpainting"
        if is_folder_checkpoint(variant):
            yield self._entry(BUILTIN_INPAINTING, variant, builtin=True)
        yield self._entry(BUILTIN_NAME, self._builtin, builtin=True)

    def find(self, alias: str) -> CheckpointEntry | None:
        """The checkpoint that goes by this name, or None (api 3.5, behaviour 15.2).

        Exact names first, then the shortest title that contains the text, then both again without
        a trailing ` [...]`, then without regard to case. An empty name finds nothing.
        """
        snapshot, wanted = self._snapshot, alias.strip()
        bare = _HASH_SUFFIX.sub("", wanted)
        for text in (wanted, bare):
            found = snapshot.aliases.get(text) or _shortest_title(snapshot.entries, text)
            if found is not None:
                return found
        return _shortest_title(snapshot.entries, bare, fold=True)

    def get(self, alias: str) -> CheckpointEntry:
        """As `find`, but raises MissingModel if nothing goes by this name."""
        entry = self.find(alias)
        if entry is None:
            raise MissingModel(alias)
        return entry

    def default(self, selected: str = "") -> CheckpointEntry:
        """The selected checkpoint if it is there, else the user's first usable one, else ours."""
        chosen = self.find(selected) if selected else None
        users = (entry for entry in self.entries if entry.kind != "builtin")
        usable = (entry for entry in users if entry.problem is None)
        return chosen or next(usable, self.entries[-1])

    def ensure_hash(self, entry: CheckpointEntry) -> CheckpointEntry:
        """The entry with its SHA-256, computed now if unknown (reads all its weights).

        The catalog's snapshot gets it too, so that titles show it from now on. Raises MissingModel
        if the file is gone.
        """
        if entry.sha256 is not None:
            return entry
        try:
            digest = self._sha256(entry.path)
        except FileNotFoundError as error:
            raise MissingModel(entry.name) from error
        hashed = replace(entry, sha256=digest)
        with self._lock:
            entries = self._snapshot.entries
            self._snapshot = _snapshot(hashed if e.path == entry.path else e for e in entries)
        return hashed

    def _sha256(self, path: Path) -> str:
        if path.is_dir():
            return self._hashes.sha256_folder(path, weight_files(path))
        return self._hashes.sha256(path)

    def _entry(self, name: str, path: Path, *, builtin: bool = False) -> CheckpointEntry:
        folder = path.is_dir()
        entry = CheckpointEntry(
            name=name,
            path=path,
            kind="builtin" if builtin else "folder" if folder else "file",
            config=None if folder else yaml_path(path),
        )
        try:
            return self._described(entry)
        except ModelError as error:
            return replace(entry, problem=str(error))
        except OSError as error:
            return replace(entry, problem=f"{name} cannot be read ({error.strerror}).")

    def _described(self, entry: CheckpointEntry) -> CheckpointEntry:
        path, folder = entry.path, entry.path.is_dir()
        files = weight_files(path) if folder else (path,)
        known = self._hashes.known_folder(path, files) if folder else self._hashes.known(path)
        size = sum(file.stat().st_size for file in files)
        hashed = not folder and size > LEGACY_OFFSET
        legacy = legacy_hash(path) if hashed else None
        entry = replace(entry, sha256=known, legacy=legacy, size=size)
        try:
            kind, facts = _look(path)
        except ModelError as error:
            return replace(entry, problem=str(error))
        label = "" if kind is None else kind.label
        width = None if kind is None else kind.context_dim
        return replace(entry, defaults=_defaults(kind, facts), label=label, text_width=width)


def _look(path: Path) -> tuple[ModelKind | None, Facts]:
    """Kind and facts of a checkpoint as far as they are cheap to know: a pickle is not opened."""
    if path.is_dir():
        return identify_folder(path), facts_of_folder(path)
    if path.suffix.lower() != ".safetensors":
        return None, facts_of_file(path, {})
    header = read_header(path)
    facts = facts_of_file(path, header.metadata)
    return identify(header, facts, path.name), facts


def _defaults(kind: ModelKind | None, facts: Facts) -> Defaults:
    native = kind.native_size if kind is not None else 512
    width = facts.default_width or native
    height = facts.default_height or facts.default_width or native
    return Defaults(width, height, 7.0 if facts.default_cfg is None else facts.default_cfg)


def _snapshot(entries: Iterable[CheckpointEntry]) -> _Snapshot:
    kept = tuple(entries)
    ranked = sorted(
        ((rank, position, alias) for position, e in enumerate(kept) for rank, alias in e.aliases()),
        reverse=True,
    )
    return _Snapshot(kept, MappingProxyType({alias: kept[at] for _, at, alias in ranked}))


def _shortest_title(
    entries: Iterable[CheckpointEntry], text: str, *, fold: bool = False
) -> CheckpointEntry | None:
    wanted = text.lower() if fold else text
    titles = ((e.title.lower() if fold else e.title, e) for e in entries)
    containing = [e for title, e in titles if wanted and wanted in title]
    return min(containing, key=lambda e: (len(e.title), e.title), default=None)


def _walk(root: Path) -> Iterator[Path]:
    """Checkpoint files and diffusers folders below `root`; links are followed, but never round."""
    seen: set[str] = set()
    for base, folders, names in os.walk(root, followlinks=True):
        real = os.path.realpath(base)
        here = Path(base)
        if real in seen or (here != root and is_folder_checkpoint(here)):
            folders.clear()
            if real not in seen:
                seen.add(real)
                yield here
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if (
                name.lower().endswith(SUFFIXES)
                and not is_vae_name(name)
                and (here / name).is_file()
            ):
                yield here / name


def _relative(path: Path, root: Path) -> str:
    text = path.relative_to(root).as_posix()
    return os.fsencode(text).decode("utf-8", "replace")


def _without_suffix(name: str) -> str:
    return name[: -len(Path(name).suffix)] if name.lower().endswith(SUFFIXES) else name
