"""The noise behind a picture (behaviour 12.6)."""

import math

import pytest
import torch
from torch import Tensor

from pipelines.events import StopKind
from pipelines.inversion import found_noise, mixed_noise
from pipelines.request import Img2ImgRequest, Inversion
from tests.pipelines.pixels import noise
from tests.pipelines.run_doubles import INIT, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

LEVELS = (0.0, 0.5, 2.0, 10.0)


def half(x: Tensor, sigma: float) -> Tensor:
    """A model that sees half of everything."""
    return x * 0.5


def picture() -> Tensor:
    return torch.randn((1, 4, 8, 8), generator=torch.Generator().manual_seed(3))


def test_behaviour_12_6_plain_steps_take_the_slope_of_the_level_ahead() -> None:
    x0 = picture()
    # x grows by x/2 * (step / sigma ahead) at each of the three steps
    grown = x0 * (1 + 0.5) * (1 + 0.5 * 1.5 / 2.0) * (1 + 0.5 * 8.0 / 10.0)
    found = found_noise(x0, half, LEVELS, adjusted=False)
    torch.testing.assert_close(found, grown / grown.std())


def test_behaviour_12_6_adjusted_steps_take_the_slope_of_the_level_behind() -> None:
    x0 = picture()
    grown = x0 * (1 + 0.5 * 1.5 / 0.5) * (1 + 0.5 * 8.0 / 2.0)
    found = found_noise(x0, half, LEVELS, adjusted=True)
    torch.testing.assert_close(found, grown / 10.0)


def test_plain_noise_has_unit_deviation() -> None:
    found = found_noise(picture() * 7 + 1, half, LEVELS, adjusted=False)
    assert float(found.std()) == pytest.approx(1.0, abs=1e-5)


def test_euler_steps_down_the_same_levels_lead_back() -> None:
    """A model whose slope is the same everywhere: the way up is the way down."""
    x0 = picture()
    slope = torch.randn(x0.shape, generator=torch.Generator().manual_seed(4))

    def model(x: Tensor, sigma: float) -> Tensor:
        return x - slope * sigma

    found = found_noise(x0, model, LEVELS, adjusted=True)
    torch.testing.assert_close(found * 10.0, x0 + slope * 9.5)


@pytest.mark.parametrize(
    ("randomness", "expected"),
    [(0.0, 3.0), (1.0, 5.0), (0.5, (1.5 + 2.5) / math.sqrt(0.5))],
    ids=["found", "random", "both"],
)
def test_behaviour_12_6_randomness_keeps_the_variance(randomness: float, expected: float) -> None:
    mixed = mixed_noise(torch.tensor([3.0]), torch.tensor([5.0]), randomness)
    assert float(mixed) == pytest.approx(expected)


PICTURES = {INIT: noise(64, 64)}


def asked(**inversion: object) -> Img2ImgRequest:
    sampling = {"denoising_strength": 1.0, "steps": 4}
    return request_for(sampling=sampling, inversion=Inversion.model_validate(inversion))


def test_a_run_starts_from_the_noise_it_found() -> None:
    """Inversion up five levels, then four steps down; the first state is sigma_max times noise."""
    family = ToyFamily()
    heard = run_on(toy_pipeline(family), asked(steps=5), PICTURES).heard
    assert len(family.levels) == 9
    assert family.levels[:5] == sorted(family.levels[:5])
    start = family.inputs[5][:1]
    sigma = float(family.schedule.sigma_max)
    assert family.levels[5] == pytest.approx(sigma)
    assert float(start.std()) == pytest.approx(sigma, rel=1e-4)
    assert "Finding the noise, step 5 of 5" in heard.notes


def test_the_seed_matters_only_with_randomness() -> None:
    def image(seed: int, randomness: float) -> object:
        request = asked(steps=5, randomness=randomness)
        seeds = request.seeds.model_copy(update={"seed": seed})
        changed = request.model_copy(update={"seeds": seeds})
        return run_on(toy_pipeline(), changed, PICTURES).image.tobytes()

    assert image(1, 0.0) == image(2, 0.0)
    assert image(1, 0.3) != image(2, 0.3)


def test_a_stop_ends_the_search_at_once() -> None:
    family = ToyFamily()
    ran = run_on(toy_pipeline(family), asked(steps=50), PICTURES, stop=lambda _: StopKind.NOW)
    assert ran.report.interrupted
    assert len(family.levels) <= 1


def test_the_noise_search_is_in_the_infotext() -> None:
    text = (
        run_on(toy_pipeline(), asked(steps=5, prompt="a, b"), PICTURES).heard.pictures[0].infotext
    )
    assert 'Decode prompt: "a, b", Decode CFG scale: 1, Decode steps: 5, Randomness: 0' in text


def test_without_an_init_image_there_is_nothing_to_invert() -> None:
    with pytest.raises(ValueError, match="no init image"):
        Img2ImgRequest(inversion=Inversion())
