"""Enlarging finished pictures: sizes, bounds, two upscalers, what the infotext says."""

from __future__ import annotations

from typing import Any

import pytest
from PIL import Image as Pillow

from pipelines.extras import Extras, ExtrasError, describe, enlarge
from pipelines.geometry import Extent
from pipelines.infotext_apply import apply_infotext
from pipelines.request import Img2ImgRequest
from pipelines.upscalers import Filters, UnknownUpscaler
from tests.pipelines.pixels import array, noise

SIZES: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "by a factor, down to eights": ({"factor": 1.5}, (144, 104)),
    "no upscaler": ({"upscaler_1": "None", "factor": 4}, (100, 70)),
    "no upscaler by an empty name": ({"upscaler_1": " "}, (100, 70)),
    "to a size, cut": ({"to_size": True, "width": 200, "height": 200}, (200, 200)),
    "to no multiple of eight": ({"to_size": True, "width": 150, "height": 101}, (150, 101)),
    "to a size, whole": (
        {"to_size": True, "width": 200, "height": 200, "crop": False},
        (280, 200),
    ),
    "bounded": ({"factor": 4, "longest": 200}, (200, 136)),
    "a bound that does not bind": ({"factor": 1.5, "longest": 200}, (144, 104)),
    "smaller": ({"factor": 0.5}, (48, 32)),
    "never nothing": ({"factor": 0.01}, (8, 8)),
}


@pytest.mark.parametrize(("fields", "expected"), SIZES.values(), ids=SIZES)
def test_sizes(fields: dict[str, Any], expected: tuple[int, int]) -> None:
    extras = Extras(**({"upscaler_1": "Lanczos"} | fields))
    assert enlarge(noise(100, 70), extras, Filters(), 1_000_000).size == expected
    assert extras.result(Extent(100, 70)) == expected


def test_a_cut_picture_has_no_bars() -> None:
    """101 high is no multiple of eight: A1111 leaves black lines there."""
    white = Pillow.new("RGB", (100, 70), (255, 255, 255))
    extras = Extras(upscaler_1="Lanczos", to_size=True, width=150, height=101)
    assert (array(enlarge(white, extras, Filters(), 1_000_000)) == 255).all()


def test_the_middle_is_kept() -> None:
    image = Pillow.new("RGB", (32, 8))
    image.paste((255, 255, 255), (12, 0, 20, 8))
    extras = Extras(upscaler_1="Nearest", to_size=True, width=16, height=16)
    assert (array(enlarge(image, extras, Filters(), 10_000)) == 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_the_second_upscaler_is_mixed_in(mode: str) -> None:
    image = noise(8, 8).convert(mode)
    one = enlarge(image, Extras(upscaler_1="Nearest"), Filters(), 10_000)
    two = enlarge(image, Extras(upscaler_1="Lanczos"), Filters(), 10_000)
    both = Extras(upscaler_1="Nearest", upscaler_2="Lanczos", visibility_2=0.25)
    mixed = enlarge(image, both, Filters(), 10_000)
    assert mixed.mode == mode
    assert mixed.tobytes() == Pillow.blend(one, two, 0.25).tobytes()


@pytest.mark.parametrize(
    "fields",
    [{"factor": 1000}, {"to_size": True, "width": 100_000, "height": 100_000}],
    ids=["factor", "size"],
)
def test_too_large_is_said_before_anything_is_made(fields: dict[str, Any]) -> None:
    extras = Extras(**({"upscaler_1": "Lanczos"} | fields))
    with pytest.raises(ExtrasError, match="the limit is 4000000: choose a smaller factor"):
        enlarge(noise(8, 8), extras, Filters(), 4_000_000)


def test_an_unknown_upscaler() -> None:
    with pytest.raises(UnknownUpscaler, match="could not find upscaler named ESRGAN_4x"):
        enlarge(noise(8, 8), Extras(upscaler_1="ESRGAN_4x"), Filters(), 10_000)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, {}),
        (
            {"upscaler_1": "4x", "factor": 2.5},
            {"Postprocess upscale by": "2.5", "Postprocess upscaler": "4x"},
        ),
        (
            {"upscaler_1": "4x", "to_size": True, "width": 640, "height": 480},
            {"Postprocess upscale to": "640x480", "Postprocess upscaler": "4x"},
        ),
        (
            {"upscaler_1": "4x", "upscaler_2": "Lanczos", "visibility_2": 0.5, "longest": 999},
            {
                "Postprocess upscale by": "2",
                "Postprocess max side length": "999",
                "Postprocess upscaler": "4x",
                "Postprocess upscaler 2": "Lanczos",
                "Postprocess upscaler 2 visibility": "0.5",
            },
        ),
        (
            {"upscaler_1": "4x", "upscaler_2": "Lanczos"},
            {"Postprocess upscale by": "2", "Postprocess upscaler": "4x"},
        ),
    ],
    ids=["nothing", "factor", "size", "two and a bound", "an invisible second"],
)
def test_what_was_done(fields: dict[str, Any], told: dict[str, str]) -> None:
    assert describe(Extras(**fields)) == told


def test_a_pasted_infotext_may_tell_of_extras() -> None:
    extras = Extras(
        upscaler_1="4x", upscaler_2="Lanczos", visibility_2=0.5, to_size=True, width=64, height=72
    )
    by_factor = Extras(upscaler_1="4x", longest=99)
    for one in (extras, by_factor):
        told = ", ".join(f"{key}: {value}" for key, value in describe(one).items())
        text = f"a hen\nSteps: 4, Sampler: Euler, Seed: 1, Size: 64x64, {told}"
        found = apply_infotext(text, Img2ImgRequest())
        assert (found.unknown, found.problems) == ({}, ())
