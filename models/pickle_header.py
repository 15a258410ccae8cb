"""The table of tensors of a .ckpt / .pt file, read with a restricted unpickler. No torch.

Nothing named in the pickle is imported: the few names a checkpoint may use (behaviour 15.1) stand
for inert objects here, everything else refuses the file. `models/tensor_file.py` loads the weights
afterwards, and torch's own weights-only unpickler is the second guard there.
"""

from __future__ import annotations

import io
import math
import pickle
import re
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from models.errors import BadModelFile
from models.safetensors_header import DTYPE_BITS, Header, TensorInfo

PICKLE_LIMIT = 64 * 1024 * 1024
"""Longest data.pkl that is read; a Stable Diffusion checkpoint has about one megabyte."""

LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
"""First pickle of a checkpoint written before torch 1.6 (not a zip archive)."""

WRAPPERS = ("state_dict", "params_ema", "params", "model")
"""Keys under which files keep their weights: checkpoints (behaviour 15.2), upscalers, BLIP."""

_MEMBER = re.compile(
    r"[^/\\]+/(data/\d+|version|byteorder|data\.pkl|\.data/serialization_id"
    r"|\.format_version|\.storage_alignment)"
)

_STORAGES = MappingProxyType(
    {
        "torch.FloatStorage": "F32",
        "torch.HalfStorage": "F16",
        "torch.BFloat16Storage": "BF16",
        "torch.DoubleStorage": "F64",
        "torch.LongStorage": "I64",
        "torch.IntStorage": "I32",
        "torch.ByteStorage": "U8",
    }
)

_INERT_NAMES = frozenset(
    {
        "torch._utils._rebuild_device_tensor_from_numpy",
        "torch.float32",
        "torch.nn.modules.container.ParameterDict",
        "numpy.core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
        "numpy.dtype",
        "numpy.ndarray",
        "_codecs.encode",
        "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint",
        "pytorch_lightning.callbacks.ModelCheckpoint",
    }
)


class _Inert:
    """Stands for an object that a checkpoint may mention and nobody needs."""

    def __init__(self, *_: object) -> None: ...

    def __call__(self, *_: object) -> _Inert:
        return self

    def __setstate__(self, _: object) -> None: ...

    def __setitem__(self, _: object, __: object) -> None: ...


@dataclass(frozen=True, slots=True)
class _StorageType:
    dtype: str


@dataclass(frozen=True, slots=True)
class _Storage:
    dtype: str
    key: str
    count: int


def _rebuild_tensor(storage: object, offset: object, size: object, *_: object) -> TensorInfo:
    shape = size if isinstance(size, tuple) else ()
    if not isinstance(storage, _Storage) or not all(type(n) is int and n >= 0 for n in shape):
        raise pickle.UnpicklingError("a tensor is described wrongly")
    if type(offset) is not int or offset < 0 or offset + math.prod(shape) > storage.count:
        raise pickle.UnpicklingError("a tensor is larger than its storage")
    return TensorInfo(storage.dtype, shape)


def _rebuild_parameter(data: object, *_: object) -> object:
    return data


_CALLABLES: Mapping[str, object] = MappingProxyType(
    {
        "collections.OrderedDict": OrderedDict,
        "__builtin__.set": set,
        "builtins.set": set,
        "torch._utils._rebuild_tensor_v2": _rebuild_tensor,
        "torch._utils._rebuild_parameter": _rebuild_parameter,
    }
)


class _Skeleton(pickle.Unpickler):
    """An unpickler that imports nothing and keeps only names, dtypes and shapes."""

    def __init__(self, file: IO[bytes], path: Path, sizes: Mapping[str, int] | None) -> None:
        super().__init__(file, encoding="latin1")
        self._path = path
        self._sizes = sizes

    def find_class(self, module: str, name: str, /) -> object:
        full = f"{module}.{name}"
        if full in _CALLABLES:
            return _CALLABLES[full]
        if full in _STORAGES:
            return _StorageType(_STORAGES[full])
        if full in _INERT_NAMES:
            return _Inert
        raise BadModelFile(
            f"{self._path.name} was refused: it asks to run {full[:120]!r}, which no checkpoint "
            "needs and may be an attack. Get the model as .safetensors."
        )

    def persistent_load(self, pid: object) -> _Storage:
        if (
            not isinstance(pid, tuple)
            or len(pid) < 5
            or pid[0] != "storage"
            or not isinstance(pid[1], _StorageType)
            or type(pid[4]) is not int
        ):
            raise BadModelFile(
                f"{self._path.name} was refused: it refers to something other than weights. "
                "Get the model as .safetensors."
            )
        storage = _Storage(pid[1].dtype, str(pid[2]), pid[4])
        if self._sizes is not None:
            needed = storage.count * DTYPE_BITS[storage.dtype] // 8
            if self._sizes.get(storage.key, -1) < needed:
                raise BadModelFile(f"{self._path.name} is truncated: weights are missing in it.")
        return storage


def read_pickle_header(path: Path) -> Header:
    """Names, dtypes and shapes of the tensors in a .ckpt / .pt / .pth / .bin file.

    What is under one of WRAPPERS or an embedding's `string_to_param` (15.8) is unwrapped. Raises
    BadModelFile if the file is damaged, names anything outside the allow-list of behaviour 15.1,
    or holds other members than a torch archive does. No code of the file or of its libraries runs.
    """
    if path.stat().st_size == 0:
        raise BadModelFile(f"{path.name} is empty (0 bytes). Download it again.")
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    try:
        content = _read_zip(path) if zipped else _read_legacy(path)
    except BadModelFile:
        raise
    except Exception as error:  # a hostile pickle can raise anything while it is taken apart
        raise BadModelFile(
            f"{path.name} is damaged or not a checkpoint ({type(error).__name__}). "
            "Download it again, or get it as .safetensors."
        ) from error
    if not isinstance(content, dict):
        raise BadModelFile(f"{path.name} holds no table of weights. Choose a checkpoint file.")
    table = unwrapped(content, (*WRAPPERS, "string_to_param"))
    tensors = {k: v for k, v in table.items() if isinstance(k, str) and isinstance(v, TensorInfo)}
    if not tensors:
        raise BadModelFile(f"{path.name} holds no weights. Choose a checkpoint file.")
    return Header(MappingProxyType(tensors), MappingProxyType({}))


def unwrapped(content: dict[Any, Any], wrappers: Sequence[str] = WRAPPERS) -> dict[Any, Any]:
    """The table of weights in what a file holds: the first of `wrappers` there is, or all of it."""
    inner = (content.get(key) for key in wrappers)
    return next((table for table in inner if isinstance(table, dict)), content)


def _read_zip(path: Path) -> object:
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        for member in members:
            if not _MEMBER.fullmatch(member.filename):
                raise BadModelFile(
                    f"{path.name} was refused: it contains {member.filename[:80]!r}, which no "
                    "checkpoint has. Get the model as .safetensors."
                )
            if member.compress_type != zipfile.ZIP_STORED:
                raise BadModelFile(
                    f"{path.name} was refused: its weights are compressed, which torch never does."
                )
        pickles = [member for member in members if member.filename.endswith("/data.pkl")]
        roots = {name.split("/", 1)[0] for name in names}
        if len(pickles) != 1 or len(roots) != 1 or len(set(names)) != len(names):
            raise BadModelFile(
                f"{path.name} was refused: a checkpoint has exactly one data.pkl, and every "
                "member once."
            )
        if pickles[0].file_size > PICKLE_LIMIT:
            raise BadModelFile(f"{path.name} was refused: its data.pkl is longer than 64 MiB.")
        sizes = {
            m.filename.rsplit("/", 1)[1]: m.file_size for m in members if "/data/" in m.filename
        }
        return _Skeleton(io.BytesIO(archive.read(pickles[0])), path, sizes).load()


def _read_legacy(path: Path) -> object:
    """Five pickles in a row: magic number, protocol, system facts, the object, storage keys."""
    with path.open("rb") as file:
        if _Skeleton(file, path, None).load() != LEGACY_MAGIC:
            raise BadModelFile(
                f"{path.name} is no torch checkpoint (its first number is wrong). Download it "
                "again, or get it as .safetensors."
            )
        return [_Skeleton(file, path, None).load() for _ in range(4)][2]
