"""The torch-free CLIP tokeniser, on the built-in vocabulary and on a tiny one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.prompt.clip_tokenizer import ClipTokenizer, TokenizerFilesError

ROOT = Path(__file__).parents[3]
BUILTIN = ROOT / "models" / "builtin" / "checkpoint" / "tokenizer"
VOCABULARY = {
    token: number
    for number, token in enumerate(
        [
            "!",
            "c",
            "a",
            "t</w>",
            ",</w>",
            "a</w>",
            "ca",
            "cat</w>",
            "<|startoftext|>",
            "<|endoftext|>",
        ]
    )
}
MERGES = "#version: 0.2\nc a\nca t</w>\n"


def write_vocabulary(folder, **config):
    (folder / "vocab.json").write_text(json.dumps(VOCABULARY), encoding="utf-8")
    (folder / "merges.txt").write_text(MERGES, encoding="utf-8")
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def test_vocab_and_merges(tmp_path):
    tokenizer = ClipTokenizer.from_folder(write_vocabulary(tmp_path))
    assert tokenizer.encode("A  cat, ca") == [5, 7, 4, 1, 5]
    assert (tokenizer.comma_id, tokenizer.start_id, tokenizer.end_id, tokenizer.pad_id) == (
        4,
        8,
        9,
        9,
    )


def test_a_special_token_in_the_text_is_one_token(tmp_path):
    tokenizer = ClipTokenizer.from_folder(write_vocabulary(tmp_path))
    assert tokenizer.encode("cat <|endoftext|>") == [7, 9]


@pytest.mark.parametrize("pad", ["!", {"content": "!"}], ids=["text", "object"])
def test_open_clip_pads_with_zero(tmp_path, pad):
    assert ClipTokenizer.from_folder(write_vocabulary(tmp_path, pad_token=pad)).pad_id == 0


def test_a_folder_without_vocabulary_says_what_is_missing(tmp_path):
    with pytest.raises(TokenizerFilesError, match=r"neither tokenizer.json nor vocab.json"):
        ClipTokenizer.from_folder(tmp_path)


def test_a_broken_vocabulary_is_named(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{", encoding="utf-8")
    with pytest.raises(TokenizerFilesError, match="no readable vocabulary"):
        ClipTokenizer.from_folder(tmp_path)


def test_another_vocabulary_is_refused(tmp_path):
    write_vocabulary(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps({"a": 0, "<|endoftext|>": 1}), encoding="utf-8")
    (tmp_path / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    with pytest.raises(TokenizerFilesError, match=r"lacks '<\|startoftext\|>'"):
        ClipTokenizer.from_folder(tmp_path)


@pytest.mark.skipif(not BUILTIN.is_dir(), reason="the built-in checkpoint is not there")
def test_the_built_in_vocabulary():
    tokenizer = ClipTokenizer.from_folder(BUILTIN)
    assert tokenizer.encode("a photo of a cat") == [320, 1125, 539, 320, 2368]
    assert tokenizer.encode("A Photo of\n a CAT") == [320, 1125, 539, 320, 2368]
    assert tokenizer.encode("cat, dog") == [2368, 267, 1929]
    assert (tokenizer.comma_id, tokenizer.start_id, tokenizer.end_id) == (267, 49406, 49407)
    assert tokenizer.encode("") == []


def test_no_torch_is_imported():
    code = (
        "import sys, pipelines.prompt.clip_tokenizer, pipelines.prompt.counter; "
        "print('torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.split() == ["False", "False"]
