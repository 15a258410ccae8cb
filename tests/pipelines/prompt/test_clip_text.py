"""CLIP text encoders of transformers: clip skip and textual inversions (behaviour 9.6, 9.9)."""

import pytest
import torch
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from pipelines.prompt.clip_text import ClipTextEncoder, TransformersTokenizer
from pipelines.prompt.conditioning import Replacement, encode_prompts
from tests.pipelines.prompt.toy import WordTokenizer

LAYERS = 3
WIDTH = 8
IDS = [[1, *range(3, 20), *[2] * 59], [1, *range(30, 50), *[2] * 56]]


@pytest.fixture(scope="module", params=[CLIPTextModel, CLIPTextModelWithProjection])
def model(request):
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=60,
        hidden_size=WIDTH,
        intermediate_size=16,
        num_hidden_layers=LAYERS,
        num_attention_heads=2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=2,
    )
    return request.param(config).eval()


@pytest.fixture
def encoder(model):
    return ClipTextEncoder(model, WordTokenizer())


def layer_output(model, layers):
    """The rows after so many layers, run by hand, then the final LayerNorm."""
    inner = getattr(model, "text_model", model)
    hidden = inner.embeddings(input_ids=torch.tensor(IDS))
    mask = torch.full((77, 77), float("-inf")).triu(1)[None, None]
    for layer in inner.encoder.layers[:layers]:
        hidden = layer(hidden, mask)
    return inner.final_layer_norm(hidden)


@pytest.mark.parametrize(("clip_skip", "layers"), [(1, 3), (2, 2), (3, 1), (12, 1), (0, 3)])
@torch.no_grad()
def test_behaviour_9_6_clip_skip(model, encoder, clip_skip, layers):
    found = encoder.encode_ids(IDS, clip_skip, [])
    assert found.shape == (2, 77, WIDTH)
    torch.testing.assert_close(found, layer_output(model, layers), atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_behaviour_9_6_clip_skip_one_is_the_last_hidden_state(model, encoder):
    inner = getattr(model, "text_model", model)
    expected = inner(input_ids=torch.tensor(IDS)).last_hidden_state
    torch.testing.assert_close(encoder.encode_ids(IDS, 1, []), expected)


def test_replacing_a_token_by_its_own_vector_changes_nothing(model, encoder):
    inner = getattr(model, "text_model", model)
    table = inner.embeddings.token_embedding.weight.detach()
    same = Replacement(1, 4, table[IDS[1][4:6]])
    torch.testing.assert_close(encoder.encode_ids(IDS, 1, [same]), encoder.encode_ids(IDS, 1, []))


def test_replacements_act_in_their_row_from_their_position_on(encoder):
    plain = encoder.encode_ids(IDS, 1, [])
    found = encoder.encode_ids(IDS, 1, [Replacement(1, 4, torch.ones(2, WIDTH))])
    assert torch.equal(found[0], plain[0])
    torch.testing.assert_close(found[1, :4], plain[1, :4])
    assert not torch.allclose(found[1, 4:], plain[1, 4:])
    torch.testing.assert_close(encoder.encode_ids(IDS, 1, []), plain)


def test_an_embedding_of_another_family_is_named(encoder):
    with pytest.raises(ValueError, match="width 5 does not fit a text encoder of width 8"):
        encoder.encode_ids(IDS, 1, [Replacement(0, 1, torch.ones(1, 5))])


def test_prompts_are_encoded_without_gradients(encoder):
    (found,) = encode_prompts(encoder, ["a (b:1.2)"])
    assert found.dtype == torch.float32
    assert not found.requires_grad


class CallableTokenizer:
    """What TransformersTokenizer uses of a transformers tokeniser."""

    bos_token_id, eos_token_id, pad_token_id = 1, 2, None

    def get_vocab(self):
        return {",</w>": 7}

    def __call__(self, text, *, add_special_tokens, truncation, verbose):
        assert not (add_special_tokens or truncation or verbose)
        return {"input_ids": [len(word) for word in text.split()]}


def test_a_transformers_tokenizer_is_wrapped():
    tokenizer = TransformersTokenizer(CallableTokenizer())
    assert tokenizer.encode("one three") == [3, 5]
    assert (tokenizer.comma_id, tokenizer.start_id, tokenizer.end_id, tokenizer.pad_id) == (
        7,
        1,
        2,
        2,
    )
