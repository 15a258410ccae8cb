"""WD14 taggers on an ONNX file made here; skipped where onnx or onnxruntime is missing."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from interrogate.base import MissingFiles
from interrogate.options import InterrogationOptions, TagOptions
from interrogate.wd14 import Wd14Tagger, padded
from models.errors import BadModelFile
from tests.interrogate.networks import workplace

HAS_RUNTIME = importlib.util.find_spec("onnxruntime") is not None
HAS_ONNX = HAS_RUNTIME and importlib.util.find_spec("onnx") is not None
onnx_test = pytest.mark.skipif(not HAS_ONNX, reason="onnx or onnxruntime is not installed")

TAGS = """tag_id,name,category,count
1,rating:general,9,10
2,red_(colour),0,10
3,blue,0,10
4,hatsune_miku,4,10
"""
SIDE = 16


def write_tagger(folder: Path, batch: int | str = "N", outputs: int = 4) -> Path:
    """A network whose scores are the sigmoid of the mean of (1, red, blue, red) minus 0.5, x 20."""
    onnx: Any = importlib.import_module("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    weight = np.zeros((3, outputs), np.float32)
    weight[2, 1] = weight[0, 2] = 20 / 255  # blue comes first
    weight[2, 3] = 14 / 255
    bias = np.full(outputs, -10, np.float32)
    bias[0] = 10
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["input", "axes"], ["mean"], keepdims=0),
            helper.make_node("MatMul", ["mean", "weight"], ["product"]),
            helper.make_node("Add", ["product", "bias"], ["sum"]),
            helper.make_node("Sigmoid", ["sum"], ["output"]),
        ],
        "tagger",
        [helper.make_tensor_value_info("input", 1, [batch, SIDE, SIDE, 3])],
        [helper.make_tensor_value_info("output", 1, [batch, outputs])],
        [
            numpy_helper.from_array(np.array([1, 2]), "axes"),
            numpy_helper.from_array(weight, "weight"),
            numpy_helper.from_array(bias, "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "model.onnx"))
    (folder / "selected_tags.csv").write_text(TAGS)
    return folder


@pytest.fixture
def tagger(tmp_path: Path) -> Path:
    return write_tagger(tmp_path / "models" / "wd14" / "wd-tiny")


PICTURES = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "magenta", "black")]


def test_pictures_lie_on_white_blue_first() -> None:
    wide = padded(Image.new("RGB", (20, 10), (10, 20, 30)), 16)
    assert wide.shape == (16, 16, 3)
    assert wide[0, 0].tolist() == [255, 255, 255]
    assert wide[8, 8].tolist() == [30, 20, 10]
    clear = padded(Image.new("RGBA", (4, 4), (10, 20, 30, 0)), 16)
    assert clear[8, 8].tolist() == [255, 255, 255]
    assert padded(Image.new("L", (1, 900)), 16).shape == (16, 16, 3)


@onnx_test
@pytest.mark.parametrize("batch", ["N", 1, 3], ids=["any batch", "one by one", "by three"])
def test_tags_of_both_categories_without_ratings(tmp_path: Path, batch: int | str) -> None:
    write_tagger(tmp_path / "models" / "wd14" / "wd-tiny", batch)
    wd14 = Wd14Tagger(workplace(tmp_path))
    found = wd14.describe(PICTURES, InterrogationOptions(), lambda _: None)
    texts = [one.text for one in found]
    assert texts == [
        r"hatsune miku, red \(colour\)",
        "blue",
        r"blue, hatsune miku, red \(colour\)",
        "",
    ]


@onnx_test
def test_thresholds_are_two(tagger: Path, tmp_path: Path) -> None:
    tags = TagOptions(wd14_threshold=0.9999, wd14_character_threshold=0.99)
    (found,) = Wd14Tagger(workplace(tmp_path)).describe(
        PICTURES[:1], InterrogationOptions(tags=tags, return_ranks=True), lambda _: None
    )
    assert found.text == r"(red \(colour\):1.000)"


@onnx_test
@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("model.onnx", b"", "cannot be loaded"),
        ("model.onnx", b"half of it", "cannot be loaded"),
        ("selected_tags.csv", b"a,b\n1,2\n", "needs the columns"),
        ("selected_tags.csv", TAGS.encode()[:-24], "4 outputs but selected_tags.csv has 3"),
    ],
    ids=["empty", "no onnx", "other columns", "list cut off"],
)
def test_bad_files_are_refused_with_a_sentence(
    tagger: Path, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tagger / name).write_bytes(content)
    with pytest.raises(BadModelFile, match=words):
        Wd14Tagger(workplace(tmp_path)).load()


def test_missing_tagger_says_where_it_belongs(tmp_path: Path) -> None:
    with pytest.raises(MissingFiles, match=r"put model\.onnx and selected_tags\.csv"):
        Wd14Tagger(workplace(tmp_path)).load()


@pytest.mark.skipif(HAS_RUNTIME, reason="onnxruntime is installed")
def test_missing_runtime_says_what_to_install(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "wd14"
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(b"not read")
    (folder / "selected_tags.csv").write_text(TAGS)
    state = Wd14Tagger.available(tmp_path / "models")
    assert (state.ready, "requirements-interrogate.txt" in state.note) == (False, True)
    with pytest.raises(MissingFiles, match="need onnxruntime"):
        Wd14Tagger(workplace(tmp_path)).load()
