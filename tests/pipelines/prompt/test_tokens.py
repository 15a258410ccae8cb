"""Chunks of 75 tokens, comma backtrack, BREAK, embeddings and the counter (behaviour 9.5, 9.9)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.prompt.attention import Segment, parse_attention
from pipelines.prompt.tokens import (
    Placement,
    TokenCount,
    chunk_segments,
    count_tokens,
    empty_chunk,
    parse_segments,
)
from pipelines.request import Emphasis
from tests.pipelines.prompt.toy import COMMA, END, START, WordTokenizer, numbered


def rows(prompt, **options):
    tokenizer = WordTokenizer()
    chunks = chunk_segments(parse_attention(prompt), tokenizer, **options)
    return [tokenizer.words(chunk.ids) for chunk in chunks]


def test_empty_prompt_is_one_empty_chunk():
    (chunk,) = chunk_segments(parse_attention(""), WordTokenizer())
    assert chunk == empty_chunk(WordTokenizer())
    assert chunk.ids == (START, *[END] * 76)
    assert chunk.weights == (1.0,) * 77


def test_ids_and_weights_of_a_chunk():
    (chunk,) = chunk_segments(parse_attention("a (b:1.5) [c]"), WordTokenizer())
    assert chunk.ids == (START, 10, 11, 12, *[END] * 73)
    assert chunk.weights == pytest.approx((1.0, 1.0, 1.5, 1 / 1.1, *[1.0] * 73))


def test_other_padding_follows_the_first_end():
    (chunk,) = chunk_segments(parse_attention("a b"), WordTokenizer(pad_id=0))
    assert chunk.ids == (START, 10, 11, END, *[0] * 73)


@pytest.mark.parametrize(
    ("count", "lengths"),
    [(75, [75]), (76, [75, 1]), (151, [75, 75, 1])],
    ids=["full", "over", "two over"],
)
def test_full_chunks_without_commas(count, lengths):
    assert [len(row.split()) for row in rows(numbered(count))] == lengths


@pytest.mark.parametrize(
    ("before", "after", "lengths"),
    [
        (55, 20, [56, 20]),  # the comma is the 56th: 20 tokens (itself and 19) back
        (54, 21, [75, 1]),  # one further back: stays
        (74, 1, [75, 1]),  # the comma is the last token of the chunk
        (75, 1, [75, 2]),  # the comma opens the next chunk
    ],
    ids=["reaches", "too far", "comma last", "comma opens"],
)
def test_comma_backtrack(before, after, lengths):
    prompt = f"{numbered(before)} , {numbered(after, first=100)}"
    assert [len(row.split()) for row in rows(prompt)] == lengths


def test_comma_backtrack_moves_words_and_weights():
    tokenizer = WordTokenizer()
    prompt = f"{numbered(70)} , x (y:1.5) z (q:2) r"
    first, second = chunk_segments(parse_attention(prompt), tokenizer)
    assert tokenizer.words(first.ids).endswith("w70 ,")
    assert tokenizer.words(second.ids) == "x y z q r"
    assert second.weights[1:6] == (1.0, 1.5, 1.0, 2.0, 1.0)


def test_a_comma_that_opens_a_chunk_is_not_remembered():
    prompt = f"{numbered(75)} , {numbered(75, first=100)}"
    assert [len(row.split()) for row in rows(prompt, comma_backtrack=74)] == [75, 75, 1]


def test_comma_backtrack_zero_is_off():
    prompt = f"{numbered(74)} , x"
    assert rows(prompt, comma_backtrack=0)[1] == "x"
    assert rows(f"{numbered(73)} , x y", comma_backtrack=0)[1] == "y"
    assert rows(f"{numbered(73)} , x y", comma_backtrack=2)[1] == "x y"


def test_break_closes_the_chunk():
    assert rows("a b BREAK c") == ["a b", "c"]
    assert rows("a BREAK BREAK c") == ["a", "", "c"]
    assert rows("BREAK c") == ["", "c"]
    assert rows("c BREAK") == ["c"]


def test_weighted_break_is_a_word():
    assert rows("(a BREAK b:1.2)") == ["a BREAK b"]


def test_segments_are_tokenised_one_by_one():
    assert rows("ab(c:1.2)d") == ["ab c d"]


def embedding_names(*names):
    tokenizer = WordTokenizer()
    return tokenizer, [tuple(tokenizer.encode(name)) for name in names]


def test_behaviour_9_9_embeddings_replace_their_tokens():
    tokenizer, (style, longer) = embedding_names("style", "style two")
    sizes = {style: 3, longer: 2}
    segments = parse_attention("a (style two:1.3) style b")
    (chunk,) = chunk_segments(segments, tokenizer, embeddings=sizes)
    assert chunk.placements == (Placement(2, longer, 2), Placement(4, style, 3))
    assert chunk.weights[:9] == (1.0, 1.0, 1.3, 1.3, 1.0, 1.0, 1.0, 1.0, 1.0)
    assert tokenizer.words(chunk.ids) == "a b"
    assert chunk.ids[2:7] == (0,) * 5
    assert chunk.ids[7:9] == (tokenizer.encode("b")[0], END)


def test_an_embedding_that_does_not_fit_opens_a_chunk():
    tokenizer, (style,) = embedding_names("style")
    segments = parse_attention(f"{numbered(72)} style x")
    first, second = chunk_segments(segments, tokenizer, embeddings={style: 4})
    assert not first.placements
    assert second.placements == (Placement(1, style, 4),)


def test_comma_backtrack_moves_an_embedding_with_the_words():
    tokenizer, (style,) = embedding_names("style")
    segments = parse_attention(f"{numbered(70)} , style x y")
    first, second = chunk_segments(segments, tokenizer, embeddings={style: 3})
    assert not first.placements
    assert second.placements == (Placement(1, style, 3),)
    assert tokenizer.words(second.ids) == "x y"


def test_an_embedding_longer_than_a_chunk_is_cut():
    tokenizer, (style,) = embedding_names("style")
    chunks = chunk_segments(parse_attention("a style"), tokenizer, embeddings={style: 100})
    assert [len(chunk.ids) for chunk in chunks] == [77, 77]
    assert chunks[1].placements == (Placement(1, style, 75),)


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("", TokenCount(0, 75)),
        ("a photo", TokenCount(2, 75)),
        (numbered(75), TokenCount(75, 75)),
        (numbered(76), TokenCount(76, 150)),
        ("a BREAK b", TokenCount(76, 150)),
        (f"{numbered(70)} , {numbered(5, first=90)}", TokenCount(80, 150)),
    ],
    ids=["empty", "two", "full", "over", "break", "backtrack counts the gap"],
)
def test_token_counter(prompt, expected):
    assert count_tokens(prompt, WordTokenizer()) == expected


def test_emphasis_none_reads_no_syntax():
    assert parse_segments("(a) BREAK b", Emphasis.NONE) == [Segment("(a) BREAK b", 1.0)]
    assert count_tokens("(a) BREAK b", WordTokenizer(), emphasis=Emphasis.NONE) == TokenCount(3, 75)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["a", ",", "BREAK", "(b:1.2)", "style"]), max_size=400),
    st.integers(0, 74),
)
def test_no_token_is_lost_and_every_row_is_whole(words, backtrack):
    tokenizer, (style,) = embedding_names("style")
    prompt = " ".join(words)
    chunks = chunk_segments(
        parse_attention(prompt), tokenizer, comma_backtrack=backtrack, embeddings={style: 5}
    )
    assert all(len(chunk.ids) == len(chunk.weights) == 77 for chunk in chunks)
    assert all(chunk.ids[0] == START and chunk.ids[-1] == END for chunk in chunks)
    assert sum(len(chunk.placements) for chunk in chunks) == words.count("style")
    assert sum(chunk.ids.count(COMMA) for chunk in chunks) == words.count(",")
    assert sum(chunk.weights.count(1.2) for chunk in chunks) == words.count("(b:1.2)")
