"""Loopback: the result is the next init image, the strength follows a curve (behaviour 12.3)."""

from __future__ import annotations

import math

from pipelines.request import Img2ImgRequest, MaskedContent
from scripts.axis import with_fields
from scripts.bench import Bench, Made, Outcome, ScriptCall, with_keys

TITLE = "Loopback"
CURVES = ("Aggressive", "Linear", "Lazy")


def strength(loop: int, loops: int, first: float, last: float, curve: str) -> float:
    """Denoising strength of a loop, counted from 0, of `loops` in all."""
    if loops <= 1:
        return first
    progress = loop / (loops - 1)
    if curve == "Aggressive":
        progress = math.sin(progress * math.pi / 2)
    elif curve == "Lazy":
        progress = 1 - math.cos(progress * math.pi / 2)
    return first + (last - first) * progress


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """Batch count passes, each from the original picture; seeds count on through all of them.

    The pictures of every loop are kept with a batch count of 1, else the last of each pass.
    """
    base, args = call.request, call.args
    loops, last, curve = int(args["loops"]), float(args["final"]), str(args["curve"])
    start = bench.keep(bench.init_image(base))
    seed = base.seeds.seed
    made: list[Made] = []
    facts: dict[str, object] = {}
    keys = {"Final denoising strength": last, "Denoising curve": curve}
    notes = []
    if base.color_correction:
        notes.append("colour correction follows the picture before each loop, not the first one")
    for _ in range(base.n_iter):
        init = start
        for loop in range(loops):
            request = _loop_request(base, init, seed, loop)
            level = strength(loop, loops, base.sampling.denoising_strength, last, curve)
            request = with_fields(
                request, {"sampling.denoising_strength": min(1.0, max(0.0, level))}
            )
            result = bench.make(call, request, save=base.n_iter == 1 or loop == loops - 1)
            facts = dict(result.facts)
            if result.made:
                one = result.made[0]
                if base.n_iter == 1 or loop == loops - 1:
                    text = with_keys(one.infotext, keys)
                    made.append(Made(one.image, text, one.seed, one.subseed, one.path))
                init = bench.keep(one.image.convert("RGB"))
            if result.stopped or not result.made:
                return Outcome(made, facts, [*notes, "the loopback was interrupted"])
            seed += 1
    return Outcome(made, facts, notes)


def _loop_request(base: Img2ImgRequest, init: str, seed: int, loop: int) -> Img2ImgRequest:
    changes: dict[str, object] = {
        "init_images": (init,),
        "n_iter": 1,
        "batch_size": 1,
        "seeds": base.seeds.model_copy(update={"seed": seed}),
    }
    if base.inpaint is not None and loop:
        changes["inpaint"] = base.inpaint.model_copy(update={"content": MaskedContent.ORIGINAL})
    return base.model_copy(update=changes)
