"""A reduced tokenizer writes known words as the full one does, and unknown ones in bytes."""

from pathlib import Path

import pytest

from interrogate.text_tokens import ClipTokens
from models.builtin.training.compact_tokenizer import compact_tokenizer, merges_to
from models.builtin.training.vocabulary import TOKENIZER, load_tokenizer

TEXTS = (
    "a girl with long pink hair, blue eyes",
    "twintails; crescent moon & snowy hills, at night!",
    "overalls, curved horns, humanoid character",
)


def used_by(texts: tuple[str, ...]) -> list[int]:
    tokenizer = load_tokenizer()
    return sorted({number for text in texts for number in tokenizer(text).input_ids})


@pytest.mark.parametrize("text", TEXTS)
def test_known_words_keep_their_tokens(text: str, tmp_path: Path) -> None:
    used = used_by(TEXTS)
    compact_tokenizer(used).write(tmp_path)
    row = ClipTokens(tmp_path, 77).rows([text])[0]
    again = [used[number] for number in row]
    full = ClipTokens(TOKENIZER, 77).rows([text])[0]
    assert again == full


@pytest.mark.parametrize("text", ["xylophone", "café 東京", "🎨"])
def test_any_other_text_is_readable(text: str, tmp_path: Path) -> None:
    made = compact_tokenizer(used_by(TEXTS))
    made.write(tmp_path)
    row = ClipTokens(tmp_path, 77).rows([text])[0]
    assert max(row) < len(made.tokens)
    assert len(set(row)) > 3, "more than begin, end and one unknown"


def test_it_is_small_and_numbers_used_ids_first() -> None:
    used = used_by(TEXTS)
    made = compact_tokenizer(used)
    assert len(made.tokens) < 512 + 5 * len(used)
    assert made.tokens[used.index(49406)] == "<|startoftext|>"


def test_merges_are_taken_in_order_of_rank() -> None:
    ranks = {("l", "o"): 0, ("o", "w</w>"): 1, ("lo", "w</w>"): 2, ("w", "x"): 3}
    assert merges_to("low</w>", ranks) == {("l", "o"), ("lo", "w</w>")}
