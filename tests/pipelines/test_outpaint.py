"""Outpainting as a resize mode: where the picture stays, what is new, and what never changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL.Image import Image
from pydantic import ValidationError

from pipelines.geometry import Extent
from pipelines.outpaint import Anchor, misfit, new_area, on_canvas, outgrown
from pipelines.prepare import PreparedJob, PrepareError, finish, prepare
from pipelines.proof import change, compare
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, ResizeMode
from tests.pipelines.pixels import array, box_mask, gradient, noise

REF = "0" * 64


def outpaint_request(
    anchor: Anchor, size: tuple[int, int], mask: str | None = None, **inpaint: Any
) -> Img2ImgRequest:
    edge = {"blur_x": 0, "blur_y": 0, **inpaint}
    return Img2ImgRequest(
        init_images=(REF,),
        width=size[0],
        height=size[1],
        outpaint=anchor,
        inpaint=Inpaint(mask=mask, **edge),
    )


def finished(job: PreparedJob, request: Img2ImgRequest) -> Image:
    """The result when the model paints noise of the size the VAE would decode to."""
    size = (request.width // 8 * 8, request.height // 8 * 8)
    return finish(noise(*size, seed=99), job.images[0], request)


def mask_of(job: PreparedJob) -> NDArray[np.uint8]:
    assert job.image_mask is not None
    return array(job.image_mask)


@pytest.mark.parametrize(
    ("anchor", "box"),
    [
        (Anchor.TOP_LEFT, (0, 0, 30, 20)),
        (Anchor.TOP, (35, 0, 65, 20)),
        (Anchor.TOP_RIGHT, (70, 0, 100, 20)),
        (Anchor.LEFT, (0, 20, 30, 40)),
        (Anchor.CENTRE, (35, 20, 65, 40)),
        (Anchor.RIGHT, (70, 20, 100, 40)),
        (Anchor.BOTTOM_LEFT, (0, 41, 30, 61)),
        (Anchor.BOTTOM, (35, 41, 65, 61)),
        (Anchor.BOTTOM_RIGHT, (70, 41, 100, 61)),
    ],
    ids=str,
)
def test_where_the_picture_stays(anchor: Anchor, box: tuple[int, int, int, int]) -> None:
    assert tuple(anchor.place(Extent(30, 20), Extent(100, 61))) == box


@pytest.mark.parametrize(
    ("text", "anchor"),
    [
        ("top left", Anchor.TOP_LEFT),
        ("Top_Left", Anchor.TOP_LEFT),
        ("bottom-RIGHT", Anchor.BOTTOM_RIGHT),
        ("center", Anchor.CENTRE),
        (" centre ", Anchor.CENTRE),
    ],
    ids=str,
)
def test_anchors_are_read_in_other_spellings(text: str, anchor: Anchor) -> None:
    assert Anchor(text) is anchor


@pytest.mark.parametrize("text", ["", "middle", "left top", "5"], ids=repr)
def test_there_are_no_other_anchors(text: str) -> None:
    with pytest.raises(ValueError, match="is not a valid Anchor"):
        Anchor(text)


@pytest.mark.parametrize(
    ("picture", "canvas", "way_out"),
    [
        ((100, 60), (100, 60), None),
        ((100, 60), (512, 512), None),
        ((100, 60), (96, 512), "100x512"),
        ((100, 600), (128, 512), "128x600"),
        ((600, 700), (512, 512), "600x700"),
    ],
    ids=str,
)
def test_a_canvas_must_not_be_smaller(
    picture: tuple[int, int], canvas: tuple[int, int], way_out: str | None
) -> None:
    said = misfit(Extent(*picture), Extent(*canvas))
    if way_out is None:
        assert said is None
    else:
        assert said is not None and f"choose at least {way_out}" in said


def test_the_new_area_mirrors_the_picture_also_where_it_is_larger() -> None:
    picture = Pillow.fromarray(np.array([[[10] * 3, [20] * 3]], np.uint8))
    place = Anchor.LEFT.place(Extent(2, 1), Extent(9, 1))
    row = array(on_canvas(picture, place, Extent(9, 1)))[0, :, 0]
    assert row.tolist() == [10, 20, 20, 10, 10, 20, 20, 10, 10]


def test_the_mask_is_full_on_all_that_is_new_and_fades_out_within_the_picture() -> None:
    canvas = Extent(64, 8)
    place = Anchor.LEFT.place(Extent(32, 8), canvas)
    mask = array(outgrown(Pillow.new("L", (32, 8)), place, canvas, (4, 4)))
    assert mask.min(axis=0)[32:].tolist() == [255] * 32
    faded = mask[4, 18:32].tolist()
    assert faded == sorted(faded) and faded[0] == 0 and 200 <= faded[-1] <= 255
    assert mask[:, :22].max() == 0  # the kernel of sigma 4 reaches 10 pixels


def test_a_strip_that_a_blur_would_lose_is_painted_all_the_same() -> None:
    canvas = Extent(65, 64)
    place = Anchor.RIGHT.place(Extent(64, 64), canvas)
    mask = array(outgrown(Pillow.new("L", (64, 64)), place, canvas, (64, 64)))
    assert (mask[:, 0] == 255).all()


@pytest.mark.parametrize("content", list(MaskedContent), ids=lambda content: content.label)
def test_masked_content_acts_on_the_new_area(content: MaskedContent) -> None:
    picture = gradient(64, 64)
    request = outpaint_request(Anchor.TOP_LEFT, (128, 96), content=content)
    prepared = prepare(request, [picture]).images[0]
    place = Anchor.TOP_LEFT.place(Extent(64, 64), Extent(128, 96))
    mirrored = on_canvas(picture, place, Extent(128, 96))
    kept = array(new_area(place, Extent(128, 96))) == 0
    made = array(prepared.image)
    assert (made[kept] == array(mirrored)[kept]).all()
    is_mirrored = (made == array(mirrored)).all()
    assert is_mirrored == (content is MaskedContent.ORIGINAL)


def test_a_drawn_mask_and_the_new_area_are_one_mask() -> None:
    picture, mask = gradient(64, 64), box_mask(64, 64, (8, 8, 16, 16))
    request = outpaint_request(Anchor.BOTTOM_RIGHT, (96, 80), mask=REF)
    found = mask_of(prepare(request, [picture], mask))
    expected = np.full((80, 96), 255, np.uint8)
    expected[16:, 32:] = 0
    expected[24:32, 40:48] = 255
    assert (found == expected).all()


def test_inpaint_not_masked_turns_the_drawn_mask_alone() -> None:
    picture, mask = gradient(64, 64), box_mask(64, 64, (0, 0, 32, 64))
    request = outpaint_request(Anchor.LEFT, (96, 64), mask=REF, invert=True)
    found = mask_of(prepare(request, [picture], mask))
    assert (found[:, :32] == 0).all() and (found[:, 32:] == 255).all()


def test_without_a_mask_there_is_nothing_to_turn() -> None:
    request = outpaint_request(Anchor.LEFT, (96, 64), invert=True)
    found = mask_of(prepare(request, [gradient(64, 64)]))
    assert (found[:, :64] == 0).all() and (found[:, 64:] == 255).all()


def test_a_latent_mask_keeps_its_place() -> None:
    latent = box_mask(64, 64, (0, 0, 16, 16))
    request = outpaint_request(Anchor.RIGHT, (96, 64), mask=REF, blur_x=8)
    black = Pillow.new("L", (64, 64))
    job = prepare(request, [gradient(64, 64)], black, latent_mask=latent)
    expected = np.zeros((64, 96), np.uint8)
    expected[:, :32] = 255
    expected[:16, 32:48] = 255
    assert job.latent_mask is not None and (array(job.latent_mask) == expected).all()


@pytest.mark.parametrize(
    ("sizes", "target", "said"),
    [
        (((100, 60),), (64, 64), "choose at least 100x64"),
        (((64, 64),), (64, 64), "there is nothing to outpaint"),
        (((64, 64), (64, 65)), (96, 96), "init images of one size, these are 64x64, 64x65"),
    ],
    ids=["picture larger", "nothing new", "pictures differ"],
)
def test_what_cannot_be_outpainted(
    sizes: tuple[tuple[int, int], ...], target: tuple[int, int], said: str
) -> None:
    request = outpaint_request(Anchor.CENTRE, target)
    with pytest.raises(PrepareError, match=said):
        prepare(request, [gradient(*size) for size in sizes])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outpaint": None}, "inpainting needs a mask"),
        ({"inpaint": None}, "outpainting needs inpaint settings"),
        ({"resize_mode": ResizeMode.CROP_AND_RESIZE}, "resize mode 0"),
        ({"init_images": ()}, "a mask needs an init image"),
        ({"outpaint": "middle"}, "Input should be 'top left'"),
    ],
    ids=["neither mask nor anchor", "no edge settings", "resized as well", "no picture", "unknown"],
)
def test_requests_that_make_no_sense(fields: dict[str, Any], said: str) -> None:
    usual = outpaint_request(Anchor.CENTRE, (96, 96)).model_dump()
    with pytest.raises(ValidationError, match=said):
        Img2ImgRequest.model_validate(usual | fields)


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Img2ImgRequest, Image, Image | None]:
    side = st.integers(1, 150)
    width, height = draw(side), draw(side)
    target = tuple(draw(st.integers(max(64, least), 200)) for least in (width, height))
    is_masked = draw(st.booleans())
    request = outpaint_request(
        draw(st.sampled_from(Anchor)),
        (target[0], target[1]),
        mask=REF if is_masked else None,
        area=draw(st.sampled_from(InpaintArea)),
        content=draw(st.sampled_from(MaskedContent)),
        invert=draw(st.booleans()),
        blur_x=draw(st.sampled_from([0, 1, 4, 20])),
        blur_y=draw(st.sampled_from([0, 1, 4, 20])),
        padding=draw(st.sampled_from([0, 32])),
    )
    picture = noise(width, height, seed=draw(st.integers(0, 99)))
    if not is_masked:
        return request, picture, None
    x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    return request, picture, box_mask(width, height, (x, y, width, height))


@settings(deadline=None, max_examples=200)
@given(jobs())
def test_the_picture_is_bit_identical_outside_the_mask(
    case: tuple[Img2ImgRequest, Image, Image | None],
) -> None:
    request, picture, mask = case
    anchor, inpaint = request.outpaint, request.inpaint
    assert anchor is not None and inpaint is not None
    canvas = Extent(request.width, request.height)
    if mask is None and Extent.of(picture) == canvas:
        return
    result = finished(prepare(request, [picture], mask), request)
    assert Extent.of(result) == canvas
    place = anchor.place(Extent.of(picture), canvas)
    reach = [int(2.5 * blur + 0.5) for blur in (inpaint.blur_x, inpaint.blur_y)]
    if mask is None:  # nothing but what the blurred edge of the new area can reach
        far = _far_from(place.x1, place.x2, canvas.width, reach[0])
        deep = _far_from(place.y1, place.y2, canvas.height, reach[1])
        kept = result.crop((far[0], deep[0], max(far), max(deep)))
        x, y = far[0] - place.x1, deep[0] - place.y1
        assert kept.tobytes() == picture.crop((x, y, x + kept.width, y + kept.height)).tobytes()
    assert change(compare(request, picture, mask, result)).changed == 0


def _far_from(start: int, stop: int, limit: int, reach: int) -> tuple[int, int]:
    """The part of a span that a blur from beside it cannot reach; the canvas ends are no side."""
    first = start + reach if start > 0 else start
    last = stop - reach if stop < limit else stop
    return (first, last) if first < last else (start, start)


def test_everything_new_is_painted() -> None:
    picture = gradient(70, 66)
    for anchor in Anchor:
        request = outpaint_request(anchor, (101, 99), content=MaskedContent.FILL, blur_x=4)
        canvas = Extent(101, 99)
        place = anchor.place(Extent(70, 66), canvas)
        result = array(finished(prepare(request, [picture]), request))
        started = array(on_canvas(picture, place, canvas))
        new = array(new_area(place, canvas)) > 0
        unlike = (result != started).any(axis=2)[new].mean()
        assert unlike > 0.99, anchor
