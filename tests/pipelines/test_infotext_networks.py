"""Network tags of a pasted infotext: renamed by their hashes, or said to be missing (10.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from pipelines.infotext_apply import apply_infotext
from pipelines.infotext_networks import localised
from pipelines.request import HiresFix, Img2ImgRequest


@dataclass
class Files:
    """Networks by name with their hashes."""

    files: Mapping[str, str] = field(default_factory=dict)

    def find(self, name: str) -> str | None:
        return name if name in self.files else None

    def hash_of(self, name: str) -> str:
        return self.files[name]

    def name_of(self, digest: str) -> str:
        return next((name for name, one in self.files.items() if one == digest), "")


LORAS = Files({"paint": "aaaa", "my-ink": "bbbb"})
NONE = Files()

ROWS = {
    "here": ("<lora:paint:1>", {"paint": "aaaa"}, "<lora:paint:1>", None),
    "without hashes": ("<lora:paint:1>", {}, "<lora:paint:1>", None),
    "another name": ("<lora:ink:0.5:te=1>", {"ink": "bbbb"}, "<lora:my-ink:0.5:te=1>", None),
    "lyco": ("<lyco:ink>", {"ink": "bbbb"}, "<lyco:my-ink>", None),
    "the name belongs to another file": (
        "a <lora:paint:1>",
        {"paint": "bbbb"},
        "a <lora:my-ink:1>",
        None,
    ),
    "missing": (
        "<lora:gone:1>",
        {"gone": "cccc"},
        "<lora:gone:1>",
        "The LoRA gone (cccc) is not here; the picture is made without it.",
    ),
    "missing without a hash": (
        "<lora:gone:1><lora:gone:2>",
        {},
        "<lora:gone:1><lora:gone:2>",
        "The LoRA gone is not here; the picture is made without it.",
    ),
    "another file": (
        "<lora:paint:1>",
        {"paint": "dddd"},
        "<lora:paint:1>",
        "The LoRA paint is another file here (aaaa) than where the picture was made (dddd): the "
        "picture may differ.",
    ),
    "hypernetwork": (
        "<hypernet:night:1>",
        {},
        "<hypernet:night:1>",
        "The hypernetwork night is not here; the picture is made without it.",
    ),
    "no network": ("a <b:c> <lora:>", {}, "a <b:c> <lora:>", None),
}


@pytest.mark.parametrize("name", ROWS)
def test_behaviour_10_3_tags_name_what_is_here(name: str) -> None:
    prompt, hashes, expected, said = ROWS[name]
    found = localised(Img2ImgRequest(prompt=prompt), hashes, LORAS, NONE)
    assert found.request.prompt == expected
    assert found.problems == (() if said is None else (said,))


def test_the_hires_prompt_too() -> None:
    request = Img2ImgRequest(prompt="a", hires=HiresFix(prompt="<lora:ink:1>"))
    found = localised(request, {"ink": "bbbb"}, LORAS, NONE)
    assert found.request.hires is not None
    assert found.request.hires.prompt == "<lora:my-ink:1>"


def test_hashes_of_an_infotext() -> None:
    line = 'Steps: 1, Sampler: Euler, Seed: 1, Lora hashes: "ink: bbbb, a b: 12ab"'
    applied = apply_infotext(f"x <lora:ink:1>\n{line}", Img2ImgRequest())
    assert applied.lora_hashes == {"ink": "bbbb", "a b": "12ab"}
    assert applied.unknown == {}
    found = localised(applied.request, applied.lora_hashes, LORAS, NONE)
    assert found.request.prompt == "x <lora:my-ink:1>"
