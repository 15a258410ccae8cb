"""A1111's own files: Salesforce's BLIP and OpenAI's CLIP give what the authors' networks give."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from interrogate.base import MissingFiles
from interrogate.blip import Captioner
from interrogate.clip import ClipInterrogator
from interrogate.clip_model import Clip
from interrogate.clip_places import find_blip, find_clip
from interrogate.options import ClipOptions, InterrogationOptions
from interrogate.original_weights import blip_of_salesforce, clip_of_openai
from interrogate.pixels import centred, squashed
from interrogate.text_tokens import BertTokens, ClipTokens
from interrogate.torchscript_file import read_torchscript
from models.errors import BadModelFile
from tests.interrogate.networks import WORDS, picture, workplace
from tests.interrogate.original_networks import OpenAiClip, SalesforceBlip, lively, save_script

TOKENIZER = Path(__file__).parents[2] / "models" / "builtin" / "checkpoint" / "tokenizer"
BERT_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS)
BLIP_FILE = "model_base_caption_capfilt_large.pth"


def silent(_: str) -> None: ...


@pytest.fixture(scope="module")
def blip() -> SalesforceBlip:
    network = SalesforceBlip(len(BERT_WORDS) + 2, 3).eval()
    lively(network, 0, 0.3)
    bias = network.text_decoder.cls.predictions.bias
    with torch.no_grad():
        bias.zero_()
        bias[:5] = -100
        bias[-2:] = -100
    return network


@pytest.fixture
def blip_file(blip: SalesforceBlip, tmp_path: Path) -> Path:
    """As it is published: the state under "model", BERT's words beside it."""
    path = tmp_path / "models" / "BLIP" / BLIP_FILE
    path.parent.mkdir(parents=True)
    torch.save({"model": blip.state_dict()}, path)
    (path.parent / "vocab.txt").write_text("\n".join(BERT_WORDS) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def clip() -> OpenAiClip:
    network = OpenAiClip(49408).eval()
    lively(network, 0, 0.15)
    return network


@pytest.fixture(scope="module")
def script(clip: OpenAiClip, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("script") / "ViT-L-14.pt"
    twin = OpenAiClip(49408).eval()
    twin.load_state_dict(clip.state_dict())
    save_script(twin, path)
    return path


def test_blip_says_what_the_authors_network_says(blip: SalesforceBlip, blip_file: Path) -> None:
    image = picture()
    tokens = BertTokens(blip_file.parent)
    begin = [len(BERT_WORDS), *tokens.framed("a picture of ")[1:-1]]  # [DEC] a picture of
    with torch.no_grad():
        pixels = torch.from_numpy(squashed([image], 32))
        wanted = blip.first_words(pixels, torch.tensor([begin]), 8)
    captioner = Captioner(blip_file, "cpu", torch.float32)
    (told,) = captioner.captions([image], ClipOptions(min_length=12, max_length=12))
    assert told.split() == [BERT_WORDS[number] for number in wanted]
    assert len(set(wanted)) > 1


@pytest.mark.parametrize("compiled", [True, False], ids=["TorchScript", "state dict"])
def test_clip_sees_and_reads_as_the_authors_network(
    clip: OpenAiClip, script: Path, tmp_path: Path, compiled: bool
) -> None:
    path = script
    if not compiled:
        path = tmp_path / "clip.pt"
        torch.save({name: value.half() for name, value in clip.state_dict().items()}, path)
    halved = OpenAiClip(49408).eval()
    halved.load_state_dict({k: v.half().float() for k, v in clip.state_dict().items()})
    loaded = Clip(path, "cpu", torch.float32)
    texts = ["a red cat", "blue hair, smiling", "night"]
    rows = ClipTokens(TOKENIZER, 20).rows(texts)
    with torch.no_grad():
        seen, read = halved(torch.from_numpy(centred([picture()], 32)), torch.tensor(rows))
    unit = torch.nn.functional.normalize
    np.testing.assert_allclose(loaded.embed_images([picture()]), unit(seen, dim=-1), atol=1e-5)
    np.testing.assert_allclose(
        loaded.embed_texts(texts, silent, "texts"), unit(read, dim=-1), atol=1e-5
    )


def test_a1111s_folders_are_found_as_they_are(
    blip_file: Path, script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    cache = tmp_path / "home" / ".cache" / "clip"
    cache.mkdir(parents=True)
    (cache / "ViT-L-14.pt").write_bytes(script.read_bytes())
    blip, clip = find_blip(models), find_clip(models)
    assert blip is not None
    assert clip is not None
    assert (blip.path, clip.path) == (blip_file, cache / "ViT-L-14.pt")
    assert ClipInterrogator.available(models).note == ""
    options = InterrogationOptions(clip=ClipOptions(min_length=8, max_length=10, dict_limit=3))
    (found,) = ClipInterrogator(workplace(tmp_path)).describe([picture()], options, silent)
    assert len(found.tags) == 4


def test_without_berts_words_it_is_said(blip_file: Path, tmp_path: Path) -> None:
    (blip_file.parent / "vocab.txt").unlink()
    state = ClipInterrogator.available(tmp_path / "models")
    assert not state.ready
    assert state.note.startswith(
        f"{BLIP_FILE} needs BERT's words: put vocab.txt (0.2 MB) of google"
    )
    with pytest.raises(MissingFiles, match="needs BERT's words"):
        Captioner(blip_file, "cpu", torch.float32)


def test_berts_words_in_the_hub_cache_do(blip_file: Path, empty_hub_cache: Path) -> None:
    folder = empty_hub_cache / "models--bert-base-uncased" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    (blip_file.parent / "vocab.txt").rename(folder / "vocab.txt")
    Captioner(blip_file, "cpu", torch.float32)


NAMES = [
    ("visual_encoder.pos_embed", "vision_model.embeddings.position_embedding"),
    ("visual_encoder.patch_embed.proj.bias", "vision_model.embeddings.patch_embedding.bias"),
    (
        "visual_encoder.blocks.1.attn.qkv.weight",
        "vision_model.encoder.layers.1.self_attn.qkv.weight",
    ),
    (
        "visual_encoder.blocks.0.attn.proj.bias",
        "vision_model.encoder.layers.0.self_attn.projection.bias",
    ),
    ("visual_encoder.blocks.1.norm2.weight", "vision_model.encoder.layers.1.layer_norm2.weight"),
    ("visual_encoder.blocks.1.mlp.fc1.weight", "vision_model.encoder.layers.1.mlp.fc1.weight"),
    ("visual_encoder.norm.weight", "vision_model.post_layernorm.weight"),
    (
        "text_decoder.bert.encoder.layer.1.crossattention.self.key.weight",
        "text_decoder.bert.encoder.layer.1.crossattention.self.key.weight",
    ),
]


@pytest.mark.parametrize(("theirs", "ours"), NAMES, ids=[row[0] for row in NAMES])
def test_names_of_blip(blip: SalesforceBlip, theirs: str, ours: str) -> None:
    state = blip.state_dict()
    _, renamed = blip_of_salesforce(state, 3, "x")
    assert torch.equal(renamed[ours], state[theirs])
    assert len(renamed) == len(state)


def test_sizes_are_read_from_the_shapes(blip: SalesforceBlip, clip: OpenAiClip) -> None:
    config, _ = blip_of_salesforce(blip.state_dict(), 3, "x")
    assert (config["vision_config"]["hidden_size"], config["vision_config"]["image_size"]) == (
        128,
        32,
    )
    assert config["vision_config"]["num_attention_heads"] == 2
    assert config["text_config"]["bos_token_id"] == len(BERT_WORDS)
    config, renamed = clip_of_openai(clip.state_dict(), "x")
    assert config["projection_dim"] == 48
    assert config["text_config"]["num_hidden_layers"] == 3
    assert config["vision_config"]["num_hidden_layers"] == 2
    fused = clip.state_dict()["transformer.resblocks.2.attn.in_proj_weight"]
    assert torch.equal(
        renamed["text_model.encoder.layers.2.self_attn.k_proj.weight"], fused[64:128]
    )
    turned = renamed["visual_projection.weight"]
    assert torch.equal(turned, clip.state_dict()["visual.proj"].T)


def without(state: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != name}


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        ("visual_encoder.pos_embed", "is no BLIP captioner"),
        ("text_decoder.cls.predictions.transform.dense.bias", "tensors are missing"),
        ("visual_encoder.blocks.0.norm1.bias", "tensors are missing"),
    ],
)
def test_other_checkpoints_are_refused(
    blip: SalesforceBlip, blip_file: Path, lost: str, words: str
) -> None:
    torch.save({"model": without(blip.state_dict(), lost)}, blip_file)
    with pytest.raises(BadModelFile, match=words):
        Captioner(blip_file, "cpu", torch.float32)


def test_a_clip_with_another_eye_is_refused(clip: OpenAiClip, tmp_path: Path) -> None:
    path = tmp_path / "RN50.pt"
    torch.save(without(clip.state_dict(), "visual.conv1.weight"), path)
    with pytest.raises(BadModelFile, match="is no CLIP of OpenAI's with a vision transformer"):
        Clip(path, "cpu", torch.float32)


class _Evil:
    def __reduce__(self) -> Any:
        return print, ("code of the file ran",)


def rewritten(script: Path, path: Path, pickled: bytes) -> Path:
    """The archive with another data.pkl."""
    with zipfile.ZipFile(script) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            data = pickled if member.endswith("/data.pkl") else old.read(member)
            new.writestr(member, data)
    return path


def test_nothing_in_an_archive_is_run(
    script: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = rewritten(script, tmp_path / "evil.pt", pickle.dumps(_Evil(), protocol=2))
    with pytest.raises(BadModelFile, match=r"evil\.pt was refused: it asks for '\w+\.print'"):
        Clip(path, "cpu", torch.float32)
    assert capsys.readouterr().out == ""


def half(script: Path, path: Path) -> Path:
    path.write_bytes(script.read_bytes()[: script.stat().st_size // 2])
    return path


def no_weights(script: Path, path: Path) -> Path:
    with zipfile.ZipFile(script) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            if not member.endswith("/data/0"):
                new.writestr(member, old.read(member))
    return path


def short_weights(script: Path, path: Path) -> Path:
    with zipfile.ZipFile(script) as old, zipfile.ZipFile(path, "w") as new:
        for member in old.namelist():
            new.writestr(member, b"x" if member.endswith("/data/0") else old.read(member))
    return path


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (half, "damaged|truncated|cannot"),
        (no_weights, "is truncated: weights are missing"),
        (short_weights, "was refused: its tensor 0 is no tensor"),
        (lambda script, path: rewritten(script, path, b"\x80\x02N."), "is no CLIP of OpenAI's"),
        (lambda script, path: rewritten(script, path, b"garbage"), "is damaged"),
    ],
    ids=["half downloaded", "member lost", "member short", "empty tree", "no pickle"],
)
def test_damaged_archives_are_a_sentence(
    script: Path, tmp_path: Path, spoil: Any, words: str
) -> None:
    path = spoil(script, tmp_path / "ViT-L-14.pt")
    with pytest.raises(BadModelFile, match=words):
        Clip(path, "cpu", torch.float32)


def test_tensors_of_an_archive_are_those_of_the_network(clip: OpenAiClip, script: Path) -> None:
    found = read_torchscript(script)
    state = clip.state_dict()
    assert set(found) - set(state) == {"input_resolution"}
    assert set(state) <= set(found)
    for name, tensor in state.items():
        torch.testing.assert_close(found[name].float(), tensor, atol=2e-3, rtol=2e-3)
