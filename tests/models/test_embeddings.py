"""Textual inversions: every file kind of behaviour 15.8, what fits, what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from safetensors.torch import save_file

from models.embedding_files import describe, list_embeddings
from models.embeddings import EmbeddingShelf, load_embedding

VECTORS = torch.arange(12.0).view(2, 6)


def picture(path: Path, content: Any, key: str = "sd-ti-embedding") -> Path:
    chunks = PngInfo()
    chunks.add_text(key, base64.b64encode(json.dumps(content).encode()).decode())
    Image.new("RGB", (8, 8)).save(path, pnginfo=chunks)
    return path


def written(folder: Path, kind: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    if kind == "a1111":
        path = folder / "x.pt"
        content = {"string_to_token": {"*": 265}, "string_to_param": {"*": VECTORS}, "name": "y"}
        torch.save({**content, "step": 5, "sd_checkpoint": None}, path)
    elif kind == "parameter":
        path = folder / "x.pt"
        torch.save({"string_to_param": {"*": torch.nn.Parameter(VECTORS)}}, path)
    elif kind == "concept":
        path = folder / "x.bin"
        torch.save({"<cat>": VECTORS[0].clone()}, path)
    elif kind == "safetensors":
        path = folder / "x.safetensors"
        save_file({"emb_params": VECTORS.half()}, path)
    elif kind == "sdxl":
        path = folder / "x.safetensors"
        save_file(
            {"clip_l": VECTORS[:, :2].contiguous(), "clip_g": VECTORS[:, 2:].contiguous()}, path
        )
    else:
        path = folder / "x.png"
        entry = {"*": {"TORCHTENSOR": VECTORS.tolist()}}
        picture(path, {"name": "from picture", "string_to_param": entry})
    return path


KINDS = ["a1111", "parameter", "concept", "safetensors", "sdxl", "picture"]


@pytest.mark.parametrize("kind", KINDS)
def test_behaviour_15_8_kinds(tmp_path: Path, kind: str) -> None:
    path = written(tmp_path / "sub" / "folder", kind)
    (file,) = list_embeddings(tmp_path)
    expected = VECTORS[:1] if kind == "concept" else VECTORS
    assert file.problem is None
    assert (file.vectors, file.width) == tuple(expected.shape)
    assert file.name == ("from picture" if kind == "picture" else "x")
    loaded = load_embedding(file)
    assert torch.equal(loaded.vectors, expected)
    assert not loaded.vectors.requires_grad
    assert loaded.hash12 == hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_only_those_that_fit_are_loaded(tmp_path: Path) -> None:
    written(tmp_path, "a1111")
    save_file({"emb_params": torch.zeros(1, 5)}, tmp_path / "other.safetensors")
    shelf = EmbeddingShelf((tmp_path,))
    assert set(shelf.fitting(6)) == {"x"}
    assert set(shelf.fitting(5)) == {"other"}
    assert shelf.fitting(768) == {}
    assert shelf.fitting(6)["x"] is shelf.fitting(6)["x"]


def test_new_files_are_seen(tmp_path: Path) -> None:
    shelf = EmbeddingShelf((tmp_path / "not there yet",))
    assert shelf.fitting(6) == {}
    written(tmp_path / "not there yet", "concept")
    assert set(shelf.fitting(6)) == {"x"}


def test_a_users_file_wins_over_a_built_in_one_of_its_name(tmp_path: Path) -> None:
    written(tmp_path / "user", "a1111")
    written(tmp_path / "builtin", "concept")
    save_file({"emb_params": torch.zeros(1, 6)}, tmp_path / "builtin" / "a.safetensors")
    found = list_embeddings(tmp_path / "user", tmp_path / "builtin")
    assert [(one.name, one.vectors) for one in found] == [("x", len(VECTORS)), ("a", 1)]


def test_ordinary_pictures_are_none(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "x.png")
    picture(tmp_path / "x.preview.png", {"string_to_param": {"*": {"TORCHTENSOR": [[1.0]]}}})
    assert list_embeddings(tmp_path) == ()


def evil(path: Path) -> None:
    torch.save({"string_to_param": {"*": print}}, path)


BAD = {
    "empty.pt": lambda path: path.write_bytes(b""),
    "code.pt": evil,
    "text.safetensors": lambda path: path.write_bytes(b"hello"),
    "many.safetensors": lambda path: save_file({"a": VECTORS, "b": VECTORS + 1}, path),
    "cube.safetensors": lambda path: save_file({"a": torch.zeros(1, 2, 3)}, path),
    "uneven.safetensors": lambda path: save_file(
        {"clip_l": torch.zeros(1, 2), "clip_g": torch.zeros(2, 2)}, path
    ),
    "damaged.png": lambda path: path.write_bytes(b"\x89PNG"),
    "noise.png": lambda path: picture(path, {"string_to_param": {"*": {"TORCHTENSOR": "x"}}}),
    "list.png": lambda path: picture(path, {"string_to_param": [1]}),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files_are_listed_with_a_sentence_and_never_loaded(tmp_path: Path, name: str) -> None:
    BAD[name](tmp_path / name)
    file = describe(tmp_path / name)
    assert file is not None
    assert file.problem
    assert name in file.problem
    assert EmbeddingShelf((tmp_path,)).fitting(6) == {}
