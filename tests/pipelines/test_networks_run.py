"""LoRAs and hypernetworks in whole jobs with the built-in model (behaviour 9.8, 10.3, 15.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from models.extra_networks.files import hypernetwork_catalog, lora_catalog, lora_hash
from models.extra_networks.shelf import hypernetwork_shelf, lora_shelf
from models.hashes import sha256_file
from pipelines.families.sd1 import StableDiffusion1
from pipelines.networks import ModelNetworks
from pipelines.pipeline import Pipeline
from pipelines.prompt.networks import extract_networks
from tests.models.extra_networks.make import (
    TEXT_KEY,
    TEXT_WIDTH,
    UNET_KEY,
    UNET_WIDTH,
    both_sides,
    low_rank,
    write_lora,
)
from tests.pipelines.pixels import array
from tests.pipelines.run_doubles import Ran, request_for, run_on


@pytest.fixture
def painter(builtin: Pipeline, tmp_path: Path) -> Iterator[Pipeline]:
    """The built-in model with a models folder of its own."""
    family = builtin.family
    assert isinstance(family, StableDiffusion1)
    loaded = family.loaded
    networks = ModelNetworks(
        loaded.unet,
        loaded.text_encoder,
        1,
        lora_shelf(lora_catalog(tmp_path, tmp_path / "nothing")),
        hypernetwork_shelf(hypernetwork_catalog(tmp_path, tmp_path / "nothing")),
    )
    yield Pipeline(family, "overpaint-tiny", "0123456789", networks=networks)
    networks.activate(())


@pytest.fixture
def loras(tmp_path: Path) -> Path:
    folder = tmp_path / "Lora"
    write_lora(folder / "paint.safetensors", both_sides(size=0.6))
    write_lora(folder / "ink.safetensors", both_sides(seed=7, size=0.6))
    return folder


def made(pipeline: Pipeline, prompt: str, **fields: Any) -> Ran:
    request = request_for(init_images=(), prompt=prompt, sampling={"steps": 2}, **fields)
    return run_on(pipeline, request, {})


def same(one: Ran, other: Ran) -> bool:
    return bool((array(one.image) == array(other.image)).all())


def test_a_lora_changes_the_picture_and_leaves_no_trace(painter: Pipeline, loras: Path) -> None:
    plain = made(painter, "a cat")
    assert not same(made(painter, "a cat<lora:paint:1>"), plain)
    assert same(made(painter, "a cat"), plain)


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat<lora:paint:0>",
        "a cat<lora:paint:0:0>",
        "a cat<lora:paint:te=0:unet=0>",
        "a cat<hypernet:night:0>",
        "a cat<lora:nobody:1>",
        "a cat<lora:paint:1:0>",
    ],
)
def test_scale_0_is_the_same_picture_bit_by_bit(
    painter: Pipeline, loras: Path, tmp_path: Path, prompt: str
) -> None:
    write_hypernetwork(tmp_path)
    text_only = prompt == "a cat<lora:paint:1:0>"
    assert same(made(painter, prompt), made(painter, "a cat")) is not text_only


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("<lora:paint:1>", "<lyco:paint:1>", True),
        ("<lora:paint>", "<lora:paint:1:1>", True),
        ("<lora:paint:0.5>", "<lora:paint:1>", False),
        ("<lora:paint:1:0>", "<lora:paint:0:1>", False),
        ("<lora:paint:1><lora:ink:1>", "<lora:paint:1>", False),
        ("<lora:paint:1:1:1>", "<lora:paint:1>", False),
        ("<lora:paint:1:1:2>", "<lora:paint:1>", True),
    ],
)
def test_behaviour_9_8_arguments(
    painter: Pipeline, loras: Path, one: str, other: str, equal: bool
) -> None:
    assert same(made(painter, f"a cat{one}"), made(painter, f"a cat{other}")) is equal


def test_behaviour_10_3_the_infotext_tells_their_hashes_and_keeps_the_tags(
    painter: Pipeline, loras: Path
) -> None:
    done = made(painter, "a <lora:paint:0.5> cat <lora:ink:1>")
    text = done.heard.pictures[0].infotext
    paint, ink = (lora_hash(loras / f"{name}.safetensors") for name in ("paint", "ink"))
    assert text.startswith("a <lora:paint:0.5> cat <lora:ink:1>\n")
    assert f'Lora hashes: "paint: {paint}, ink: {ink}"' in text
    assert done.report.notes == ()


def test_one_that_is_missing_is_said_once_and_the_others_work(
    painter: Pipeline, loras: Path
) -> None:
    done = made(painter, "a cat<lora:nobody:1><lora:paint:1>", n_iter=2)
    assert done.report.notes == ("Lora not found: nobody. The picture is made without it.",)
    assert same(done, made(painter, "a cat<lora:paint:1>"))
    assert "nobody: " not in done.heard.pictures[0].infotext


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        (
            low_rank("lora_te2_text_model_encoder_layers_0_mlp_fc1", 4, 4),
            "Lora odd was left out: odd.safetensors was made for SDXL; this checkpoint is Stable "
            "Diffusion 1.x.",
        ),
        (
            low_rank(UNET_KEY, 320, 2048),
            "Lora odd was left out: odd does not fit this checkpoint: it changes mid_block.",
        ),
        (
            both_sides(size=0) | low_rank("lora_unet_down_blocks_9_resnets_1_conv1", 4, 4),
            "Lora odd: 1 of its layers are not in this checkpoint and were left out (the first is "
            "lora_unet_down_blocks_9_resnets_1_conv1).",
        ),
        (
            both_sides(size=0) | {"who.knows": torch.ones(1)},
            "Lora odd: 1 of its tensors are of an unknown kind and were left out.",
        ),
    ],
    ids=["sdxl", "shape", "layers", "tensors"],
)
def test_what_does_not_fit_is_said_and_not_fatal(
    painter: Pipeline, tmp_path: Path, tensors: dict[str, Tensor], said: str
) -> None:
    write_lora(tmp_path / "Lora" / "odd.safetensors", tensors)
    done = made(painter, "a cat<lora:odd:1>")
    assert len(done.report.notes) == 1
    assert done.report.notes[0].startswith(said)
    assert same(done, made(painter, "a cat"))


def test_other_kinds_of_tags_are_said(painter: Pipeline) -> None:
    assert made(painter, "a cat<magic:x>").report.notes == (
        "<magic:x> was left out: lora, lyco and hypernet are the kinds there are.",
    )


def test_tags_in_the_negative_prompt_are_text(painter: Pipeline, loras: Path) -> None:
    done = made(painter, "a cat", negative_prompt="<lora:paint:1>")
    assert "Lora hashes" not in done.heard.pictures[0].infotext


def test_the_hires_prompts_own_tags_work_in_its_pass(painter: Pipeline, loras: Path) -> None:
    hires = {"scale": 2.0, "steps": 1, "upscaler": "Latent"}

    def picture(prompt: str) -> Ran:
        return made(painter, "a cat", hires={**hires, "prompt": prompt})

    assert not same(picture("a cat<lora:paint:1>"), picture("a cat"))


def test_the_hires_texts_can_be_encoded_with_the_first_passs_networks(
    painter: Pipeline, loras: Path
) -> None:
    """A1111's `hires_fix_use_firstpass_conds`: here a LoRA that changes the text encoder alone."""
    tag = "<lora:paint:1:0>"

    def picture(hires_prompt: str, on: bool) -> Ran:
        hires = {"scale": 2.0, "steps": 1, "upscaler": "Latent", "prompt": hires_prompt}
        return made(painter, f"a cat{tag}", hires=hires, texts={"first_pass_networks": on})

    with_it = picture("a cat", True)
    assert same(with_it, picture(f"a cat{tag}", False))
    assert not same(with_it, picture("a cat", False))
    assert painter.text_encoder.weights == ()  # the second pass itself has none


def test_the_same_set_again_is_not_applied_again(
    painter: Pipeline, loras: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, tags = extract_networks("<lora:paint:1><lora:ink:0.5>")
    first = painter.activate(tags)
    monkeypatch.setattr("pipelines.networks.PatchedModel.apply", None)
    assert painter.activate(tags) is first


def test_texts_are_remembered_per_set_of_text_weights(painter: Pipeline, loras: Path) -> None:
    keys = []
    for tag in ("", "<lora:paint:1>", "<lora:paint:1:0.5>", "<lora:paint:0:1>", "<lora:paint:0.5>"):
        keys.append(painter.activate(extract_networks(tag)[1]).text_weights)
    plain, one, other_unet, no_text, half = keys
    assert one == other_unet
    assert plain == no_text
    assert len({plain, one, half}) == 3


def test_a_file_that_changes_is_loaded_again(painter: Pipeline, loras: Path) -> None:
    before = made(painter, "a cat<lora:paint:1>")
    write_lora(loras / "paint.safetensors", both_sides(seed=30, size=0.6))
    assert not same(made(painter, "a cat<lora:paint:1>"), before)
    (loras / "paint.safetensors").unlink()
    gone = made(painter, "a cat<lora:paint:1>")
    assert "Lora not found: paint" in gone.report.notes[0]
    assert same(gone, made(painter, "a cat"))


def test_embeddings_that_a_lora_brings_along_are_known_while_it_works(
    painter: Pipeline, tmp_path: Path
) -> None:
    bundle = {"bundle_emb.my-word.emb_params": torch.ones(2, TEXT_WIDTH)}
    tensors = low_rank(TEXT_KEY, TEXT_WIDTH, TEXT_WIDTH, size=0) | bundle
    write_lora(tmp_path / "Lora" / "taught.safetensors", tensors)
    with_it = made(painter, "my-word<lora:taught:1>")
    assert 'TI hashes: "my-word: taught"' in with_it.heard.pictures[0].infotext
    assert "TI hashes" not in made(painter, "my-word").heard.pictures[0].infotext


def write_hypernetwork(root: Path) -> Path:
    """One for all widths of the built-in model."""
    dice = torch.Generator().manual_seed(3)
    content: dict[Any, Any] = {"activation_func": "relu", "activate_output": False}
    for width in (TEXT_WIDTH, 128, UNET_WIDTH):
        state = {
            "linear.0.weight": torch.randn(2 * width, width, generator=dice) * 0.2,
            "linear.0.bias": torch.zeros(2 * width),
            "linear.2.weight": torch.randn(width, 2 * width, generator=dice) * 0.2,
            "linear.2.bias": torch.zeros(width),
        }
        content[width] = (state, state)
    path = root / "hypernetworks" / "night.pt"
    path.parent.mkdir(exist_ok=True)
    torch.save(content, path)
    return path


def test_a_hypernetwork_changes_the_picture_and_leaves_no_trace(
    painter: Pipeline, tmp_path: Path
) -> None:
    path = write_hypernetwork(tmp_path)
    plain = made(painter, "a cat")
    with_it = made(painter, "a cat<hypernet:night:0.8>")
    assert not same(with_it, plain)
    text = with_it.heard.pictures[0].infotext
    assert f'Hypernet hashes: "night: {sha256_file(path)[:10]}"' in text
    assert same(made(painter, "a cat"), plain)
    assert made(painter, "a cat<hypernet:day:1>").report.notes == (
        "Hypernetwork not found: day. The picture is made without it.",
    )
