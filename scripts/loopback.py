"""Loopback: the result is the next init image, the strength follows a curve (behaviour 12.3)."""

from __future__ import annotations

import math

from pipelines.request import Img2ImgRequest, MaskedContent
from scripts.axis import with_fields
from scripts.bench import Bench, Made, Outcome, ScriptCall, with_keys

TITLE = "Loopback"
CURVES = ("Aggressive", "Linear", "Lazy")
APPENDED = ("None", "CLIP", "DeepBooru")
_INTERROGATORS = {"CLIP": "clip", "DeepBooru": "deepdanbooru"}


_INTERRUPTED = "the loopback was interrupted"


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
    for _ in range(base.n_iter):
        init = start
        for loop in range(loops):
            prompt = _prompt(call, bench, init)
            if prompt is None:
                return Outcome(made, facts, [_INTERRUPTED])
            request = _loop_request(base, (start, init), seed, loop).model_copy(
                update={"prompt": prompt}
            )
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
                return Outcome(made, facts, [_INTERRUPTED])
            seed += 1
    return Outcome(made, facts)


def _prompt(call: ScriptCall, bench: Bench, init: str) -> str | None:
    """The prompt, and behind it what an interrogator says of a loop's init image (12.3).

    None when the user wants no more. Raises ScriptFailed.
    """
    interrogator = _INTERROGATORS.get(str(call.args["append"]))
    if interrogator is None:
        return call.request.prompt
    text = bench.describe(call, init, interrogator)
    return None if text is None else ", ".join(part for part in (call.request.prompt, text) if part)


def _loop_request(
    base: Img2ImgRequest, pictures: tuple[str, str], seed: int, loop: int
) -> Img2ImgRequest:
    """One loop's job; `pictures` are the first init image, whose colours stay, and this loop's."""
    first, init = pictures
    changes: dict[str, object] = {
        "init_images": (init,),
        "color_reference": first if base.color_correction else None,
        "n_iter": 1,
        "batch_size": 1,
        "seeds": base.seeds.model_copy(update={"seed": seed}),
    }
    if base.inpaint is not None and loop:
        changes["inpaint"] = base.inpaint.model_copy(update={"content": MaskedContent.ORIGINAL})
    return base.model_copy(update=changes)
