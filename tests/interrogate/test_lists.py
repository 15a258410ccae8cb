"""The lists that CLIP ranks (behaviour 13.1)."""

from pathlib import Path

import pytest

from interrogate.lists import TermList, category_names, read_lists
from models.errors import BadModelFile


def test_shipped_lists_give_one_result_each(tmp_path: Path) -> None:
    lists = read_lists(tmp_path, 0)
    assert [(item.name, item.top, len(item.terms)) for item in lists] == [
        ("artists", 1, 5265),
        ("flavors", 1, 100969),
        ("mediums", 1, 95),
        ("movements", 1, 200),
    ]


def test_only_the_first_1500_lines_count_by_default(tmp_path: Path) -> None:
    assert [len(item.terms) for item in read_lists(tmp_path)] == [1500, 1500, 95, 200]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    folder = tmp_path / "interrogate"
    folder.mkdir()
    (folder / "b.top3.txt").write_bytes("\ufeffone\r\n\r\n two \r\ndrei ü\r\n".encode())
    (folder / "a.txt").write_text("x\ny\n")
    (folder / "empty.txt").write_text("\n")
    (folder / "c.top0.txt").write_text("z")
    (folder / "notes.md").write_text("no list")
    return tmp_path


def test_own_lists_replace_the_shipped_ones(own: Path) -> None:
    assert read_lists(own) == (
        TermList("a", 1, ("x", "y")),
        TermList("b", 3, ("one", "two", "drei ü")),
        TermList("c.top0", 1, ("z",)),
    )


@pytest.mark.parametrize("skip", ["b", "b.top3"])
def test_categories_are_skipped_by_name(own: Path, skip: str) -> None:
    assert [item.name for item in read_lists(own, skip=[skip])] == ["a", "c.top0"]


def test_limit_counts_lines(own: Path) -> None:
    assert read_lists(own, 1, ["a", "c.top0"]) == (TermList("b", 3, ("one",)),)


def test_names_for_the_settings_page(own: Path) -> None:
    assert category_names(own) == ("a", "b.top3", "c.top0", "empty")


def test_other_encodings_are_a_sentence(own: Path) -> None:
    (own / "interrogate" / "a.txt").write_bytes(b"caf\xe9")
    with pytest.raises(BadModelFile, match=r"a\.txt is no UTF-8 text"):
        read_lists(own)
