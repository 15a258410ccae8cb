"""The weights of a model file as tensors, after its header has been checked."""

from __future__ import annotations

import contextlib
import importlib
import pickle
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from safetensors import safe_open

from models.errors import BadModelFile
from models.model_file import is_safetensors
from models.pickle_header import read_pickle_header, unwrapped
from models.safetensors_header import Header, read_header

TensorReader = Callable[[str], torch.Tensor]
"""Gives the tensor of a name; its memory may be the mapped file itself: copy it, never write it."""


class _ModelCheckpoint:
    """Stands for pytorch_lightning's callback, which old checkpoints name as a dictionary key."""


@contextlib.contextmanager
def open_tensors(path: Path) -> Iterator[tuple[Header, TensorReader]]:
    """The header of a model file and a reader of its tensors (CPU, dtype as stored).

    Weights are mapped, not read: a tensor costs memory only when it is copied or converted.
    Raises BadModelFile as `read_header` and `read_pickle_header` do.
    """
    if is_safetensors(path):
        header = read_header(path)
        with safe_open(path, framework="pt", device="cpu") as file:
            yield header, file.get_tensor
        return
    header = read_pickle_header(path)
    tensors = _load_pickle(path)
    lost = [name for name in header.tensors if name not in tensors]
    if lost:
        raise BadModelFile(f"{path.name} is inconsistent: {lost[0]} is not a tensor in it.")
    yield header, tensors.__getitem__


def _load_pickle(path: Path) -> Mapping[str, torch.Tensor]:
    """The table of tensors, through torch's weights-only unpickler (behaviour 15.1)."""
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    try:
        with torch.serialization.safe_globals(_extra_globals()):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadModelFile(
            f"{path.name} cannot be loaded safely ({type(error).__name__}). "
            "Get the model as .safetensors."
        ) from error
    if not isinstance(content, dict):
        raise BadModelFile(f"{path.name} holds no table of weights. Choose a checkpoint file.")
    table = unwrapped(content).items()
    return MappingProxyType(
        {name: value for name, value in table if isinstance(value, torch.Tensor)}
    )


def _extra_globals() -> list[Any]:
    """Names that old checkpoints use beside tensors, mapped to what is harmless here."""
    multiarray = importlib.import_module("numpy._core.multiarray")
    return [
        (_ModelCheckpoint, "pytorch_lightning.callbacks.model_checkpoint.ModelCheckpoint"),
        (_ModelCheckpoint, "pytorch_lightning.callbacks.ModelCheckpoint"),
        (multiarray.scalar, "numpy.core.multiarray.scalar"),
        (multiarray.scalar, "numpy._core.multiarray.scalar"),
        (multiarray._reconstruct, "numpy.core.multiarray._reconstruct"),
        (multiarray._reconstruct, "numpy._core.multiarray._reconstruct"),
        np.dtype,
        np.ndarray,
        *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "u1", "bool")),
    ]
