"""DeepBooru from A1111's .pt layout: geometry, options, bad files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from interrogate.base import MissingFiles
from interrogate.deepbooru import FILE_NAME, DeepBooru
from interrogate.deepbooru_file import read_tagger
from interrogate.deepbooru_network import network_of_shapes, pad_same
from interrogate.options import InterrogationOptions, TagOptions
from models.errors import BadModelFile
from tests.interrogate.networks import TAGS, fit, picture, tiny_tagger, workplace, write_pt


def silent(_: str) -> None: ...


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return write_pt(tmp_path / "models" / "deepbooru" / FILE_NAME, tiny_tagger())


@pytest.mark.parametrize(
    ("length", "kernel", "stride", "expected"),
    [
        (512, 7, 2, (2, 3)),
        (256, 3, 2, (0, 1)),
        (128, 3, 1, (1, 1)),
        (299, 7, 2, (3, 3)),
        (64, 1, 2, (0, 0)),
    ],
    ids=["first convolution", "pool and stride 2", "stride 1", "odd side", "shortcut"],
)
def test_padding_is_tensorflows_behaviour_13_2(
    length: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    padded = pad_same(torch.ones(1, 1, length, length), kernel, stride, 0.0)
    row = padded[0, 0, length // 2]
    assert (int((row[:10] == 0).sum()), int((row[-10:] == 0).sum())) == expected


def test_the_real_network_has_179_convolutions_behaviour_13_2() -> None:
    """Widths and repeats of `create_resnet_custom_v3`, 9176 tags."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(outputs: int, inputs: int, kernel: int, bias: bool = True) -> None:
        number = sum(name.endswith("weight") for name in shapes)
        shapes[f"n_Conv_{number}.weight"] = (outputs, inputs, kernel, kernel)
        if bias:
            shapes[f"n_Conv_{number}.bias"] = (outputs,)

    add(64, 3, 7)
    width = 64
    for outputs, repeats in zip(
        (256, 512, 1024, 1024, 2048, 4096), (2, 7, 19, 19, 2, 2), strict=True
    ):
        add(outputs, width, 1)
        for k in range(repeats + 1):
            add(outputs // 4, outputs if k else width, 1)
            add(outputs // 4, outputs // 4, 3)
            add(outputs, outputs // 4, 1)
        width = outputs
    add(9176, 4096, 1, bias=False)
    network = network_of_shapes(shapes, "test")
    assert sum(1 for _ in network.children()) == 179
    with torch.device("meta"):
        out = network(torch.empty(1, 512, 512, 3))
    assert out.shape == (1, 9176)


def test_scores_are_those_of_the_written_out_network(model: Path) -> None:
    """Against one bottleneck net written out by hand, layer by layer."""
    state = tiny_tagger()
    net = read_tagger(model, "cpu", torch.float32)
    assert net.tags == TAGS
    x = torch.rand(2, 64, 64, 3, generator=torch.Generator().manual_seed(1))

    def conv(y: torch.Tensor, number: int, stride: int = 1) -> torch.Tensor:
        weight = state[f"n_Conv_{number}.weight"]
        return functional.conv2d(y, weight, state.get(f"n_Conv_{number}.bias"), stride)

    y = functional.relu(conv(functional.pad(x.permute(0, 3, 1, 2), (2, 3, 2, 3)), 0, 2))
    y = functional.max_pool2d(functional.pad(y, (0, 1, 0, 1), value=-torch.inf), 3, 2)
    for first, widens, stride in ((1, True, 1), (5, False, 1), (8, True, 2)):
        short = conv(y, first, stride) if widens else y
        a = first + widens
        z = functional.relu(conv(y, a))
        z = functional.pad(z, (0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        z = functional.relu(conv(z, a + 1, stride))
        y = functional.relu(conv(z, a + 2) + short)
    expected = torch.sigmoid(conv(y, 12).mean((2, 3)))
    torch.testing.assert_close(net.network(x), expected, atol=1e-6, rtol=0)
    assert float(expected.max() - expected.min()) > 0.01


def test_describe_writes_tags_with_all_options(model: Path, tmp_path: Path) -> None:
    booru = DeepBooru(workplace(tmp_path))
    image = picture()
    options = InterrogationOptions(tags=TagOptions(threshold=0.0, sort_alpha=False))
    (plain,) = booru.describe([image], options, silent)
    assert {tag.name for tag in plain.tags} == set(TAGS) - {"rating:safe"}
    assert [tag.score for tag in plain.tags] == sorted((t.score for t in plain.tags), reverse=True)
    best = plain.tags[0]
    ranked = InterrogationOptions(tags=TagOptions(threshold=0.0, escape=False), return_ranks=True)
    (with_ranks,) = booru.describe([image], ranked, silent)
    assert f"({best.name.replace('_', ' ')}:{best.score:.3f})" in with_ranks.text


def test_a_batch_says_what_single_pictures_say(model: Path, tmp_path: Path) -> None:
    booru = DeepBooru(workplace(tmp_path))
    images = [picture(size=(40 + 9 * k, 60), seed=k) for k in range(3)]
    options = InterrogationOptions(tags=TagOptions(threshold=0.0))
    together = booru.describe(images, options, silent)
    for image, one in zip(images, together, strict=True):
        (alone,) = booru.describe([image], options, silent)
        np.testing.assert_allclose(
            [tag.score for tag in alone.tags], [tag.score for tag in one.tags], atol=1e-5
        )


@pytest.mark.parametrize(
    "image",
    [
        picture("RGBA"),
        picture("L"),
        Image.new("RGB", (1, 1), (9, 8, 7)),
        Image.new("RGB", (3000, 2)),
        Image.new("P", (5, 9)),
    ],
    ids=["RGBA", "L", "1x1", "3000x2", "palette"],
)
def test_pictures_of_any_kind_are_described(
    model: Path, tmp_path: Path, image: Image.Image
) -> None:
    (found,) = DeepBooru(workplace(tmp_path)).describe([image], InterrogationOptions(), silent)
    assert found.seconds > 0


def test_bars_have_the_colour_of_the_edge_behaviour_13_2() -> None:
    image = Image.new("RGB", (20, 10), (10, 200, 30))
    assert set(np.asarray(fit(image, 64)).reshape(-1, 3).T[1]) == {200}


def test_unload_forgets_and_load_brings_back(model: Path, tmp_path: Path) -> None:
    booru = DeepBooru(workplace(tmp_path))
    before = booru.describe([picture()], InterrogationOptions(), silent)
    booru.unload()
    after = booru.describe([picture()], InterrogationOptions(), silent)
    assert before[0].tags == after[0].tags


def test_missing_model_says_where_it_belongs(tmp_path: Path) -> None:
    state = DeepBooru.available(tmp_path / "models")
    assert not state.ready
    with pytest.raises(MissingFiles, match=FILE_NAME) as caught:
        DeepBooru(workplace(tmp_path)).load()
    assert str(tmp_path / "models" / "deepbooru") in str(caught.value)


def test_a1111s_folder_is_looked_into(tmp_path: Path) -> None:
    write_pt(tmp_path / "models" / "torch_deepdanbooru" / FILE_NAME, tiny_tagger())
    assert DeepBooru.available(tmp_path / "models").ready


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), "damaged"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (lambda path: path.write_bytes(b"<!doctype html><html>"), "damaged or not a checkpoint"),
        (lambda path: write_pt(path, tiny_tagger(), None), "no list of tags"),
        (lambda path: write_pt(path, tiny_tagger(), ("a", "b")), "6 outputs but 2 tags"),
        (lambda path: write_pt(path, {"x.weight": torch.zeros(3)}), "no DeepDanbooru network"),
        (
            lambda path: write_pt(path, {**tiny_tagger(), "n_Conv_3.bias": torch.zeros(5)}),
            "n_Conv_3.bias does not fit",
        ),
        (
            lambda path: write_pt(path, {**tiny_tagger(), "extra": torch.zeros(5)}),
            "extra does not fit",
        ),
    ],
    ids=[
        "half downloaded",
        "empty",
        "web page",
        "no tags",
        "tags of another",
        "another model",
        "wrong shape",
        "one tensor too many",
    ],
)
def test_bad_files_are_refused_with_a_sentence(
    model: Path, tmp_path: Path, spoil: object, words: str
) -> None:
    assert callable(spoil)
    spoil(model)
    with pytest.raises(BadModelFile, match=words):
        DeepBooru(workplace(tmp_path)).load()
