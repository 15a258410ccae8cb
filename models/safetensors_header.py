"""The header of a .safetensors file, checked strictly before anything is loaded. No torch."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from models.errors import BadModelFile

HEADER_LIMIT = 100_000_000
"""Longest header in bytes that the safetensors format allows."""

DTYPE_BITS: Mapping[str, int] = MappingProxyType(
    {
        **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
        **dict.fromkeys(("F32", "I32", "U32"), 32),
        **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
        **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
        **dict.fromkeys(("F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
        **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
        "F4": 4,
    }
)
"""Bits of one element of each dtype that safetensors knows."""

_AGAIN = "Download it again."
_SIGNATURES = (
    (b"PK\x03\x04", "is a zip archive (probably a pickle checkpoint) renamed to .safetensors"),
    (b"\x80\x02", "is a pickle checkpoint renamed to .safetensors"),
    (b"\x80\x04", "is a pickle checkpoint renamed to .safetensors"),
    (b"version https://git-lfs", "is a git-LFS pointer, not the model itself"),
    (b"GGUF", "is a GGUF file renamed to .safetensors"),
)


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """What is known of one tensor without loading it.

    `offsets` are its first byte and the byte after its last one, counted from the end of the
    header; they are (0, 0) for tensors described by a pickle.
    """

    dtype: str
    shape: tuple[int, ...]
    offsets: tuple[int, int] = (0, 0)

    @property
    def nbytes(self) -> int:
        """Bytes this tensor takes on disk."""
        return math.prod(self.shape) * DTYPE_BITS.get(self.dtype, 32) // 8


@dataclass(frozen=True, slots=True)
class Header:
    """Names, dtypes and shapes of all tensors of a file, and its free-text metadata."""

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Shape of the tensor, or None if there is no such tensor."""
        info = self.tensors.get(name)
        return None if info is None else info.shape


def read_header(path: Path) -> Header:
    """Read and check the header of a .safetensors file without touching the weights.

    Raises BadModelFile with a sentence that names the file, the finding and the way out:
    empty or truncated files, web pages and pickles with the wrong name, headers that lie about
    sizes, overlapping tensors, unknown dtypes.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(64)
        _check_start(path.name, start, size)
        (length,) = struct.unpack("<Q", start[:8])
        _check_length(path.name, length, size)
        file.seek(8)
        raw = file.read(length)
    entries = _parse(path.name, raw)
    metadata = _metadata(path.name, entries.pop("__metadata__", {}))
    tensors = {name: _tensor(path.name, name, entry) for name, entry in entries.items()}
    _check_layout(path.name, tensors, size - 8 - length)
    return Header(MappingProxyType(tensors), MappingProxyType(metadata))


def _check_start(name: str, start: bytes, size: int) -> None:
    if size == 0:
        raise BadModelFile(f"{name} is empty (0 bytes). {_AGAIN}")
    text = start.lstrip().lower()
    if text.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        raise BadModelFile(
            f"{name} is a web page saved as .safetensors, not a model; the download probably "
            f"needed a login. {_AGAIN}"
        )
    for signature, finding in _SIGNATURES:
        if start.startswith(signature):
            raise BadModelFile(f"{name} {finding}. Get a real .safetensors file.")
    if size < 8 + 2:
        raise BadModelFile(f"{name} has only {size} bytes: the download was cut off. {_AGAIN}")


def _check_length(name: str, length: int, size: int) -> None:
    if length == 0:
        raise BadModelFile(f"{name} starts with zeros: the download was interrupted. {_AGAIN}")
    if length > HEADER_LIMIT:
        raise BadModelFile(
            f"{name} is not a safetensors file: its first 8 bytes announce a header of {length} "
            f"bytes, at most {HEADER_LIMIT} are allowed. {_AGAIN}"
        )
    if length > size - 8:
        raise BadModelFile(
            f"{name} is truncated: its header alone needs {length} bytes, the file has {size}. "
            f"{_AGAIN}"
        )


def _parse(name: str, raw: bytes) -> dict[str, object]:
    def unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BadModelFile(f"{name} names a tensor twice in its header. {_AGAIN}")
        return found

    if not raw.startswith(b"{"):
        raise BadModelFile(f"{name} is not a safetensors file: its header is not JSON. {_AGAIN}")
    try:
        parsed = json.loads(raw, object_pairs_hook=unique)
    except BadModelFile:
        raise
    except (ValueError, RecursionError) as error:
        raise BadModelFile(f"{name} has a damaged header (not valid JSON). {_AGAIN}") from error
    if not isinstance(parsed, dict):
        raise BadModelFile(f"{name} has a damaged header (not a table of tensors). {_AGAIN}")
    return parsed


def _metadata(name: str, value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
        raise BadModelFile(f"{name} has damaged metadata (texts are expected). {_AGAIN}")
    return dict(value)


def _naturals(value: object) -> tuple[int, ...] | None:
    if not isinstance(value, list) or not all(type(v) is int and 0 <= v < 2**48 for v in value):
        return None
    return tuple(value)


def _tensor(name: str, key: str, entry: object) -> TensorInfo:
    fields = entry if isinstance(entry, dict) else {}
    dtype = fields.get("dtype")
    shape = _naturals(fields.get("shape"))
    offsets = _naturals(fields.get("data_offsets"))
    if shape is None or offsets is None or len(offsets) != 2 or not isinstance(dtype, str):
        raise BadModelFile(f"{name} describes the tensor {key[:80]!r} wrongly. {_AGAIN}")
    if dtype not in DTYPE_BITS:
        raise BadModelFile(
            f"{name} stores {key[:80]!r} as {dtype[:20]!r}, which is no known number format. "
            "Get the file in another precision (fp16 or fp32)."
        )
    if (offsets[1] - offsets[0]) * 8 != math.prod(shape) * DTYPE_BITS[dtype]:
        raise BadModelFile(
            f"{name} gives the tensor {key[:80]!r} {offsets[1] - offsets[0]} bytes, but its shape "
            f"{list(shape)} in {dtype} needs {math.prod(shape) * DTYPE_BITS[dtype] // 8}. {_AGAIN}"
        )
    return TensorInfo(dtype, shape, (offsets[0], offsets[1]))


def _check_layout(name: str, tensors: Mapping[str, TensorInfo], available: int) -> None:
    end = 0
    for key, info in sorted(tensors.items(), key=lambda item: item[1].offsets):
        if info.offsets[0] != end:
            what = "overlaps another one" if info.offsets[0] < end else "leaves a hole before it"
            raise BadModelFile(f"{name} is damaged: the tensor {key[:80]!r} {what}. {_AGAIN}")
        end = info.offsets[1]
    if end > available:
        raise BadModelFile(
            f"{name} is truncated: it has {available} bytes of weights, its header describes "
            f"{end}. {_AGAIN}"
        )
    if end < available:
        raise BadModelFile(
            f"{name} has {available - end} bytes after its last tensor, which belong to nothing. "
            f"{_AGAIN}"
        )
