"""The resize modes on pixels (behaviour 1.1, 1.2)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import resize
from pipelines.geometry import Extent
from pipelines.request import ResizeMode
from pipelines.resize import resize_image
from tests.pipelines.pixels import array, gradient, noise

ALL_MODES = list(ResizeMode)


def test_just_resize_is_lanczos_and_keeps_the_mode() -> None:
    for mode in ("L", "RGB", "RGBA"):
        picture = noise(40, 30).convert(mode)
        out = resize_image(picture, ResizeMode.JUST_RESIZE, Extent(64, 80))
        assert out.mode == mode
        assert (
            array(out).tolist()
            == array(picture.resize((64, 80), Pillow.Resampling.LANCZOS)).tolist()
        )


@pytest.mark.parametrize("mode", ALL_MODES[1:], ids=lambda mode: mode.name)
def test_other_modes_return_rgb_even_from_grey(mode: ResizeMode) -> None:
    out = resize_image(noise(40, 30, channels=1), mode, Extent(64, 64))
    assert out.mode == "RGB"
    assert (array(out)[..., 0] == array(out)[..., 2]).all()


@pytest.mark.parametrize("mode", ALL_MODES, ids=lambda mode: mode.name)
def test_the_size_it_already_has_changes_nothing(mode: ResizeMode) -> None:
    picture = noise(65, 64)
    out = resize_image(picture, mode, Extent(65, 64))
    assert out is not picture
    assert (array(out) == array(picture)).all()


def test_crop_and_resize_places_as_in_behaviour_1_2() -> None:
    picture = gradient(1000, 600)
    out = resize_image(picture, ResizeMode.CROP_AND_RESIZE, Extent(512, 512))
    whole = picture.resize((853, 512), Pillow.Resampling.LANCZOS)
    assert (array(out) == array(whole)[:, 170:682]).all()


def test_resize_and_fill_places_as_in_behaviour_1_2() -> None:
    picture = gradient(1000, 600)
    out = array(resize_image(picture, ResizeMode.RESIZE_AND_FILL, Extent(512, 512)))
    whole = array(picture.resize((512, 307), Pillow.Resampling.LANCZOS))
    assert (out[103:410] == whole).all()
    assert (out[:103] == out[0]).all()
    assert (out[410:] == out[511]).all()


@pytest.mark.parametrize(
    ("edge", "inner", "bar"),
    [(100, 0, 113), (100, 20, 110), (255, 0, 255), (0, 255, 0), (77, 77, 77)],
    ids=["vector-113", "vector-110", "clipped-high", "clipped-low", "flat"],
)
@pytest.mark.parametrize("side", ["top", "bottom", "left", "right"])
def test_bar_colour_of_behaviour_1_2(edge: int, inner: int, bar: int, side: str) -> None:
    """A 64x32 picture (or its transpose) needs no resampling in a 64x64 canvas, only bars."""
    lines = np.full((32, 64, 3), inner, np.uint8)
    lines[0 if side in ("top", "left") else -1] = edge
    upright = side in ("top", "bottom")
    picture = Pillow.fromarray(lines if upright else lines.swapaxes(0, 1).copy())
    out = array(resize_image(picture, ResizeMode.RESIZE_AND_FILL, Extent(64, 64)))
    out = out if upright else out.swapaxes(0, 1)
    strip = out[:16] if side in ("top", "left") else out[48:]
    assert (strip == bar).all()


def test_bars_equal_pillows_resize_of_an_empty_edge_box() -> None:
    picture = noise(64, 32, seed=3)
    out = array(resize_image(picture, ResizeMode.RESIZE_AND_FILL, Extent(64, 64)))
    assert (out[:16] == array(picture.resize((64, 16), box=(0, 0, 64, 0)))).all()
    assert (out[48:] == array(picture.resize((64, 16), box=(0, 32, 64, 32)))).all()


def test_an_odd_remainder_leaves_a_black_line() -> None:
    """Behaviour 1.2: 1000x599 -> 511x513, row 512 is black."""
    white = Pillow.new("RGB", (1000, 599), "white")
    out = array(resize_image(white, ResizeMode.RESIZE_AND_FILL, Extent(511, 513)))
    assert (out[:512] == 255).all()
    assert (out[512] == 0).all()


def test_the_latent_upscale_mode_uses_fill_geometry_here() -> None:
    mask = noise(100, 60, channels=1)
    target = Extent(64, 64)
    as_fill = resize_image(mask, ResizeMode.RESIZE_AND_FILL, target)
    assert (array(resize_image(mask, ResizeMode.LATENT_UPSCALE, target)) == array(as_fill)).all()


@pytest.mark.parametrize(
    ("size", "mode", "target", "wanted"),
    [
        ((100, 60), ResizeMode.JUST_RESIZE, (250, 60), (248, 144)),
        ((100, 60), ResizeMode.JUST_RESIZE, (100, 60), None),
        ((100, 60), ResizeMode.JUST_RESIZE, (64, 48), None),
        ((100, 60), ResizeMode.CROP_AND_RESIZE, (128, 128), (208, 128)),
    ],
    ids=["enlarged-in-eights", "same-size", "smaller", "towards-the-covering-size"],
)
def test_the_upscaler_is_asked_only_to_enlarge(
    size: tuple[int, int],
    mode: ResizeMode,
    target: tuple[int, int],
    wanted: tuple[int, int] | None,
) -> None:
    asked: list[Extent] = []

    def upscale(image: Image, extent: Extent) -> Image:
        asked.append(extent)
        return Pillow.new("RGB", extent, "red")

    out = resize_image(noise(*size), mode, Extent(*target), upscale=upscale)
    assert out.size == target
    assert asked == ([wanted] if wanted else [])
    assert not wanted or (array(out) == (255, 0, 0)).all()


def test_the_upscaler_never_sees_a_mask() -> None:
    def upscale(image: Image, extent: Extent) -> Image:
        raise AssertionError("a mask went to the upscaler")

    mask = noise(20, 20, channels=1)
    assert resize_image(mask, ResizeMode.JUST_RESIZE, Extent(64, 64), upscale=upscale).mode == "L"


def test_extreme_shapes_do_not_blow_up() -> None:
    """Covering 512x512 by a 60000x2 strip would need a picture of 7.9 gigapixels."""
    strip = Pillow.new("RGB", (60_000, 2), "white")
    for mode in ALL_MODES:
        out = resize_image(strip, mode, Extent(512, 512))
        assert out.size == (512, 512)
    assert (array(resize_image(strip, ResizeMode.CROP_AND_RESIZE, Extent(512, 512))) == 255).all()


def test_the_short_cut_for_extreme_shapes_shows_the_same_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for seed, size, target in ((1, (90, 20), (64, 80)), (2, (13, 70), (64, 64))):
        picture = noise(*size, seed=seed)
        whole = resize_image(picture, ResizeMode.CROP_AND_RESIZE, Extent(*target))
        with monkeypatch.context() as patch:
            patch.setattr(resize, "LARGEST_INTERMEDIATE", 0)
            part = resize_image(picture, ResizeMode.CROP_AND_RESIZE, Extent(*target))
        difference = array(whole).astype(int) - array(part)
        assert abs(difference).max() <= 1


@settings(deadline=None, max_examples=80)
@given(
    st.sampled_from(ALL_MODES),
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(1, 150),
    st.integers(1, 150),
    st.sampled_from(["L", "RGB"]),
)
def test_every_mode_gives_the_target_size_and_flat_stays_flat(
    mode: ResizeMode, width: int, height: int, to_width: int, to_height: int, kind: str
) -> None:
    flat = Pillow.new(kind, (width, height), 90 if kind == "L" else (90, 90, 90))
    out = resize_image(flat, mode, Extent(to_width, to_height))
    assert out.size == (to_width, to_height)
    values = set(np.unique(array(out)).tolist())
    assert values <= ({90} if mode < ResizeMode.RESIZE_AND_FILL else {0, 90})
