"""Which pass merges which share of its tokens, and what the infotext tells (behaviour 10.2, 17)."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.options import request_defaults
from pipelines.infotext_apply import apply_infotext
from pipelines.request import HiresFix, Img2ImgRequest
from tests.pipelines.pixels import gradient
from tests.pipelines.run_doubles import INIT, request_for, run_on
from tests.pipelines.toy_family import ToyFamily, toy_pipeline
from ui.overrides import apply_entries, entries

PICTURES = {INIT: gradient(64, 64)}
ALL = {
    "token_merging_ratio": 0.5,
    "token_merging_ratio_img2img": 0.25,
    "token_merging_ratio_hr": 0.75,
}
HIRES = {"init_images": (), "hires": HiresFix(scale=2)}
JOBS = {
    # settings, job -> shares of its passes, keys of its infotext
    "off": ({}, {}, [0.0], ""),
    "img2img": ({"token_merging_ratio": 0.5}, {}, [0.5], "Token merging ratio: 0.5"),
    "img2img has its own": (ALL, {}, [0.25], "Token merging ratio: 0.25"),
    "txt2img": (ALL, {"init_images": ()}, [0.5], "Token merging ratio: 0.5"),
    "hires has its own": (
        ALL,
        HIRES,
        [0.5, 0.75],
        "Token merging ratio: 0.5, Token merging ratio hr: 0.75",
    ),
    "hires as the first": (
        {"token_merging_ratio": 0.5},
        HIRES,
        [0.5, 0.5],
        "Token merging ratio: 0.5",
    ),
    "hires alone": (
        {"token_merging_ratio_hr": 0.75},
        HIRES,
        [0.0, 0.75],
        "Token merging ratio hr: 0.75",
    ),
}


def job(options: dict[str, Any], fields: dict[str, Any]) -> Img2ImgRequest:
    return request_for(computing=request_defaults(options)["computing"], **fields)


@pytest.mark.parametrize(("options", "fields", "shares", "keys"), JOBS.values(), ids=list(JOBS))
def test_each_pass_has_its_share(
    options: dict[str, Any], fields: dict[str, Any], shares: list[float], keys: str
) -> None:
    family = ToyFamily()
    done = run_on(toy_pipeline(family), job(options, fields), PICTURES)
    assert family.merged == shares
    told = done.heard.pictures[0].infotext
    start = told.find("Token merging")
    assert (told[start : start + len(keys)] if start >= 0 else "") == keys
    assert told.count("Token merging") == keys.count("Token merging")


@pytest.mark.parametrize(("options", "fields", "shares", "keys"), JOBS.values(), ids=list(JOBS))
@pytest.mark.parametrize("usual", [{}, ALL], ids=["", "over other settings"])
def test_a_pasted_infotext_does_the_same_again(
    options: dict[str, Any],
    fields: dict[str, Any],
    shares: list[float],
    keys: str,
    usual: dict[str, float],
) -> None:
    told = run_on(toy_pipeline(), job(options, fields), PICTURES).heard.pictures[0].infotext
    base = job(usual, {**fields, "hires": None})
    read = apply_infotext(told, base).request
    page = apply_entries(entries(read, base), base.model_copy(update={"hires": read.hires}))
    for again in (read, page):
        ways = again.computing
        first = ways.merged(txt2img=again.is_txt2img)
        found = [first, ways.merged_in_hires] if again.hires else [first]
        assert found == shares
