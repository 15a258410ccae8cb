"""Text conditioning: emphasis modes, padding and the texts of each model call (behaviour 9)."""

from __future__ import annotations

import pytest
import torch

from pipelines.prompt.conditioning import (
    Conditioning,
    EncodeSettings,
    PadConds,
    encode_prompts,
    pad_to_longest,
)
from pipelines.request import Emphasis
from tests.pipelines.prompt.toy import WordTokenizer, numbered

WIDTH = 4


class CountingEncoder:
    """Encodes every id on its own as (id, 1, 2, 3) and remembers what it was asked for."""

    def __init__(self):
        self.tokenizer = WordTokenizer()
        self.rows = []
        self.clip_skips = set()

    def encode_ids(self, ids, clip_skip, vectors):
        self.rows += [tuple(row) for row in ids]
        self.clip_skips.add(clip_skip)
        z = torch.tensor(ids, dtype=torch.float32)[:, :, None].repeat(1, 1, WIDTH)
        z[:, :, 1:] = torch.arange(1.0, WIDTH)
        for fix in vectors:
            z[fix.row, fix.position : fix.position + len(fix.vectors)] = fix.vectors
        return z


@pytest.fixture
def encoder():
    return CountingEncoder()


def test_behaviour_9_7_original_scales_back_to_the_mean(encoder):
    (z,) = encode_prompts(encoder, ["a b"], emphasis=Emphasis.IGNORE)
    (found,) = encode_prompts(encoder, ["a (b:1.5)"])
    weighted = z.clone()
    weighted[2] *= 1.5
    torch.testing.assert_close(found, weighted * (z.mean() / weighted.mean()))
    torch.testing.assert_close(found.mean(), z.mean())


def test_behaviour_9_7_no_norm_multiplies_only(encoder):
    (z,) = encode_prompts(encoder, ["a b"], emphasis=Emphasis.NO_NORM)
    (found,) = encode_prompts(encoder, ["a (b:1.5)"], emphasis=Emphasis.NO_NORM)
    torch.testing.assert_close(found[2], z[2] * 1.5)
    torch.testing.assert_close(found[1], z[1])
    torch.testing.assert_close(found[3:], z[3:])


def test_behaviour_9_7_ignore_reads_the_syntax(encoder):
    plain, weighted = encode_prompts(encoder, ["a b", "a (b:1.5)"], emphasis=Emphasis.IGNORE)
    assert torch.equal(plain, weighted)


def test_behaviour_9_7_none_keeps_brackets(encoder):
    encode_prompts(encoder, ["(b:1.5)"], emphasis=Emphasis.NONE)
    assert encoder.tokenizer.words(encoder.rows[-1]) == "(b:1.5)"


def test_behaviour_9_7_texts_of_one_call_share_the_mean(encoder):
    alone = encode_prompts(encoder, ["(a:2)"])[0]
    shared = encode_prompts(encoder, ["(a:2)", "a"])[0]
    assert not torch.allclose(alone, shared)
    z = encode_prompts(encoder, ["a", "a"])
    weighted = z[0].clone()
    weighted[1] *= 2
    scale = torch.stack(z).mean() / torch.stack([weighted, z[1]]).mean()
    torch.testing.assert_close(shared, weighted * scale)


def test_behaviour_9_7_repeated_texts_count_as_often_as_they_occur(encoder):
    z = encode_prompts(encoder, ["a"])[0]
    found = encode_prompts(encoder, ["(a:2)", "a", "a"])
    weighted = z.clone()
    weighted[1] *= 2
    scale = z.mean() / torch.stack([weighted, z, z]).mean()
    torch.testing.assert_close(found[0], weighted * scale)
    assert torch.equal(found[1], found[2])


def test_repeated_texts_are_encoded_once(encoder):
    encode_prompts(encoder, ["a", "b", "a"])
    assert len(encoder.rows) == 2


def test_the_mean_is_taken_chunk_by_chunk(encoder):
    plain, weighted = (
        encode_prompts(encoder, [text])[0] for text in ("a BREAK b", "a BREAK (b:2)")
    )
    assert torch.equal(plain[:77], weighted[:77])
    assert not torch.allclose(plain[77:], weighted[77:])


def test_shorter_texts_of_a_call_get_empty_chunks(encoder):
    short, long = encode_prompts(encoder, ["a", numbered(76)])
    (blank,) = encode_prompts(encoder, [""])
    assert short.shape == long.shape == (154, WIDTH)
    assert torch.equal(short[77:], blank)


def test_clip_skip_is_passed_on(encoder):
    encode_prompts(encoder, ["a"], clip_skip=2)
    assert encoder.clip_skips == {2}


def test_behaviour_9_9_embeddings_stand_in_the_row(encoder):
    name = tuple(encoder.tokenizer.encode("style"))
    vectors = torch.full((2, WIDTH), 7.0)
    (found,) = encode_prompts(
        encoder, ["a (style:0.5)"], emphasis=Emphasis.NO_NORM, embeddings={name: vectors}
    )
    torch.testing.assert_close(found[2:4], vectors * 0.5)


def test_a_weight_of_zero_everywhere_stays_finite(encoder):
    encoder.tokenizer.start_id = encoder.tokenizer.end_id = encoder.tokenizer.pad_id = 0
    (found,) = encode_prompts(encoder, [f"({numbered(75)}:-0.0)"])
    assert torch.isfinite(found).all()


def test_many_rows_are_encoded_in_slices(encoder):
    texts = [f"w{n}" for n in range(100)]
    found = encode_prompts(encoder, texts)
    assert [int(z[1, 0]) for z in found] == [encoder.tokenizer.encode(text)[0] for text in texts]


def word(encoder, tensor):
    return encoder.tokenizer.words(tuple(int(value) for value in tensor[:, 0]))


def test_and_parts_carry_their_weights(encoder):
    conditioning = Conditioning.build(encoder, ["a :1.2 AND b:-0.5", "c"], ["n", "m"], steps=10)
    found = conditioning.at(0)
    assert [
        (part.image_index, part.weight, word(encoder, part.tensor)) for part in found.parts
    ] == [(0, 1.2, "a"), (0, -0.5, "b"), (1, 1.0, "c")]
    assert found.uncond.shape == (2, 77, WIDTH)
    assert [word(encoder, row) for row in found.uncond] == ["n", "m"]


def test_and_is_text_in_the_negative_prompt(encoder):
    found = Conditioning.build(encoder, ["a"], ["n AND m:2"], steps=10).at(0)
    assert word(encoder, found.uncond[0]) == "n AND m:2"


def test_stages_follow_the_call_counter(encoder):
    conditioning = Conditioning.build(encoder, ["[a:b:5] x", "c"], ["[n:m:7]"] * 2, steps=10)
    seen = [conditioning.at(call) for call in range(10)]
    assert [word(encoder, found.parts[0].tensor) for found in seen] == ["a x"] * 6 + ["b x"] * 4
    assert [word(encoder, found.uncond[1]) for found in seen] == ["n"] * 8 + ["m"] * 2
    assert seen[1] is seen[0]


def test_pictures_of_a_batch_are_padded_by_the_last_vector(encoder):
    conditioning = Conditioning.build(encoder, ["a", f"b AND {numbered(76)}"], ["", "n"], steps=10)
    found = conditioning.at(0)
    assert [part.tensor.shape for part in found.parts] == [(154, WIDTH)] * 3
    first = found.parts[0].tensor
    assert torch.equal(first[77:], first[76:77].expand(77, -1))
    assert found.uncond.shape == (2, 77, WIDTH)


PADDINGS = {
    "off": (PadConds.OFF, numbered(80), "n", (154, 77)),
    "empty, longer prompt": (PadConds.EMPTY, numbered(80), "n", (154, 154)),
    "empty, longer negative": (PadConds.EMPTY, "a", numbered(160), (231, 231)),
    "v0, longer prompt": (PadConds.V0, numbered(80), "n", (154, 154)),
    "v0, longer negative": (PadConds.V0, "a", numbered(160), (77, 77)),
}


@pytest.mark.parametrize(
    ("padding", "prompt", "negative", "lengths"), PADDINGS.values(), ids=PADDINGS
)
def test_behaviour_9_5_prompt_and_negative_prompt_of_equal_length(
    encoder, padding, prompt, negative, lengths
):
    settings = EncodeSettings(padding=padding)
    found = Conditioning.build(encoder, [prompt], [negative], steps=10, settings=settings).at(0)
    assert (found.parts[0].tensor.shape[0], found.uncond.shape[1]) == lengths


def test_behaviour_9_5_padding_is_the_empty_prompt_or_the_last_vector(encoder):
    (blank,) = encode_prompts(encoder, [""])
    empty = Conditioning.build(
        encoder, [numbered(80)], ["n"], steps=9, settings=EncodeSettings(padding=PadConds.EMPTY)
    ).at(0)
    assert torch.equal(empty.uncond[0, 77:], blank)
    old = Conditioning.build(
        encoder, [numbered(80)], ["n"], steps=9, settings=EncodeSettings(padding=PadConds.V0)
    ).at(0)
    assert torch.equal(old.uncond[0, 77:], old.uncond[0, 76:77].expand(77, -1))


def test_behaviour_9_3_old_editing(encoder):
    """Numbers below 1 are fractions: the second half of 10 steps, and after 1 step."""
    for prompt, at in (("[a:b:.5]", 5), ("[a:b:1.0]", 1)):
        build = Conditioning.build(encoder, [prompt], [""], steps=10, old_editing=True)
        words = [word(encoder, build.at(call).parts[0].tensor) for call in range(10)]
        assert words == ["a"] * (at + 1) + ["b"] * (9 - at)


def test_the_same_text_is_encoded_once_per_job(encoder):
    Conditioning.build(encoder, ["a", "a AND b", "a"], ["", "", ""], steps=10)
    assert [encoder.tokenizer.words(row) for row in encoder.rows] == ["a", "b", ""]


def test_settings_reach_the_encoder(encoder):
    settings = EncodeSettings(clip_skip=3, emphasis=Emphasis.NONE, comma_backtrack=0)
    Conditioning.build(encoder, ["(a)"], [""], steps=10, settings=settings)
    assert encoder.clip_skips == {3}
    assert encoder.tokenizer.words(encoder.rows[0]) == "(a)"


def test_every_prompt_needs_a_negative_one(encoder):
    with pytest.raises(ValueError, match="2 prompts need as many negative prompts; 1 were given"):
        Conditioning.build(encoder, ["a", "b"], [""], steps=10)


def test_pad_to_longest_keeps_equal_lengths():
    tensors = [torch.ones(77, 2), torch.zeros(77, 2)]
    assert all(a is b for a, b in zip(pad_to_longest(tensors), tensors, strict=True))
    assert pad_to_longest([]) == []
