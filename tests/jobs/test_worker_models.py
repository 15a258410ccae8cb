"""The checkpoints a worker keeps: all of a job's passes together, nothing of earlier jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from jobs.messages import WorkerConfig
from jobs.options import OptionStore
from jobs.worker_models import ModelShelf, Room
from models.device import DeviceFlags, DevicePolicy
from models.errors import MissingModel, MissingVae
from models.hashes import sha256_file
from models.vae import VaeWishes
from pipelines.pipeline import Pipeline
from pipelines.prompt.networks import extract_networks
from pipelines.request import HiresFix, Img2ImgRequest, Refiner
from tests.models.extra_networks.make import write_lora
from tests.models.make import BUILTIN, write_single_file
from tests.models.test_load_vae import vae_file

CPU = DeviceFlags(use_cpu=True, no_half=True)


@pytest.fixture
def shelf(tmp_path: Path) -> ModelShelf:
    for name in ("one", "two"):
        write_single_file(tmp_path / "models" / "Stable-diffusion" / f"{name}.safetensors")
    config = WorkerConfig(tmp_path / "models", tmp_path / "out", tmp_path / "data", BUILTIN)
    return ModelShelf(config, DevicePolicy.detect(use_cpu=True), CPU)


def test_all_passes_of_a_job_stay_together(shelf: ModelShelf) -> None:
    request = Img2ImgRequest(
        checkpoint="one", hires=HiresFix(checkpoint="two"), refiner=Refiner(checkpoint="one")
    )
    together = shelf.companions(request)
    assert {path.stem for path in together} == {"one", "two"}
    first = shelf.pipeline(shelf.entry("one"), keep=together)
    shelf.pipeline(shelf.entry("two"), keep=together)
    assert len(shelf) == 2
    assert shelf.pipeline(shelf.entry("one"), keep=together) is first


def test_the_next_jobs_checkpoint_takes_the_room(shelf: ModelShelf) -> None:
    shelf.pipeline(shelf.entry("one"))
    shelf.pipeline(shelf.entry("two"))
    assert len(shelf) == 1
    assert shelf.entry("one") not in shelf


ROOMS = {
    # settings -> which stay after one, two, three were used, and which of them in RAM
    "default": ({}, ["three"], []),
    "two": ({"sd_checkpoints_limit": 2}, ["two", "three"], ["two"]),
    "two on the device": (
        {"sd_checkpoints_limit": 2, "sd_checkpoints_keep_in_cpu": False},
        ["two", "three"],
        [],
    ),
    "the older setting": ({"sd_checkpoint_cache": 2}, ["one", "two", "three"], ["one", "two"]),
    "the larger of both": (
        {"sd_checkpoints_limit": 3, "sd_checkpoint_cache": 1},
        ["one", "two", "three"],
        ["one", "two"],
    ),
}


@pytest.mark.parametrize(("options", "kept", "resting"), ROOMS.values(), ids=list(ROOMS))
def test_the_settings_say_how_many_stay(
    shelf: ModelShelf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, int],
    kept: list[str],
    resting: list[str],
) -> None:
    write_single_file(tmp_path / "models" / "Stable-diffusion" / "three.safetensors")
    in_ram: set[str] = set()
    monkeypatch.setattr(Pipeline, "rest", lambda self: in_ram.add(self.model_name))
    monkeypatch.setattr(Pipeline, "wake", lambda self: in_ram.remove(self.model_name))
    shelf.give_room(Room.of(OptionStore(tmp_path / "data").all() | options))
    for name in ("one", "two", "three"):
        shelf.pipeline(shelf.entry(name))
    names = ("one", "two", "three")
    assert [name for name in names if shelf.entry(name) in shelf] == kept
    assert sorted(in_ram.intersection(kept)) == resting
    again = shelf.pipeline(shelf.entry(kept[0]))
    assert again.model_name not in in_ram
    assert len(shelf) == len(kept)


def test_a_resting_checkpoint_paints_again(shelf: ModelShelf) -> None:
    shelf.give_room(Room(2))
    first = shelf.pipeline(shelf.entry("one"))
    _, tags = extract_networks("<lora:nobody:1>")
    first.activate(tags)
    shelf.pipeline(shelf.entry("two"))
    assert shelf.pipeline(shelf.entry("one")) is first


def test_a_load_that_finds_no_memory_gives_up_the_others(
    shelf: ModelShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.give_room(Room(3, rest_in_ram=False))
    shelf.pipeline(shelf.entry("one"))
    load, errors = ModelShelf._load, [MemoryError("no room")]

    def fragile(self: ModelShelf, *args: Any) -> Pipeline:
        if errors:
            raise errors.pop()
        return load(self, *args)

    monkeypatch.setattr(ModelShelf, "_load", fragile)
    shelf.pipeline(shelf.entry("two"))
    assert [name for name in ("one", "two") if shelf.entry(name) in shelf] == ["two"]
    errors.append(MemoryError("no room"))
    with pytest.raises(MemoryError):
        shelf.pipeline(shelf.entry("one"), keep=[shelf.entry("two").path])


@pytest.mark.parametrize(
    "request_",
    [
        Img2ImgRequest(refiner=Refiner(checkpoint="nope")),
        Img2ImgRequest(hires=HiresFix(checkpoint="nope")),
    ],
    ids=["refiner", "hires"],
)
def test_a_missing_companion_is_named_before_anything_runs(
    shelf: ModelShelf, request_: Img2ImgRequest
) -> None:
    with pytest.raises(MissingModel, match="'nope' not found"):
        shelf.companions(request_)


def test_networks_of_the_models_folder_work(shelf: ModelShelf, tmp_path: Path) -> None:
    write_lora(tmp_path / "models" / "Lora" / "paint.safetensors")
    pipeline = shelf.pipeline(shelf.entry("one"))
    active = pipeline.activate(extract_networks("<lora:paint:1><hypernet:x:1>")[1])
    assert list(active.lora_hashes) == ["paint"]
    assert active.notes == ("Hypernetwork not found: x. The picture is made without it.",)
    assert pipeline.text_encoder.weights == active.text_weights != ()


def test_embeddings_that_fit_are_known_by_their_tokens(shelf: ModelShelf, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "embeddings"
    folder.mkdir()
    for name, width in (("good", 96), ("large", 768)):
        save_file({"emb_params": torch.ones(2, width)}, folder / f"{name}.safetensors")
    pipeline = shelf.pipeline(shelf.entry("one"))
    shelf.know_embeddings(pipeline)
    names = {one.name for one in pipeline.embeddings.values()}
    assert "good" in names
    assert "large" not in names


def test_the_chosen_vae_is_loaded_and_named(shelf: ModelShelf, tmp_path: Path) -> None:
    """Behaviour 15.4: the setting, else a file named like the checkpoint, else its own."""
    folder = tmp_path / "models" / "VAE"
    for name in ("other", "one.vae"):
        vae_file(folder / f"{name}.safetensors", "")
    one, two = shelf.entry("one"), shelf.entry("two")
    digest = sha256_file(folder / "other.safetensors")[:10]
    found = {
        (entry.stem, wish): shelf.pipeline(entry, vae=VaeWishes(setting=wish)).vae_name
        for entry, wish in (
            (one, "Automatic"),
            (one, "other.safetensors"),
            (one, "None"),
            (two, "Automatic"),
        )
    }
    assert found == {
        ("one", "Automatic"): "one.vae.safetensors",
        ("one", "other.safetensors"): "other.safetensors",
        ("one", "None"): None,
        ("two", "Automatic"): None,
    }
    gives_way = VaeWishes(setting="other.safetensors", setting_overrides=False)
    assert shelf.pipeline(one, vae=gives_way).vae_name == "one.vae.safetensors"
    assert shelf.pipeline(two, vae=gives_way).vae_name == "other.safetensors"
    assert len(shelf) == 1
    assert shelf.pipeline(two, vae=VaeWishes(setting="other.safetensors")).vae_hash == digest
    with pytest.raises(MissingVae, match=r"VAE 'gone\.pt' not found"):
        shelf.pipeline(two, vae=VaeWishes(setting="gone.pt"))
