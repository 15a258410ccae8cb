"""The promise "nothing else changes": pixels outside the mask, and denoising strength 0.

On the toy family, whose 'VAE' loses nothing, so that any pixel that differs was changed by us.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageDraw
from PIL.Image import Image

from pipelines import masks
from pipelines.geometry import Extent
from pipelines.request import Img2ImgRequest, InpaintArea, MaskedContent, ResizeMode
from pipelines.resize import resize_image
from tests.pipelines.pixels import array, box_mask, gradient, noise
from tests.pipelines.run_doubles import INIT, INIT_2, MASK, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline

ONLY, WHOLE = InpaintArea.ONLY_MASKED, InpaintArea.WHOLE_PICTURE
MODES = list(ResizeMode)


def name_of(value: object) -> str:
    return str(getattr(value, "name", value))


def fitted(picture: Image, request: Img2ImgRequest) -> NDArray[np.uint8]:
    """The picture at working size; the latent upscale stretches."""
    mode = request.resize_mode
    mode = ResizeMode.JUST_RESIZE if mode is ResizeMode.LATENT_UPSCALE else mode
    return array(resize_image(picture, mode, Extent(request.width, request.height)))


# ---------------------------------------------------------------- denoising strength 0


@pytest.mark.parametrize("mode", MODES, ids=name_of)
@pytest.mark.parametrize("masked", [False, True], ids=["plain", "masked"])
def test_strength_0_of_exact_steps_is_the_prepared_input(mode: ResizeMode, masked: bool) -> None:
    """Behaviour 6.3; without a network call and without a VAE round trip."""
    family = ToyFamily()
    request = request_for(
        sampling={"denoising_strength": 0.0, "semantics": "exact"},
        inpaint={} if masked else None,
        resize_mode=mode,
        width=100,
        height=72,
    )
    picture = noise(131, 90)
    pictures = {INIT: picture, MASK: box_mask(131, 90, (30, 30, 80, 60))}
    ran = run_on(toy_pipeline(family), request, pictures)
    assert ran.image.size == (100, 72)
    assert (array(ran.image) == fitted(picture, request)).all()
    assert (family.levels, family.encoded) == ([], 0)
    assert (ran.report.executed_steps, ran.heard.steps) == (0, [])


@pytest.mark.parametrize("content", list(MaskedContent), ids=name_of)
@pytest.mark.parametrize("overlay", [True, False], ids=["overlay", "no overlay"])
def test_strength_0_only_masked_is_the_native_picture(
    content: MaskedContent, overlay: bool
) -> None:
    request = request_for(
        sampling={"denoising_strength": 0.0, "semantics": "exact"},
        inpaint={"area": ONLY, "content": content, "blur_x": 4},
        overlay_inpaint=overlay,
    )
    picture = noise(131, 90)
    mask = box_mask(131, 90, (30, 30, 80, 60))
    ran = run_on(toy_pipeline(), request, {INIT: picture, MASK: mask})
    assert (array(ran.image) == array(picture)).all()


@pytest.mark.parametrize(
    "sampling",
    [
        {"semantics": "start_at_step", "start_at_step": 4},
        {"semantics": "start_at_step", "start_at_step": 3, "end_at_step": 2},
        {"semantics": "diffusers", "denoising_strength": 0.2},
        {"semantics": "exact", "denoising_strength": 0.0, "sampler": "DDIM"},
    ],
    ids=["start = steps", "start > end", "diffusers int(4 * .2)", "DDIM"],
)
def test_nothing_to_run_gives_the_input(sampling: dict[str, Any]) -> None:
    picture = noise(64, 64)
    ran = run_on(toy_pipeline(), request_for(sampling=sampling), {INIT: picture})
    assert (array(ran.image) == array(picture)).all()
    assert ran.report.executed_steps == 0


def test_strength_0_delivers_every_picture_of_the_job() -> None:
    request = request_for(
        sampling={"denoising_strength": 0.0, "semantics": "exact"},
        init_images=(INIT, INIT_2),
        batch_size=2,
        n_iter=2,
    )
    pictures = {INIT: noise(64, 64, seed=1), INIT_2: noise(64, 64, seed=2)}
    ran = run_on(toy_pipeline(), request, pictures)
    assert [picture.position for picture in ran.heard.pictures] == [0, 1, 2, 3]
    for image, name in zip(ran.images, [INIT, INIT_2, INIT, INIT_2], strict=True):
        assert (array(image) == array(pictures[name])).all()


def test_strength_0_lays_transparency_over_the_background() -> None:
    clear = Pillow.new("RGBA", (64, 64), (9, 9, 9, 0))
    request = request_for(
        sampling={"denoising_strength": 0.0, "semantics": "exact"}, background_color="#102030"
    )
    ran = run_on(toy_pipeline(), request, {INIT: clear})
    assert array(ran.image).reshape(-1, 3).tolist() == [[0x10, 0x20, 0x30]] * 64**2


def test_strength_0_of_a1111_steps_runs_its_one_step() -> None:
    """Behaviour 6.3: there it is no identity."""
    family = ToyFamily()
    request = request_for(sampling={"denoising_strength": 0.0, "steps": 20})
    picture = noise(64, 64)
    ran = run_on(toy_pipeline(family), request, {INIT: picture})
    assert family.levels == pytest.approx([0.0291675], rel=1e-5)
    assert ran.report.executed_steps == 1
    assert (array(ran.image) != array(picture)).any()


# ---------------------------------------------------------------- outside the mask


@st.composite
def drawn_masks(draw: st.DrawFn, size: tuple[int, int]) -> Image:
    """Boxes, ellipses, single pixels, scattered dots and gradients, of any grey and any mode."""
    width, height = size
    mask = Pillow.new("L", size)
    pen = ImageDraw.Draw(mask)
    grey = draw(st.sampled_from([1, 100, 127, 128, 129, 255]))
    for _ in range(draw(st.integers(0, 3))):
        x1, y1 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        x2, y2 = draw(st.integers(x1, width - 1)), draw(st.integers(y1, height - 1))
        shape = draw(st.sampled_from(["box", "ellipse", "pixel", "dots", "ramp"]))
        if shape == "box":
            pen.rectangle((x1, y1, x2, y2), fill=grey)
        elif shape == "ellipse":
            pen.ellipse((x1, y1, x2, y2), fill=grey)
        elif shape == "pixel":
            mask.putpixel((x1, y1), grey)
        elif shape == "dots":
            seed = draw(st.integers(0, 99))
            dots = np.random.default_rng(seed).random((height, width)) < 0.02
            mask.paste(grey, mask=Pillow.fromarray(dots.astype(np.uint8) * 255))
        else:
            ramp = np.linspace(0, 255, x2 - x1 + 1).astype(np.uint8)
            strip = Pillow.fromarray(np.repeat(ramp[None], y2 - y1 + 1, axis=0))
            mask.paste(strip, (x1, y1))
    form = draw(st.sampled_from(["L", "RGB", "alpha"]))
    if form == "alpha":
        with_alpha = Pillow.new("RGBA", size, (255, 255, 255, 0))
        with_alpha.putalpha(mask)
        return with_alpha
    return mask.convert(form)


side = st.one_of(st.integers(8, 120), st.sampled_from([8, 9, 63, 64, 65, 120]))
target_side = st.sampled_from([64, 65, 71, 72, 96])
blur = st.sampled_from([0, 1, 4, 13, 64])


@st.composite
def jobs(draw: st.DrawFn) -> tuple[Img2ImgRequest, Image, Image]:
    width, height = draw(side), draw(side)
    mask_size = (width, height) if draw(st.integers(0, 3)) else (draw(side), draw(side))
    request = request_for(
        inpaint={
            "area": draw(st.sampled_from(list(InpaintArea))),
            "content": draw(st.sampled_from(list(MaskedContent))),
            "invert": draw(st.booleans()),
            "round": draw(st.booleans()),
            "blur_x": draw(blur),
            "blur_y": draw(blur),
            "padding": draw(st.sampled_from([0, 1, 32, 256])),
        },
        sampling={
            "sampler": draw(st.sampled_from(["Euler", "Euler a", "DPM++ 2M", "Heun", "DDIM"])),
            "steps": draw(st.integers(1, 3)),
            "denoising_strength": draw(st.sampled_from([0.0, 0.05, 0.5, 1.0])),
            "semantics": draw(st.sampled_from(["a1111", "exact", "diffusers"])),
        },
        width=draw(target_side),
        height=draw(target_side),
        resize_mode=draw(st.sampled_from(MODES)),
        color_correction=draw(st.booleans()),
    )
    return (
        request,
        noise(width, height, seed=draw(st.integers(0, 99))),
        draw(drawn_masks(mask_size)),
    )


def native_mask(mask: Image, picture: Image, request: Img2ImgRequest) -> Image:
    """The mask as behaviour 2.3 has it: at the picture's size, inverted, blurred."""
    inpaint = request.inpaint
    assert inpaint is not None
    shaped = masks.binary_mask(mask, round=inpaint.round)
    shaped = resize_image(shaped, ResizeMode.JUST_RESIZE, Extent.of(picture))
    shaped = masks.invert(shaped) if inpaint.invert else shaped
    return masks.blur(shaped, inpaint.blur_x, inpaint.blur_y)


@settings(max_examples=100)
@given(jobs())
def test_outside_the_mask_no_pixel_differs(case: tuple[Img2ImgRequest, Image, Image]) -> None:
    request, picture, mask = case
    ran = run_on(toy_pipeline(), request, {INIT: picture, MASK: mask})
    assert request.inpaint is not None
    shaped = native_mask(mask, picture, request)
    is_empty = masks.bounding_box(shaped) is None
    if request.inpaint.area is ONLY and is_empty:
        assert any("the whole picture is repainted" in note for note in ran.report.notes)
        return
    if request.inpaint.area is ONLY:
        assert ran.image.size == picture.size
        kept, before = array(shaped) == 0, array(picture)
    else:
        untouched = ran.report.executed_steps == 0
        width, height = request.width, request.height
        size = (width, height) if untouched else (width // 8 * 8, height // 8 * 8)
        assert ran.image.size == size
        shown = (slice(0, size[1]), slice(0, size[0]))
        grey = fitted(shaped, request)
        grey = grey if grey.ndim == 2 else grey[..., 0]
        kept, before = grey[shown] == 0, fitted(picture, request)[shown]
    assert (array(ran.image)[kept] == before[kept]).all()
    if is_empty:
        assert any("nothing is repainted" in note for note in ran.report.notes)


@pytest.mark.parametrize("area", list(InpaintArea), ids=name_of)
@pytest.mark.parametrize("content", list(MaskedContent), ids=name_of)
@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_the_masked_box_is_repainted_and_nothing_else(
    area: InpaintArea, content: MaskedContent, sampler: str
) -> None:
    picture = gradient(96, 80)
    box = (24, 16, 64, 56)
    request = request_for(
        inpaint={"area": area, "content": content},
        sampling={"sampler": sampler},
        width=96,
        height=80,
    )
    ran = run_on(toy_pipeline(), request, {INIT: picture, MASK: box_mask(96, 80, box)})
    differs = (array(ran.image) != array(picture)).any(axis=-1)
    inside = differs[16:56, 24:64]
    assert inside.mean() > 0.9
    assert differs.sum() == inside.sum()
    assert ran.report.notes == ()


@settings(max_examples=60)
@given(jobs())
def test_a_mask_that_reaches_the_latent_grid_repaints(
    case: tuple[Img2ImgRequest, Image, Image],
) -> None:
    """What does not reach it is shown again, one level off at most where the overlay blends."""
    request, picture, mask = case
    assume(request.resize_mode is not ResizeMode.LATENT_UPSCALE)  # stretches latents, not pixels
    assert request.inpaint is not None
    changes = {"round": True, "area": WHOLE, "content": MaskedContent.ORIGINAL}
    request = request.model_copy(
        update={"inpaint": request.inpaint.model_copy(update=changes), "color_correction": False}
    )
    shaped = Pillow.fromarray(fitted(native_mask(mask, picture, request), request)).convert("L")
    grid = masks.latent_mask(shaped, Extent.of(shaped).latent, round=True)
    ran = run_on(toy_pipeline(), request, {INIT: picture, MASK: mask})
    before = fitted(picture, request)[: ran.image.height, : ran.image.width]
    off = np.abs(array(ran.image).astype(int) - before).max()
    runs = ran.report.executed_steps > 0
    assert off > 1 if runs and grid.any() else off <= 1
    assert bool(ran.report.notes) == (not grid.any() or mask.size != picture.size)


@pytest.mark.parametrize(
    ("box", "said"),
    [
        ((20, 20, 21, 21), "too faint or too small"),
        ((0, 0, 1, 80), "too faint or too small"),
        ((0, 0, 8, 8), ""),
        ((88, 72, 96, 80), ""),
        ((0, 0, 96, 80), ""),
    ],
    ids=["one pixel", "thin line at the border", "first cell", "last cell", "everything"],
)
def test_masks_at_the_limits_on_the_whole_picture(box: tuple[int, ...], said: str) -> None:
    picture = noise(96, 80)
    mask = box_mask(96, 80, box)  # type: ignore[arg-type]
    ran = run_on(
        toy_pipeline(), request_for(inpaint={}, width=96, height=80), {INIT: picture, MASK: mask}
    )
    differs = (array(ran.image) != array(picture)).any(axis=-1)
    assert differs[array(mask) == 0].sum() == 0
    assert differs.any() == (not said)
    assert any(said in note for note in ran.report.notes) if said else ran.report.notes == ()


@pytest.mark.parametrize(
    "box", [(20, 20, 21, 21), (0, 0, 1, 1), (95, 79, 96, 80), (0, 79, 96, 80)], ids=str
)
def test_one_pixel_can_be_repainted_only_masked(box: tuple[int, int, int, int]) -> None:
    picture, mask = noise(96, 80), box_mask(96, 80, box)
    request = request_for(inpaint={"area": ONLY, "padding": 4})
    ran = run_on(toy_pipeline(), request, {INIT: picture, MASK: mask})
    differs = (array(ran.image) != array(picture)).any(axis=-1)
    assert differs[array(mask) == 255].any()
    assert differs[array(mask) == 0].sum() == 0


def test_ten_passes_leave_the_outside_untouched() -> None:
    """The complaint "each pass eats quality", through the whole pipeline."""
    picture, mask = noise(96, 80), box_mask(96, 80, (30, 30, 60, 60))
    request = request_for(inpaint={"area": ONLY, "blur_x": 4, "blur_y": 4})
    pipeline, current = toy_pipeline(), picture
    for _ in range(10):
        current = run_on(pipeline, request, {INIT: current, MASK: mask}).image
    outside = array(masks.blur(mask, 4, 4)) == 0
    assert (array(current)[outside] == array(picture)[outside]).all()
    assert (array(current)[~outside] != array(picture)[~outside]).any()


def test_without_overlay_the_vae_alone_keeps_the_outside() -> None:
    """The toy VAE loses nothing: what differs then was let through by the latent mask."""
    picture, mask = noise(64, 64), box_mask(64, 64, (16, 16, 40, 40))
    request = request_for(inpaint={}, overlay_inpaint=False)
    ran = run_on(toy_pipeline(), request, {INIT: picture, MASK: mask})
    differs = (array(ran.image) != array(picture)).any(axis=-1)
    assert differs[array(mask) == 0].sum() == 0
    assert differs[array(mask) == 255].mean() > 0.9
