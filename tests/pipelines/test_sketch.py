"""Inpaint sketch: behaviour 2.5."""

from __future__ import annotations

import pytest
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import Extent
from pipelines.sketch import changed_pixels, inpaint_sketch
from tests.pipelines.pixels import array, box_mask


def original() -> Image:
    return Pillow.new("RGB", (64, 64), (40, 80, 120))


def painted_over() -> Image:
    picture = original()
    picture.paste((250, 10, 10), (20, 20, 44, 44))
    return picture


def test_a_pixel_counts_when_any_channel_differs() -> None:
    sketch = original()
    sketch.putpixel((3, 4), (40, 81, 120))
    sketch.putpixel((5, 6), (0, 0, 0))
    assert masks.bounding_box(changed_pixels(sketch, original())) == (3, 4, 6, 7)
    assert array(changed_pixels(sketch, original())).sum() == 2 * 255


@pytest.mark.parametrize(
    ("transparency", "brightness"), [(0, 255), (25, 191), (50, 127), (51, 124), (75, 63), (100, 0)]
)
def test_mask_transparency_vector_of_behaviour_2_5(transparency: int, brightness: int) -> None:
    mask = inpaint_sketch(painted_over(), original(), transparency=transparency).mask
    assert mask.getpixel((30, 30)) == brightness
    assert mask.getpixel((10, 30)) == 0


@pytest.mark.parametrize(
    ("transparency", "x", "colour"),
    [
        (0, 16, (48, 77, 116)),
        (0, 20, (103, 59, 87)),
        (0, 24, (196, 28, 38)),
        (0, 32, (250, 10, 10)),
        (25, 16, (46, 78, 117)),
        (25, 20, (87, 65, 96)),
        (25, 32, (197, 28, 38)),
    ],
)
def test_blended_colour_vector_of_behaviour_2_5(
    transparency: int, x: int, colour: tuple[int, int, int]
) -> None:
    image = inpaint_sketch(painted_over(), original(), transparency=transparency, blur=4).image
    assert image.getpixel((x, 32)) == colour


def test_from_half_transparency_on_nothing_is_repainted() -> None:
    """Behaviour 2.5: the latent mask rounds to zero (beside an edge BICUBIC may lift it again)."""
    everywhere = Pillow.new("RGB", (64, 64), (250, 10, 10))
    for transparency, repaints in ((49, True), (50, False)):
        mask = inpaint_sketch(everywhere, original(), transparency=transparency).mask
        assert masks.latent_mask(mask, Extent(8, 8), round=True).any() == repaints


def test_a_stroke_in_the_pictures_own_colour_counts_when_the_layer_is_known() -> None:
    layer = box_mask(64, 64, (8, 8, 16, 16))
    assert masks.bounding_box(inpaint_sketch(original(), original()).mask) is None
    given = inpaint_sketch(original(), original(), painted=layer)
    assert masks.bounding_box(given.mask) == (8, 8, 16, 16)
    assert (array(given.image) == array(original())).all()


def test_without_blur_unpainted_pixels_are_untouched() -> None:
    image = inpaint_sketch(painted_over(), original(), transparency=30, blur=0).image
    assert (array(image)[:20] == array(original())[:20]).all()


def test_pictures_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="64x64 but its original is 8x9"):
        inpaint_sketch(original(), Pillow.new("RGB", (8, 9)))


@pytest.mark.parametrize("transparency", [-1, 100.5])
def test_transparency_out_of_range_is_refused(transparency: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 100"):
        inpaint_sketch(original(), original(), transparency=transparency)
