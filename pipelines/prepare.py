"""The pixel half of a job: what happens to init images and mask before the VAE and after it.

`prepare` is the once-per-job init step up to the VAE (behaviour 0.3 step 4), `finish` turns each
decoded picture into the result. Latents, noise and models are elsewhere. The promise kept by the
two together: where the mask (blurred, and doubled for "whole picture") is 0, the result has the
bytes of the prepared picture - of the untouched init image when only the masked area is worked on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL.Image import Image

from pipelines import masks
from pipelines.colour import match_colours
from pipelines.compose import apply_overlay, build_overlay, flatten
from pipelines.fill import fill
from pipelines.geometry import LATENT_FACTOR, Bounds, Extent, crop_region
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, ResizeMode
from pipelines.resize import Upscale, resize_image


class PrepareError(ValueError):
    """Pictures and settings that do not go together, said in a sentence for the user."""


@dataclass(frozen=True)
class PreparedImage:
    """One init image, ready for the VAE, and what is needed to finish its results.

    `image` is RGB and of the working size W×H; with the latent upscale it has its own size.
    `overlay` (RGBA) goes on top of the result: W×H, or the init image's size together with
    `paste_to`, the box of the init image that was worked on. `base` (RGB) is what the overlay was
    cut from. `colour_target` is RGB.
    """

    image: Image
    overlay: Image | None = None
    paste_to: Bounds | None = None
    colour_target: Image | None = None
    base: Image | None = None


@dataclass(frozen=True)
class PreparedJob:
    """All init images of a job (once each, not repeated for the batch) and their common mask.

    `image_mask` (L, W×H, white = repaint) is blurred, cropped and resized but not doubled; None
    means plain img2img. `latent_upscale`: the latents are to be stretched to the working size.
    `mask_was_empty` is also set when a blur left nothing of the mask. `only_masked` is what really
    happens, not what was asked. `notes` are sentences for the user.
    """

    images: tuple[PreparedImage, ...]
    image_mask: Image | None = None
    latent_upscale: bool = False
    mask_was_empty: bool = False
    only_masked: bool = False
    notes: tuple[str, ...] = ()


def prepare(
    request: Img2ImgRequest,
    init_images: Sequence[Image],
    mask: Image | None = None,
    *,
    upscale: Upscale | None = None,
) -> PreparedJob:
    """Bring opened init images and the mask (L, RGB or RGBA, white = repaint) to working size.

    A mask of another size is first stretched to the (first) init image. An empty mask makes "only
    masked" a plain img2img (behaviour 3.6) and "whole picture" return its input; both leave a
    note. `upscale` enlarges pictures where LANCZOS would (behaviour 1.1). Raises PrepareError.
    """
    pictures = [flatten(image, request.background_color) for image in init_images]
    _check_latent_upscale(request, pictures)
    if request.inpaint is None:
        if mask is not None:
            raise PrepareError("a mask was given, but the request does not inpaint")
        return _plain(request, pictures, upscale)
    if mask is None or not pictures:
        raise PrepareError("inpainting needs an init image and a mask; one of them is missing")
    notes = _size_note(mask, pictures[0])
    shaped = _shaped_mask(mask, request.inpaint, Extent.of(pictures[0]))
    box = masks.bounding_box(shaped)
    if request.inpaint.area is InpaintArea.WHOLE_PICTURE:
        job = _whole_picture(request, pictures, shaped, upscale)
    elif box is not None:
        job = _only_masked(request, pictures, shaped, box, upscale)
    else:
        job = _plain(request, pictures, upscale)
    notes += _effect_notes(request.inpaint, mask, job, is_empty=box is None)
    return replace(job, mask_was_empty=box is None, notes=notes)


def finish(decoded: Image, prepared: PreparedImage, request: Img2ImgRequest) -> Image:
    """Turn a decoded picture into the result (RGB): colour correction, then the overlay.

    `decoded` is W×H, or up to 7 pixels a side smaller when that is no multiple of eight; then the
    result is as small, its upper left corner in place (behaviour 1.4). "Only masked" gives the
    init image's size, or W×H when `overlay_inpaint` is off (behaviour 3.8).
    """
    picture = decoded.convert("RGB")
    if prepared.colour_target is not None:
        picture = match_colours(picture, prepared.colour_target)
    if prepared.overlay is not None and request.overlay_inpaint:
        picture = apply_overlay(picture, prepared.overlay, prepared.paste_to)
    return picture


def _plain(
    request: Img2ImgRequest, pictures: Sequence[Image], upscale: Upscale | None
) -> PreparedJob:
    """Img2img without a mask."""
    in_latents = request.resize_mode is ResizeMode.LATENT_UPSCALE
    images = (picture if in_latents else _fitted(request, picture, upscale) for picture in pictures)
    return PreparedJob(
        tuple(PreparedImage(image, colour_target=_target(request, image)) for image in images),
        latent_upscale=in_latents,
    )


def _whole_picture(
    request: Img2ImgRequest, pictures: Sequence[Image], mask: Image, upscale: Upscale | None
) -> PreparedJob:
    """Behaviour 2.6 and 2.7.

    The latent upscale departs from A1111 (trap 4): there the mask gets bars, the picture stretched
    latents and the overlay its own size, so they only meet when nothing is resized. Here mask and
    overlay are stretched to W×H like the latents are.
    """
    in_latents = request.resize_mode is ResizeMode.LATENT_UPSCALE
    image_mask = _fitted(request, mask, None).convert("L")
    overlay_mask = masks.double(image_mask)
    images = []
    for picture in pictures:
        fitted = _fitted(request, picture, upscale)
        image, fill_mask = fitted, image_mask
        if in_latents:
            image, fill_mask = picture, _stretched(mask, Extent.of(picture))
        image = _filled(request, image, fill_mask)
        overlay = build_overlay(fitted, overlay_mask)
        target = _target(request, image)
        images.append(PreparedImage(image, overlay, colour_target=target, base=fitted))
    return PreparedJob(tuple(images), image_mask, latent_upscale=in_latents)


def _only_masked(
    request: Img2ImgRequest,
    pictures: Sequence[Image],
    mask: Image,
    box: Bounds,
    upscale: Upscale | None,
) -> PreparedJob:
    """Behaviour 3: work on the mask's surroundings at W×H; the resize mode plays no part."""
    if any(picture.size != mask.size for picture in pictures):
        sizes = ", ".join(str(Extent.of(picture)) for picture in pictures)
        raise PrepareError(
            f'"Only masked" needs init images of one size, these are {sizes}: '
            'make them equal, or use "Whole picture"'
        )
    target = Extent(request.width, request.height)
    padding = request.inpaint.padding if request.inpaint else 0
    region = crop_region(box, Extent.of(mask), target, padding)
    fit = ResizeMode.RESIZE_AND_FILL
    image_mask = resize_image(mask.crop(region), fit, target).convert("L")
    images = []
    for picture in pictures:
        image = resize_image(picture.crop(region), fit, target, upscale=upscale)
        image = _filled(request, image, image_mask)
        overlay = build_overlay(picture, mask)
        images.append(PreparedImage(image, overlay, region, _target(request, image), picture))
    return PreparedJob(tuple(images), image_mask, only_masked=True)


def _shaped_mask(mask: Image, inpaint: Inpaint, extent: Extent) -> Image:
    """Read, stretch, invert, blur: the mask at the init image's size (behaviour 2.2 to 2.4)."""
    shaped = _stretched(masks.binary_mask(mask, round=inpaint.rounds), extent)
    if inpaint.invert:
        shaped = masks.invert(shaped)
    return masks.blur(shaped, inpaint.blur_x, inpaint.blur_y)


def _stretched(image: Image, extent: Extent) -> Image:
    return resize_image(image, ResizeMode.JUST_RESIZE, extent)


def _fitted(request: Img2ImgRequest, image: Image, upscale: Upscale | None) -> Image:
    """Picture or mask at W×H in the user's mode, stretched where latents will be stretched."""
    mode = request.resize_mode
    if mode is ResizeMode.LATENT_UPSCALE:
        mode = ResizeMode.JUST_RESIZE
    return resize_image(image, mode, Extent(request.width, request.height), upscale=upscale)


def _filled(request: Img2ImgRequest, image: Image, mask: Image) -> Image:
    """Fill runs for every masked content but "original" (behaviour 4)."""
    inpaint = request.inpaint
    if inpaint is None or inpaint.content is MaskedContent.ORIGINAL:
        return image
    return fill(image, mask)


def _target(request: Img2ImgRequest, image: Image) -> Image | None:
    return image if request.color_correction else None


def _check_latent_upscale(request: Img2ImgRequest, pictures: Sequence[Image]) -> None:
    if request.resize_mode is not ResizeMode.LATENT_UPSCALE:
        return
    for picture in pictures:
        if min(picture.size) < LATENT_FACTOR:
            raise PrepareError(
                f"the init image is {Extent.of(picture)}; the latent upscale needs at least "
                f"{LATENT_FACTOR} pixels a side: use another resize mode"
            )


def _size_note(mask: Image, picture: Image) -> tuple[str, ...]:
    if mask.size == picture.size:
        return ()
    return (
        f"The mask is {Extent.of(mask)} and the picture {Extent.of(picture)}; "
        "the mask was stretched to the picture.",
    )


def _effect_notes(
    inpaint: Inpaint, mask: Image, job: PreparedJob, *, is_empty: bool
) -> tuple[str, ...]:
    """Say so when a mask does not do what a mask is for."""
    if is_empty:
        whole = inpaint.area is InpaintArea.WHOLE_PICTURE
        outcome = "nothing is repainted" if whole else "the whole picture is repainted"
        return (f"{_why_empty(inpaint, mask)}, so {outcome}.",)
    if inpaint.rounds and job.image_mask is not None:
        latent = Extent.of(job.image_mask).latent
        if not masks.latent_mask(job.image_mask, latent, round=True).any():
            return (
                "The mask is too faint or too small to mark any latent cell, so nothing is "
                "repainted. Paint it fuller, lower the mask blur or turn mask rounding off.",
            )
    return ()


def _why_empty(inpaint: Inpaint, mask: Image) -> str:
    given = masks.binary_mask(mask, round=inpaint.rounds)
    if inpaint.invert and given.getextrema() == (255, 255):
        return 'The mask covers everything and "Inpaint not masked" leaves nothing of it'
    if not inpaint.invert and masks.bounding_box(given) is None:
        return "The mask is empty"
    return f"A mask blur of {max(inpaint.blur_x, inpaint.blur_y)} leaves nothing of the mask"
