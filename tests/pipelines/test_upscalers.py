"""Upscalers by name, and the passes a picture makes through a network."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PIL import Image as Pillow
from PIL.Image import Image

import pipelines.upscalers as module
from pipelines.geometry import Extent
from pipelines.upscalers import (
    LATENT_MODES,
    Filters,
    Tiles,
    UnknownUpscaler,
    find_filter,
    find_upscaler,
    upscale_in_passes,
)
from tests.pipelines.pixels import array, noise


def silent(_done: int, _total: int) -> None:
    return None


def test_names_in_any_letter_case() -> None:
    assert find_upscaler("") == LATENT_MODES[0]
    assert find_upscaler("latent (NEAREST)") == LATENT_MODES[4]
    assert find_upscaler("lanczos") == "Lanczos"
    assert find_upscaler("4X-ultrasharp", ["4x-UltraSharp"]) == "4x-UltraSharp"
    assert find_filter(" none ") == "None"


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(UnknownUpscaler, match=r"named x9; there are None, .*, 4x-A, Latent,"):
        find_upscaler("x9", ["4x-A"])
    with pytest.raises(UnknownUpscaler, match=r"named Latent; there are None, Lanczos, Nearest$"):
        Filters().get("Latent", Tiles(), silent)


def nearest(scale: int, sizes: list[tuple[int, int]]) -> Callable[[Image], Image]:
    def once(image: Image) -> Image:
        sizes.append(image.size)
        assert image.mode == "RGB"
        size = (image.width * scale, image.height * scale)
        return image.resize(size, Pillow.Resampling.NEAREST)

    return once


PASSES: dict[str, tuple[int, tuple[int, int], tuple[int, int], list[tuple[int, int]]]] = {
    "one pass reaches it": (4, (10, 8), (40, 32), [(10, 8)]),
    "one pass and LANCZOS": (4, (10, 8), (24, 16), [(10, 8)]),
    "two passes": (2, (10, 8), (40, 32), [(10, 8), (20, 16)]),
    "three at most": (2, (10, 8), (160, 128), [(10, 8), (20, 16), (40, 32)]),
    "a network that only restores": (1, (16, 8), (16, 8), [(16, 8)]),
    "a network that cannot enlarge": (1, (16, 8), (32, 16), [(16, 8)]),
    "nothing to enlarge": (4, (32, 32), (16, 16), []),
    "just its size goes through once": (2, (16, 16), (16, 16), [(16, 16)]),
}


@pytest.mark.parametrize(("scale", "size", "target", "seen"), PASSES.values(), ids=PASSES)
def test_passes_of_behaviour_1_1(
    scale: int, size: tuple[int, int], target: tuple[int, int], seen: list[tuple[int, int]]
) -> None:
    sizes: list[tuple[int, int]] = []
    made = upscale_in_passes(noise(*size), Extent(*target), scale, nearest(scale, sizes))
    assert made.size == target
    assert sizes == seen


def test_a_pass_never_makes_absurdly_many_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_PASS", 5000)
    sizes: list[tuple[int, int]] = []
    made = upscale_in_passes(noise(10, 10), Extent(48, 48), 4, nearest(4, sizes))
    assert made.size == (48, 48)
    assert sizes == [(10, 10), (12, 12)]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_the_mode_stays_and_transparency_is_enlarged(mode: str) -> None:
    image = noise(8, 8).convert(mode)
    if mode == "RGBA":
        image.putalpha(noise(8, 8).convert("L"))
    made = upscale_in_passes(image, Extent(16, 16), 2, nearest(2, []))
    assert made.mode == mode
    if mode == "RGBA":
        alpha = image.getchannel("A").resize((16, 16), Pillow.Resampling.LANCZOS)
        assert (array(made.getchannel("A")) == array(alpha)).all()
