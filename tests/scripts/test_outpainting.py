"""Outpainting mk2, Poor man's outpainting and img2img alternative test (behaviour 12.4 to 12.6)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.Image import Image as Picture

from pipelines.geometry import Bounds, Extent
from pipelines.pictures import open_picture
from pipelines.request import Img2ImgRequest, Inpaint, Inversion, MaskedContent, Seeds
from scripts.bench import ScriptError
from scripts.matched_noise import Values, filled_with_noise, matched_noise, with_histogram
from scripts.outpainting import SIDES, Growth, framed, growth
from scripts.outpainting_mk2 import plan_side
from scripts.poor_mans_outpainting import layers, new_tiles
from scripts.tiles import plan_tiles
from tests.scripts.making import M
from tests.scripts.test_scripts import Yard, seeds

W64 = Extent(64, 64)


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path)
    yield yard
    yard.shop.close()


def asset(yard: Yard, ref: str | None) -> Picture:
    assert ref is not None
    return open_picture(yard.assets.path(ref))


# ---------------------------------------------------------------- how far it grows


@pytest.mark.parametrize(
    ("size", "pixels", "sides", "expected"),
    [
        ((512, 512), 128, SIDES, Growth(128, 128, 128, 128)),
        ((500, 300), 128, ("left", "right"), Growth(134, 134, 0, 0)),
        ((500, 300), 128, ("left",), Growth(140, 0, 0, 0)),
        ((512, 512), 8, ("right", "down"), Growth(0, 64, 0, 64)),
        ((70, 70), 10, ("up", "down"), Growth(0, 0, 29, 29)),
    ],
    ids=["all", "both", "left", "at least a step", "odd rest"],
)
def test_behaviour_12_4_what_grows_ends_at_a_multiple_of_64(
    size: tuple[int, int], pixels: int, sides: tuple[str, ...], expected: Growth
) -> None:
    assert growth(Extent(*size), pixels, sides) == expected


@given(
    st.integers(64, 600),
    st.integers(64, 600),
    st.sampled_from([8, 64, 100, 256]),
    st.sets(st.sampled_from(SIDES), min_size=1),
)
@settings(deadline=None)
def test_growth_is_at_least_what_was_asked_on_all_chosen_sides_together(
    width: int, height: int, pixels: int, sides: set[str]
) -> None:
    grown = growth(Extent(width, height), pixels, sorted(sides))
    for first, second in (("left", "right"), ("up", "down")):
        added = getattr(grown, first) + getattr(grown, second)
        asked = pixels * len(sides & {first, second})
        assert asked <= added < asked + 64 + (0 if asked else 1)
        for side in {first, second} - sides:
            assert getattr(grown, side) == 0
    after = grown.applied(Extent(width, height))
    assert after.width % 64 == 0 or not sides & {"left", "right"}
    assert after.height % 64 == 0 or not sides & {"up", "down"}


def test_a_direction_is_needed() -> None:
    with pytest.raises(ScriptError, match="at least one direction"):
        growth(W64, 64, ())


def test_rectangles_include_both_corners() -> None:
    mask = framed(Extent(6, 6), (1, 1, 3, 3))
    assert np.asarray(mask)[1:4, 1:4].max() == 0
    assert int((np.asarray(mask) == 255).sum()) == 36 - 9


# ---------------------------------------------------------------- mk2


@pytest.mark.parametrize(
    ("side", "crop", "kept", "kept_in_latents", "place"),
    [
        ("left", (0, 0, 128, 128), (72, 0, 192, 128), (80, 0, 192, 128), (64, 0)),
        ("right", (64, 0, 192, 128), (0, 0, 120, 128), (0, 0, 48, 128), (0, 0)),
        ("up", (0, 0, 128, 128), (0, 72, 128, 192), (0, 80, 128, 192), (0, 64)),
        ("down", (0, 64, 128, 192), (0, 0, 128, 120), (0, 0, 128, 48), (0, 0)),
    ],
)
def test_behaviour_12_5_one_side(
    side: str,
    crop: tuple[int, ...],
    kept: tuple[int, ...],
    kept_in_latents: tuple[int, ...],
    place: tuple[int, int],
) -> None:
    """A picture of 128x128 grows by 64 with a mask blur of 8 at a working size of 128x128."""
    plan = plan_side(Extent(128, 128), side, 64, 8, Extent(128, 128))
    assert (plan.crop, plan.kept, plan.kept_in_latents, plan.place) == (
        crop,
        kept,
        kept_in_latents,
        place,
    )
    expected = (192, 128) if side in ("left", "right") else (128, 192)
    assert plan.canvas == plan.result == expected


def test_mk2_goes_left_right_up_down(yard: Yard) -> None:
    job = yard.call("Outpainting mk2", "", 64, 8, ["left", "right", "up", "down"])
    (picture,) = job.pictures
    assert (picture.width, picture.height) == (192, 192)
    assert seeds(yard.made) == [5, 5, 5, 5]
    assert [(one.width, one.height) for one in yard.made] == [
        (64, 64),
        (64, 64),
        (192, 64),
        (192, 64),
    ]
    for one in yard.made:
        assert one.inpaint is not None
        assert (one.inpaint.blur_x, one.inpaint.blur_y) == (32, 32)
        assert one.inpaint.content is MaskedContent.ORIGINAL


@pytest.mark.parametrize(
    ("sides", "blurs"),
    [("left", (32, 0)), ("up,down", (0, 32)), ("right, down", (32, 32))],
)
def test_mk2_blurs_along_the_chosen_axes_only(
    yard: Yard, sides: str, blurs: tuple[int, int]
) -> None:
    yard.call("Outpainting mk2", "", 64, 8, sides)
    found = {(one.inpaint.blur_x, one.inpaint.blur_y) for one in yard.made if one.inpaint}
    assert found == {blurs}


def test_mk2_keeps_the_old_picture_and_frees_the_new_side(yard: Yard) -> None:
    yard.call("Outpainting mk2", "", 64, 8, ["right"])
    (made,) = yard.made
    assert made.inpaint is not None
    mask, latents = (asset(yard, ref) for ref in (made.inpaint.mask, made.inpaint.latent_mask))
    assert mask.size == latents.size == (64, 64)
    assert np.asarray(mask)[0].tolist() == [255] * 64  # the crop is the new side alone
    canvas = asset(yard, made.init_images[0])
    assert np.asarray(canvas).std() == pytest.approx(0.0, abs=1.0)  # black next to black


@pytest.mark.parametrize(("width", "said"), [(64, True), (80, True), (88, False)])
def test_mk2_says_when_the_model_sees_nothing_of_the_picture(
    yard: Yard, width: int, said: bool
) -> None:
    job = yard.call("Outpainting mk2", "", 64, 8, ["right"], width=width)
    notes = " ".join(job.facts["notes"])
    assert ("shows the model nothing" in notes) is said


def test_mk2_with_a_random_seed_draws_one_for_each_side(yard: Yard) -> None:
    yard.call("Outpainting mk2", "", 64, 8, ["left", "right"], seeds=Seeds())
    assert len(set(seeds(yard.made))) == 2


def test_mk2_makes_as_many_as_the_batch_says(yard: Yard) -> None:
    job = yard.call("Outpainting mk2", "", 64, 8, ["left"], batch_size=2, n_iter=2)
    assert len(job.pictures) == 4
    assert [(one.batch_size, len(one.init_images), one.n_iter) for one in yard.made] == [
        (2, 2, 1),
        (2, 2, 1),
    ]


# ---------------------------------------------------------------- matched noise


def photo(height: int = 40, width: int = 56) -> Values:
    y, x = np.mgrid[0:height, 0:width] / 56.0
    grain = np.random.default_rng(7).random((height, width, 3)) * 0.1
    return np.asarray(np.stack([x, y, (x + y) / 2], axis=-1) * 0.8 + grain, np.float64)


def plainly(image: Values, grey: Values, fall_off: float, variation: float) -> Values:
    """Behaviour 12.5 word for word, channel by channel."""

    def forth(channel: Values) -> Any:
        return np.fft.ifftshift(np.fft.fft2(np.fft.fftshift(channel), norm="ortho"))

    def back(channel: Any) -> Values:
        return np.real(np.fft.ifftshift(np.fft.ifft2(np.fft.fftshift(channel), norm="ortho")))

    height, width = grey.shape
    windowed = image * (1 - grey[..., None])
    windowed = windowed / windowed.max() + image.mean() * grey[..., None]
    rgb = np.random.default_rng(0).random((height, width, 3))
    mean = rgb.sum(axis=2) / 3
    window = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            y = (i / height * 2 - 1) * height / min(height, width)
            x = (j / width * 2 - 1) * width / min(height, width)
            window[i, j] = 1 / ((x * x + 1) * (y * y + 1))
    shaped = np.zeros_like(image)
    for c in range(3):
        noise = back(forth(variation * rgb[..., c] + (1 - variation) * mean) * window)
        found = forth(windowed[..., c])
        phase = found / abs(found)
        shaped[..., c] = back(abs(forth(noise)) ** 2 * abs(found) ** fall_off * phase)
    shaped = (shaped - shaped.min()) / (shaped - shaped.min()).max()
    for c in range(3):
        new = grey > 1e-6
        shaped[new, c] = with_histogram(shaped[new, c], image[grey < 1e-3, c])
    mixed = image * (1 - grey[..., None]) + shaped * grey[..., None]
    return np.asarray(np.clip(mixed, 0, 1), np.float64)


@pytest.mark.parametrize(("fall_off", "variation"), [(1.0, 0.05), (0.0, 1.0), (2.5, 0.0)])
def test_behaviour_12_5_noise_has_spectrum_and_colours_of_the_picture(
    fall_off: float, variation: float
) -> None:
    image, grey = photo(), np.zeros((40, 56))
    grey[:, 36:] = 1.0
    found = matched_noise(image, grey, fall_off, variation)
    np.testing.assert_allclose(found, plainly(image, grey, fall_off, variation), atol=1e-9)
    np.testing.assert_array_equal(found[:, :36], image[:, :36])
    kept, new = image[:, :36].reshape(-1, 3), found[:, 36:].reshape(-1, 3)
    np.testing.assert_allclose(np.median(new, axis=0), np.median(kept, axis=0), atol=0.02)


def test_histograms_are_matched_by_rank() -> None:
    found = with_histogram(np.array([0.3, 0.1, 0.2, 0.9]), np.array([5.0, 6.0, 7.0, 8.0]))
    assert found.tolist() == [7.0, 5.0, 6.0, 8.0]


@pytest.mark.parametrize("kept", [0, 64], ids=["nothing kept", "all kept"])
def test_extreme_masks_give_a_picture(kept: int) -> None:
    mask = framed(Extent(64, 48), (0, 0, kept - 1, 47))
    found = filled_with_noise(Image.new("RGB", (64, 48)), mask, 1.0, 0.05)
    assert found.size == (64, 48)


# ---------------------------------------------------------------- poor man's


def test_behaviour_12_4_masks_reach_into_the_old_picture_on_growing_sides_only() -> None:
    made = layers(Image.new("RGB", (64, 64), "red"), Growth(64, 0, 0, 0), 4)
    assert made.image.size == made.mask.size == made.latent_mask.size == (128, 64)
    assert made.image.getpixel((63, 0)) == (0, 0, 0)
    assert made.image.getpixel((64, 0)) == (255, 0, 0)
    row, latents = np.asarray(made.mask)[0], np.asarray(made.latent_mask)[0]
    assert (int((row == 255).sum()), int((latents == 255).sum())) == (64 + 8, 64 + 2)
    assert made.old == Bounds(64, 0, 128, 64)


def test_only_tiles_that_touch_the_new_area_are_painted() -> None:
    plan = plan_tiles(Extent(256, 64), W64, 0)
    assert new_tiles(plan, Bounds(64, 0, 192, 64)) == [0, 3]
    assert new_tiles(plan, Bounds(60, 0, 192, 64)) == [0, 3]
    assert new_tiles(plan, Bounds(70, 0, 192, 64)) == [0, 1, 3]


def test_poor_mans_outpainting_counts_the_seed_up_by_tile(yard: Yard) -> None:
    job = yard.call("poor man's outpainting", 32, 4, 2, ["left", "down"])
    (picture,) = job.pictures
    assert (picture.width, picture.height) == (128, 128)
    assert seeds(yard.made) == list(range(5, 5 + len(yard.made)))
    assert {(one.width, one.height, one.batch_size) for one in yard.made} == {(64, 64, 1)}
    for one in yard.made:
        assert one.inpaint is not None
        assert (one.inpaint.blur_x, one.inpaint.blur_y) == (8, 8)
        assert one.inpaint.content is MaskedContent.LATENT_NOISE
        assert one.inpaint.latent_mask is not None


def test_poor_mans_tiles_that_are_all_overlap_are_refused(yard: Yard) -> None:
    with pytest.raises(ScriptError, match="overlap"):
        yard.call("Poor man's outpainting", 128)


# ---------------------------------------------------------------- img2img alternative


def alternative(yard: Yard, *args: Any, **changes: Any) -> Img2ImgRequest:
    yard.call("img2img alternative test", "", *args, **changes)
    (made,) = yard.made
    return made


def test_the_alternative_overrides_everything_by_default(yard: Yard) -> None:
    made = alternative(yard, None, None, "a plain photo", "fog")
    assert (made.prompt, made.negative_prompt) == ("a plain photo", "fog")
    assert (made.sampling.sampler, made.sampling.steps) == ("Euler", 50)
    assert made.sampling.denoising_strength == 1.0
    assert made.inversion == Inversion(prompt="a plain photo", negative_prompt="fog", steps=50)


def test_the_alternative_leaves_what_is_not_to_be_overridden(yard: Yard) -> None:
    args = (False, False, "a plain photo", "", False, 30, False, 2.5, 0.2, True)
    made = alternative(yard, *args)
    assert (made.prompt, made.negative_prompt) == ("a cat on a mat", "dog")
    assert (made.sampling.sampler, made.sampling.steps) == ("Euler", 8)
    assert made.sampling.denoising_strength == 0.75
    assert made.inversion == Inversion(
        prompt="a plain photo", steps=30, cfg_scale=2.5, randomness=0.2, adjusted=True
    )


@pytest.mark.parametrize(
    ("title", "args", "message"),
    [
        ("Outpainting mk2", ("", 4), "not between 8 and 256"),
        ("Outpainting mk2", ("", 64, 8, ["sideways"]), "sideways"),
        ("Outpainting mk2", ("", 64, 8, []), "at least one direction"),
        ("Poor man's outpainting", (32, 4, "nothing"), "is none of fill"),
        ("img2img alternative test", ("", True, True, "", "", True, 151), "Decode steps"),
    ],
)
def test_bad_arguments_are_said(
    yard: Yard, title: str, args: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ScriptError, match=message):
        yard.call(title, *args)


def test_a_mask_of_the_page_plays_no_part(yard: Yard) -> None:
    yard.call("Outpainting mk2", "", 64, 8, ["left"], inpaint=Inpaint(mask=M, invert=True))
    (made,) = yard.made
    assert made.inpaint is not None
    assert not made.inpaint.invert
    assert made.inpaint.mask != M
