"""DeepDanbooru networks on disk: A1111's .pt file, and our own converted .safetensors."""

from __future__ import annotations

import json
import os
import pickle
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from interrogate.deepbooru_network import BottleneckNet, network_of_shapes
from models.errors import BadModelFile
from models.model_file import is_safetensors
from models.pickle_header import read_pickle_header
from models.safetensors_header import read_header

TAGS_KEY, SIDE_KEY = "tags", "side"
SIDE = 512
"""Side of the pictures that the network was trained on, unless its file says otherwise."""
SIDES = range(64, 2049)


@dataclass(frozen=True, slots=True)
class TaggerNet:
    """A network, the names of its outputs in their order, and the side of its pictures."""

    network: BottleneckNet
    tags: tuple[str, ...]
    side: int = SIDE

    def probabilities(self, pixels: NDArray[np.float32]) -> list[list[float]]:
        """(B, H, W, 3) in 0..1 to one row of probabilities for each picture."""
        weight = next(self.network.parameters())
        with torch.inference_mode():
            batch = torch.from_numpy(pixels).to(weight.device, weight.dtype)
            rows: list[list[float]] = self.network(batch).cpu().tolist()
        return rows


def read_tagger(path: Path, device: str, dtype: torch.dtype) -> TaggerNet:
    """Load a network for inference, strictly: every tensor must fit, and each output has a tag.

    Pickles pass the restricted reader of `models` first and torch's weights-only one then. Raises
    BadModelFile for damaged files and for other models.
    """
    if is_safetensors(path):
        tensors, tags, side = _read_safetensors(path)
        return replace(build_tagger(tensors, tags, path.name, device, dtype), side=side)
    tensors, tags = _read_pickle(path)
    return build_tagger(tensors, tags, path.name, device, dtype)


def build_tagger(
    tensors: Mapping[str, torch.Tensor],
    tags: Sequence[str],
    what: str,
    device: str,
    dtype: torch.dtype,
) -> TaggerNet:
    """Make the network of these tensors. Raises BadModelFile if they are not one."""
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    network = network_of_shapes(shapes, what)
    outputs = tensors[max(tensors, key=_number)].shape[0]
    if len(tags) != outputs:
        raise BadModelFile(
            f"{what} has {outputs} outputs but {len(tags)} tags: they do not belong together. "
            "Download it again."
        )
    state = {name: tensor.to(device, dtype, copy=True) for name, tensor in tensors.items()}
    network.load_state_dict(state, strict=True, assign=True)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return TaggerNet(network.eval().requires_grad_(False), tuple(tags))


def write_tagger(path: Path, tensors: Mapping[str, torch.Tensor], tags: Sequence[str]) -> None:
    """Write a converted network, complete or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    os.close(handle)
    try:
        save_file(
            {key: tensor.contiguous() for key, tensor in tensors.items()},
            name,
            metadata={TAGS_KEY: json.dumps(list(tags))},
        )
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _read_safetensors(path: Path) -> tuple[dict[str, torch.Tensor], list[str], int]:
    header = read_header(path)
    try:
        tags = json.loads(header.metadata.get(TAGS_KEY, ""))
    except ValueError:
        tags = None
    with safe_open(path, framework="pt", device="cpu") as file:
        tensors = {name: file.get_tensor(name) for name in header.tensors}
    return tensors, _checked_tags(tags, path), _checked_side(header.metadata, path)


def _read_pickle(path: Path) -> tuple[dict[str, torch.Tensor], list[str]]:
    read_pickle_header(path)
    with path.open("rb") as file:
        zipped = file.read(4) == b"PK\x03\x04"
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise BadModelFile(
            f"{path.name} cannot be loaded safely ({type(error).__name__}). Download it again."
        ) from error
    tensors = {name: value for name, value in content.items() if isinstance(value, torch.Tensor)}
    return tensors, _checked_tags(content.get(TAGS_KEY), path)


def _checked_tags(tags: object, path: Path) -> list[str]:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadModelFile(
            f"{path.name} has no list of tags: it is no DeepDanbooru file. Put "
            "model-resnet_custom_v3.pt there."
        )
    return tags


def _checked_side(metadata: Mapping[str, str], path: Path) -> int:
    told = metadata.get(SIDE_KEY, str(SIDE))
    if not told.isdecimal() or int(told[:6]) not in SIDES:
        raise BadModelFile(
            f"{path.name} wants pictures of {told[:20]!r} pixels; {SIDES[0]} to {SIDES[-1]} are "
            "possible. Download it again."
        )
    return int(told)


def _number(name: str) -> int:
    """Number of a convolution, for finding the last one."""
    digits = name.removeprefix("n_Conv_").partition(".")[0]
    return int(digits) if digits.isdigit() else -1
