"""DeepDanbooru's Keras networks: run as they are, or turned into torch once.

TensorFlow comes in here alone, through the `deepdanbooru` package, and only for project folders.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from interrogate.base import MissingFiles
from interrogate.booru_project import BooruProject
from models.errors import BadModelFile, ModelError

Pixels = NDArray[np.float32]


class NotConvertible(ModelError):
    """The network is none of the plain bottleneck networks; it runs in Keras alone."""


@dataclass(frozen=True, slots=True)
class KerasTagger:
    """A loaded Keras network, the names of its outputs, and the side of its pictures."""

    model: Any
    tags: tuple[str, ...]
    side: int

    def probabilities(self, pixels: Pixels) -> list[list[float]]:
        """(B, H, W, 3) in 0..1 to one row of probabilities for each picture."""
        rows: list[list[float]] = np.asarray(self.model(pixels, training=False)).tolist()
        return rows


def load_keras(project: BooruProject) -> KerasTagger:
    """Load a project's model on the CPU. Raises MissingFiles without TensorFlow, BadModelFile."""
    try:
        tensorflow: Any = importlib.import_module("tensorflow")
        tensorflow.config.set_visible_devices([], "GPU")  # it would take all of its memory
        package: Any = importlib.import_module("deepdanbooru")
    except ImportError as error:
        raise MissingFiles(
            f"the DeepDanbooru project {project.folder.name} needs TensorFlow to be read once, and "
            f"{error.name or 'it'} is not installed: pip install tensorflow-cpu, then pip install "
            "--no-deps tensorflow-io; or use model-resnet_custom_v3.pt, which needs neither."
        ) from error
    try:
        model = package.project.load_model_from_project(str(project.folder), compile_model=False)
        outputs = int(model.output_shape[-1])
    except Exception as error:  # Keras raises whatever its file parsers raise
        first_line = (str(error).splitlines() or ["?"])[0][:200]
        raise BadModelFile(
            f"{project.model.name} cannot be loaded ({first_line}). Copy the project again."
        ) from error
    if outputs != len(project.tags):
        raise BadModelFile(
            f"{project.model.name} has {outputs} outputs but tags.txt has {len(project.tags)} "
            "lines: they do not belong together. Copy the whole project folder."
        )
    return KerasTagger(model, project.tags, project.side)


def convert(model: Any) -> dict[str, torch.Tensor]:
    """The weights in the layout of `deepbooru_network`, batch normalisation folded in (float64).

    Follows the graph from the output to the input. Raises NotConvertible for other networks.
    """
    pooling = _made_by(_input(_made_by(model.outputs[0], "Activation")), "GlobalAveragePooling2D")
    last = _made_by(_input(pooling), "Conv2D")
    parts = [_plain(last)]
    x = _input(last)
    while _maker(x).__class__.__name__ != "MaxPooling2D":
        x, block = _bottleneck(x)
        parts += reversed(block)
    x, stem = _conv_norm(_unrelu(_input(_maker(x))))
    parts.append(stem)
    if _maker(x).__class__.__name__ != "InputLayer":
        raise NotConvertible("the network does not begin with one convolution")
    return dict(_numbered(parts[::-1]))


def _bottleneck(x: Any) -> tuple[Any, list[dict[str, NDArray[Any]]]]:
    """One block that ends in x: its input and its convolutions, the shortcut first."""
    add = _made_by(_unrelu(x), "Add")
    body, short = _inputs(add)
    middle, third = _conv_norm(body)
    inner, second = _conv_norm(_unrelu(middle))
    start, first = _conv_norm(_unrelu(inner))
    if short is start:
        return start, [first, second, third]
    origin, shortcut = _conv_norm(short)
    if origin is not start:
        raise NotConvertible("a shortcut does not begin where its block does")
    return start, [shortcut, first, second, third]


def _conv_norm(x: Any) -> tuple[Any, dict[str, NDArray[Any]]]:
    """A convolution and its batch normalisation, ending in x, as one convolution; its input."""
    norm = _made_by(x, "BatchNormalization")
    convolution = _made_by(_input(norm), "Conv2D")
    scale = _array(norm.gamma) / np.sqrt(_array(norm.moving_variance) + norm.epsilon)
    shift = _array(norm.beta) - _array(norm.moving_mean) * scale
    kernel = _plain(convolution)["weight"] * scale[:, None, None, None]
    return _input(convolution), {"weight": kernel, "bias": shift}


def _plain(convolution: Any) -> dict[str, NDArray[Any]]:
    """Kernel (height, width, in, out) to torch's (out, in, height, width)."""
    if convolution.use_bias or convolution.padding != "same":
        raise NotConvertible(f"{convolution.name} has a bias or another padding")
    return {"weight": _array(convolution.kernel).transpose(3, 2, 0, 1)}


def _numbered(
    parts: list[dict[str, NDArray[Any]]],
) -> Iterator[tuple[str, torch.Tensor]]:
    for number, part in enumerate(parts):
        for name, array in part.items():
            values = np.ascontiguousarray(array, np.float32)
            yield f"n_Conv_{number}.{name}", torch.from_numpy(values)


def _array(variable: Any) -> NDArray[np.float64]:
    return np.asarray(variable.numpy(), np.float64)


def _maker(x: Any) -> Any:
    return x._keras_history.operation


def _made_by(x: Any, kind: str) -> Any:
    layer = _maker(x)
    if layer.__class__.__name__ != kind:
        raise NotConvertible(f"{kind} was expected where {layer.name} is")
    return layer


def _unrelu(x: Any) -> Any:
    return _input(_made_by(x, "Activation"))


def _inputs(layer: Any) -> list[Any]:
    return list(layer._inbound_nodes[0].input_tensors)


def _input(layer: Any) -> Any:
    return _inputs(layer)[0]
