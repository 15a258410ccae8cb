"""The weights in a TorchScript archive (OpenAI's `ViT-L-14.pt`), read without running any of it.

Such a file is a zip: compiled code, which is never looked at, tensors in `data/`, and `data.pkl`
with the tree of modules. The pickle is read by an unpickler that imports nothing: classes of the
archive (`__torch__...`) become plain nodes, and all but a handful of other names refuse the file.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from models.errors import BadModelFile

PICKLE_LIMIT = 16 << 20
"""Longest data.pkl that is read; OpenAI's CLIP has a third of a megabyte."""

_DEPTH = 32
"""Deepest tree of modules that is walked."""

_STORAGES: Mapping[str, torch.dtype] = MappingProxyType(
    {
        "torch.FloatStorage": torch.float32,
        "torch.HalfStorage": torch.float16,
        "torch.BFloat16Storage": torch.bfloat16,
        "torch.DoubleStorage": torch.float64,
        "torch.LongStorage": torch.int64,
        "torch.IntStorage": torch.int32,
        "torch.BoolStorage": torch.bool,
    }
)


class _Node:
    """A module of the archive: its attributes and nothing else."""

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}

    def __setstate__(self, state: object) -> None:
        self.parts = (
            {k: v for k, v in state.items() if isinstance(k, str)}
            if isinstance(state, dict)
            else {}
        )


@dataclass(frozen=True, slots=True)
class _Storage:
    dtype: torch.dtype
    key: str
    count: int


@dataclass(slots=True)
class _Archive:
    """The zip and the storages that were read from it, each once."""

    zip: zipfile.ZipFile
    root: str
    name: str
    read: dict[str, torch.Tensor] = field(default_factory=dict)

    def storage(self, wanted: _Storage) -> torch.Tensor:
        if wanted.key not in self.read:
            try:
                member = self.zip.getinfo(f"{self.root}/data/{wanted.key}")
            except KeyError as error:
                raise BadModelFile(f"{self.name} is truncated: weights are missing.") from error
            size = wanted.count * wanted.dtype.itemsize
            if member.compress_type != zipfile.ZIP_STORED or member.file_size < size or not size:
                raise BadModelFile(
                    f"{self.name} was refused: its tensor {wanted.key} is no tensor."
                )
            data = bytearray(self.zip.read(member))
            self.read[wanted.key] = torch.frombuffer(data, dtype=wanted.dtype, count=wanted.count)
        return self.read[wanted.key]


class _Reader(pickle.Unpickler):
    """Reads the tree of modules; imports nothing, calls nothing but what stands here."""

    def __init__(self, file: io.BytesIO, archive: _Archive) -> None:
        super().__init__(file, encoding="latin1")
        self._archive = archive

    def find_class(self, module: str, name: str, /) -> Any:
        full = f"{module}.{name}"
        if full.startswith("__torch__."):
            return _Node
        if full == "torch._utils._rebuild_tensor_v2":
            return self._tensor
        if full == "collections.OrderedDict":
            return OrderedDict
        if full in _STORAGES:
            return _STORAGES[full]
        if full.startswith("torch.jit._pickle."):
            return _first
        raise BadModelFile(
            f"{self._archive.name} was refused: it asks for {full[:120]!r}, which no CLIP "
            "needs and may be an attack. Get the model as .safetensors."
        )

    def persistent_load(self, pid: Any) -> _Storage:
        if (
            not isinstance(pid, tuple)
            or len(pid) < 5
            or not isinstance(pid[1], torch.dtype)
            or type(pid[4]) is not int
        ):
            raise pickle.UnpicklingError("a storage is described wrongly")
        return _Storage(pid[1], str(pid[2]), pid[4])

    def _tensor(self, storage: Any, offset: Any, size: Any, stride: Any, *_: object) -> Any:
        numbers = (offset, *size, *stride)
        if (
            not isinstance(storage, _Storage)
            or not all(type(n) is int and n >= 0 for n in numbers)
            or len(size) != len(stride)
        ):
            raise pickle.UnpicklingError("a tensor is described wrongly")
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if not math.prod(size) or last >= storage.count:
            raise pickle.UnpicklingError("a tensor is larger than its storage")
        return self._archive.storage(storage).as_strided(size, stride, offset)


def is_torchscript(path: Path) -> bool:
    """Whether the file is a zip with compiled code in it."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def read_torchscript(path: Path) -> dict[str, torch.Tensor]:
    """All tensors by their dotted names. Raises BadModelFile."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if m.filename.endswith("/data.pkl")]
            if len(members) != 1 or members[0].file_size > PICKLE_LIMIT:
                raise BadModelFile(f"{path.name} was refused: it has no data.pkl of a usual size.")
            root = members[0].filename.removesuffix("/data.pkl")
            stream = io.BytesIO(archive.read(members[0]))
            tree = _Reader(stream, _Archive(archive, root, path.name)).load()
            return dict(_tensors(tree, "", _DEPTH))
    except BadModelFile:
        raise
    except Exception as error:  # a hostile archive can raise anything while it is taken apart
        raise BadModelFile(
            f"{path.name} is damaged or no TorchScript archive ({type(error).__name__}). "
            "Download it again."
        ) from error


def _tensors(node: Any, prefix: str, depth: int) -> Iterator[tuple[str, torch.Tensor]]:
    if isinstance(node, torch.Tensor):
        yield prefix, node
    elif isinstance(node, _Node) and depth:
        for name, part in node.parts.items():
            yield from _tensors(part, f"{prefix}.{name}" if prefix else name, depth - 1)


def _first(value: Any = None, *_: object) -> Any:
    return value
