"""Prompts from file or textbox: one job per line (behaviour 12.7)."""

from __future__ import annotations

import random
import shlex
from collections.abc import Mapping
from typing import Any

from pipelines.request import Img2ImgRequest
from pipelines.sampler_names import find_sampler
from pipelines.styles import apply_styles, choose_styles
from scripts.axis import AxisContext, with_fields
from scripts.bench import Bench, Made, Outcome, ScriptCall, ScriptError
from scripts.values import ValuesError, read_bool

TITLE = "Prompts from file or textbox"
MAX_LINES = 2000

_WHOLE = {
    "seed": "seeds.seed",
    "subseed": "seeds.subseed",
    "seed_resize_from_h": "seeds.resize_from_height",
    "seed_resize_from_w": "seeds.resize_from_width",
    "n_iter": "n_iter",
    "batch_size": "batch_size",
    "steps": "sampling.steps",
    "width": "width",
    "height": "height",
}
_NUMBERS = {"subseed_strength": "seeds.subseed_strength", "cfg_scale": "sampling.cfg_scale"}
_TEXTS = ("prompt", "negative_prompt", "sampler_name", "sd_model", "styles")
_FLAGS = {"tiling": "tiling"}
_IDLE = frozenset({"do_not_save_samples", "do_not_save_grid", "outpath_samples", "outpath_grids"})
"""A1111's keys about files: here saving follows the call."""


def read_line(line: str) -> dict[str, Any]:
    """The fields of one line: a prompt, or `--key value` pairs.

    Raises ScriptError for unknown keys and values of the wrong kind.
    """
    if not line.lstrip().startswith("--"):
        return {"prompt": line}
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise ScriptError(f"the line {line[:60]!r} cannot be read: {error}") from error
    fields: dict[str, Any] = {}
    place = 0
    while place < len(words):
        key = words[place].removeprefix("--")
        if not words[place].startswith("--"):
            raise ScriptError(f"{words[place][:40]!r} stands where a --key is expected")
        place += 1
        value = [words[place]] if place < len(words) else []
        place += 1
        if key in ("prompt", "negative_prompt"):  # unquoted prompts run to the next key
            while place < len(words) and not words[place].startswith("--"):
                value.append(words[place])
                place += 1
        fields[key] = _value(key, " ".join(value))
    return fields


def read_lines(text: str) -> list[dict[str, Any]]:
    """All lines that are not empty. Raises ScriptError, naming the line."""
    lines = [line.strip() for line in text.splitlines()]
    found = []
    for number, line in enumerate(lines, 1):
        if line:
            try:
                found.append(read_line(line))
            except ScriptError as error:
                raise ScriptError(f"line {number}: {error}") from error
    if not found:
        raise ScriptError("there is no prompt in the list")
    if len(found) > MAX_LINES:
        raise ScriptError(f"{len(found)} lines are more than {MAX_LINES}")
    return found


def line_request(
    base: Img2ImgRequest, fields: Mapping[str, Any], place: str, context: AxisContext
) -> Img2ImgRequest:
    """The job of one line. `place` is `start` or `end`: where its prompt stands beside the page's.

    Raises ScriptError.
    """
    changes: dict[str, Any] = {}
    for names in (_WHOLE, _NUMBERS, _FLAGS):
        changes |= {target: fields[key] for key, target in names.items() if key in fields}
    if "sampler_name" in fields:
        sampler = find_sampler(fields["sampler_name"])
        if sampler is None:
            raise ScriptError(f"there is no sampler {fields['sampler_name']!r}")
        changes["sampling.sampler"] = sampler.name
    if "sd_model" in fields:
        entry = None if context.finder is None else context.finder.find(fields["sd_model"])
        if entry is None:
            raise ScriptError(f"there is no checkpoint {fields['sd_model']!r}")
        changes["checkpoint"] = entry.name
    prompts = {
        name: _joined(fields.get(name, ""), getattr(base, name), place)
        for name in ("prompt", "negative_prompt")
    }
    wanted = [name.strip() for name in fields.get("styles", "").split(",") if name.strip()]
    chosen, unknown = choose_styles(context.styles, wanted)
    if unknown:
        raise ScriptError(f"there is no style {unknown[0]!r}")
    styled = apply_styles(prompts["prompt"], prompts["negative_prompt"], chosen)
    changes |= dict(zip(prompts, styled, strict=True))
    if len(base.init_images) > fields.get("batch_size", base.batch_size):
        changes["init_images"] = base.init_images[:1]
    try:
        return with_fields(base, changes)
    except ValuesError as error:
        raise ScriptError(str(error)) from error


def run(call: ScriptCall, bench: Bench) -> Outcome:
    """Every line's pictures in order. All lines are checked before the first runs."""
    args, base = call.args, call.request
    if args["iterate_seed"] or args["same_seed"]:
        base = base.with_fixed_seeds(random.SystemRandom())
    context = bench.axis_context()
    lines = read_lines(str(args["text"]))
    requests = []
    for number, fields in enumerate(lines):
        request = line_request(base, fields, str(args["place"]), context)
        if args["iterate_seed"] and "seed" not in fields:
            seeds = request.seeds.model_copy(update={"seed": request.seeds.seed + number})
            request = request.model_copy(update={"seeds": seeds})
        requests.append(request)
    made: list[Made] = []
    facts: dict[str, object] = {}
    for request in requests:
        result = bench.make(call, request, save=True)
        facts = dict(result.facts)
        made += result.made
        if result.stopped:
            return Outcome(made, facts, ["the list was interrupted"])
    return Outcome(made, facts)


def _joined(line: str, page: str, place: str) -> str:
    parts = [line, page] if place == "start" else [page, line]
    return " ".join(part for part in parts if part)


def _value(key: str, text: str) -> Any:
    try:
        if key in _WHOLE:
            return int(text)
        if key in _NUMBERS:
            return float(text)
        if key in _FLAGS:
            return read_bool(text)
    except ValueError as error:
        raise ScriptError(f"--{key} {text[:40]!r} is no such value") from error
    if key in _TEXTS or key in _IDLE:
        return text
    raise ScriptError(f"--{key} is not known")
