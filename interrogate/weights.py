"""Folders saved by transformers, and tensors by name, to modules: strict, offline, no code runs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from interrogate.places import WEIGHTS
from models.build import fill
from models.errors import BadModelFile
from models.tensor_file import TensorReader, open_tensors

ModuleT = TypeVar("ModuleT", bound=torch.nn.Module)


def load_folder(
    folder: Path,
    make: Callable[[dict[str, Any]], ModuleT],
    ties: Mapping[str, str],
    *,
    device: str,
    dtype: torch.dtype,
) -> ModuleT:
    """Build the module of `config.json` by `make` and fill it, every tensor and nothing else.

    transformers only warns of missing tensors and leaves them random; here they are errors.
    `ties` names tensors that a file may leave out because they share another one's memory. Raises
    BadModelFile.
    """
    what = f"the model in {folder}"
    module = _empty(lambda: json.loads((folder / "config.json").read_bytes()), make, what)
    path = next(folder / name for name in WEIGHTS if (folder / name).is_file())
    with open_tensors(path) as (header, read):
        _fill(module, ties, header.tensors, read, torch.device(device), dtype, what)
    return module


def load_tensors(
    tensors: Mapping[str, torch.Tensor],
    config: dict[str, Any],
    make: Callable[[dict[str, Any]], ModuleT],
    ties: Mapping[str, str],
    what: str,
    *,
    device: str,
    dtype: torch.dtype,
) -> ModuleT:
    """The same from tensors in transformers' names and a config. Raises BadModelFile."""
    module = _empty(lambda: config, make, what)
    _fill(module, ties, tensors, tensors.__getitem__, torch.device(device), dtype, what)
    return module


def _fill(
    module: torch.nn.Module,
    ties: Mapping[str, str],
    available: Iterable[str],
    read: TensorReader,
    device: torch.device,
    dtype: torch.dtype,
    what: str,
) -> None:
    stored = {name for name in available if not name.endswith(".position_ids")}
    names = {
        name: ties[name] if name in ties and name not in stored else name
        for name in module.state_dict()
    }
    fill(module, names, stored, read, device=device, dtype=dtype, what=what)
    for name, source in ties.items():
        _share(module, name, source)


def _empty(
    read: Callable[[], dict[str, Any]], make: Callable[[dict[str, Any]], ModuleT], what: str
) -> ModuleT:
    """A module on the meta device; a stranger's config can fail anywhere in the libraries."""
    try:
        config = read()
        with torch.device("meta"):
            return make(config)
    except Exception as error:
        first_line = (str(error).splitlines() or ["?"])[0][:200]
        raise BadModelFile(
            f"{what} has an impossible config ({first_line}). Download it again."
        ) from error


def _share(module: torch.nn.Module, name: str, source: str) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(owner), leaf, module.get_parameter(source))
