"""Captions, ranking, stored vectors, options and bad files of the CLIP interrogator."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import BlipForConditionalGeneration, CLIPModel

from interrogate.base import MissingFiles, Tag
from interrogate.clip import ClipInterrogator, written
from interrogate.options import ClipOptions, InterrogationOptions
from interrogate.pixels import MEAN, STD, centred, squashed
from models.errors import BadModelFile
from tests.interrogate.networks import WORDS, picture, workplace

SHORT = ClipOptions(min_length=8, max_length=12)
BLIP = "BLIP/blip-image-captioning-base"


def silent(_: str) -> None: ...


def options(**clip: Any) -> InterrogationOptions:
    return InterrogationOptions(clip=SHORT.model_copy(update=clip))


@pytest.fixture
def lists(models: Path) -> Path:
    folder = models / "interrogate"
    folder.mkdir()
    (folder / "animals.top2.txt").write_text("cat\ndog\nrabbit\n")
    (folder / "places.txt").write_text("at home\nin the sky\n")
    return folder


def test_caption_is_what_transformers_generates(models: Path, tmp_path: Path) -> None:
    """The same weights loaded by the library itself, its generate() called by hand."""
    image = picture()
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([image], options(), silent)
    model = BlipForConditionalGeneration.from_pretrained(models / BLIP).eval()
    levels = np.asarray(image.resize((32, 32), Image.Resampling.BICUBIC), np.float32) / 255
    pixels = ((levels - MEAN) / STD).astype(np.float32).transpose(2, 0, 1)[None]
    prompt = torch.tensor([[2, 5, 6, 7, 3]])  # [CLS] a picture of [SEP]
    rows = model.generate(
        pixel_values=torch.from_numpy(pixels),
        input_ids=prompt,
        attention_mask=torch.ones_like(prompt),
        min_length=8,
        max_length=12,
        num_beams=1,
    )
    words = [WORDS[number - 5] for number in rows[0, 4:].tolist()]
    assert len(words) == 8  # 12 tokens less "[DEC] a picture of" (behaviour 13.1)
    assert found.text.startswith(" ".join(words) + ", ")


@pytest.mark.parametrize("beams", [1, 3])
def test_a_batch_says_what_single_pictures_say(models: Path, tmp_path: Path, beams: int) -> None:
    clip = ClipInterrogator(workplace(tmp_path))
    images = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "white")]
    images.append(picture())
    asked = options(num_beams=beams, dict_limit=20)
    together = clip.describe(images, asked, silent)
    alone = [clip.describe([image], asked, silent)[0] for image in images]
    assert [one.text for one in together] == [one.text for one in alone]
    assert len({one.text.partition(",")[0] for one in together}) > 1


def test_ranking_is_the_softmax_of_100_cosines_behaviour_13_1(
    models: Path, lists: Path, tmp_path: Path
) -> None:
    image = picture()
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([image], options(), silent)
    model: Any = CLIPModel.from_pretrained(models / "CLIP").eval()
    vocabulary = json.loads((models / "CLIP" / "vocab.json").read_text())

    def vector(text: str) -> Any:
        parts = [
            letter if k + 1 < len(word) else f"{letter}</w>"
            for word in text.split()
            for k, letter in enumerate(word)
        ]
        frame = ["<|startoftext|>", *parts, "<|endoftext|>"]
        ids = torch.tensor([[vocabulary[part] for part in frame]])
        return model.text_projection(model.text_model(input_ids=ids).pooler_output)[0]

    with torch.no_grad():
        pixels = torch.from_numpy(centred([image], 32))
        seen = model.visual_projection(model.vision_model(pixel_values=pixels).pooler_output)[0]
        for terms, tags in (
            (("cat", "dog", "rabbit"), found.tags[:2]),
            (("at home", "in the sky"), found.tags[2:]),
        ):
            cosines = torch.stack([torch.cosine_similarity(seen, vector(t), 0) for t in terms])
            shares = dict(zip(terms, (100 * cosines).softmax(0).tolist(), strict=True))
            best = sorted(shares, key=lambda term: -shares[term])[: len(tags)]
            assert [tag.name for tag in tags] == best
            assert [tag.score for tag in tags] == pytest.approx(
                [shares[term] for term in best], abs=1e-4
            )


@pytest.mark.parametrize(
    ("caption", "terms", "ranks", "expected"),
    [
        ("a cat", [Tag("oil", 0.1234), Tag("by x", 0.5)], False, "a cat, oil, by x"),
        ("a cat", [Tag("oil", 0.1234), Tag("by x", 0.5)], True, "a cat, (oil:0.123), (by x:0.500)"),
        ("a cat", [], True, "a cat"),
        ("", [Tag("oil", 0.1)], False, "oil"),
    ],
    ids=["plain", "ranks", "caption only", "no caption"],
)
def test_text_behaviour_13_1(caption: str, terms: list[Tag], ranks: bool, expected: str) -> None:
    assert written(caption, terms, ranks=ranks) == expected


def test_skipped_categories_are_left_out(models: Path, lists: Path, tmp_path: Path) -> None:
    clip = ClipInterrogator(workplace(tmp_path))
    (found,) = clip.describe([picture()], options(skip_categories=("animals",)), silent)
    assert [tag.name for tag in found.tags if tag.name in ("cat", "dog", "rabbit")] == []
    assert len(found.tags) == 1


def test_vectors_are_computed_once_for_a_list_and_a_model(
    models: Path, lists: Path, tmp_path: Path
) -> None:
    (lists / "many.txt").write_text("\n".join(f"term {k}" for k in range(130)))
    place = workplace(tmp_path)
    first: list[str] = []
    before = ClipInterrogator(place).describe([picture()], options(), first.append)
    assert [text for text in first if "many" in text] == [
        "Reading many 0/130",
        "Reading many 64/130",
        "Reading many 128/130",
    ]
    second: list[str] = []
    after = ClipInterrogator(place).describe([picture()], options(), second.append)
    assert second == ["BLIP caption", "CLIP ranking"]
    assert before[0].text == after[0].text
    stored = sorted((place.data_dir / "interrogate").glob("*.safetensors"))
    assert len(stored) == 3
    for path in stored:
        path.write_bytes(path.read_bytes()[:50])
    mended = ClipInterrogator(place).describe([picture()], options(), silent)
    assert mended[0].text == before[0].text
    (lists / "places.txt").write_text("at home\nin the sky\nnowhere\n")
    ClipInterrogator(place).describe([picture()], options(), silent)
    assert len(list((place.data_dir / "interrogate").glob("*.safetensors"))) == 4


def test_work_can_be_stopped_while_a_list_is_read(
    models: Path, lists: Path, tmp_path: Path
) -> None:
    (lists / "many.txt").write_text("\n".join(f"term {k}" for k in range(130)))

    class Stop(Exception): ...

    def say(text: str) -> None:
        if "64/130" in text:
            raise Stop

    with pytest.raises(Stop):
        ClipInterrogator(workplace(tmp_path)).describe([picture()], options(), say)


def test_without_clip_there_is_the_caption_and_a_note(models: Path, tmp_path: Path) -> None:
    shutil.rmtree(models / "CLIP")
    state = ClipInterrogator.available(models)
    assert state.ready
    assert state.note.startswith(
        "caption only: ranking needs CLIP, and no built-in one ships with this version: put config"
    )
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([picture()], options(), silent)
    assert found.tags == ()
    assert set(found.text.split()) <= set(WORDS)


def test_missing_captioner_says_what_belongs_where(tmp_path: Path) -> None:
    state = ClipInterrogator.available(tmp_path / "models")
    assert not state.ready
    with pytest.raises(MissingFiles) as caught:
        ClipInterrogator(workplace(tmp_path)).load()
    assert str(caught.value) == (
        "CLIP interrogation needs BLIP, and no built-in one ships with this version: put "
        "config.json, tokenizer.json and model.safetensors of "
        "Salesforce/blip-image-captioning-base into "
        f"{tmp_path / 'models' / 'BLIP' / 'blip-image-captioning-base'}; a copy in the Hugging "
        "Face cache does as well."
    )


def test_models_in_the_hub_cache_are_found(
    saved: Path, empty_hub_cache: Path, tmp_path: Path
) -> None:
    for repo, name in (
        ("models--Salesforce--blip-image-captioning-base", "blip"),
        ("models--openai--clip-vit-large-patch14", "clip"),
    ):
        base = empty_hub_cache / repo
        shutil.copytree(saved / name, base / "snapshots" / "abc123")
        (base / "refs").mkdir()
        (base / "refs" / "main").write_text("abc123")
    assert ClipInterrogator.available(tmp_path / "models").note == ""
    (found,) = ClipInterrogator(workplace(tmp_path)).describe(
        [picture()], options(dict_limit=5), silent
    )
    assert len(found.tags) == 4


def test_vocabulary_without_tokenizer_json_does(models: Path, tmp_path: Path) -> None:
    before = ClipInterrogator(workplace(tmp_path)).describe([picture()], options(), silent)
    (models / BLIP / "tokenizer.json").unlink()
    after = ClipInterrogator(workplace(tmp_path)).describe([picture()], options(), silent)
    assert before[0].text == after[0].text


@pytest.mark.parametrize(
    "image",
    [picture("RGBA"), picture("L"), Image.new("RGB", (1, 1)), Image.new("RGB", (1, 20000))],
    ids=["RGBA", "L", "1x1", "strip"],
)
def test_pictures_of_any_kind_are_described(
    models: Path, tmp_path: Path, image: Image.Image
) -> None:
    clip = ClipInterrogator(workplace(tmp_path))
    assert clip.describe([image], options(dict_limit=3), silent)[0].text


def test_clip_sees_the_middle_and_blip_everything() -> None:
    image = Image.new("RGB", (96, 32), (255, 0, 0))
    image.paste((0, 0, 255), (32, 0, 64, 32))
    blue = (np.array((0.0, 0.0, 1.0)) - MEAN) / STD
    middle = centred([image], 32)[0]
    np.testing.assert_allclose(middle[:, 16, 4:28].T, np.tile(blue, (24, 1)), atol=1e-5)
    whole = squashed([image], 32)[0]
    assert whole[0, 16, 0] > whole[0, 16, 16]


def test_likeness_is_a_cosine_and_knows_its_picture(models: Path, tmp_path: Path) -> None:
    ranker = ClipInterrogator(workplace(tmp_path)).load_ranker()
    first, second = ranker.likeness(picture(), ["a red cat", "x" * 500])
    assert -1 <= min(first, second) <= max(first, second) <= 1
    assert first != second


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_a_tensor(path: Path) -> None:
    tensors = load_file(path)
    del tensors["vision_model.post_layernorm.bias"]
    save_file(tensors, path)


def add_a_tensor(path: Path) -> None:
    save_file({**load_file(path), "vision_model.other": torch.zeros(2)}, path)


def foreign_config(path: Path) -> None:
    config = path.parent / "config.json"
    made = json.loads(config.read_text())
    made["text_config"]["hidden_size"] = 32
    config.write_text(json.dumps(made, indent=2))


def foreign_tokenizer(path: Path) -> None:
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel

    Tokenizer(WordLevel({"[UNK]": 0}, "[UNK]")).save(str(path.parent / "tokenizer.json"))


def broken_tokenizer(path: Path) -> None:
    (path.parent / "tokenizer.json").write_text("{")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (cut_in_half, "is truncated"),
        (lambda path: path.write_bytes(b""), "is empty"),
        (drop_a_tensor, "tensors are missing, first vision_model.post_layernorm.bias"),
        (add_a_tensor, "do not belong there, first vision_model.other"),
        (foreign_config, "does not fit|impossible config"),
        (foreign_tokenizer, r"lacks \[CLS\]: it belongs to another model"),
        (broken_tokenizer, "cannot be read"),
    ],
    ids=[
        "half downloaded",
        "empty",
        "missing key",
        "strange key",
        "config of another",
        "tokenizer of another",
        "tokenizer cut off",
    ],
)
def test_bad_files_are_refused_with_a_sentence(
    models: Path, tmp_path: Path, spoil: Any, words: str
) -> None:
    spoil(models / BLIP / "model.safetensors")
    with pytest.raises(BadModelFile, match=words):
        ClipInterrogator(workplace(tmp_path)).load()
