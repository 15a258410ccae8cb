"""The small models that ship with us: used where nothing else is, labelled, and out of the way."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer

from interrogate.bench import Bench
from interrogate.clip import ClipInterrogator
from interrogate.deepbooru import DeepBooru
from interrogate.deepbooru_file import write_tagger
from interrogate.lists import builtin_lists
from interrogate.options import ClipOptions, Interrogation, InterrogationOptions
from interrogate.pixels import centred
from interrogate.registry import listing
from models.builtin.training import train_captioner, train_clip, train_tagger
from models.builtin.training.compact_tokenizer import compact_tokenizer
from models.builtin.training.render import render
from models.builtin.training.vocabulary import TOKENIZER, load_tokenizer, token_ids
from models.builtin.training.world.captions import captions
from models.builtin.training.world.looks import LOOKS
from models.builtin.training.world.scene import KINDS, random_scene
from models.builtin.training.world.tags import TAGS
from models.errors import BadModelFile
from tests.interrogate.networks import picture, tiny_tagger, workplace, write_pt

SHORT = InterrogationOptions(clip=ClipOptions(min_length=8, max_length=12))


def silent(_: str) -> None: ...


@pytest.fixture
def shipped(builtin: Path, saved: Path) -> Path:
    """Random weights where the built-in models lie."""
    shutil.copytree(saved / "blip", builtin / "captioner")
    shutil.copytree(saved / "clip", builtin / "clip")
    write_tagger(builtin / "tagger" / "tagger.safetensors", tiny_tagger(), [*"abcdef"])
    return builtin


def test_without_anything_it_is_said_that_no_built_in_one_ships(tmp_path: Path) -> None:
    rows = {row.name: row for row in listing(tmp_path)}
    for name in ("clip", "deepdanbooru"):
        assert not rows[name].available
        assert "no built-in one ships with this version: put " in rows[name].note


@pytest.mark.parametrize("name", ["clip", "deepdanbooru"])
def test_on_a_bare_machine_the_built_in_ones_work_and_say_what_they_are(
    shipped: Path, tmp_path: Path, name: str
) -> None:
    row = next(row for row in listing(tmp_path / "models") if row.name == name)
    assert (row.available, row.builtin) == (True, True)
    assert row.note.startswith("built-in ")
    assert "and nothing else. For " in row.note
    bench = Bench(workplace(tmp_path), is_short=lambda _: False)
    asked = Interrogation(pictures=("0" * 64,), interrogators=(name,), options=SHORT)
    report = bench.work(asked, lambda _: picture(), lambda *_: None)
    assert set(report.pictures[0].descriptions) == {name}
    assert f": {row.note}" in report.notes[0]


def test_the_built_in_clip_ranks_its_own_words(shipped: Path, tmp_path: Path) -> None:
    own = tmp_path / "models" / "interrogate"
    own.mkdir(parents=True)
    (own / "a.txt").write_text("van gogh\n")
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([picture()], SHORT, silent)
    lists = builtin_lists()
    assert [item.name for item in lists] == ["flavors", "looks", "mediums"]
    assert [tag.name in item.terms for tag, item in zip(found.tags, lists, strict=True)] == [
        True
    ] * 3


def test_lists_hold_words_of_the_world_alone() -> None:
    """The built-in CLIP has learnt no other word."""
    dice = Random(0)
    known: set[str] = set()
    for kind in KINDS:
        for look in LOOKS:
            for _ in range(60):
                told = captions(random_scene(kind, dice), look, dice, 6)
                known |= set(re.findall(r"\w+", " ".join(told)))
    terms = [term for item in builtin_lists() for term in item.terms]
    assert {word for term in terms for word in term.split()} <= known
    assert len(terms) == len(set(terms))


def test_the_users_own_models_go_first(shipped: Path, models: Path, tmp_path: Path) -> None:
    write_pt(models / "deepbooru" / "model-resnet_custom_v3.pt", tiny_tagger())
    rows = {row.name: row for row in listing(models)}
    assert not rows["clip"].builtin
    assert not rows["deepdanbooru"].builtin
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([picture()], SHORT, silent)
    assert len(found.tags) == 4  # artists, flavors, mediums, movements


def test_a_users_blip_is_not_mixed_with_the_built_in_clip(
    shipped: Path, models: Path, tmp_path: Path
) -> None:
    shutil.rmtree(models / "CLIP")
    state = ClipInterrogator.available(models)
    assert not state.builtin
    assert state.note.startswith("caption only")
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([picture()], SHORT, silent)
    assert found.tags == ()


def test_texts_are_scored_by_the_built_in_clip_when_there_is_no_other(
    shipped: Path, tmp_path: Path
) -> None:
    bench = Bench(workplace(tmp_path), is_short=lambda _: False)
    asked = Interrogation(
        pictures=("0" * 64,), interrogators=("deepbooru",), options=SHORT, score=True
    )
    report = bench.work(asked, lambda _: picture(), lambda *_: None)
    assert report.pictures[0].descriptions["deepdanbooru"].likeness is not None
    assert report.notes[-1].startswith("scored by the built-in CLIP, which knows the words and dr")


def test_models_that_arrive_later_take_over_at_once(
    shipped: Path, models: Path, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    models.rename(away)
    clip, tagger = ClipInterrogator(workplace(tmp_path)), DeepBooru(workplace(tmp_path))
    everything = SHORT.model_copy(update={"tags": SHORT.tags.model_copy(update={"threshold": 0.0})})
    for worker, own in ((clip, 3), (tagger, 6)):
        assert len(worker.describe([picture()], everything, silent)[0].tags) == own
    away.rename(models)
    write_pt(models / "deepbooru" / "model-resnet_custom_v3.pt", tiny_tagger())
    assert len(clip.describe([picture()], everything, silent)[0].tags) == 4
    assert "1girl" in tagger.describe([picture()], everything, silent)[0].text


def test_a_tagger_is_asked_at_the_side_in_its_file(shipped: Path, tmp_path: Path) -> None:
    path = shipped / "tagger" / "tagger.safetensors"
    sides = []
    place = workplace(tmp_path)

    def fit(image: object, side: int) -> object:
        sides.append(side)
        return place.fit(image, side)  # type: ignore[arg-type]

    for told in ({}, {"side": "160"}):
        save_file(tiny_tagger(), path, metadata={"tags": '["a","b","c","d","e","f"]', **told})
        DeepBooru(replace(place, fit=fit)).describe([picture()], SHORT, silent)  # type: ignore[arg-type]
    assert sides == [512, 160]


@pytest.mark.parametrize("side", ["12", "1e3", "-160", "99999999999"])
def test_an_impossible_side_is_a_sentence(shipped: Path, tmp_path: Path, side: str) -> None:
    path = shipped / "tagger" / "tagger.safetensors"
    save_file(tiny_tagger(), path, metadata={"tags": '["a"]', "side": side})
    with pytest.raises(BadModelFile, match="wants pictures of"):
        DeepBooru(workplace(tmp_path)).load()


def write_trained_layout(folder: Path) -> CLIPModel:
    """What train_clip writes: float16, CLIP's tokens cut down to those of the lists' words."""
    texts = [term for item in builtin_lists() for term in item.terms]
    ids = {int(number) for number in np.unique(token_ids(texts, load_tokenizer()))}
    tokenizer = compact_tokenizer(sorted(ids))
    tokenizer.write(folder)
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        shutil.copyfile(TOKENIZER / name, folder / name)
    ends = [tokenizer.tokens.index(f"<|{word}oftext|>") for word in ("start", "end")]
    size = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1}
    size |= {"num_attention_heads": 2, "projection_dim": 12}
    text = size | {"vocab_size": len(tokenizer.tokens), "max_position_embeddings": 77}
    text |= {"bos_token_id": ends[0], "eos_token_id": ends[1], "pad_token_id": ends[1]}
    torch.manual_seed(0)
    clip = CLIPModel(
        CLIPConfig(
            text_config=text,
            vision_config=size | {"image_size": 32, "patch_size": 16},
            projection_dim=12,
        )
    )
    for parameter in clip.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    clip.to(torch.float16).save_pretrained(folder)
    return clip.float().eval()


def test_the_clip_that_training_writes_ranks_as_transformers_reads_it(
    builtin: Path, saved: Path, tmp_path: Path
) -> None:
    """Folder layout of `models/builtin/clip`; behaviour 13.1 for the softmax."""
    shutil.copytree(saved / "blip", builtin / "captioner")
    clip = write_trained_layout(builtin / "clip")
    tokenizer = CLIPTokenizer.from_pretrained(builtin / "clip")
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([picture()], SHORT, silent)
    pixels = torch.from_numpy(centred([picture()], 32))
    for tag, terms in zip(found.tags, (item.terms for item in builtin_lists()), strict=True):
        read = tokenizer(list(terms), padding=True, return_tensors="pt")
        with torch.no_grad():
            cosines = clip(**read, pixel_values=pixels).logits_per_image[0] / clip.logit_scale.exp()
        shares = (100 * cosines).softmax(0)
        best = int(shares.argmax())
        assert tag.name == terms[best]
        assert tag.score == pytest.approx(float(shares[best]), abs=1e-4)


@pytest.mark.slow
def test_what_the_training_writes_ships_as_it_is(builtin: Path, tmp_path: Path) -> None:
    """Tiny networks by the training scripts themselves, in the places where theirs will lie."""
    rendered = tmp_path / "rendered"
    render(rendered, count=40, size=64, first_seed=1_000_000)
    common = [str(rendered), str(builtin), "--steps", "2", "--device", "cpu", "--precision", "fp32"]
    train_captioner.main([*common, "--width", "32", "--batch", "4"])
    train_clip.main([*common, "--width", "32", "--batch", "4"])
    train_tagger.main([*common, "--width", "8", "--side", "64", "--batch", "4"])
    (builtin / "tagger").mkdir()
    (builtin / "tagger.safetensors").rename(builtin / "tagger" / "tagger.safetensors")
    bench = Bench(workplace(tmp_path), is_short=lambda _: False)
    tags = SHORT.tags.model_copy(update={"threshold": 0.0})
    options = InterrogationOptions(tags=tags)
    asked = Interrogation(
        pictures=("0" * 64,), interrogators=("clip", "deepbooru"), options=options, score=True
    )
    report = bench.work(asked, lambda _: picture(), lambda *_: None)
    found = report.pictures[0].descriptions
    assert {tag.name for tag in found["deepdanbooru"].tags} == set(TAGS)
    assert len(found["clip"].tags) == 3
    assert found["clip"].likeness is not None
