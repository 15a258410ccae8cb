"""Settings that act around sampling, end to end: start noise, extra noise, colours (5.4, 5.6)."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from pipelines.colour import match_colours
from pipelines.noise import ImageNoise
from pipelines.request import Img2ImgRequest
from tests.pipelines.pixels import array, box_mask, gradient, noise
from tests.pipelines.run_doubles import INIT, MASK, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

PICTURES = {INIT: gradient(64, 64), MASK: box_mask(64, 64, (16, 16, 48, 48))}


def start(request: Img2ImgRequest) -> tuple[ToyFamily, Tensor, Tensor]:
    """The family, what the network saw first, and the noise of the seed."""
    family = ToyFamily()
    run_on(toy_pipeline(family), request, PICTURES)
    return family, family.inputs[0][:1], ImageNoise((192, 8, 8), (1,), (1,), request.seeds).first()


TUNINGS = {
    "none": ({}, 1.0, 0.0),
    "multiplier": ({"initial_noise_multiplier": 0.5}, 0.5, 0.0),
    "extra": ({"extra_noise": 0.25}, 1.0, 0.25),
    "extra of the multiplied": ({"initial_noise_multiplier": 0.5, "extra_noise": 0.25}, 0.5, 0.125),
}


@pytest.mark.parametrize(("tuning", "factor", "extra"), TUNINGS.values(), ids=TUNINGS)
def test_behaviour_5_4_k_samplers(tuning: dict[str, Any], factor: float, extra: float) -> None:
    request = request_for(tuning=tuning)
    family, seen, drawn = start(request)
    clean = family.encode(PICTURES[INIT])[None]
    expected = clean + drawn * (family.levels[0] * factor + extra)
    assert torch.allclose(seen, expected, atol=1e-4)


@pytest.mark.parametrize(("tuning", "factor", "extra"), TUNINGS.values(), ids=TUNINGS)
def test_behaviour_5_4_timestep_samplers(
    tuning: dict[str, Any], factor: float, extra: float
) -> None:
    """Behaviour 6.4: 20 steps at 0.75 start at t = 751; the extra noise is scaled like x0."""
    sampling = {"sampler": "DDIM", "steps": 20, "denoising_strength": 0.75}
    family, seen, drawn = start(request_for(tuning=tuning, sampling=sampling))
    alpha = float(family.schedule.alphas[751])
    clean = family.encode(PICTURES[INIT])[None] * math.sqrt(alpha)
    expected = clean + drawn * (math.sqrt(1 - alpha) * factor + extra * math.sqrt(alpha))
    assert torch.allclose(seen, expected, atol=1e-4)


def test_behaviour_5_4_the_multiplier_leaves_the_noise_of_the_steps() -> None:
    """The second step's fresh noise is the same: what differs shrinks with the first noise."""
    changed = {"initial_noise_multiplier": 0.5}
    plain, other = ToyFamily(), ToyFamily()
    for family, tuning in ((plain, {}), (other, changed)):
        request = request_for(tuning=tuning, sampling={"sampler": "Euler a"})
        run_on(toy_pipeline(family), request, PICTURES)
    first, second = (
        (a - b).abs().mean() for a, b in zip(plain.inputs[:2], other.inputs[:2], strict=True)
    )
    assert 0 < float(second) < float(first)


def test_behaviour_10_2_both_are_recorded() -> None:
    tuning = {"initial_noise_multiplier": 0.5, "extra_noise": 0.25}
    done = run_on(toy_pipeline(), request_for(tuning=tuning), PICTURES)
    assert "Noise multiplier: 0.5, Extra noise: 0.25, Version" in done.heard.pictures[0].infotext


def test_behaviour_5_6_colours_of_the_vaes_input() -> None:
    plain = run_on(toy_pipeline(), request_for(), PICTURES)
    corrected = run_on(toy_pipeline(), request_for(color_correction=True), PICTURES)
    expected = match_colours(plain.image, PICTURES[INIT])
    assert (array(corrected.image) == array(expected)).all()
    assert not (array(corrected.image) == array(plain.image)).all()
    assert "Color correction: True" in corrected.heard.pictures[0].infotext


def test_behaviour_5_6_the_overlay_comes_afterwards() -> None:
    pictures = {**PICTURES, INIT: noise(64, 64)}
    done = run_on(toy_pipeline(), request_for(inpaint={}, color_correction=True), pictures)
    image, before = array(done.image), array(pictures[INIT])
    assert (image[:16] == before[:16]).all()
    assert not (image[16:48, 16:48] == before[16:48, 16:48]).all()
