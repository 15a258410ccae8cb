"""Every training script at tiny width: it learns, and resumes to the same bits."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from models.builtin.training import (
    encode,
    from_checkpoint,
    train_text,
    train_unet,
    train_vae,
    write_checkpoint,
)
from models.builtin.training.inpaint_masks import hole_pictures
from models.builtin.training.networks import SIZES, build_unet, build_vae
from models.builtin.training.photographs import photographs
from models.builtin.training.render import load, render
from models.builtin.training.vocabulary import load_tokenizer
from models.builtin.training.words import words_of
from models.catalog import CheckpointEntry
from models.device import DeviceFlags, DevicePolicy
from models.load import load_checkpoint

Main = Callable[[Sequence[str] | None], None]
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def trained(main: Main, rendered: Path, run: Path, steps: int, *more: str) -> None:
    main(
        [
            str(rendered),
            str(run),
            "--sizes",
            "smoke",
            "--steps",
            str(steps),
            "--device",
            "cpu",
            "--precision",
            "fp32",
            *more,
        ]
    )


@pytest.fixture(scope="module")
def finished(rendered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with all parts trained for a few steps."""
    run = tmp_path_factory.mktemp("run")
    trained(train_vae.main, rendered, run, 60, "--batch", "4")
    encode.main([str(rendered), str(run), "--sizes", "smoke", "--device", "cpu"])
    trained(train_text.main, rendered, run, 100, "--batch", "16")
    trained(train_unet.main, rendered, run, 100, "--batch", "8", "--rate", "3e-3")
    trained(train_unet.main, rendered, run, 50, "--batch", "4", "--inpainting")
    return run


@pytest.mark.parametrize("name", ["vae", "text", "unet"])
def test_losses_go_down(name: str, finished: Path) -> None:
    history = torch.load(finished / f"{name}.pt", weights_only=True)["history"]
    assert len(history) >= 2
    assert history[-1] < 0.9 * history[0], history


@pytest.mark.parametrize(
    ("main", "name", "more"),
    [
        pytest.param(train_vae.main, "vae", ["--batch", "2"], id="vae"),
        pytest.param(train_text.main, "text", ["--batch", "4"], id="text"),
        pytest.param(train_unet.main, "unet", ["--batch", "2"], id="unet"),
        pytest.param(train_unet.main, "inpainting", ["--batch", "2", "--inpainting"], id="inpaint"),
    ],
)
def test_a_stopped_run_ends_with_the_same_bits(
    main: Main, name: str, more: list[str], rendered: Path, finished: Path, tmp_path: Path
) -> None:
    ends = []
    for stops in ([], [2, 5]):
        run = tmp_path / f"{len(stops)} stops"
        shutil.copytree(finished, run, ignore=shutil.ignore_patterns(f"{name}*.pt"))
        for stop in stops:
            trained(main, rendered, run, 6, "--stop-at", str(stop), *more)
        trained(main, rendered, run, 6, *more)
        ends.append(torch.load(run / f"{name}.pt", weights_only=True))
    straight, stopped = ends
    assert straight["step"] == stopped["step"] == 6
    for one, other in zip(straight["averages"], stopped["averages"], strict=True):
        assert torch.equal(one, other)
    for module, state in straight["modules"].items():
        for key, value in state.items():
            assert torch.equal(value, stopped["modules"][module][key]), key


def test_steps_can_be_fitted_to_a_time_and_are_remembered(rendered: Path, tmp_path: Path) -> None:
    more = ["--batch", "1", "--fit-minutes", "0.0001"]
    trained(train_vae.main, rendered, tmp_path, 10_000, *more, "--stop-at", "40")
    trained(train_vae.main, rendered, tmp_path, 10_000, *more, "--fresh")
    state = torch.load(tmp_path / "vae.pt", weights_only=True)
    assert state["step"] == state["steps"] == 41


def test_a_run_can_begin_with_the_weights_of_another(
    rendered: Path, finished: Path, tmp_path: Path
) -> None:
    start = finished / "vae_weights.pt"
    more = ["--batch", "1", "--rate", "0", "--start-from", str(start)]
    trained(train_vae.main, rendered, tmp_path, 1, *more)
    one, other = (torch.load(folder / "vae_weights.pt") for folder in (tmp_path, finished))
    for name, value in one["vae"].items():
        assert torch.allclose(value, other["vae"][name], atol=1e-6), name


@pytest.mark.parametrize("inpainting", [False, True], ids=["plain", "inpainting"])
def test_what_is_written_loads_and_is_complete(
    inpainting: bool, rendered: Path, finished: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoint"
    run, sizes = str(finished), ["--sizes", "smoke"]
    write_checkpoint.main([run, str(folder), "--pictures", str(rendered), *sizes])
    if inpainting:  # it shares all but its U-Net with the folder beside it
        folder = tmp_path / "inpainting"
        write_checkpoint.main([run, str(folder), "--inpainting", *sizes])
    placement = DevicePolicy.detect(use_cpu=True).choose(DeviceFlags())
    model = load_checkpoint(CheckpointEntry("out", folder, "folder"), placement)
    assert model.unet.config.in_channels == (9 if inpainting else 4)
    assert model.prediction_type == "epsilon"
    assert model.vae_scale == torch.load(finished / "latents.pt", weights_only=True)["scale"]
    assert len(model.latent_rgb.factors) == 4
    files = [path for path in folder.rglob("*") if path.is_file()]
    ours = {".json", ".safetensors"} if inpainting else {".json", ".txt", ".safetensors"}
    assert {path.suffix for path in files} == ours


def test_a_checkpoint_without_pictures_is_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        write_checkpoint.main([str(finished), str(tmp_path / "out"), "--sizes", "smoke"])


def test_the_full_table_knows_used_words_and_their_synonyms(
    finished: Path, rendered: Path, tmp_path: Path
) -> None:
    tokenizer = load_tokenizer()
    words = words_of(load(rendered).words)
    table = torch.randn(len(words.vocabulary.used), 32)
    full = words.vocabulary.expanded(table, tokenizer)

    def row(word: str) -> torch.Tensor:
        return full[tokenizer(word).input_ids[1]]

    assert full.shape == (49408, 32)
    assert torch.equal(
        row("red"), table[words.vocabulary.used.index(tokenizer("red").input_ids[1])]
    )
    assert torch.equal(row("crimson"), row("red"))
    assert torch.equal(row("mug"), row("cup"))
    assert torch.allclose(row("parliament"), table.mean(0))


def test_rendering_goes_on_where_it_stopped(tmp_path: Path) -> None:
    render(tmp_path, count=300, size=64, first_seed=5)
    whole = np.array(load(tmp_path).pixels)
    pixels = np.lib.format.open_memmap(tmp_path / "pixels.npy", mode="r+")
    pixels[:] = 0
    (tmp_path / "words_0000250.jsonl").unlink()
    render(tmp_path, count=300, size=64, first_seed=5)
    again = load(tmp_path)
    assert np.array_equal(again.pixels[250:], whole[250:])
    assert not again.pixels[:250].any()
    assert len(again.words) == 300
    with pytest.raises(ValueError, match="render to another folder"):
        render(tmp_path, count=200, size=64, first_seed=5)


@pytest.mark.parametrize("seed", range(20))
def test_holes_are_never_empty(seed: int, rendered: Path) -> None:
    pictures = load(rendered)
    dice = np.random.default_rng(seed)
    masks, masked = hole_pictures(pictures, np.array([seed, seed + 1]), dice)
    assert masks.shape == (2, 16, 16)
    assert set(np.unique(masks)) <= {0.0, 1.0}
    changed = (masked != pictures.pixels[seed : seed + 2]).any()
    assert changed


def test_photographs_are_there_without_a_download() -> None:
    assert len(photographs()) >= 8
    assert len(photographs(held_out=True)) >= 2
    assert all(picture.shape[2] == 3 for picture in photographs(side=128))
    assert max(min(picture.shape[:2]) for picture in photographs(side=128)) == 128


def test_training_can_go_on_from_a_checkpoint_that_ships(tmp_path: Path) -> None:
    shipped = Path(__file__).parents[3] / "models" / "builtin" / "checkpoint"
    from_checkpoint.main([str(shipped), str(tmp_path)])
    vae, unet = (
        torch.load(tmp_path / f"start_{part}.pt", weights_only=True)[part]
        for part in ("vae", "unet")
    )
    assert vae.keys() == build_vae(SIZES["shipped"]).state_dict().keys()
    assert unet.keys() == build_unet(SIZES["shipped"]).state_dict().keys()
    assert {value.dtype for value in (*vae.values(), *unet.values())} == {torch.float32}
