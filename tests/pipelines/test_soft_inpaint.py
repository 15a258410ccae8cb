"""Soft inpainting: the blend per step and the overlay from what changed (behaviour 3.9)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow
from PIL import ImageFilter

from pipelines.geometry import Bounds, Extent
from pipelines.inpaint import SoftLatentMask
from pipelines.request import InpaintArea, SoftInpaint
from pipelines.soft_overlay import (
    difference_mask,
    gaussian_kernel,
    percentile_filter,
    placed_mask,
    smootherstep,
)
from tests.pipelines.pixels import array, box_mask, noise
from tests.pipelines.run_doubles import INIT, MASK, Ran, request_for, run_on
from tests.pipelines.toy_family import toy_pipeline


def blended(repaint: float, sigma: float, **settings: Any) -> list[float]:
    """One cell whose init vector is (3, 4), new vector (0, -2)."""
    init = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    new = torch.tensor([0.0, -2.0]).view(1, 2, 1, 1)
    mask = SoftLatentMask(init, torch.full((1, 1, 1, 1), repaint), SoftInpaint(**settings))
    values: list[float] = mask.during(new, torch.tensor([sigma])).flatten().tolist()
    return values


def by_hand(repaint: float, sigma: float, bias: float, strength: float, c: float) -> list[float]:
    t = repaint ** (sigma**bias * strength)
    v = (3.0 * (1 - t), 4.0 * (1 - t) - 2.0 * t)
    wanted = (5.0**c * (1 - t) + 2.0**c * t) ** (1 / c)
    length = math.hypot(*v) + 1e-5
    return [value * wanted / length for value in v]


STEPS = {
    "kept": (0.0, 2.0, {}),
    "repainted": (1.0, 2.0, {}),
    "half": (0.5, 2.0, {}),
    "little noise": (0.5, 0.1, {}),
    "much noise": (0.5, 14.0, {}),
    "bias 0": (0.5, 7.0, {"schedule_bias": 0}),
    "bias 3": (0.3, 1.5, {"schedule_bias": 3}),
    "strength": (0.7, 2.0, {"preservation_strength": 4}),
    "no strength": (0.0, 2.0, {"preservation_strength": 0}),
    "no boost": (0.5, 1.0, {"transition_contrast_boost": 1}),
    "boost": (0.5, 1.0, {"transition_contrast_boost": 16}),
}


@pytest.mark.parametrize(("repaint", "sigma", "settings"), STEPS.values(), ids=STEPS)
def test_behaviour_3_9_blend(repaint: float, sigma: float, settings: dict[str, Any]) -> None:
    full = SoftInpaint(**settings)
    expected = by_hand(
        repaint,
        sigma,
        full.schedule_bias,
        full.preservation_strength,
        full.transition_contrast_boost,
    )
    assert blended(repaint, sigma, **settings) == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_behaviour_3_9_the_first_pictures_level_counts() -> None:
    init, new = torch.ones(2, 1, 1, 1), torch.full((2, 1, 1, 1), 3.0)
    mask = SoftLatentMask(init, torch.full((1, 1, 1, 1), 0.5), SoftInpaint())
    both = mask.during(new, torch.tensor([1.0, 9.0]))
    assert both[0] == both[1]


def test_behaviour_3_9_no_final_blend() -> None:
    new = torch.ones(1, 1, 2, 2)
    mask = SoftLatentMask(torch.zeros(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), SoftInpaint())
    assert mask.finished(new) is new


def test_behaviour_0_5_the_kernels_middle_is_1() -> None:
    kernel = gaussian_kernel()
    end = math.exp(-4)
    assert kernel.shape == (5, 5)
    assert kernel[2, 2] == 1.0
    assert kernel[2, 3] == pytest.approx((math.exp(-1 / 2.25) - end) / (1 - end))
    assert kernel[0, 0] == pytest.approx((math.exp(-8 / 2.25) - end) / (1 - end))


FILTERS = {
    "maximum": (0.9999, 1.0, 0.0, 9.0),
    "minimum": (0.0, 0.0001, 0.0, 1.0),
    "median": (0.4999, 0.5001, 0.0, 5.0),
    "mean": (0.0, 1.0, 0.0, 5.0),
    "middle half": (0.25, 0.75, 0.0, 5.0),
    "widened at the end": (0.9, 1.0, 2.0, 8.5),
    "wider than all": (0.9, 1.0, 99.0, 5.0),
}


@pytest.mark.parametrize(("low", "high", "width", "expected"), FILTERS.values(), ids=FILTERS)
def test_percentile_filter(low: float, high: float, width: float, expected: float) -> None:
    """The numbers 1 to 9 with equal weights, seen from the middle."""
    values = np.arange(1.0, 10.0).reshape(3, 3)
    result = percentile_filter(values, np.ones((3, 3)), low, high, width)
    assert result[1, 1] == pytest.approx(expected)


def test_percentile_filter_ends_at_the_edge() -> None:
    values = np.arange(1.0, 10.0).reshape(3, 3)
    result = percentile_filter(values, np.ones((3, 3)), 0.0, 1.0, 0.0)
    assert result[0, 0] == pytest.approx((1 + 2 + 4 + 5) / 4)


def constant(distance: float, repaint: float = 1.0, **settings: Any) -> int:
    """The difference mask where the latent changed evenly by `distance`."""
    init = np.zeros((4, 3, 3), np.float32)
    result = np.full((4, 3, 3), distance / 2, np.float32)  # length over four channels
    cells = np.full((3, 3), repaint, np.float32)
    mask = difference_mask(init, result, cells, SoftInpaint(**settings))
    assert mask.size == (3, 3)
    return int(array(mask)[1, 1])


def mask_by_hand(distance: float, limit: float, contrast: float) -> int:
    m = 1 / (1 + (distance / limit) ** contrast)
    return int(255 * (1 - (6 * m**5 - 15 * m**4 + 10 * m**3)))


DIFFERENCES = {
    "nothing changed": (0.0, {}, 0),
    "at the threshold": (0.5, {}, 127),
    "changed": (2.0, {}, mask_by_hand(2.0, 0.5, 2.0)),
    "sharper": (0.6, {"difference_contrast": 8}, mask_by_hand(0.6, 0.5, 8)),
    "threshold": (2.0, {"difference_threshold": 4}, mask_by_hand(2.0, 4.0, 2.0)),
    "mask decides, repainted": (0.01, {"mask_influence": 1}, 255),
    "no threshold": (0.01, {"difference_threshold": 0}, 255),
    "no threshold, no change": (0.0, {"difference_threshold": 0}, 0),
}


@pytest.mark.parametrize(
    ("distance", "settings", "expected"), DIFFERENCES.values(), ids=DIFFERENCES
)
def test_behaviour_3_9_difference_mask(
    distance: float, settings: dict[str, Any], expected: int
) -> None:
    """Influence 0 makes ms 0.5, hence the limit the threshold itself (but for 1.00001)."""
    assert constant(distance, **settings) == pytest.approx(expected, abs=1)


def test_behaviour_3_9_the_mask_may_have_influence() -> None:
    settings = {"mask_influence": 1, "preservation_strength": 2}
    share = 1 - 0.75
    expected = mask_by_hand(0.3, 0.5 * share / (1.00001 - share), 2)
    assert constant(0.3, repaint=0.75, **settings) == pytest.approx(expected, abs=1)


def test_smootherstep() -> None:
    values = smootherstep(np.array([0.0, 0.25, 0.5, 1.0]))
    assert values.tolist() == pytest.approx([0.0, 0.103515625, 0.5, 1.0])


def test_behaviour_3_9_the_mask_is_enlarged_and_blurred() -> None:
    mask = box_mask(8, 8, (2, 2, 6, 6))
    placed = placed_mask(mask, Extent(64, 64), None, Extent(64, 64))
    sharp = mask.resize((64, 64), Pillow.Resampling.LANCZOS)
    assert (array(placed) == array(sharp.filter(ImageFilter.GaussianBlur(4)))).all()


def test_behaviour_3_9_only_masked_puts_it_into_its_box() -> None:
    mask = box_mask(8, 8, (0, 0, 8, 8))
    placed = placed_mask(mask, Extent(64, 64), Bounds(10, 20, 42, 52), Extent(100, 90))
    assert placed.size == (100, 90)
    assert placed.getbbox() == (10, 20, 42, 52)


PICTURES = {INIT: noise(64, 64), MASK: box_mask(64, 64, (16, 16, 48, 48), 200)}


def ran(soft: SoftInpaint | None, **inpaint: Any) -> Ran:
    request = request_for(inpaint={"soft": soft, "blur_x": 4, "blur_y": 4, **inpaint})
    return run_on(toy_pipeline(), request, PICTURES)


def test_a_soft_job_rounds_no_mask_and_says_so() -> None:
    """Behaviour 2.2, 3.9, 10.2."""
    soft, hard, unrounded = ran(SoftInpaint()), ran(None), ran(None, round=False)
    assert not (array(soft.image) == array(hard.image)).all()
    assert not (array(soft.image) == array(unrounded.image)).all()
    assert (
        "Denoising strength: 0.75, Soft inpainting enabled: True, "
        "Soft inpainting schedule bias: 1, Soft inpainting preservation strength: 0.5, "
        "Soft inpainting transition contrast boost: 4, Soft inpainting mask influence: 0, "
        "Soft inpainting difference threshold: 0.5, Soft inpainting difference contrast: 2, "
        "Mask blur: 4"
    ) in soft.heard.pictures[0].infotext


def test_what_never_changes_stays_the_picture() -> None:
    """Far from the mask a k-diffusion sampler holds the latent, so the overlay covers all of it."""
    pictures = {INIT: noise(128, 64), MASK: box_mask(128, 64, (0, 0, 24, 64))}
    request = request_for(width=128, inpaint={"soft": SoftInpaint()})
    image = array(run_on(toy_pipeline(), request, pictures).image)
    assert (image[:, 96:] == array(pictures[INIT])[:, 96:]).all()
    assert not (image[:, :16] == array(pictures[INIT])[:, :16]).all()


def test_only_masked_keeps_everything_outside_its_box() -> None:
    pictures = {INIT: noise(160, 120), MASK: box_mask(160, 120, (64, 48, 80, 64))}
    request = request_for(
        inpaint={"soft": SoftInpaint(), "area": InpaintArea.ONLY_MASKED, "padding": 8}
    )
    image = array(run_on(toy_pipeline(), request, pictures).image)
    before = array(pictures[INIT])
    assert image.shape == before.shape
    assert (image[:40] == before[:40]).all()
    assert (image[:, :56] == before[:, :56]).all()
    assert not (image == before).all()
