"""What our training writes acts, read as a user's file, just as it did while it was trained."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel
from safetensors.torch import save_file
from torch import Tensor

from models.builtin.training import adapters
from models.embedding_files import describe
from models.embeddings import load_embedding
from models.extra_networks.hypernetwork import Hooked, load_hypernetwork
from models.extra_networks.lora import load_lora
from models.extra_networks.patches import PatchedModel, Wanted
from models.load import LoadedCheckpoint


@pytest.fixture
def unet(builtin: LoadedCheckpoint) -> Iterator[UNet2DConditionModel]:
    """A copy that may be hooked into."""
    yield copy.deepcopy(builtin.unet)


@torch.inference_mode()
def output(unet: UNet2DConditionModel) -> Tensor:
    dice = torch.Generator().manual_seed(7)
    latent, text = torch.randn(1, 4, 8, 8, generator=dice), torch.randn(1, 77, 96, generator=dice)
    found: Tensor = unet(latent, 500, text).sample
    return found


def shaken(module: torch.nn.Module, size: float) -> None:
    """As if it had been trained: nothing is zero any more. Values that float16 can hold."""
    dice = torch.Generator().manual_seed(3)
    for parameter in module.parameters():
        parameter.data = (torch.randn(parameter.shape, generator=dice) * size).half().float()


def test_a_lora(builtin: LoadedCheckpoint, unet: UNet2DConditionModel, tmp_path: Path) -> None:
    trained = adapters.Lora(unet, 4)
    shaken(trained, 0.1)
    save_file(trained.tensors(), tmp_path / "clay.safetensors")
    lora = load_lora(tmp_path / "clay.safetensors")
    patched = PatchedModel(builtin.unet, builtin.text_encoder, 1)
    binding = patched.bind(lora)
    assert binding.absent == ()
    assert len(binding.changes) == len(trained.keys)
    assert lora.unknown == 0
    plain = output(builtin.unet)
    patched.apply([(Wanted(lora), binding)])
    with_it = output(builtin.unet)
    patched.restore()
    torch.testing.assert_close(with_it, output(unet), rtol=1e-3, atol=1e-4)
    assert (with_it - plain).abs().max() > 0.01
    assert torch.equal(output(builtin.unet), plain)


def test_a_hypernetwork(
    builtin: LoadedCheckpoint, unet: UNet2DConditionModel, tmp_path: Path
) -> None:
    trained = adapters.Hypernetwork(unet)
    shaken(trained, 0.1)
    torch.save(trained.file("night", 5), tmp_path / "night.pt")
    network = load_hypernetwork(tmp_path / "night.pt")
    hooked = Hooked(builtin.unet)
    hooked.check(network)
    plain = output(builtin.unet)
    hooked.apply([(network, 1.0)])
    with_it = output(builtin.unet)
    hooked.apply([])
    torch.testing.assert_close(with_it, output(unet), rtol=1e-3, atol=1e-4)
    assert (with_it - plain).abs().max() > 0.01
    assert torch.equal(output(builtin.unet), plain)


def test_a_word(builtin: LoadedCheckpoint, tmp_path: Path) -> None:
    word = adapters.LearntWord(copy.deepcopy(builtin.text_encoder), 4)
    torch.save(word.file("my-word", 5), tmp_path / "my-word.pt")
    file = describe(tmp_path / "my-word.pt")
    assert file is not None
    assert (file.name, file.vectors, file.width, file.problem) == ("my-word", 4, 96, None)
    torch.testing.assert_close(load_embedding(file).vectors, word.vectors.detach())
