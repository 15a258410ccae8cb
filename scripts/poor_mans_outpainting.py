"""Poor man's outpainting: grow a picture on a black frame, tile by tile (behaviour 12.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.geometry import Bounds, Extent
from pipelines.request import Img2ImgRequest, Inpaint, InpaintArea, MaskedContent, ResizeMode
from scripts.axis import with_fields
from scripts.bench import Bench, Made, Outcome, ScriptCall, ScriptError
from scripts.outpainting import Growth, framed, growth
from scripts.tiles import TilePlan, merge, plan_tiles, split

TITLE = "Poor man's outpainting"
CONTENTS: Final = tuple(content.label for content in MaskedContent)
BLUR_FACTOR = 2
"""The blur of the mask is this times what was asked for."""


@dataclass(frozen=True)
class Layers:
    """The grown picture and its two masks, all of one size, and where the old picture lies."""

    image: Image
    mask: Image
    latent_mask: Image
    old: Bounds


def layers(image: Image, grown: Growth, blur: int) -> Layers:
    """The picture on black, and what is painted: a little of the old picture, too."""
    size = grown.applied(Extent.of(image))
    canvas = Pillow.new("RGB", size)
    canvas.paste(image, (grown.left, grown.up))
    old = Bounds(grown.left, grown.up, size.width - grown.right, size.height - grown.down)
    return Layers(
        canvas,
        framed(size, _inset(old, grown, blur * BLUR_FACTOR)),
        framed(size, _inset(old, grown, blur // 2)),
        old,
    )


def new_tiles(plan: TilePlan, old: Bounds) -> list[int]:
    """The places of tiles, row by row, that are not wholly within the old picture."""
    found = []
    for row, y in enumerate(plan.rows):
        for column, x in enumerate(plan.columns):
            across = old.x1 <= x and x + plan.tile.width <= old.x2
            down = old.y1 <= y and y + plan.tile.height <= old.y2
            if not (across and down):
                found.append(row * len(plan.columns) + column)
    return found


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """One picture for each of batch count times batch size; every tile counts the seed up.

    Tiles have the request's width and height and overlap by the pixels that are added. Raises
    ScriptError.
    """
    request, args = call.request, call.args
    start, pixels, blur = bench.init_image(request), int(args["pixels"]), int(args["blur"])
    made_of = layers(start, growth(Extent.of(start), pixels, args["directions"]), blur)
    try:
        plan = plan_tiles(Extent.of(made_of.image), Extent(request.width, request.height), pixels)
    except ValueError as error:
        raise ScriptError(str(error)) from error
    content = MaskedContent(CONTENTS.index(str(args["content"])))
    work = new_tiles(plan, made_of.old)
    masks, latent_masks = split(made_of.mask, plan), split(made_of.latent_mask, plan)
    seed = request.seeds.seed
    made: list[Made] = []
    facts: dict[str, object] = {}
    for _ in range(request.picture_count):
        tiles = split(made_of.image, plan)
        last: Made | None = None
        for place in work:
            inpaint = Inpaint(
                mask=bench.keep(masks[place]),
                latent_mask=bench.keep(latent_masks[place]),
                blur_x=blur * BLUR_FACTOR,
                blur_y=blur * BLUR_FACTOR,
                content=content,
                area=InpaintArea.WHOLE_PICTURE,
            )
            part = _tile_request(request, bench.keep(tiles[place]), inpaint, seed)
            result = bench.make(call, part)
            if result.stopped or not result.made:
                return Outcome(made, facts, ["the outpainting was interrupted"])
            facts, last = dict(result.facts), result.made[0]
            tiles[place] = last.image.convert("RGB")
            seed = last.seed + 1
        if last is not None:
            made.append(Made(merge(tiles, plan), last.infotext, last.seed, last.subseed))
    return Outcome(made, facts)


def _inset(old: Bounds, grown: Growth, inset: int) -> tuple[int, int, int, int]:
    """The old picture without `inset` pixels on the sides that grow."""
    return (
        old.x1 + (inset if grown.left else 0),
        old.y1 + (inset if grown.up else 0),
        old.x2 - (inset if grown.right else 0),
        old.y2 - (inset if grown.down else 0),
    )


def _tile_request(
    request: Img2ImgRequest, image: str, inpaint: Inpaint, seed: int
) -> Img2ImgRequest:
    fields = {
        "init_images": (image,),
        "inpaint": inpaint.model_dump(),
        "resize_mode": ResizeMode.JUST_RESIZE,
        "n_iter": 1,
        "batch_size": 1,
        "seeds.seed": seed,
    }
    return with_fields(request, fields)
