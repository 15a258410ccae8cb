"""Distances are those of the usual definitions; the table is safe to open."""

import numpy as np
import pytest
from PIL import Image
from skimage.metrics import structural_similarity

from pipelines.request import ResizeMode
from scripts.plot_table import TableRow, distance, ssim, to_csv


def noise(seed: int, size: int = 64) -> Image.Image:
    rng = np.random.default_rng(seed)
    return Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))


def test_equal_pictures_have_no_distance() -> None:
    found = distance(noise(1), noise(1))
    assert (found.mae, found.ssim, found.changed) == (0.0, 1.0, 0.0)


@pytest.mark.parametrize(("level", "changed"), [(1, 0.0), (2, 1.0), (10, 1.0)])
def test_changed_counts_from_two_levels(level: int, changed: float) -> None:
    black = Image.new("RGB", (8, 8))
    found = distance(Image.new("RGB", (8, 8), (0, level, 0)), black)
    assert found.changed == changed
    assert found.mae == pytest.approx(level / 3, abs=1e-3)


def test_ssim_is_that_of_the_literature() -> None:
    a, b = (np.asarray(noise(k).convert("L"), dtype=np.float32) for k in (1, 2))
    mixed = ((a * 3 + b) / 4).astype(np.float32)
    expected = structural_similarity(
        a, mixed, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(a, mixed) == pytest.approx(expected, abs=0.01)


def test_the_init_image_is_brought_to_the_results_size() -> None:
    init = Image.new("RGB", (30, 60), (9, 9, 9))
    made = Image.new("RGB", (64, 64), (9, 9, 9))
    assert distance(made, init, ResizeMode.CROP_AND_RESIZE).mae == 0.0


def test_csv_has_a_header_and_no_formulas() -> None:
    text = to_csv([TableRow("-1", '=HYPERLINK("x")', "", "done", mae=0.5, seed=7)])
    assert text.splitlines() == [
        "x,y,z,state,mae,ssim,changed,seconds,seed,file,error",
        '-1,"\'=HYPERLINK(""x"")",,done,0.5,,,,7,,',
    ]
