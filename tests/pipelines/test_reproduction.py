"""Made again and compared: counting pixels, and finding reasons."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.reproduction import Comparison, Environment, Made, compare
from tests.pipelines.pixels import array, noise

TEXT = "a cat\nNegative prompt: bad\nSteps: 20, Sampler: Euler, Seed: 1, Model hash: aaaa, RNG: CPU"


def made(picture: Image | None = None, text: str = TEXT, **facts: Any) -> Made:
    place = Environment(
        {"torch": "2.13.0", **facts.pop("versions", {})}, facts.pop("device", "cpu")
    )
    return Made(picture or noise(8, 6), text, place)


def changed(*pixels: tuple[int, int], by: int = 1) -> Image:
    values = array(noise(8, 6)).astype(np.int16)
    for x, y in pixels:
        values[y, x, 1] += by if values[y, x, 1] < 128 else -by
    return Pillow.fromarray(values.astype(np.uint8))


def test_the_same_picture() -> None:
    result = compare(made(), made())
    assert result.is_equal
    assert result.reasons == ()
    assert result.verdict == "The same picture: all 48 pixels are equal to the bit."


def test_equal_pixels_need_no_reasons() -> None:
    assert compare(made(), made(text="another")).reasons == ()


def test_differences_are_counted() -> None:
    result = compare(made(), made(changed((0, 0), (3, 2), (7, 5), by=60)))
    assert (result.pixels, result.differing, result.largest) == (48, 3, 60)
    assert result.mean == pytest.approx(180 / (48 * 3))
    assert result.verdict == (
        "3 of 48 pixels (6.2 %) differ, by at most 60 of 255 levels and 1.25 on average."
    )
    assert result.reasons == ("Nothing that is recorded explains it.",)


SHARES = {
    (1, 65536): "(0.0015 %)",
    (10, 48): "(21 %)",
    (65525, 65536): "(more than 99 %)",
    (48, 48): "(100 %)",
}


@pytest.mark.parametrize(("counts", "share"), SHARES.items(), ids=str)
def test_shares_are_readable(counts: tuple[int, int], share: str) -> None:
    differing, pixels = counts
    assert share in Comparison(pixels, differing, 1, 0.1).verdict


def test_alpha_counts() -> None:
    clear = noise(8, 6).convert("RGBA")
    clear.putpixel((1, 1), (*clear.getpixel((1, 1))[:3], 7))  # type: ignore[index]
    assert compare(made(), made(clear)).differing == 1


def test_sizes() -> None:
    result = compare(made(), made(noise(6, 6)))
    assert (result.is_equal, result.differing) == (False, 48)
    assert result.reasons[0] == "The sizes differ: 8x6 and 6x6."


REASONS = {
    "model": (made(text=TEXT.replace("aaaa", "bbbb")), "Model hash: aaaa then, bbbb now."),
    "embedding": (made(text=f'{TEXT}, TI hashes: "x: 1"'), "TI hashes: none then, x: 1 now."),
    "setting": (made(text=TEXT.replace("20", "21")), "Steps: 20 then, 21 now."),
    "default": (made(text=f"{TEXT}, Clip skip: 2"), "Clip skip: 1 then, 2 now."),
    "prompt": (made(text=TEXT.replace("cat", "dog")), "The prompt is another one."),
    "negative": (made(text=TEXT.replace("bad", "ugly")), "The negative prompt is another one."),
    "program": (
        made(text=f"{TEXT}, Version: v1.10.1"),
        "Program: unknown then, v1.10.1 now.",
    ),
    "library": (made(versions={"torch": "2.14.0"}), "torch: 2.13.0 then, 2.14.0 now."),
    "device": (made(device="cuda"), "Device: cpu then, cuda now."),
}


@pytest.mark.parametrize(("again", "reason"), REASONS.values(), ids=REASONS)
def test_reasons(again: Made, reason: str) -> None:
    other = Made(changed((0, 0), by=50), again.infotext, again.environment)
    assert reason in compare(made(), other).reasons


def test_model_hashes_come_first() -> None:
    again = made(changed((0, 0), by=50), TEXT.replace("aaaa", "b").replace("20", "21"))
    assert [reason.split(":")[0] for reason in compare(made(), again).reasons] == [
        "Model hash",
        "Steps",
    ]


def test_small_differences_are_rounding() -> None:
    again = made(changed((0, 0), by=2), versions={"torch": "2.14.0"})
    assert "rounds" not in compare(made(), again).reasons[0]
    assert "round to" in compare(made(), again).reasons[-1]


@pytest.mark.parametrize(
    ("rng", "device", "said"),
    [("", "cuda", True), ("", "cpu", False), (", RNG: CPU", "cuda", False)],
)
def test_behaviour_8_2_gpu_noise_depends_on_the_card(rng: str, device: str, said: bool) -> None:
    text = f"a\nSteps: 1, Sampler: Euler, Seed: 1{rng}"
    again = made(changed((0, 0), by=50), text, device=device)
    reasons = compare(made(text=text), again).reasons
    assert any("RNG GPU" in reason for reason in reasons) is said


def test_pictures_of_unknown_origin() -> None:
    result = compare(Made(noise(8, 6)), Made(changed((0, 0), by=50)))
    assert result.reasons
