"""Which networks there are, what they are called and their hashes (behaviour 9.8, 10.3)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch

from models.extra_networks.files import (
    BUILTIN,
    NetworkFile,
    hypernetwork_catalog,
    lora_catalog,
    lora_hash,
    readable_metadata,
)
from tests.models.extra_networks.make import write_lora


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "models"
    write_lora(root / "Lora" / "paint.safetensors", metadata={"ss_output_name": "My Paint"})
    write_lora(root / "Lora" / "people" / "face.safetensors", metadata={"ss_output_name": "twin"})
    write_lora(root / "Lora" / "people" / "hand.safetensors", metadata={"ss_output_name": "twin"})
    write_lora(root / "Lora" / "z" / "paint.safetensors")
    write_lora(root / "LyCORIS" / "old.safetensors", metadata={"ss_output_name": "None"})
    (root / "Lora" / "damaged.safetensors").write_bytes(b"")
    (root / "Lora" / "readme.txt").write_text("no network")
    (root / "Lora" / ".hidden").mkdir()
    write_lora(root / "Lora" / ".hidden" / "secret.safetensors")
    return root


def names(entries: tuple[NetworkFile, ...]) -> list[str]:
    return [entry.name for entry in entries if not entry.builtin]


def test_all_files_are_listed_once_by_name(folder: Path, tmp_path: Path) -> None:
    found = lora_catalog(folder, tmp_path / "nothing").entries
    assert names(found) == ["damaged", "face", "hand", "old", "paint"]
    assert {entry.name: entry.folder for entry in found}["hand"] == "people"
    problems = {entry.name: entry.problem for entry in found if entry.problem}
    assert list(problems) == ["damaged"]
    assert "is empty" in problems["damaged"]


@pytest.mark.parametrize(
    ("asked", "path"),
    [
        ("paint", "Lora/paint.safetensors"),
        ("My Paint", "Lora/paint.safetensors"),
        ("my paint", "Lora/paint.safetensors"),
        ("PAINT", "Lora/paint.safetensors"),
        ("people/face", "Lora/people/face.safetensors"),
        ("hand", "Lora/people/hand.safetensors"),
        ("twin", None),
        ("none", None),
        ("None", None),
        ("secret", None),
        ("", None),
        ("nobody", None),
    ],
    ids=lambda value: value or "nothing",
)
def test_behaviour_9_8_names(folder: Path, tmp_path: Path, asked: str, path: str | None) -> None:
    found = lora_catalog(folder, tmp_path / "nothing").find(asked)
    assert (None if found is None else found.path) == (None if path is None else folder / path)


def test_a_stem_counts_before_an_alias(tmp_path: Path) -> None:
    write_lora(tmp_path / "Lora" / "a.safetensors", metadata={"ss_output_name": "b"})
    write_lora(tmp_path / "Lora" / "b.safetensors")
    found = lora_catalog(tmp_path, tmp_path / "nothing").find("b")
    assert found is not None
    assert found.path.name == "b.safetensors"


def test_built_in_ones_come_last_and_a_users_file_of_that_name_wins(tmp_path: Path) -> None:
    builtin, models = tmp_path / "builtin", tmp_path / "models"
    write_lora(builtin / "Lora" / "Clay.safetensors")
    write_lora(builtin / "Lora" / "ink.safetensors")
    write_lora(models / "Lora" / "ink.safetensors")
    write_lora(models / "Lora" / "zebra.safetensors")
    catalog = lora_catalog(models, builtin)
    assert [(e.name, e.builtin) for e in catalog.entries] == [
        ("ink", False),
        ("zebra", False),
        ("Clay", True),
    ]
    found = catalog.find("ink")
    assert found is not None
    assert found.path.is_relative_to(models)


def test_what_ships_with_us_lies_among_the_built_in_models() -> None:
    assert BUILTIN.name == "builtin"
    assert (BUILTIN / "checkpoint" / "model_index.json").is_file()


def test_a_new_file_is_seen_after_a_rescan_and_a_changed_one_is_read_again(tmp_path: Path) -> None:
    catalog = lora_catalog(tmp_path, tmp_path / "nothing")
    assert catalog.entries == ()
    path = write_lora(tmp_path / "Lora" / "x.safetensors", metadata={"ss_output_name": "first"})
    catalog.rescan()
    assert catalog.find("first") is not None
    write_lora(path, {"a.lora_up.weight": torch.ones(3)}, {"ss_output_name": "second"})
    catalog.rescan()
    assert catalog.find("first") is None
    assert catalog.find("second") is not None


def test_links_that_lead_round_end(tmp_path: Path) -> None:
    write_lora(tmp_path / "Lora" / "x.safetensors")
    (tmp_path / "Lora" / "loop").symlink_to(tmp_path / "Lora")
    assert len(lora_catalog(tmp_path, tmp_path / "nothing").entries) == 1


def test_hypernetworks_are_pt_files(tmp_path: Path) -> None:
    folder = tmp_path / "hypernetworks"
    folder.mkdir()
    for name in ("night.pt", "night.safetensors", "x.ckpt"):
        (folder / name).write_bytes(b"?")
    assert names(hypernetwork_catalog(tmp_path, tmp_path / "nothing").entries) == ["night"]


def test_behaviour_10_3_the_hash_skips_the_header(tmp_path: Path) -> None:
    one = write_lora(tmp_path / "one.safetensors")
    other = write_lora(tmp_path / "other.safetensors", metadata={"ss_output_name": "renamed"})
    raw = one.read_bytes()
    weights = raw[8 + int.from_bytes(raw[:8], "little") :]
    assert lora_hash(one) == hashlib.sha256(weights).hexdigest()[:12]
    assert lora_hash(other) == lora_hash(one)


def test_behaviour_10_3_the_trainers_own_hash_counts(tmp_path: Path) -> None:
    path = write_lora(tmp_path / "x.safetensors", metadata={"sshs_model_hash": "0123456789abcdef"})
    assert lora_hash(path) == "0123456789ab"


def test_a_file_is_found_by_its_hash_once_that_is_known(tmp_path: Path) -> None:
    write_lora(
        tmp_path / "Lora" / "a.safetensors", metadata={"sshs_model_hash": "0123456789abcdef"}
    )
    path = write_lora(tmp_path / "Lora" / "b.safetensors")
    catalog = lora_catalog(tmp_path, tmp_path / "nothing")
    assert catalog.name_of("0123456789ab") == "a"
    assert catalog.name_of(lora_hash(path)) == ""
    assert catalog.hash_of("b") == lora_hash(path)
    assert catalog.name_of(lora_hash(path)) == "b"
    assert catalog.name_of("") == catalog.hash_of("nobody") == ""
    write_lora(path, {"x.lora_up.weight": torch.ones(3)})
    assert catalog.hash_of("b") == lora_hash(path)


def test_behaviour_10_3_other_formats_are_hashed_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.pt"
    torch.save({"a.lora_up.weight": torch.ones(2)}, path)
    assert lora_hash(path) == hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def test_metadata_tables_are_read() -> None:
    given = {"ss_tag_frequency": '{"a": {"cat": 3}}', "name": "x", "bad": "{", "list": "[1]"}
    assert readable_metadata(given) == {
        "ss_tag_frequency": {"a": {"cat": 3}},
        "name": "x",
        "bad": "{",
        "list": "[1]",
    }
