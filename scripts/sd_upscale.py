"""SD upscale: enlarge a picture, then paint over it tile by tile (behaviour 12.2)."""

from __future__ import annotations

from PIL import Image as Pillow
from PIL.Image import Image

from pipelines.extras import Extras
from pipelines.geometry import Extent
from scripts.bench import Bench, Made, Outcome, ScriptCall, ScriptError, with_keys
from scripts.tiles import merge, plan_tiles, split

TITLE = "SD upscale"
UPSCALERS = {
    "None": None,
    "Lanczos": Pillow.Resampling.LANCZOS,
    "Nearest": Pillow.Resampling.NEAREST,
}
_INTERRUPTED = "the upscale was interrupted"
MAX_RESULT = 200_000_000
"""Pixels of the largest result."""


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """Make as many enlarged pictures as the batch count says.

    Tiles have the request's width and height. A mask plays no part. Raises ScriptError.
    """
    request, overlap = call.request, int(call.args["overlap"])
    name = str(call.args["upscaler"])
    large = _enlarged(call, bench, name)
    if large is None:
        return Outcome([], {}, [_INTERRUPTED])
    tile = Extent(request.width, request.height)
    try:
        plan = plan_tiles(Extent.of(large), tile, overlap)
    except ValueError as error:
        raise ScriptError(str(error)) from error
    pieces = split(large, plan)
    made: list[Made] = []
    facts: dict[str, object] = {}
    for number in range(request.n_iter):
        seed = request.seeds.seed + number
        painted: list[Made] = []
        for start in range(0, len(pieces), request.batch_size):
            batch = pieces[start : start + request.batch_size]
            part = request.model_copy(
                update={
                    "init_images": tuple(bench.keep(piece) for piece in batch),
                    "batch_size": len(batch),
                    "n_iter": 1,
                    "inpaint": None,
                    "seeds": request.seeds.model_copy(update={"seed": seed}),
                }
            )
            result = bench.make(call, part)
            if result.stopped or len(result.made) < len(batch):
                return Outcome(made, facts, [_INTERRUPTED])
            facts = dict(result.facts)
            painted += result.made
            seed = result.made[0].seed + 1
        keys = {"SD upscale overlap": overlap, "SD upscale upscaler": name}
        first = painted[0]
        whole = merge([one.image for one in painted], plan)
        text = with_keys(first.infotext, keys)
        made.append(Made(whole, text, request.seeds.seed + number, first.subseed))
    return Outcome(made, facts)


def _enlarged(call: ScriptCall, bench: Bench, name: str) -> Image | None:
    """The init image at its new size; networks run in the worker. None when it was stopped."""
    request, scale = call.request, float(call.args["scale"])
    image = bench.init_image(request)
    if name in UPSCALERS:
        return enlarged(image, name, scale)
    extras = Extras(
        upscaler_1=name,
        factor=scale,
        tile=request.upscaler_tile,
        tile_overlap=request.upscaler_tile_overlap,
    )
    return bench.enlarge(call, image, extras)


def enlarged(image: Image, upscaler: str, scale: float) -> Image:
    """The picture before it is painted over: both sides multiples of eight, unless "None"."""
    filter_ = UPSCALERS[upscaler]
    if filter_ is None:
        return image
    size = int(image.width * scale // 8) * 8, int(image.height * scale // 8) * 8
    if size[0] * size[1] > MAX_RESULT:
        raise ScriptError(
            f"{size[0]}x{size[1]} is larger than {MAX_RESULT // 1_000_000} megapixels: choose a "
            "smaller scale factor"
        )
    if min(size) < 8:
        raise ScriptError(f"{image.width}x{image.height} is too small to be enlarged")
    return image.resize(size, filter_)
