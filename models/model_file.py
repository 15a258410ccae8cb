"""A model file whatever its format: told by content, described without loading. No torch."""

from __future__ import annotations

from pathlib import Path

from models.errors import BadModelFile
from models.pickle_header import read_pickle_header
from models.safetensors_header import HEADER_LIMIT, Header, read_header

PICKLE_SUFFIXES = (".ckpt", ".pt", ".pth", ".bin")


def is_safetensors(path: Path) -> bool:
    """True if the file must be read as safetensors: by its name, or by its content.

    A safetensors file that somebody renamed to .ckpt is safe to read and is read; a pickle renamed
    to .safetensors is not (S4): `read_header` refuses it.
    """
    if path.suffix.lower() == ".safetensors":
        return True
    with path.open("rb") as file:
        start = file.read(9)
    return (
        len(start) == 9
        and start[8:] == b"{"
        and int.from_bytes(start[:8], "little") <= (HEADER_LIMIT)
    )


def read_model_header(path: Path) -> Header:
    """Names, dtypes and shapes of the tensors in a .safetensors, .ckpt, .pt, .pth or .bin file.

    Raises BadModelFile if the file is missing, damaged, refused or of no known kind.
    """
    if not path.is_file():
        raise BadModelFile(f"{path.name} is not there any more. Refresh the list of models.")
    if is_safetensors(path):
        return read_header(path)
    if path.suffix.lower() in PICKLE_SUFFIXES:
        return read_pickle_header(path)
    raise BadModelFile(
        f"{path.name} is no model file: .safetensors, .ckpt, .pt, .pth and .bin are known."
    )
