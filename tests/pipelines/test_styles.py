"""Prompt styles: styles.csv, merging, finding (behaviour 9.1, 10.4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.styles import (
    FoundStyles,
    Style,
    StylesError,
    apply_styles,
    choose_styles,
    find_styles,
    format_styles,
    parse_styles,
    read_styles,
    write_styles,
)

INK = Style("Ink", "ink drawing, fine lines", "photo")
AROUND = Style("Around", "a sketch of {prompt}, paper", "")
NIGHT = Style("Night", "night")
BAD = Style("Bad", "", "bad hands")


@pytest.mark.parametrize(
    ("prompt", "negative", "styles", "expected"),
    [
        ("a cat", "", [INK], ("a cat, ink drawing, fine lines", "photo")),
        ("", "x", [INK], ("ink drawing, fine lines", "x, photo")),
        (" a cat ", "", [AROUND], ("a sketch of  a cat , paper", "")),
        ("a cat", "x", [BAD], ("a cat", "x, bad hands")),
        ("a cat", "", [NIGHT, AROUND], ("a sketch of a cat, night, paper", "")),
        ("a cat", "", [AROUND, NIGHT], ("a sketch of a cat, paper, night", "")),
        ("a", "", [Style("Twice", "{prompt} and {prompt}")], ("a and a", "")),
        ("a cat", "x", [], ("a cat", "x")),
    ],
)
def test_behaviour_9_1_styles(prompt, negative, styles, expected):
    assert apply_styles(prompt, negative, styles) == expected


def test_styles_cannot_make_an_endless_prompt():
    doubling = Style("Twice", "{prompt}{prompt}")
    with pytest.raises(StylesError, match="more than 1000000 characters; choose fewer"):
        apply_styles("abc", "", [doubling] * 60)


def test_styles_are_chosen_by_name():
    found = choose_styles([INK, NIGHT], ["Night", "None", "", "Lost", "Ink"])
    assert found == ((NIGHT, INK), ("Lost",))
    assert choose_styles([Style("None", "x")], ["None"])[0] == (Style("None", "x"),)


@pytest.mark.parametrize(
    ("prompt", "negative", "expected"),
    [
        ("a cat, night", "", FoundStyles("a cat", "", ("Night",))),
        ("night", "", FoundStyles("", "", ("Night",))),
        ("a sketch of a cat, paper", "", FoundStyles("a cat", "", ("Around",))),
        ("a sketch of a cat, night, paper", "", FoundStyles("a cat", "", ("Night", "Around"))),
        ("a cat, ink drawing, fine lines", "x, photo", FoundStyles("a cat", "x", ("Ink",))),
        ("a cat, ink drawing, fine lines", "x", FoundStyles("a cat, ink drawing, fine lines", "x")),
        ("a cat", "x, bad hands", FoundStyles("a cat", "x", ("Bad",))),
        ("midnight", "", FoundStyles("midnight", "")),
        ("", "", FoundStyles("", "")),
    ],
)
def test_behaviour_10_4_styles_are_found(prompt, negative, expected):
    assert find_styles(prompt, negative, [INK, AROUND, NIGHT, BAD, Style("Empty")]) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('name,prompt,negative_prompt\nInk,"a, b",c\n', (Style("Ink", "a, b", "c"),)),
        ("\ufeffname,prompt,negative_prompt\r\nInk,a,b\r\n", (Style("Ink", "a", "b"),)),
        ("name,text\nInk,a\n", (Style("Ink", "a"),)),
        ("name,prompt\nInk\n,x\n#no,x\n\n", (Style("Ink"),)),
        ("name,prompt,negative_prompt\nA,1,\nB,2,\nA,3,\n", (Style("A", "3"), Style("B", "2"))),
        ('name,prompt,negative_prompt\nA,"l1\nl2",\n', (Style("A", "l1\nl2"),)),
        ("", ()),
    ],
    ids=[
        "quotes",
        "byte order mark",
        "old column",
        "rows to skip",
        "last counts",
        "lines",
        "empty",
    ],
)
def test_reading_styles(text, expected):
    assert parse_styles(text) == expected


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("title,words\na,b\n", "begins with the line name,prompt,negative_prompt"),
        ('name,prompt\nA,"open', "styles cannot be read after line 1"),
        ("name,prompt\nA," + "x" * 200_000, "styles cannot be read after line 1"),
    ],
    ids=["other file", "open quote", "too long"],
)
def test_files_that_cannot_be_read_are_told(text, problem):
    with pytest.raises(StylesError, match=problem):
        parse_styles(text)


def test_files_are_replaced_and_the_old_one_kept(tmp_path):
    path = tmp_path / "styles.csv"
    assert read_styles(path) == ()
    write_styles(path, [INK])
    write_styles(path, [INK, AROUND])
    assert read_styles(path) == (INK, AROUND)
    assert read_styles(tmp_path / "styles.csv.bak") == (INK,)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["styles.csv", "styles.csv.bak"]


def test_another_encoding_is_told(tmp_path):
    path = tmp_path / "styles.csv"
    path.write_bytes(b"name,prompt\n\xff,x\n")
    with pytest.raises(StylesError, match=r"styles\.csv is not UTF-8"):
        read_styles(path)


TEXT = st.text(max_size=30) | st.text(alphabet='ab,"\n\r {prompt}', max_size=30)


@settings(deadline=None)
@given(st.lists(st.builds(Style, TEXT.filter(lambda t: t and t[0] != "#"), TEXT, TEXT), max_size=5))
def test_written_styles_are_read_back(styles):
    expected = {style.name: style for style in styles}
    found = {style.name: style for style in parse_styles(format_styles(styles))}
    assert found == expected


@settings(deadline=None)
@given(TEXT, TEXT)
def test_an_applied_style_is_found_again(prompt, style_text):
    style = Style("S", style_text.replace("{", "").replace("}", ""))
    if not style.prompt.strip():
        return
    merged, _ = apply_styles(prompt, "", [style])
    found = find_styles(merged, "", [style])
    assert found.names == ("S",)
    assert found.prompt.strip() == prompt.strip()
