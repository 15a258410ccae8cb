"""DeepDanbooru project folders: what is refused before TensorFlow, and that Keras and torch agree.

The second half needs TensorFlow and is skipped without it.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interrogate.base import MissingFiles
from interrogate.booru_project import read_project
from interrogate.deepbooru import DeepBooru
from interrogate.deepbooru_file import read_tagger
from interrogate.deepbooru_load import load_tagger
from interrogate.options import InterrogationOptions, TagOptions
from models.errors import BadModelFile
from tests.interrogate.networks import picture, workplace, write_pt

HAS_TENSORFLOW = all(
    importlib.util.find_spec(name) for name in ("tensorflow", "tensorflow_io", "deepdanbooru")
)
keras_test = pytest.mark.skipif(not HAS_TENSORFLOW, reason="TensorFlow is not installed")
without_keras = pytest.mark.skipif(HAS_TENSORFLOW, reason="TensorFlow is installed")


def write_project(folder: Path, tags: int = 7, side: int = 64, model: str = "resnet_tiny") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    context = {"image_width": side, "image_height": side, "model": model}
    (folder / "project.json").write_text(json.dumps(context))
    (folder / "tags.txt").write_text("".join(f"tag_{k}\n" for k in range(tags)))
    (folder / f"model-{model}.h5").write_bytes(b"not read here")
    return folder


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "models" / "deepbooru" / "deepdanbooru-v3")


def test_project_is_read(project: Path) -> None:
    read = read_project(project)
    assert (read.side, len(read.tags), read.model.name) == (64, 7, "model-resnet_tiny.h5")
    assert read.tags[0] == "tag_0"


def test_project_in_the_folder_itself_is_found(tmp_path: Path) -> None:
    write_project(tmp_path / "models" / "deepbooru")
    assert DeepBooru.available(tmp_path / "models").ready


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("tags.txt", None, "has no tags.txt"),
        ("project.json", "{", "damaged project.json"),
        ("project.json", '{"model": "x"}', "damaged project.json"),
        (
            "project.json",
            '{"model": "../x", "image_width": 64, "image_height": 64}',
            "is no model's name",
        ),
        (
            "project.json",
            '{"model": "x", "image_width": 64, "image_height": 32}',
            "squares are needed",
        ),
        ("model-resnet_tiny.h5", None, r"has no model-resnet_tiny\.h5"),
        ("model-resnet_tiny.h5", "", r"has no model-resnet_tiny\.h5"),
        ("model-resnet_tiny.h5", '{"class_name": "Lambda"}', "holds a Lambda layer"),
    ],
    ids=[
        "no tags",
        "cut off",
        "facts missing",
        "path as a name",
        "not square",
        "no model",
        "empty model",
        "code in the model",
    ],
)
def test_bad_projects_are_refused_with_a_sentence(
    project: Path, tmp_path: Path, name: str, content: str | None, words: str
) -> None:
    if content is None:
        (project / name).unlink()
    else:
        (project / name).write_text(content)
    with pytest.raises(BadModelFile, match=words):
        DeepBooru(workplace(tmp_path)).load()


@without_keras
def test_without_tensorflow_it_says_what_to_do(project: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match="pip install tensorflow-cpu") as caught:
        DeepBooru(workplace(tmp_path)).load()
    assert "tensorflow is not installed" in str(caught.value)


def random_network(build: Any, side: int, tags: int) -> Any:
    """A Keras network of deepdanbooru, every weight random, the scores spread over 0..1."""
    tensorflow: Any = importlib.import_module("tensorflow")
    inputs = tensorflow.keras.Input((side, side, 3))
    model = tensorflow.keras.Model(inputs, build(inputs, tags))
    random = np.random.default_rng(5)
    for layer in model.layers:
        if layer.__class__.__name__ == "BatchNormalization":
            size = layer.gamma.shape
            layer.set_weights(
                [
                    random.uniform(0.3, 0.7, size),
                    random.normal(0, 0.1, size),
                    random.normal(0, 0.1, size),
                    random.uniform(0.5, 1.5, size),
                ]
            )
    last = [layer for layer in model.layers if layer.__class__.__name__ == "Conv2D"][-1]
    pixels = random.random((2, side, side, 3), np.float32)
    features = tensorflow.keras.Model(inputs, last.input)(pixels).numpy().mean((0, 1, 2))
    kernel = random.normal(0, 2 / np.linalg.norm(features), last.kernel.shape)
    last.set_weights([kernel])
    return model


def tiny(x: Any, tags: int, **more: Any) -> Any:
    dd: Any = importlib.import_module("deepdanbooru")
    tensorflow: Any = importlib.import_module("tensorflow")
    resnet = dd.model.resnet
    x = resnet.resnet_original_bottleneck_model(
        x, filter_sizes=[16, 32, 32], repeat_sizes=[1, 2, 1], final_pool=False, **more
    )
    x = dd.model.layers.conv_gap(x, tags)
    return tensorflow.keras.layers.Activation("sigmoid", dtype="float32")(x)


def three_ways(model: Any, project: Path, tmp_path: Path, side: int) -> list[Any]:
    """Probabilities through Keras, the converted project, and A1111's .pt layout."""
    pixels = np.random.default_rng(1).random((2, side, side, 3), np.float32)
    place = workplace(tmp_path)
    converted = load_tagger(project, place)
    (stored,) = (place.data_dir / "interrogate").glob("*.safetensors")
    from safetensors.torch import load_file

    pt = write_pt(tmp_path / "a1111.pt", load_file(stored), converted.tags)
    a1111 = read_tagger(pt, "cpu", torch.float32)
    return [
        np.asarray(model(pixels, training=False)),
        np.asarray(converted.probabilities(pixels)),
        np.asarray(a1111.probabilities(pixels)),
    ]


def assert_all_agree(ways: list[Any]) -> None:
    keras, converted, a1111 = ways
    assert keras.std() > 0.05
    np.testing.assert_allclose(converted, keras, atol=1e-4, rtol=0)
    np.testing.assert_allclose(a1111, keras, atol=1e-4, rtol=0)


@keras_test
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [64, 75], ids=["even", "odd"])
@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_keras_converted_and_a1111_agree(tmp_path: Path, side: int, suffix: str) -> None:
    project = write_project(tmp_path / "models" / "deepbooru" / "p", side=side)
    model = random_network(tiny, side, 7)
    (project / "model-resnet_tiny.h5").unlink()
    model.save(project / f"model-resnet_tiny{suffix}")
    assert_all_agree(three_ways(model, project, tmp_path, side))


@keras_test
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_full_network_agrees(tmp_path: Path) -> None:
    """`create_resnet_custom_v3`, random, 9176 tags, 512x512 (behaviour 13.2)."""
    dd: Any = importlib.import_module("deepdanbooru")
    project = write_project(tmp_path / "models" / "deepbooru" / "p", 9176, 512, "resnet_custom_v3")
    model = random_network(dd.model.create_resnet_custom_v3, 512, 9176)
    model.save(project / "model-resnet_custom_v3.h5")
    assert_all_agree(three_ways(model, project, tmp_path, 512))


@keras_test
@pytest.mark.filterwarnings("ignore")
def test_another_network_runs_in_keras(tmp_path: Path) -> None:
    """Squeeze-excitation has no place in A1111's layout."""
    project = write_project(tmp_path / "models" / "deepbooru" / "p")

    def squeezed(x: Any, tags: int) -> Any:
        return tiny(x, tags, se=True)

    random_network(squeezed, 64, 7).save(project / "model-resnet_tiny.h5")
    options = InterrogationOptions(tags=TagOptions(threshold=0.0))
    (found,) = DeepBooru(workplace(tmp_path)).describe([picture()], options, lambda _: None)
    assert len(found.tags) == 7
    assert list((tmp_path / "data").glob("interrogate/*")) == []


@keras_test
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spoil", ["cut", "tags"])
def test_bad_models_are_refused_with_a_sentence(tmp_path: Path, spoil: str) -> None:
    project = write_project(tmp_path / "models" / "deepbooru" / "p", 8 if spoil == "tags" else 7)
    path = project / "model-resnet_tiny.h5"
    random_network(tiny, 64, 7).save(path)
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    words = "cannot be loaded" if spoil == "cut" else "7 outputs but tags.txt has 8"
    with pytest.raises(BadModelFile, match=words):
        DeepBooru(workplace(tmp_path)).load()
