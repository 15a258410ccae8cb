"""Captioner, CLIP, tagger, judge and adapters: they learn, resume to the same bits, and are read.

What is written must load with the code that users' own files of the kind load with.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from interrogate.blip import Captioner
from interrogate.clip_model import Clip
from interrogate.deepbooru_file import read_tagger
from interrogate.options import ClipOptions
from models.builtin.training import (
    encode,
    train_adapter,
    train_captioner,
    train_clip,
    train_judge,
    train_preview,
    train_tagger,
    train_text,
    train_unet,
    train_vae,
    train_vae_variant,
)
from models.builtin.training.render import load, render
from models.builtin.training.train_tagger import TaggerNetwork
from models.builtin.training.word_pieces import SPECIAL, word_pieces_of
from models.builtin.training.world.descriptions import description
from models.builtin.training.world.drawing import draw
from models.builtin.training.world.tags import TAGS
from models.embedding_files import describe

Main = Callable[[Sequence[str] | None], None]
pytestmark = pytest.mark.slow

COMPANIONS = {
    "tagger": (train_tagger.main, ["--width", "8", "--side", "64", "--batch", "8"]),
    "clip": (train_clip.main, ["--width", "32", "--batch", "24", "--rate", "2e-3"]),
    "captioner": (train_captioner.main, ["--width", "32", "--batch", "8", "--rate", "3e-3"]),
    "judge": (train_judge.main, ["--width", "8", "--batch", "8", "--rate", "4e-3"]),
    "vae_variant": (train_vae_variant.main, ["--sizes", "smoke", "--batch", "4", "--rate", "2e-3"]),
    "preview": (train_preview.main, ["--width", "8", "--batch", "4"]),
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trained(main: Main, arguments: Sequence[object], steps: int, *more: str) -> None:
    common = ["--steps", str(steps), "--device", "cpu", "--precision", "fp32", *more]
    main([*(str(argument) for argument in arguments), *common])


@pytest.fixture(scope="module")
def base(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint's run."""
    run = tmp_path_factory.mktemp("base")
    smoke = ["--sizes", "smoke"]
    trained(train_vae.main, [rendered, run, *smoke, "--batch", "4"], 20)
    encode.main([str(rendered), str(run), *smoke, "--device", "cpu"])
    trained(train_text.main, [rendered, run, *smoke], 20)
    trained(train_unet.main, [rendered, run, *smoke, "--batch", "8", "--rate", "5e-3"], 60)
    return run


@pytest.mark.parametrize("name", COMPANIONS)
def test_it_learns_and_resumes_to_the_same_bits(
    name: str, base: Path, rendered: Path, tmp_path: Path
) -> None:
    main, more = COMPANIONS[name]
    run = tmp_path / "run"
    shutil.copytree(base, run)
    trained(main, [rendered, run, *more], 60)
    history = torch.load(run / f"{name}.pt", weights_only=True)["history"]
    assert history[-1] < 0.97 * history[0], history
    ends = []
    for stops in ([], [2, 3]):
        again = tmp_path / f"{len(stops)}"
        shutil.copytree(base, again)
        for stop in stops:
            trained(main, [rendered, again, *more], 5, "--stop-at", str(stop))
        trained(main, [rendered, again, *more], 5)
        ends.append(torch.load(again / f"{name}.pt", weights_only=True)["averages"])
    assert all(torch.equal(one, other) for one, other in zip(*ends, strict=True))


@pytest.mark.parametrize("kind", train_adapter.KINDS)
def test_an_adapter_learns_and_is_written(
    kind: str, base: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    clay = tmp_path_factory.mktemp("clay")
    render(clay, 24, 128, 2_000_000, only={"look": "clay", "kind": "portrait"})
    run = tmp_path / "run"
    shutil.copytree(base, run)
    more = [kind, clay, run, "--name", "clay-look", "--sizes", "smoke"]
    losses = []
    for rate in ("1e-12", "1e-2"):  # the same dice in both, so the losses can be compared
        trained(train_adapter.main, more, 40, "--rate", rate, "--fresh")
        losses.append(torch.load(run / f"clay-look_{kind}.pt", weights_only=True)["history"][-1])
    assert losses[1] < losses[0], losses
    if kind == "lora":
        tensors = load_file(run / "clay-look.safetensors")
        key = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k"
        assert tensors[f"{key}.lora_down.weight"].shape == (4, 32)
        assert tensors[f"{key}.alpha"] == 4
        assert any(value.abs().max() > 0 for name, value in tensors.items() if "lora_up" in name)
    elif kind == "word":
        described = describe(run / "clay-look.pt")
        assert described is not None
        assert described.problem is None
        assert (described.vectors, described.width) == (4, 32)
    else:
        file = torch.load(run / "clay-look.pt", weights_only=True)
        assert {16, 32} <= set(file)
        assert list(file[16][0]) == ["linear.0.weight", "linear.0.bias", "linear.1.weight",
                                     "linear.1.bias"]  # fmt: skip


def test_the_tagger_is_read_as_a_deepbooru_network(
    base: Path, rendered: Path, tmp_path: Path
) -> None:
    trained(train_tagger.main, [rendered, tmp_path, "--width", "8", "--side", "64"], 5)
    read = read_tagger(tmp_path / "tagger.safetensors", "cpu", torch.float32)
    assert read.tags == TAGS
    network = TaggerNetwork(8, len(TAGS))
    network.load_state_dict(load_file(tmp_path / "tagger.safetensors"))
    pixels = load(rendered).pixels[:2].astype(np.float32) / np.float32(255)
    with torch.no_grad():
        ours = network(torch.from_numpy(pixels)).sigmoid()
    assert read.probabilities(pixels) == pytest.approx(ours.numpy(), abs=1e-5)


def test_clip_and_captioner_are_read_as_users_own(rendered: Path, tmp_path: Path) -> None:
    picture = Image.fromarray(draw(1, 128).pixels)
    trained(train_clip.main, [rendered, tmp_path, "--width", "32", "--batch", "8"], 2)
    clip = Clip(tmp_path / "clip", "cpu", torch.float32)
    assert clip.embed_images([picture]).shape == (1, 32)
    assert clip.embed_texts(["a red car", "pink hair"], lambda _: None, "words").shape == (2, 32)
    trained(train_captioner.main, [rendered, tmp_path, "--width", "32", "--batch", "8"], 2)
    captioner = Captioner(tmp_path / "captioner", "cpu", torch.float32)
    assert isinstance(captioner.captions([picture], ClipOptions())[0], str)


def test_descriptions_have_the_length_that_captions_must_have() -> None:
    """Behaviour 13.1: 24 to 48 tokens with the prompt."""
    sentences = [description(draw(seed, 64).attributes) for seed in range(300)]
    pieces = word_pieces_of(["a picture of", *sentences])
    lengths = [len(pieces.encoded("a picture of " + sentence)) + 2 for sentence in sentences]
    assert min(lengths) >= 24
    assert max(lengths) <= 48
    assert pieces.pieces[: len(SPECIAL)] == SPECIAL
    assert len(set(sentences)) > 290
