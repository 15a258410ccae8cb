"""The value grammar of the plot, with the vectors of behaviour 12.1."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.values import MAX_VALUES, ValuesError, read_bool, read_floats, read_ints, split_values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1-5", [1, 2, 3, 4, 5]),
        ("1-5 (+2)", [1, 3, 5]),
        ("1-6 (+2)", [1, 3, 5]),
        ("10-5 (-3)", [10, 7]),
        ("1-10 [5]", [1, 3, 5, 7, 10]),
        ("1-10 [4]", [1, 4, 7, 10]),
        ("10-1", []),
        ("-1", [-1]),
    ],
)
def test_ints_of_12_1(text: str, expected: list[int]) -> None:
    assert read_ints(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-1", [0.0, 1.0]),
        ("0.4-0.8 (+0.1)", [0.4, 0.5, 0.6, 0.7, 0.8]),
        ("0-1 [6]", [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        ("7-5 (-0.5)", [7.0, 6.5, 6.0, 5.5, 5.0]),
        ("1-2 (+0.3)", [1.0, 1.3, 1.6, 1.9, 2.2]),
    ],
)
def test_floats_of_12_1(text: str, expected: list[float]) -> None:
    assert read_floats(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1, 2,,3 ,", [1, 2, 3]),
        ("-5--3", [-5, -4, -3]),
        ("1-5 ( +2 )", [1, 3, 5]),
        ("1-5(+2), 9", [1, 3, 5, 9]),
        ("5-5", [5]),
        ("1-10 [0]", []),
        ("1-10 [1]", [1]),
        ("", []),
        ("5-1 (+1)", []),
        ("1-5 (-1)", []),
    ],
)
def test_ints_beyond_the_vectors(text: str, expected: list[int]) -> None:
    assert read_ints(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (".5-.8 (+.1)", [0.5, 0.6, 0.7, 0.8]),  # A1111 raises here (0.5, on 12.1)
        ("0.1-1 (+0.1)", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
        ("1e-3, 5.", [0.001, 5.0]),
        ("-1-1", [-1.0, 0.0, 1.0]),
        ("3-1", []),
    ],
)
def test_floats_beyond_the_vectors(text: str, expected: list[float]) -> None:
    assert read_floats(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"a, b", c', ["a, b", "c"]),
        ("cat,  dog ", ["cat", "dog"]),
        ("cat,", ["cat", ""]),
        ("a\nb,c", ["a", "b", "c"]),
        ('say ""hi"", x', ['say ""hi""', "x"]),
        ("  ", []),
    ],
)
def test_lists_of_texts(text: str, expected: list[str]) -> None:
    assert split_values(text) == expected


@pytest.mark.parametrize(
    ("read", "text", "said"),
    [
        (read_ints, "five", "'five' is not a whole number"),
        (read_ints, "1.5", "'1.5' is not a whole number"),
        (read_ints, "1-5 (2)", "is not a whole number"),
        (read_ints, "1-5 (+0)", "step of 0"),
        (read_ints, "1-1000000000", "are more than 5000"),
        (read_floats, "0-1 (+0.0000001)", "are more than 5000"),
        (read_floats, "nan", "is not a number"),
        (read_floats, "inf", "is not a number"),
        (read_floats, "0-1 [2.5]", "is not a number"),
        (read_floats, "0-1 [999999]", "are more than 5000"),
        (read_bool, "maybe", "neither True nor False"),
    ],
)
def test_what_cannot_be_read_is_said(read: object, text: str, said: str) -> None:
    assert callable(read)
    with pytest.raises(ValuesError) as problem:
        read(text)
    assert said in str(problem.value)


@settings(deadline=None)
@given(st.text(alphabet='0123456789-+.()[], e"', max_size=40))
def test_any_text_gives_values_or_a_sentence(text: str) -> None:
    for read in (read_ints, read_floats):
        try:
            assert len(read(text)) <= MAX_VALUES
        except ValuesError as problem:
            assert str(problem)


@settings(deadline=None)
@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-9, 9).filter(lambda step: step))
def test_ranges_stay_within_their_ends(first: int, last: int, step: int) -> None:
    values = read_ints(f"{first}-{last} ({step:+d})")
    assert all(min(first, last) <= value <= max(first, last) for value in values)
    assert all(b - a == step for a, b in pairwise(values))
