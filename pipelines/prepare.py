"""The pixel half of a job: what happens to init images and mask before the VAE and after it.

`prepare` is the once-per-job init step up to the VAE (behaviour 0.3 step 4), `finish` turns each
decoded picture into the result. Latents, noise and models are elsewhere. The promise kept by the
two together: where the mask (blurred, and doubled for "whole picture") is 0, the result has the
bytes of the prepared picture - of the untouched init image when only the masked area is worked on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines import masks
from pipelines.colour import match_colours
from pipelines.compose import apply_overlay, build_overlay, flatten
from pipelines.fill import fill
from pipelines.geometry import LATENT_FACTOR, Bounds, Extent, crop_region
from pipelines.outpaint import Anchor, grown_to, misfit, on_canvas, outgrown
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
    means plain img2img. `latent_mask` takes its place on the latent grid where one was given.
    `latent_upscale`: the latents are to be stretched to the working size.
    `mask_was_empty` is also set when a blur left nothing of the mask. `only_masked` is what really
    happens, not what was asked. `notes` are sentences for the user.
    """

    images: tuple[PreparedImage, ...]
    image_mask: Image | None = None
    latent_mask: Image | None = None
    latent_upscale: bool = False
    mask_was_empty: bool = False
    only_masked: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Masks:
    """The masks at the init image's size (L): of the picture, and that of latents if it differs."""

    image: Image
    latent: Image | None = None

    def through(self, change: Callable[[Image], Image]) -> _Masks:
        """Both changed alike."""
        return _Masks(change(self.image), None if self.latent is None else change(self.latent))

    @property
    def of_latents(self) -> Image:
        """What is repainted in latents, and filled before."""
        return self.image if self.latent is None else self.latent


def prepare(
    request: Img2ImgRequest,
    init_images: Sequence[Image],
    mask: Image | None = None,
    *,
    latent_mask: Image | None = None,
    upscale: Upscale | None = None,
) -> PreparedJob:
    """Bring opened init images and the mask (L, RGB or RGBA, white = repaint) to working size.

    A mask of another size is first stretched to the (first) init image. Outpainting puts both in
    their place on a canvas of W×H; from there on it is inpainting, and nothing is resized. An
    empty mask makes "only masked" a plain img2img (behaviour 3.6) and "whole picture" return its
    input; both leave a note. `latent_mask` decides in its place what is filled and repainted in
    latents (behaviour 4, 5.1); it is neither inverted nor blurred. `upscale` enlarges pictures
    where LANCZOS would (behaviour 1.1). Raises PrepareError.
    """
    pictures = [flatten(image, request.background_color) for image in init_images]
    _check_latent_upscale(request, pictures)
    if request.inpaint is None:
        if mask is not None:
            raise PrepareError("a mask was given, but the request does not inpaint")
        return _plain(request, pictures, upscale)
    if (mask is None and request.outpaint is None) or not pictures:
        raise PrepareError("inpainting needs an init image and a mask; one of them is missing")
    notes = () if mask is None else _size_note(mask, pictures[0])
    shaped = _shaped(request.inpaint, mask, latent_mask, Extent.of(pictures[0]))
    if request.outpaint is not None:
        shaped = _outgrown(request, request.inpaint, request.outpaint, pictures, shaped)
        pictures = _on_canvas(request, request.outpaint, pictures)
    box = masks.bounding_box(shaped.image)
    if request.inpaint.area is InpaintArea.WHOLE_PICTURE:
        job = _whole_picture(request, pictures, shaped, upscale)
    elif box is not None:
        job = _only_masked(request, pictures, shaped, box, upscale)
    else:
        job = _plain(request, pictures, upscale)
    given = mask if mask is not None else shaped.image
    notes += _effect_notes(request.inpaint, given, job, is_empty=box is None)
    return replace(job, mask_was_empty=box is None, notes=notes)


def finish(decoded: Image, prepared: PreparedImage, request: Img2ImgRequest) -> Image:
    """Turn a decoded picture into the result (RGB): colour correction, then the overlay.

    `decoded` is W×H, or up to 7 pixels a side smaller when that is no multiple of eight; then the
    result is as small, its upper left corner in place (behaviour 1.4). "Only masked" gives the
    init image's size, or W×H when `overlay_inpaint` is off (behaviour 3.8); outpainting always W×H.
    """
    picture = decoded.convert("RGB")
    if request.outpaint is not None:
        picture = grown_to(picture, Extent(request.width, request.height))
    if prepared.colour_target is not None:
        picture = match_colours(picture, prepared.colour_target)
    if prepared.overlay is not None and request.overlay_inpaint:
        picture = apply_overlay(picture, prepared.overlay, prepared.paste_to)
    return picture


def with_colours_of(prepared: PreparedJob, reference: Image) -> PreparedJob:
    """The job with another picture of any size to take colours from (behaviour 5.6, 12.3)."""
    target = reference.convert("RGB")
    images = tuple(replace(one, colour_target=target) for one in prepared.images)
    return replace(prepared, images=images)


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
    request: Img2ImgRequest, pictures: Sequence[Image], given: _Masks, upscale: Upscale | None
) -> PreparedJob:
    """Behaviour 2.6 and 2.7.

    The latent upscale departs from A1111 (trap 4): there the mask gets bars, the picture stretched
    latents and the overlay its own size, so they only meet when nothing is resized. Here mask and
    overlay are stretched to W×H like the latents are.
    """
    in_latents = request.resize_mode is ResizeMode.LATENT_UPSCALE
    shaped = given.through(lambda mask: _fitted(request, mask, None).convert("L"))
    overlay_mask = masks.double(shaped.image)
    images = []
    for picture in pictures:
        fitted = _fitted(request, picture, upscale)
        image, fill_mask = fitted, shaped.of_latents
        if in_latents:
            image, fill_mask = picture, _stretched(given.of_latents, Extent.of(picture))
        image = _filled(request, image, fill_mask)
        overlay = build_overlay(fitted, overlay_mask)
        target = _target(request, image)
        images.append(PreparedImage(image, overlay, colour_target=target, base=fitted))
    return PreparedJob(tuple(images), shaped.image, shaped.latent, latent_upscale=in_latents)


def _only_masked(
    request: Img2ImgRequest,
    pictures: Sequence[Image],
    given: _Masks,
    box: Bounds,
    upscale: Upscale | None,
) -> PreparedJob:
    """Behaviour 3: work on the mask's surroundings at W×H; the resize mode plays no part."""
    mask = given.image
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
    shaped = given.through(lambda one: resize_image(one.crop(region), fit, target).convert("L"))
    images = []
    for picture in pictures:
        image = resize_image(picture.crop(region), fit, target, upscale=upscale)
        image = _filled(request, image, shaped.of_latents)
        overlay = build_overlay(picture, mask)
        images.append(PreparedImage(image, overlay, region, _target(request, image), picture))
    return PreparedJob(tuple(images), shaped.image, shaped.latent, only_masked=True)


def _shaped(
    inpaint: Inpaint, mask: Image | None, latent_mask: Image | None, extent: Extent
) -> _Masks:
    """Read, stretch, invert, blur: the masks at the init image's size (behaviour 2.2 to 2.4).

    Without a mask nothing of the picture is repainted, inverted or not.
    """
    latent = None
    if latent_mask is not None:
        latent = _stretched(masks.binary_mask(latent_mask, round=inpaint.rounds), extent)
    if mask is None:
        return _Masks(Pillow.new("L", extent), latent)
    shaped = _stretched(masks.binary_mask(mask, round=inpaint.rounds), extent)
    if inpaint.invert:
        shaped = masks.invert(shaped)
    return _Masks(masks.blur(shaped, inpaint.blur_x, inpaint.blur_y), latent)


def outpaint_problem(request: Img2ImgRequest, sizes: Sequence[Extent]) -> str | None:
    """Why init images of these sizes cannot be outpainted, as a sentence, or None.

    None as well for requests that do not outpaint. Asked before a job is queued, too.
    """
    if request.outpaint is None or request.inpaint is None:
        return None
    canvas = Extent(request.width, request.height)
    if any(size != sizes[0] for size in sizes):
        return (
            f"outpainting needs init images of one size, these are {', '.join(map(str, sizes))}: "
            "make them equal, or use another resize mode"
        )
    if sizes[0] == canvas and request.inpaint.mask is None:
        return (
            f"the picture is {canvas} already, so there is nothing to outpaint: choose a larger "
            "size, or another resize mode"
        )
    return misfit(sizes[0], canvas)


def _outgrown(
    request: Img2ImgRequest,
    inpaint: Inpaint,
    anchor: Anchor,
    pictures: Sequence[Image],
    own: _Masks,
) -> _Masks:
    """The masks of the canvas: those of the picture in their place, and all that is new."""
    canvas, sizes = Extent(request.width, request.height), [Extent.of(one) for one in pictures]
    problem = outpaint_problem(request, sizes)
    if problem is not None:
        raise PrepareError(problem)
    place, blur = anchor.place(sizes[0], canvas), (inpaint.blur_x, inpaint.blur_y)
    latent = None if own.latent is None else outgrown(own.latent, place, canvas, (0, 0))
    return _Masks(outgrown(own.image, place, canvas, blur), latent)


def _on_canvas(request: Img2ImgRequest, anchor: Anchor, pictures: Sequence[Image]) -> list[Image]:
    canvas = Extent(request.width, request.height)
    return [on_canvas(one, anchor.place(Extent.of(one), canvas), canvas) for one in pictures]


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
    mask_of_latents = job.latent_mask or job.image_mask
    if inpaint.rounds and mask_of_latents is not None:
        latent = Extent.of(mask_of_latents).latent
        if not masks.latent_mask(mask_of_latents, latent, round=True).any():
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
