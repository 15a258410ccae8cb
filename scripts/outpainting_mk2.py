"""Outpainting mk2: grow a picture side by side, from noise that matches it (behaviour 12.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import Bounds, Extent
from pipelines.request import (
    Img2ImgRequest,
    Inpaint,
    InpaintArea,
    MaskedContent,
    PictureRef,
    ResizeMode,
)
from scripts.axis import with_fields
from scripts.bench import Bench, Made, Outcome, ScriptCall
from scripts.matched_noise import filled_with_noise
from scripts.outpainting import SIDES, framed, growth, rounded_up

TITLE = "Outpainting mk2"
BLUR_FACTOR = 4
"""The blur of the mask is this times what was asked for."""


@dataclass(frozen=True)
class SidePlan:
    """One side's work on a picture of `size`. `canvas` has room to the next multiples of 64.

    `place` is where the picture lies on the canvas, `crop` the part that is painted, `kept` and
    `kept_in_latents` what the two masks leave alone, in canvas and in crop coordinates; `result`
    is the size afterwards.
    """

    canvas: Extent
    place: tuple[int, int]
    crop: Bounds
    kept: tuple[int, int, int, int]
    kept_in_latents: tuple[int, int, int, int]
    result: Extent


def plan_side(size: Extent, side: str, pixels: int, blur: int, working: Extent) -> SidePlan:
    """How a picture grows by `pixels` on one side. `working` are the sliders' width and height."""
    is_wide = side in ("left", "right")
    width = size.width + (pixels if is_wide else 0)
    height = size.height + (0 if is_wide else pixels)
    canvas = Extent(rounded_up(width), rounded_up(height))
    across = min(working.width, width) if is_wide else canvas.width
    down = canvas.height if is_wide else min(working.height, height)
    left = 0 if side == "left" else canvas.width - across
    top = 0 if side == "up" else canvas.height - down
    crop = Bounds(left, top, left + across, top + down)
    result = Extent(width, height)
    return SidePlan(
        canvas,
        (pixels if side == "left" else 0, pixels if side == "up" else 0),
        crop,
        _kept(side, canvas, result, pixels + blur),
        _kept(side, crop.extent, result, pixels + 2 * blur),
        result,
    )


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """Batch count times batch size pictures, each grown left, right, up and down in turn.

    A fixed seed is the same for all sides and batches, as in A1111. Raises ScriptError.
    """
    request, args = call.request, call.args
    start = bench.init_image(request)
    grown = growth(Extent.of(start), int(args["pixels"]), args["directions"])
    made: list[Made] = []
    facts: dict[str, object] = {}
    notes: list[str] = []
    for _ in range(request.n_iter):
        images = [start] * request.batch_size
        last: Sequence[Made] = ()
        for side in SIDES:
            pixels = getattr(grown, side)
            if not pixels:
                continue
            size, blur = Extent.of(images[0]), int(args["blur"])
            plan = plan_side(size, side, pixels, blur, _working(request))
            notes = notes or _notes(plan, side, pixels + 2 * blur)
            canvases = [_canvas(image, plan, args) for image in images]
            result = bench.make(call, _side_request(call, bench, plan, canvases))
            if result.stopped or len(result.made) < len(images):
                return Outcome(made, facts, ["the outpainting was interrupted"])
            facts, last = dict(result.facts), result.made
            images = [_pasted(*pair, plan) for pair in zip(canvases, last, strict=True)]
        made += [
            Made(image, one.infotext, one.seed, one.subseed)
            for image, one in zip(images, last, strict=True)
        ]
    return Outcome(made, facts, notes)


def _kept(side: str, size: Extent, result: Extent, inset: int) -> tuple[int, int, int, int]:
    """What a mask leaves alone: all but `inset` pixels on the growing side."""
    return (
        inset if side == "left" else 0,
        inset if side == "up" else 0,
        size.width - inset if side == "right" else result.width,
        size.height - inset if side == "down" else result.height,
    )


def _notes(plan: SidePlan, side: str, reach: int) -> list[str]:
    """A part that holds next to nothing of the picture gives a seam, which is said."""
    part = plan.crop.extent
    length, name = (part.width, "width") if side in ("left", "right") else (part.height, "height")
    if length > reach:
        return []
    return [
        f"a {name} of {length} shows the model nothing of the picture as it grows {side}; use more "
        f"than {reach}, or expand by fewer pixels"
    ]


def _working(request: Img2ImgRequest) -> Extent:
    return Extent(request.width, request.height)


def _canvas(image: Image, plan: SidePlan, args: Mapping[str, Any]) -> Image:
    """The picture with matched noise around it."""
    canvas = Pillow.new("RGB", plan.canvas)
    canvas.paste(image, plan.place)
    mask = framed(plan.canvas, plan.kept)
    return filled_with_noise(canvas, mask, float(args["fall_off"]), float(args["variation"]))


def _side_request(
    call: ScriptCall, bench: Bench, plan: SidePlan, canvases: Sequence[Image]
) -> Img2ImgRequest:
    """The img2img job of one side. Raises ValuesError for sizes that a job cannot have."""
    size, chosen = plan.crop.extent, call.args["directions"]
    blur = BLUR_FACTOR * int(call.args["blur"])
    mask = bench.keep(framed(plan.canvas, plan.kept).crop(plan.crop))
    inpaint = Inpaint(
        mask=mask,
        latent_mask=bench.keep(framed(size, plan.kept_in_latents)),
        blur_x=blur if {"left", "right"} & set(chosen) else 0,
        blur_y=blur if {"up", "down"} & set(chosen) else 0,
        content=MaskedContent.ORIGINAL,
        area=InpaintArea.WHOLE_PICTURE,
    )
    images: list[PictureRef] = [bench.keep(canvas.crop(plan.crop)) for canvas in canvases]
    fields = {
        "init_images": tuple(images),
        "inpaint": inpaint.model_dump(),
        "width": size.width,
        "height": size.height,
        "resize_mode": ResizeMode.JUST_RESIZE,
        "n_iter": 1,
    }
    return with_fields(call.request, fields)


def _pasted(canvas: Image, made: Made, plan: SidePlan) -> Image:
    """The painted part back on its canvas, cut to the size it has grown to.

    A part whose sides are no multiples of eight comes back a little smaller (behaviour 1.4) and
    is laid against the edge that grows.
    """
    painted = made.image.convert("RGB")
    left = 0 if plan.crop.x1 == 0 else plan.canvas.width - painted.width
    top = 0 if plan.crop.y1 == 0 else plan.canvas.height - painted.height
    whole = canvas.copy()
    whole.paste(painted, (left, top))
    return whole.crop((0, 0, *plan.result))
