"""Reading infotexts (behaviour 10.4) and surviving hostile ones (users S37)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.bad_input import INFOTEXTS
from pipelines.infotext import quote
from pipelines.infotext_keys import DEFAULTS
from pipelines.infotext_parse import MAX_PARAMS, parse_infotext

LINE = "Steps: 20, Sampler: Euler a, CFG scale: 7"


def params(line, **options):
    return parse_infotext(line, **{"fill_defaults": False} | options).params


@pytest.mark.parametrize(
    ("text", "prompt", "negative"),
    [
        (f"a cat\nNegative prompt: blurry\n{LINE}", "a cat", "blurry"),
        (f"a cat\n{LINE}", "a cat", ""),
        (f"Negative prompt: blurry\n{LINE}", "", "blurry"),
        (LINE, "", ""),
        (f"a\n\nb\nNegative prompt: c\nd\n{LINE}", "a\n\nb", "c\nd"),
        (f"a\r\nb\r\nNegative prompt: c\r\n{LINE}\r\n", "a\nb", "c"),
        ("just a prompt", "just a prompt", ""),
        ("a\nSteps: 20, Seed: 1", "a\nSteps: 20, Seed: 1", ""),
        ("a\nNegative prompt: b", "a", "b"),
        ("", "", ""),
        (f"a Negative prompt: b\n{LINE}", "a Negative prompt: b", ""),
        (f"\n  a\n  Negative prompt:b\n{LINE}\n\n", "a", "b"),
    ],
    ids=[
        "both",
        "prompt only",
        "negative only",
        "parameters only",
        "several lines",
        "windows line ends",
        "no parameters",
        "two pairs are text",
        "negative without parameters",
        "empty",
        "marker inside a line",
        "blanks around",
    ],
)
def test_behaviour_10_4_prompts(text, prompt, negative):
    found = parse_infotext(text)
    assert (found.prompt, found.negative_prompt) == (prompt, negative)


def test_behaviour_10_4_keys():
    line = r'X Values: "a,b", Empty: , Q: "x", Hires prompt: "l1\nl2"'
    assert params(line) == {"X Values": "a,b", "Hires prompt": "l1\nl2"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Size: 512x768, aa: 1, bb: 2", {"Size-1": "512", "Size-2": "768", "aa": "1", "bb": "2"}),
        ('VAE: "", aa: 1, bb: 2', {"VAE": "", "aa": "1", "bb": "2"}),
        ('Aa: "b, Cc: 2, Dd: 3', {"Aa": '"b', "Cc": "2", "Dd": "3"}),
        ('Aa: "b"c, Cc: 2, Dd: 3', {"Aa": '"b"c', "Cc": "2", "Dd": "3"}),
        (r'Aa: "\"b\", c", Cc: 2, Dd: 3', {"Aa": '"b", c', "Cc": "2", "Dd": "3"}),
        (r'Aa: "\x", Cc: 2, Dd: 3', {"Aa": r'"\x"', "Cc": "2", "Dd": "3"}),
        ("Aa: b: c, Cc: 2, Dd: 3", {"Aa": "b: c", "Cc": "2", "Dd": "3"}),
        ("junk, Aa: 1, (x) Bb/c-d: 2, Dd: 3", {"Aa": "1", "Bb/c-d": "2", "Dd": "3"}),
        ("Größe: 1, Bb: 2, Cc: 3", {"Größe": "1", "Bb": "2", "Cc": "3"}),
        ("Aa: 1, Aa: 2, Bb: 3", {"Aa": "2", "Bb": "3"}),
        ("Aa:1,Bb:2,Cc:3", {"Aa": "1", "Bb": "2", "Cc": "3"}),
        ("Aa: 1, Bb: 2, Cc: 3,", {"Aa": "1", "Bb": "2", "Cc": "3"}),
    ],
)
def test_pairs(line, expected):
    assert params(line) == expected


def test_behaviour_10_4_defaults_are_filled():
    found = parse_infotext(f"a\n{LINE}, RNG: NV").params
    assert found == DEFAULTS | {"Steps": "20", "Sampler": "Euler a", "CFG scale": "7", "RNG": "NV"}
    assert found["Masked area padding"] == "32"
    assert parse_infotext("").params == DEFAULTS


def test_behaviour_0_5_fp16_cache_only_with_fp8():
    assert "Cache FP16 weight for LoRA" not in parse_infotext(LINE).params
    fp8 = parse_infotext(f"{LINE}, FP8 weight: Enable").params
    assert fp8["Cache FP16 weight for LoRA"] == "False"


def test_behaviour_10_4_old_hypernetworks_become_tags():
    assert parse_infotext(f"a\n{LINE}, Hypernet: h").prompt == "a<hypernet:h:1.0>"
    text = f"a\n{LINE}, Hypernet: h, Hypernet strength: 0.5"
    assert parse_infotext(text).prompt == "a<hypernet:h:0.5>"


@pytest.mark.parametrize(
    ("first", "expected"),
    [("512x384", ("512", "384")), ("0x0", ("640", "448"))],
    ids=["given", "automatic"],
)
def test_behaviour_10_4_old_hires_fix(first, expected):
    found = params(f"{LINE}, Size: 1024x768, First pass size: {first}")
    assert (found["Size-1"], found["Size-2"]) == expected
    assert (found["Hires resize-1"], found["Hires resize-2"]) == ("1024", "768")


@pytest.mark.parametrize("text", INFOTEXTS.values(), ids=INFOTEXTS)
def test_s37_a_megabyte_is_read(text):
    found = parse_infotext(text)
    assert len(found.params) <= MAX_PARAMS
    assert len(found.prompt) + len(found.negative_prompt) <= len(text)


def test_no_more_than_so_many_pairs_are_read():
    line = ", ".join(f"key{n}: {n}" for n in range(MAX_PARAMS + 50))
    assert len(params(line)) == MAX_PARAMS


SYNTAX = st.text(alphabet='ab:,"\\ \nx12-/', max_size=80)


@settings(deadline=None)
@given(SYNTAX | st.text() | st.builds(lambda text: f"{LINE}, {text}", SYNTAX))
def test_no_text_raises(text):
    found = parse_infotext(text)
    assert all(isinstance(value, str) for value in found.params.values())


@settings(deadline=None)
@given(st.text(min_size=1))
def test_any_quoted_value_comes_back(value):
    found = params(f"aa: 1, Value: {quote(value)}, bb: 2")
    if value.isascii() and value.replace("x", "").isdecimal() and "x" in value:
        return
    assert found.get("Value") == value
