"""Tiling as a switch: circular convolutions while a job wants them (behaviour 14.3)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.load import LoadedCheckpoint
from pipelines.families.sd1 import StableDiffusion1
from pipelines.families.tiling import circular_padding
from pipelines.pipeline import Pipeline
from tests.pipelines.pixels import array, noise
from tests.pipelines.run_doubles import INIT, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline


def modes(*modules: nn.Module) -> set[str]:
    return {m.padding_mode for one in modules for m in one.modules() if isinstance(m, nn.Conv2d)}


def test_every_convolution_is_switched_and_switched_back() -> None:
    mirrored = nn.Conv2d(1, 1, 3, padding=1, padding_mode="reflect")
    network = nn.Sequential(mirrored, nn.Sequential(nn.Conv2d(1, 1, 1)))
    with circular_padding((network,)):
        assert modes(network) == {"circular"}
    assert modes(network) == {"reflect", "zeros"}


def test_an_error_inside_switches_back() -> None:
    network = nn.Conv2d(1, 1, 3, padding=1)
    with pytest.raises(OSError, match="full"), circular_padding((network,)):
        raise OSError("full")
    assert modes(network) == {"zeros"}


def test_behaviour_14_3_unet_and_vae(builtin_checkpoint: LoadedCheckpoint) -> None:
    family = StableDiffusion1(builtin_checkpoint)
    networks = (builtin_checkpoint.unet, builtin_checkpoint.vae)
    for on, expected in ((False, {"zeros"}), (True, {"circular"})):
        with family.tiled(on):
            assert modes(*networks) == expected
    assert modes(*networks) == {"zeros"}


def test_rolled_latents_give_rolled_pictures(builtin_checkpoint: LoadedCheckpoint) -> None:
    """What tileable means: with circular edges no place is special.

    By 8 cells, since the U-Net halves three times.
    """
    family = StableDiffusion1(builtin_checkpoint)
    x = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(1))
    context, t = torch.zeros(1, 77, 96), torch.tensor([500.0])
    with family.tiled(True):
        whole, rolled = family.epsilon(x, t, context), family.epsilon(x.roll(8, 3), t, context)
    assert torch.allclose(whole.roll(8, 3), rolled, atol=2e-5)
    plain = family.epsilon(x, t, context)
    assert not torch.allclose(plain.roll(8, 3), family.epsilon(x.roll(8, 3), t, context), atol=1e-3)


def test_a_tiled_job_leaves_no_trace(builtin: Pipeline) -> None:
    """The encoded init image is not shared with jobs that do not tile either."""
    pictures = {INIT: noise(64, 64)}
    request = request_for(sampling={"steps": 2})
    before = run_on(builtin, request, pictures)
    tiled = run_on(builtin, request.model_copy(update={"tiling": True}), pictures)
    after = run_on(builtin, request, pictures)
    assert (array(before.image) == array(after.image)).all()
    assert not (array(before.image) == array(tiled.image)).all()
    assert "Tiling: True" in tiled.heard.pictures[0].infotext


def test_the_switch_is_set_for_encoding_sampling_and_decoding() -> None:
    family = ToyFamily()
    run_on(toy_pipeline(family), request_for(tiling=True), {INIT: noise(64, 64)})
    assert family.tiling == [True]
