"""NovelAI's pictures become infotexts that fill the form (behaviour 10.4)."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.geometry import Extent
from pipelines.infotext_apply import apply_infotext
from pipelines.picture_novelai import novelai_infotext
from pipelines.picture_text import read_infotext, read_metadata
from pipelines.request import Img2ImgRequest

TOLD = {
    "steps": 28,
    "sampler": "k_euler_ancestral",
    "seed": 1234567890,
    "strength": 0.69,
    "noise": 0.667,
    "scale": 11.0,
    "uc": "lowres, text",
}
EXPECTED = (
    "1girl, {{blue eyes}}\nNegative prompt: lowres, text\nSteps: 28, Sampler: Euler a, "
    "CFG scale: 11, Seed: 1234567890, Size: 64x96, Clip skip: 2, ENSD: 31337"
)


def chunks(**changes: Any) -> dict[str, str]:
    texts = {
        "Title": "AI generated image",
        "Description": "1girl, {{blue eyes}}",
        "Software": "NovelAI",
        "Comment": json.dumps(TOLD),
    }
    return texts | changes


def png(texts: dict[str, str]) -> bytes:
    info, out = PngInfo(), io.BytesIO()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.new("RGB", (64, 96)).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def test_a_picture_becomes_an_infotext() -> None:
    data = png(chunks())
    assert read_infotext(data) == EXPECTED
    assert read_metadata(data)["Software"] == "NovelAI"


def test_it_fills_the_form() -> None:
    request = apply_infotext(EXPECTED, Img2ImgRequest()).request
    assert (request.clip_skip, request.seeds.ensd) == (2, 31337)
    assert (request.width, request.height) == (64, 96)
    assert (request.sampling.sampler, request.sampling.steps) == ("Euler a", 28)


def test_parameters_of_another_program_go_first() -> None:
    assert read_infotext(png(chunks(parameters="mine"))) == "mine"


@pytest.mark.parametrize(
    ("told", "line"),
    [
        ({"sampler": "ddim", "steps": 5}, "Steps: 5, Sampler: DDIM, Size: 8x8, "),
        ({"sampler": "nai_smea", "scale": 5.5}, "Sampler: Euler a, CFG scale: 5.5, Size: 8x8, "),
        ({"steps": "many", "seed": True, "scale": float("nan")}, "Sampler: Euler a, Size: 8x8, "),
    ],
)
def test_odd_values(told: dict[str, Any], line: str) -> None:
    text = novelai_infotext(chunks(Comment=json.dumps(told)), Extent(8, 8))
    assert text == f"1girl, {{{{blue eyes}}}}\n{line}Clip skip: 2, ENSD: 31337"


@pytest.mark.parametrize(
    "texts",
    [
        {},
        chunks(Software="Photoshop"),
        chunks(Comment=""),
        chunks(Comment="no JSON"),
        chunks(Comment="[1]"),
        chunks(Comment="[" * 100_000),
    ],
    ids=["nothing", "another program", "empty", "no JSON", "no table", "deep"],
)
def test_what_is_no_novelai_picture(texts: dict[str, str]) -> None:
    assert novelai_infotext(texts, Extent(8, 8)) == ""


@given(st.text(), st.text())
def test_it_never_raises(comment: str, description: str) -> None:
    novelai_infotext(chunks(Comment=comment, Description=description), Extent(8, 8))
