"""Prompt matrix: every combination of the parts of a prompt (behaviour 12.7)."""

from __future__ import annotations

from PIL.Image import Image

from pipelines.request import Img2ImgRequest
from scripts.bench import Bench, Made, Outcome, ScriptCall, ScriptError, with_keys
from scripts.plot_grid import draw_grid

TITLE = "Prompt matrix"
MAX_PARTS = 8
"""Variable parts; nine would make 512 pictures."""


def combinations(text: str, *, at_start: bool = False, comma: bool = True) -> list[str]:
    """All prompts of `base | part | part`: picture i has part k if bit k of i is set.

    Raises ScriptError for too many parts.
    """
    base, *parts = (part.strip() for part in text.split("|"))
    if len(parts) > MAX_PARTS:
        raise ScriptError(
            f"{len(parts)} variable parts make {2 ** len(parts)} pictures; use {MAX_PARTS} at most"
        )
    between = ", " if comma else " "
    prompts = []
    for number in range(2 ** len(parts)):
        chosen = [part for bit, part in enumerate(parts) if number >> bit & 1]
        prompts.append(between.join([*chosen, base] if at_start else [base, *chosen]))
    return prompts


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """One picture for each combination, and a grid of 2^(k // 2) rows before them."""
    base, args = call.request, call.args
    field = "negative_prompt" if args["prompt_type"] == "negative" else "prompt"
    text = str(getattr(base, field))
    prompts = combinations(text, at_start=args["at_start"], comma=args["delimiter"] == "comma")
    made: list[Made] = []
    facts: dict[str, object] = {}
    for number, prompt in enumerate(prompts):
        step = number if args["different_seeds"] else 0
        result = bench.make(call, _single(base, field, prompt, step), save=True)
        facts = dict(result.facts)
        made += result.made[:1]
        if result.stopped or not result.made:
            return Outcome(made, facts, ["the prompt matrix was interrupted"])
    if len(made) == 1:
        return Outcome(made, facts)
    grid = _grid(made, [part.strip() for part in text.split("|")[1:]], int(args["margin"]))
    text = with_keys(made[0].infotext, {"Script": TITLE})
    whole = Made(grid, text, made[0].seed, made[0].subseed)
    return Outcome([whole, *made], facts, grids=1)


def _single(base: Img2ImgRequest, field: str, prompt: str, step: int) -> Img2ImgRequest:
    seeds = base.seeds.model_copy(update={"seed": base.seeds.seed + step})
    return base.model_copy(
        update={
            field: prompt,
            "seeds": seeds,
            "n_iter": 1,
            "batch_size": 1,
            "init_images": base.init_images[:1],
        }
    )


def _grid(made: list[Made], parts: list[str], margin: int) -> Image:
    """Low bits go along a row, high bits down the rows; the legend names the parts in use."""
    across = len(parts) - len(parts) // 2
    width = 2**across
    rows = [made[start : start + width] for start in range(0, len(made), width)]
    return draw_grid(
        [[one.image for one in row] for row in rows],
        [_named(parts[:across], number) for number in range(width)],
        [_named(parts[across:], number) for number in range(len(rows))],
        margin,
    )


def _named(parts: list[str], number: int) -> str:
    return ", ".join(part for bit, part in enumerate(parts) if number >> bit & 1)
