"""Infotexts that nobody should paste: read at once, or refused with a sentence; never an error.

How long they take is measured in benchmarks/bad_input.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from pipelines.infotext_apply import Applied, apply_infotext
from pipelines.prompt.attention import parse_attention
from pipelines.prompt.editing import edit_schedule
from pipelines.request import Img2ImgRequest

LINE = "Steps: 20, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 512x512"
BRACKETS = "[" * 10_000 + "hen" + ":5]" * 10_000


@dataclass(frozen=True)
class Bad:
    """A text, a part of what is said of it ("" for nothing), and what must be true after."""

    text: str
    said: str
    holds: Callable[[Applied], bool]


CASES = {
    "1 MB of words": Bad(
        "hen " * 250_000 + "\n" + LINE,
        "The prompt has 999999 characters; the first 100000 are used.",
        lambda found: len(found.request.prompt) == 100_000 and found.request.seeds.seed == 1,
    ),
    "1 MB of parameters": Bad(
        f"hen\n{LINE}, " + "aa: 1, " * 140_000,
        "",
        lambda found: found.request.sampling.steps == 20,
    ),
    "NaN": Bad(
        "hen\n" + LINE.replace("CFG scale: 7", "CFG scale: NaN"),
        "CFG scale: 'NaN' is no number; 7 is kept.",
        lambda found: found.request.sampling.cfg_scale == 7.0,
    ),
    "infinity": Bad(
        f"hen\n{LINE}, Denoising strength: inf",
        "Denoising strength: 'inf' is no number; 0.75 is kept.",
        lambda found: found.request.sampling.denoising_strength == 0.75,
    ),
    "10^9 steps": Bad(
        "hen\n" + LINE.replace("Steps: 20", "Steps: 1000000000"),
        "Steps: 1000000000 is more than 1000; 1000 is used.",
        lambda found: found.request.sampling.steps == 1000,
    ),
    "unknown sampler": Bad(
        "hen\n" + LINE.replace("Sampler: Euler", "Sampler: Warp 9"),
        "Warp 9",
        lambda found: found.request.sampling.sampler == "DPM++ 2M",
    ),
    "quotes never closed": Bad(
        f'hen\n{LINE}, Hires prompt: "never closed, Clip skip: 2',
        "",
        lambda found: found.request.clip_skip == 2,
    ),
    "10,000 nested brackets": Bad(
        f"{BRACKETS}\n{LINE}",
        "",
        lambda found: found.request.prompt == BRACKETS,
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_bad_infotexts(case: Bad) -> None:
    found = apply_infotext(case.text, Img2ImgRequest())
    assert case.holds(found)
    assert any(case.said in problem for problem in found.problems) or not case.said
    assert Img2ImgRequest.model_validate(found.request.model_dump()) == found.request


def test_the_brackets_are_a_prompt_like_any_other() -> None:
    stages = edit_schedule(BRACKETS, 20)
    assert [stage.end_at_step for stage in stages] == [5, 20]
    assert [segment.text for segment in parse_attention(stages[1].text)] == ["hen"]
