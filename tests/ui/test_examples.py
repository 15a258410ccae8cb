"""The examples: they make valid jobs, and their drawings fit their pictures and their tabs."""

import pytest
from PIL import Image

from pipelines.geometry import Extent
from tests.ui.test_form_request import form
from ui.examples import EXAMPLES, PICTURES, shown_values
from ui.form_request import build_request
from ui.painted import TabPictures
from ui.painting import Painting
from ui.tabs import find_tab
from ui.texts import CHOICES

_EACH = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.id)


@_EACH
def test_an_example_makes_a_job_of_the_picture_it_shows(example):
    tab = find_tab(example.tab)
    values = form(**example.values(), **{tab.field: Painting("picture.webp")})
    mask = "b" * 64 if tab.has_mask else None
    request = build_request(
        values, lambda _: TabPictures("a" * 64, mask), lambda _: Extent(256, 256), {}
    )
    assert (request.width, request.height, request.sampling.steps) == (256, 256, 20)
    assert request.seeds.seed >= 0, "a good result must come again"
    assert (request.inpaint is not None) == tab.has_mask


@_EACH
def test_files_are_of_the_kind_the_tab_paints_with(example):
    with Image.open(PICTURES / example.picture) as picture:
        assert (picture.size, picture.mode) == ((256, 256), "RGB")
    kind = find_tab(example.tab).canvas
    if example.drawing is None:
        assert kind in (None, "colour")
        return
    assert kind in ("mask", "colour")
    with Image.open(PICTURES / example.drawing) as drawing:
        assert drawing.size == (256, 256)
        assert drawing.mode == {"mask": "L", "colour": "RGBA"}[kind]
        assert drawing.getbbox() is not None


def test_radio_buttons_get_labels_and_sliders_numbers():
    shown = shown_values({"mask_mode": 1, "resize_mode": 0, "steps": 20, "semantics": "a1111"})
    assert shown == {
        "mask_mode": "Inpaint not masked",
        "resize_mode": "Just resize",
        "steps": 20,
        "semantics": "a1111",
    }
    assert set(shown) & set(CHOICES) == {"mask_mode", "resize_mode", "semantics"}
