"""The init step and the finish as a whole (behaviour 0.3, 2.3-2.7, 3, 4, 5.6, trap 4).

`finish(noise)` stands for the model: it shows which pixels the model may change at all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import masks
from pipelines.colour import match_colours
from pipelines.compose import build_overlay
from pipelines.fill import fill
from pipelines.geometry import Extent
from pipelines.prepare import PreparedJob, PrepareError, finish, prepare
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, ResizeMode
from pipelines.resize import resize_image
from tests.pipelines.pixels import array, box_mask, gradient, noise

REF = "0" * 64
ONLY = InpaintArea.ONLY_MASKED
WHOLE = InpaintArea.WHOLE_PICTURE


def plain_request(**fields: Any) -> Img2ImgRequest:
    sizes = {"width": 64, "height": 64}
    return Img2ImgRequest(**{"init_images": (REF,), **sizes, **fields})


def inpaint_request(*, inpaint: dict[str, Any] | None = None, **fields: Any) -> Img2ImgRequest:
    settings_ = {"blur_x": 0, "blur_y": 0, **(inpaint or {})}
    return plain_request(inpaint=Inpaint(mask=REF, **settings_), **fields)


def finished(job: PreparedJob, request: Img2ImgRequest, index: int = 0) -> Image:
    """The result when the model paints noise of the size the VAE would decode to."""
    size = (request.width // 8 * 8, request.height // 8 * 8)
    return finish(noise(*size, seed=99), job.images[index], request)


# ---------------------------------------------------------------- plain img2img


@pytest.mark.parametrize("mode", list(ResizeMode)[:3], ids=lambda mode: mode.name)
def test_plain_img2img_resizes_in_the_users_mode(mode: ResizeMode) -> None:
    picture = gradient(100, 60)
    job = prepare(plain_request(resize_mode=mode), [picture])
    expected = resize_image(picture, mode, Extent(64, 64))
    assert (array(job.images[0].image) == array(expected)).all()
    assert (job.image_mask, job.images[0].overlay, job.notes) == (None, None, ())
    assert not job.latent_upscale


def test_latent_upscale_leaves_the_pixels_alone() -> None:
    """Behaviour 1.2, mode 3."""
    picture = gradient(100, 60)
    job = prepare(plain_request(resize_mode=ResizeMode.LATENT_UPSCALE), [picture])
    assert job.latent_upscale
    assert (array(job.images[0].image) == array(picture)).all()


def test_transparency_is_laid_over_the_background_colour() -> None:
    clear = Pillow.new("RGBA", (64, 64), (9, 9, 9, 0))
    job = prepare(plain_request(background_color="#102030"), [clear])
    assert job.images[0].image.getpixel((5, 5)) == (0x10, 0x20, 0x30)


def test_each_init_image_is_prepared_once() -> None:
    request = plain_request(init_images=(REF, REF), batch_size=2)
    job = prepare(request, [noise(64, 64, seed=1), noise(90, 70, seed=2)])
    assert [prepared.image.size for prepared in job.images] == [(64, 64), (64, 64)]


def test_text_to_image_needs_nothing() -> None:
    assert prepare(plain_request(init_images=()), []).images == ()


def test_the_upscaler_gets_pictures_but_no_masks() -> None:
    asked: list[str] = []

    def upscale(image: Image, extent: Extent) -> Image:
        asked.append(image.mode)
        return image.resize(extent)

    request = inpaint_request(width=128, height=128)
    prepare(request, [noise(32, 32)], box_mask(32, 32, (4, 4, 9, 9)), upscale=upscale)
    assert asked == ["RGB"]


# ---------------------------------------------------------------- whole picture


def test_whole_picture_continues_with_the_undoubled_mask() -> None:
    """Behaviour 2.6 and trap 8."""
    mask = box_mask(64, 64, (16, 16, 48, 48), 100)
    job = prepare(inpaint_request(), [noise(64, 64)], mask)
    assert job.image_mask is not None
    assert (array(job.image_mask) == array(mask)).all()
    overlay = job.images[0].overlay
    assert overlay is not None
    assert overlay.getpixel((20, 20))[3] == 55  # type: ignore[index]
    assert overlay.getpixel((4, 4))[3] == 255  # type: ignore[index]
    assert (job.only_masked, job.images[0].paste_to, job.notes[1:]) == (False, None, ())


def test_mask_order_is_threshold_invert_blur() -> None:
    """Behaviour 2.3 and trap 7."""
    alpha = Pillow.new("RGBA", (64, 64), (0, 0, 0, 100))
    alpha.paste((0, 0, 0, 200), (16, 16, 48, 48))
    job = prepare(
        inpaint_request(inpaint={"invert": True, "blur_x": 4, "blur_y": 4}), [noise(64, 64)], alpha
    )
    expected = masks.blur(masks.invert(box_mask(64, 64, (16, 16, 48, 48))), 4, 4)
    assert job.image_mask is not None
    assert (array(job.image_mask) == array(expected)).all()


@pytest.mark.parametrize(
    ("content", "filled"),
    [
        (MaskedContent.FILL, True),
        (MaskedContent.ORIGINAL, False),
        (MaskedContent.LATENT_NOISE, True),
        (MaskedContent.LATENT_NOTHING, True),
    ],
    ids=lambda value: getattr(value, "label", ""),
)
def test_fill_runs_for_all_but_original(content: MaskedContent, filled: bool) -> None:
    """Behaviour 4 and trap 10; the overlay is cut before."""
    picture, mask = gradient(64, 64), box_mask(64, 64, (16, 16, 48, 48), 100)
    job = prepare(inpaint_request(inpaint={"content": content}), [picture], mask)
    expected = fill(picture, mask) if filled else picture
    assert (array(job.images[0].image) == array(expected)).all()
    assert job.images[0].overlay is not None
    overlay = build_overlay(picture, masks.double(mask))
    assert (array(job.images[0].overlay) == array(overlay)).all()


def test_colour_target_is_the_filled_picture() -> None:
    """Behaviour 5.6 and trap 12."""
    request = inpaint_request(inpaint={"content": MaskedContent.FILL}, color_correction=True)
    picture, mask = gradient(64, 64), box_mask(64, 64, (16, 16, 48, 48))
    job = prepare(request, [picture], mask)
    target = job.images[0].colour_target
    assert target is not None
    assert (array(target) == array(fill(picture, mask))).all()
    painted = noise(64, 64, seed=7)
    result = finish(painted, job.images[0], request)
    corrected = match_colours(painted, target)
    assert (array(result)[16:48, 16:48] == array(corrected)[16:48, 16:48]).all()
    assert (array(result)[:16] == array(picture)[:16]).all()


def test_sizes_that_are_no_multiple_of_eight_end_at_the_top_left() -> None:
    """Behaviour 1.4."""
    request = inpaint_request(width=71, height=69)
    picture = noise(71, 69)
    job = prepare(request, [picture], box_mask(71, 69, (20, 20, 30, 30)))
    result = finished(job, request)
    assert result.size == (64, 64)
    assert (array(result)[:20] == array(picture)[:20, :64]).all()


def test_latent_upscale_stretches_mask_and_overlay_like_the_latents() -> None:
    """Trap 4, the sensible way: the left half of the picture is the left half of the result."""
    picture = gradient(100, 50)
    mask = box_mask(100, 50, (50, 0, 100, 50))
    request = inpaint_request(
        inpaint={"content": MaskedContent.FILL}, resize_mode=ResizeMode.LATENT_UPSCALE
    )
    job = prepare(request, [picture], mask)
    assert job.latent_upscale
    assert job.images[0].image.size == (100, 50)
    assert (array(job.images[0].image)[:, :50] == array(picture)[:, :50]).all()
    assert job.image_mask is not None
    assert job.image_mask.size == (64, 64)
    assert array(job.image_mask)[:, :28].max() == 0
    result = finished(job, request)
    stretched = resize_image(picture, ResizeMode.JUST_RESIZE, Extent(64, 64))
    assert result.size == (64, 64)
    assert (array(result)[:, :28] == array(stretched)[:, :28]).all()
    assert (array(result)[:, 36:] == array(noise(64, 64, seed=99))[:, 36:]).all()


# ---------------------------------------------------------------- only masked


def test_only_masked_crops_as_in_behaviour_3() -> None:
    picture = gradient(512, 512)
    mask = box_mask(512, 512, (200, 180, 300, 260))
    request = inpaint_request(
        inpaint={"area": ONLY, "blur_x": 4, "blur_y": 4, "padding": 32}, width=512, height=512
    )
    job = prepare(request, [picture], mask)
    prepared = job.images[0]
    assert job.only_masked
    assert prepared.paste_to == (158, 128, 342, 312)
    crop = picture.crop((158, 128, 342, 312)).resize((512, 512), Pillow.Resampling.LANCZOS)
    assert (array(prepared.image) == array(crop)).all()
    assert prepared.overlay is not None
    blurred = masks.blur(mask, 4, 4)
    assert prepared.overlay.size == (512, 512)
    assert (array(prepared.overlay)[..., 3] == 255 - array(blurred)).all()


def test_only_masked_fills_the_bars_of_a_region_that_does_not_fit() -> None:
    """A strip of a picture cannot reach the aspect; mode 2 makes up for it, mode 1 undoes it."""
    picture = noise(200, 20)
    request = inpaint_request(inpaint={"area": ONLY, "padding": 0})
    job = prepare(request, [picture], box_mask(200, 20, (50, 0, 150, 20)))
    assert job.images[0].paste_to == (50, 0, 150, 20)
    image = array(job.images[0].image)
    assert (image[:25] == image[0]).all()
    result = finished(job, request)
    assert result.size == (200, 20)
    assert (array(result)[:, :50] == array(picture)[:, :50]).all()


@pytest.mark.parametrize("mode", list(ResizeMode), ids=lambda mode: mode.name)
def test_the_resize_mode_plays_no_part_in_only_masked(mode: ResizeMode) -> None:
    picture, mask = gradient(120, 90), box_mask(120, 90, (30, 30, 60, 60))
    job = prepare(inpaint_request(inpaint={"area": ONLY}, resize_mode=mode), [picture], mask)
    same = prepare(inpaint_request(inpaint={"area": ONLY}), [picture], mask)
    assert (array(job.images[0].image) == array(same.images[0].image)).all()
    assert not job.latent_upscale


def test_the_overlay_can_be_switched_off() -> None:
    """Behaviour 3.8: no compositing and no un-crop."""
    request = inpaint_request(inpaint={"area": ONLY}, overlay_inpaint=False)
    job = prepare(request, [noise(120, 90)], box_mask(120, 90, (30, 30, 60, 60)))
    assert (array(finished(job, request)) == array(noise(64, 64, seed=99))).all()


def test_init_images_of_several_sizes_are_refused_in_only_masked() -> None:
    request = inpaint_request(inpaint={"area": ONLY}, init_images=(REF, REF), batch_size=2)
    with pytest.raises(PrepareError, match="these are 64x64, 70x64"):
        prepare(request, [noise(64, 64), noise(70, 64)], box_mask(64, 64, (4, 4, 9, 9)))


# ---------------------------------------------------------------- masks that do nothing


def test_empty_mask_with_only_masked_is_plain_img2img() -> None:
    """Behaviour 3.6 and trap 38."""
    request = inpaint_request(
        inpaint={"area": ONLY, "content": MaskedContent.FILL},
        resize_mode=ResizeMode.CROP_AND_RESIZE,
    )
    picture = gradient(100, 60)
    job = prepare(request, [picture], Pillow.new("L", (100, 60)))
    plain = prepare(plain_request(resize_mode=ResizeMode.CROP_AND_RESIZE), [picture])
    assert (array(job.images[0].image) == array(plain.images[0].image)).all()
    assert (job.mask_was_empty, job.only_masked, job.image_mask) == (True, False, None)
    assert job.images[0].overlay is None
    assert job.notes == ("The mask is empty, so the whole picture is repainted.",)


def test_empty_mask_on_the_whole_picture_returns_it() -> None:
    request = inpaint_request()
    picture = gradient(100, 60)
    job = prepare(request, [picture], Pillow.new("L", (100, 60)))
    assert job.mask_was_empty
    assert job.notes == ("The mask is empty, so nothing is repainted.",)
    fitted = resize_image(picture, ResizeMode.JUST_RESIZE, Extent(64, 64))
    assert (array(finished(job, request)) == array(fitted)).all()


@pytest.mark.parametrize(
    ("mask", "inpaint", "note"),
    [
        (
            box_mask(64, 64, (30, 30, 31, 31)),
            {"blur_x": 64, "blur_y": 64},
            "A mask blur of 64 leaves nothing of the mask, so nothing is repainted.",
        ),
        (
            Pillow.new("L", (64, 64), 255),
            {"invert": True},
            'The mask covers everything and "Inpaint not masked" leaves nothing of it, '
            "so nothing is repainted.",
        ),
        (
            box_mask(64, 64, (8, 8, 40, 40), 90),
            {},
            "The mask is too faint or too small to mark any latent cell, so nothing is "
            "repainted. Paint it fuller, lower the mask blur or turn mask rounding off.",
        ),
        (box_mask(64, 64, (8, 8, 40, 40), 90), {"round": False}, None),
        (box_mask(64, 64, (8, 8, 40, 40)), {}, None),
    ],
    ids=["blurred-away", "everything-inverted", "too-faint", "faint-but-soft", "fine"],
)
def test_notes_about_masks_without_effect(
    mask: Image, inpaint: dict[str, Any], note: str | None
) -> None:
    job = prepare(inpaint_request(inpaint=inpaint), [noise(64, 64)], mask)
    assert job.notes == ((note,) if note else ())


def test_a_mask_of_another_size_is_stretched_to_the_picture() -> None:
    request = inpaint_request(inpaint={"area": ONLY, "padding": 0})
    job = prepare(request, [noise(200, 100)], box_mask(100, 100, (25, 25, 50, 50)))
    assert job.notes == (
        "The mask is 100x100 and the picture 200x100; the mask was stretched to the picture.",
    )
    region = job.images[0].paste_to
    assert region is not None
    assert region.x1 <= 50 and region.x2 >= 100
    assert finished(job, request).size == (200, 100)


# ---------------------------------------------------------------- misuse


def test_misuse_is_named() -> None:
    picture, mask = noise(64, 64), Pillow.new("L", (64, 64))
    with pytest.raises(PrepareError, match="does not inpaint"):
        prepare(plain_request(), [picture], mask)
    with pytest.raises(PrepareError, match="one of them is missing"):
        prepare(inpaint_request(), [picture])
    with pytest.raises(PrepareError, match="one of them is missing"):
        prepare(inpaint_request(), [], mask)
    with pytest.raises(PrepareError, match="7x90; the latent upscale needs at least 8"):
        prepare(plain_request(resize_mode=ResizeMode.LATENT_UPSCALE), [noise(7, 90)])


# ---------------------------------------------------------------- the promise

side = st.integers(1, 130)
target_side = st.integers(64, 130)


@st.composite
def drawn_masks(draw: st.DrawFn, width: int, height: int) -> Image:
    """Boxes of one grey level, noise or nothing, as L, RGB or alpha."""
    kind = draw(st.sampled_from(["box", "box", "noise", "empty", "full"]))
    if kind == "noise":
        return noise(width, height, seed=draw(st.integers(0, 99)), channels=1)
    if kind in ("empty", "full"):
        return Pillow.new("L", (width, height), 255 if kind == "full" else 0)
    x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x2, y2 = draw(st.integers(x1 + 1, width)), draw(st.integers(y1 + 1, height))
    mask = box_mask(width, height, (x1, y1, x2, y2), draw(st.sampled_from([1, 127, 128, 255])))
    form = draw(st.sampled_from(["L", "RGB", "alpha"]))
    if form == "alpha":
        picture = Pillow.new("RGBA", mask.size, (255, 255, 255, 0))
        picture.putalpha(mask)
        return picture
    return mask.convert(form)


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Img2ImgRequest, Image, Image]:
    width, height = draw(side), draw(side)
    same = draw(st.integers(0, 3)) > 0
    mask_size = (width, height) if same else (draw(side), draw(side))
    mode = draw(st.sampled_from(list(ResizeMode)))
    if mode is ResizeMode.LATENT_UPSCALE:
        width, height = max(width, 8), max(height, 8)
    request = inpaint_request(
        inpaint={
            "area": draw(st.sampled_from(list(InpaintArea))),
            "content": draw(st.sampled_from(list(MaskedContent))),
            "invert": draw(st.booleans()),
            "round": draw(st.booleans()),
            "blur_x": draw(st.sampled_from([0, 1, 4, 20, 64])),
            "blur_y": draw(st.sampled_from([0, 1, 4, 20, 64])),
            "padding": draw(st.sampled_from([0, 1, 32, 256])),
        },
        width=draw(target_side),
        height=draw(target_side),
        resize_mode=mode,
        color_correction=draw(st.booleans()),
    )
    picture = noise(width, height, seed=draw(st.integers(0, 99)))
    return request, picture, draw(drawn_masks(*mask_size))


@settings(deadline=None, max_examples=200)
@given(jobs())
def test_unmasked_pixels_are_bit_identical(case: tuple[Img2ImgRequest, Image, Image]) -> None:
    request, picture, mask = case
    inpaint = request.inpaint
    assert inpaint is not None
    job = prepare(request, [picture], mask)
    prepared = job.images[0]
    result = finished(job, request)
    target = Extent(request.width, request.height)
    if job.image_mask is not None:
        assert (job.image_mask.mode, job.image_mask.size) == ("L", target)
    if not job.latent_upscale:
        assert (prepared.image.mode, prepared.image.size) == ("RGB", target)
    if inpaint.area is ONLY and job.mask_was_empty:
        assert prepared.overlay is None
        return
    native = resize_image(
        masks.binary_mask(mask, round=inpaint.round), ResizeMode(0), Extent.of(picture)
    )
    native = masks.invert(native) if inpaint.invert else native
    native = masks.blur(native, inpaint.blur_x, inpaint.blur_y)
    if inpaint.area is ONLY:
        assert result.size == picture.size
        kept, before = array(native) == 0, array(picture)
    else:
        mode = ResizeMode(0) if job.latent_upscale else request.resize_mode
        assert result.size == (request.width // 8 * 8, request.height // 8 * 8)
        shown = (slice(0, result.height), slice(0, result.width))
        fitted = array(resize_image(native, mode, target).convert("L"))[shown]
        kept, before = fitted == 0, array(resize_image(picture, mode, target))[shown]
    assert (array(result)[kept] == before[kept]).all()


def test_ten_passes_leave_the_outside_untouched() -> None:
    """The complaint "each pass eats quality": chained results, only masked."""
    picture = noise(150, 110)
    mask = box_mask(150, 110, (40, 30, 80, 70))
    request = inpaint_request(inpaint={"area": ONLY, "blur_x": 4, "blur_y": 4})
    current = picture
    for _ in range(10):
        current = finished(prepare(request, [current], mask), request)
    outside = array(masks.blur(mask, 4, 4)) == 0
    assert (array(current)[outside] == array(picture)[outside]).all()
    assert (array(current)[~outside] != array(picture)[~outside]).any()


def test_inputs_are_left_alone() -> None:
    picture, mask = noise(80, 70), box_mask(80, 70, (20, 20, 40, 40))
    before = picture.tobytes(), mask.tobytes()
    for area in InpaintArea:
        request = inpaint_request(inpaint={"area": area, "content": 0, "blur_x": 4})
        finished(prepare(request, [picture], mask), request)
    assert (picture.tobytes(), mask.tobytes()) == before


@pytest.mark.slow
def test_a_picture_of_64_megapixels_takes_seconds() -> None:
    picture = Pillow.new("RGB", (8000, 8000), "grey")
    mask = box_mask(8000, 8000, (3000, 3000, 5000, 4000))
    for area in InpaintArea:
        request = inpaint_request(inpaint={"area": area, "content": 0, "blur_x": 4, "blur_y": 4})
        result = finished(prepare(request, [picture], mask), request)
        assert result.size == ((8000, 8000) if area is ONLY else (64, 64))
        assert np.asarray(result.getpixel((1, 1))).tolist() == [128, 128, 128]
