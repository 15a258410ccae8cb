"""Network tags (behaviour 9.8)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bad_input import PROMPTS
from pipelines.prompt.networks import (
    HypernetworkTag,
    LoraTag,
    NetworkTag,
    extract_networks,
    hypernetwork_tag,
    lora_tag,
)


@pytest.mark.parametrize(
    ("prompt", "text", "tags"),
    [
        ("a cat", "a cat", ()),
        ("a <lora:x:0.8> cat", "a  cat", (NetworkTag("lora", ("x", "0.8")),)),
        (
            "<lora:x:te=0.5:unet=1><hypernet:h>",
            "",
            (
                NetworkTag("lora", ("x",), (("te", "0.5"), ("unet", "1"))),
                NetworkTag("hypernet", ("h",)),
            ),
        ),
        ("<lora:a=b=c>", "", (NetworkTag("lora", ("a=b=c",)),)),
        ("<lora:> <lora> < lora:x> <lora:x", "<lora:> <lora> < lora:x> <lora:x", ()),
        ("a > b <x:y\nz>", "a > b ", (NetworkTag("x", ("y\nz",)),)),
    ],
    ids=["none", "positional", "named", "two equals stay positional", "no tags", "line break"],
)
def test_behaviour_9_8_tags_leave_the_text(prompt, text, tags):
    assert extract_networks(prompt) == (text, tags)


def only_tag(prompt):
    (tag,) = extract_networks(prompt)[1]
    return tag


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("<lora:x>", LoraTag("x")),
        ("<lyco:x:0.5>", LoraTag("x", 0.5, 0.5)),
        ("<lora:x:0.5:0.7:8>", LoraTag("x", 0.5, 0.7, 8)),
        ("<lora:x:unet=0.7>", LoraTag("x", 1.0, 0.7)),
        ("<lora:x:te=0.7>", LoraTag("x", 0.7, 0.7)),
        ("<lora:x:0.5:te=0.7:dyn=4>", LoraTag("x", 0.7, 0.7, 4)),
    ],
)
def test_behaviour_9_8_lora_arguments(prompt, expected):
    assert lora_tag(only_tag(prompt)) == expected


@pytest.mark.parametrize("number", ["much", "nan", "inf", ""])
def test_a_multiplier_that_is_no_number_is_told(number):
    lora = lora_tag(only_tag(f"<lora:x:{number}>"))
    assert lora is not None
    assert (lora.text_encoder_multiplier, lora.unet_multiplier) == (1.0, 1.0)
    assert lora.problems == (f"{number!r} in the <lora:x> tag is no number; 1 is used",)


def test_behaviour_9_8_hypernetwork_arguments():
    assert hypernetwork_tag(only_tag("<hypernet:h:0.5>")) == HypernetworkTag("h", 0.5)
    assert hypernetwork_tag(only_tag("<lora:h:0.5>")) is None
    assert lora_tag(only_tag("<hypernet:h:0.5>")) is None


@settings(deadline=None)
@given(st.text(alphabet="<lora:x=0.5>", max_size=60) | st.text())
def test_no_prompt_raises(prompt):
    _, tags = extract_networks(prompt)
    for tag in tags:
        lora_tag(tag)
        hypernetwork_tag(tag)


@pytest.mark.parametrize("text", PROMPTS.values(), ids=PROMPTS)
def test_hostile_prompts_name_no_network(text):
    assert extract_networks(text) == (text, ())
