"""Names of saved pictures (behaviour 10.6)."""

from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.filenames import (
    NameFacts,
    expand_file_pattern,
    expand_folder_pattern,
    free_name,
    grid_name,
    next_number,
    numbered_name,
    sanitise,
)

FACTS = NameFacts(
    seed=42,
    now=datetime(2024, 7, 27, 13, 5, 9, tzinfo=UTC),
    prompt="a photo, of: a (red:1.2) cat that sits on a mat",
    negative_prompt="bad",
    styles=("Ink", "Night"),
    steps=20,
    cfg=7.0,
    width=512,
    height=768,
    sampler="DPM++ 2M",
    scheduler="SGM Uniform",
    denoising=0.75,
    clip_skip=2,
    model_name="v1-5",
    model_hash="6ce0161689",
    user="ann",
    job_timestamp="20240727130509",
)


def with_facts(**changes):
    values = {name: getattr(FACTS, name) for name in FACTS.__dataclass_fields__}
    return NameFacts(**values | changes)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[seed]", "42"),
        ("[seed]-[prompt_spaces]", "42-a photo, of_ a (red_1.2) cat that sits on a mat"),
        ("[prompt]", "a_photo,_of__a_(red_1.2)_cat_that_sits_on_a_mat"),
        ("[prompt_words]", "a photo of a red 1 2 cat"),
        ("[steps]x[cfg]x[width]x[height]", "20x7x512x768"),
        ("[sampler] [scheduler]", "DPM++ 2M Sgm uniform"),
        ("[sampler_scheduler]", "DPM++ 2M Sgm uniform"),
        ("[model_name]_[model_hash]", "v1-5_6ce0161689"),
        ("[styles]", "Ink, Night"),
        ("[date]", "2024-07-27"),
        ("[datetime]", "20240727130509"),
        ("[datetime<%H-%M>]", "13-05"),
        ("[datetime<%H:%M><Asia/Tokyo>]", "22_05"),
        ("[job_timestamp]", "20240727130509"),
        ("[prompt_hash<4>]", "398a"),
        ("[clip_skip] [denoising] [user] [vae_filename]", "2 0.75 ann None"),
        ("[hasprompt<cat|no cat><dog|no dog>]", "catno dog"),
        ("[hasprompt<DOG>]x", "x"),
        ("[SEED]", "42"),
        ("[none]", ""),
        ("[unknown] [other<x>]", "[unknown] [other]"),
        ("[seed", "[seed"),
        ("[]a[[seed]]", "[]a[42]"),
        ("a/../b", "a_.._b"),
    ],
)
def test_behaviour_10_6_fields(pattern, expected):
    assert expand_file_pattern(pattern, FACTS) == expected


def test_hashes_have_eight_characters_and_differ():
    names = ("prompt_hash", "negative_prompt_hash", "full_prompt_hash")
    found = [expand_file_pattern(f"[{name}]", FACTS) for name in names]
    assert len(set(found)) == 3
    assert all(len(text) == 8 for text in found)


@pytest.mark.parametrize(
    ("pattern", "changes", "expected"),
    [
        ("[seed]-b[batch_number]", {}, "42"),
        ("[seed]-b[batch_number]", {"batch_size": 2, "batch_number": 2}, "42-b2"),
        ("[seed]-[seed_last]", {}, "42"),
        ("[seed_first]-[seed_last]", {"batch_size": 2, "seed_first": 41, "seed_last": 43}, "41-43"),
        ("[seed] n[generation_number]", {}, "42"),
        ("[seed] n[generation_number]", {"generation_count": 4, "generation_number": 3}, "42 n3"),
        ("[seed]-d[denoising]", {"denoising": 0.0}, "42"),
        ("[seed]-d[denoising]", {"denoising": None}, "42"),
        ("[seed]-[user]", {"user": ""}, "42-[user]"),
        ("[styles]", {"styles": ()}, "None"),
        ("[prompt_words]", {"prompt": " ,"}, "empty"),
        ("[datetime<%Y><No/Where>]", {}, "2024"),
    ],
)
def test_behaviour_10_6_fields_that_leave_themselves_out(pattern, changes, expected):
    assert expand_file_pattern(pattern, with_facts(**changes)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("[date]", "2024-07-27"),
        ("[model_name]/[date]", "v1-5/2024-07-27"),
        ("a\\b", "a/b"),
        ("../../etc//x/", "etc/x"),
        ("/abs", "abs"),
        ("[prompt]", "a_photo,_of__a_(red_1.2)_cat_that_sits_on_a_mat"),
        ("[datetime<%Y/%m>]", "2024_07"),
        ("nul/COM1.x", "_nul/_COM1.x"),
        ("", "."),
    ],
)
def test_folders_stay_inside(pattern, expected):
    assert expand_folder_pattern(pattern, FACTS) == PurePosixPath(expected)


def test_a_prompt_cannot_make_folders():
    facts = with_facts(prompt="../../x\\y")
    assert expand_folder_pattern("[prompt]", facts) == PurePosixPath(".._.._x_y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('#<>:"/\\|?*', "_" * 10),
        ("a\nb\rc\td\0e", "a_b_c_d_e"),
        ("  a. . ", "a"),
        ("..", ""),
        ("x" * 300, "x" * 128),
        ("日" * 128, "日" * 66),
        ("\ud800", "_"),
    ],
    ids=["forbidden", "controls", "ends", "dots", "long", "many bytes", "surrogate"],
)
def test_behaviour_10_6_sanitising(text, expected):
    assert sanitise(text) == expected


def test_names():
    assert numbered_name(12, "42-a", "png") == "00012-42-a.png"
    assert numbered_name(12, "42", "jpg", suffix="-mask") == "00012-42-mask.jpg"
    assert numbered_name(123456, "", "png") == "123456.png"
    assert grid_name(3) == "grid-0003.png"


@pytest.mark.parametrize(
    ("names", "prefix", "expected"),
    [
        ([], "", 0),
        (["00000-1.png"], "", 1),
        (["00007-1.png", "00003-x.png", "grid-0100.png"], "", 8),
        (["00009.png", "x-00050.png", "12x.png", "²-1.png", "-5.png"], "", 10),
        (["grid-0004.png", "00050-1.png", "grid-0002.png"], "grid-", 5),
        (["9" * 30 + "-x.png"], "", 0),
        (["3-a.tmp", "notes.txt"], "", 4),
    ],
    ids=[
        "empty",
        "one",
        "highest",
        "others do not count",
        "grids",
        "absurd number",
        "any extension",
    ],
)
def test_behaviour_10_6_next_number(names, prefix, expected):
    assert next_number(names, prefix) == expected


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("a.png", set(), "a.png"),
        ("a.png", {"a.png"}, "a-1.png"),
        ("a.png", {"a.png", "a-1.png"}, "a-2.png"),
        ("a", {"a"}, "a-1"),
        (".a", {".a"}, ".a-1"),
    ],
)
def test_an_existing_name_is_never_taken(name, taken, expected):
    assert free_name(name, taken) == expected


@settings(deadline=None)
@given(st.text(max_size=300), st.text(max_size=300))
def test_any_prompt_and_pattern_make_a_harmless_name(pattern, prompt):
    facts = with_facts(prompt=prompt, user=prompt)
    for text in (pattern, f"[prompt]{pattern}[prompt_spaces][user]"):
        name = expand_file_pattern(text, facts)
        assert len(name.encode()) <= 200
        assert not set(name) & set('/\\:*?"<>|\0\n\r\t')
        assert name not in (".", "..")
        folder = expand_folder_pattern(text, facts)
        assert not folder.is_absolute()
        assert ".." not in folder.parts
