"""Every bad input of an interrogation: a clear sentence each, and the worker lives on."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL.Image import Image
from safetensors.torch import save_file

from interrogate import places
from interrogate.report import from_facts
from jobs.assets import AssetStore
from jobs.messages import RunJob, WorkerConfig
from jobs.worker_errors import explain
from jobs.worker_studio import Studio
from tests.interrogate.networks import picture, tiny_tagger, write_blip, write_pt
from tests.jobs.test_interrogation import BUILTIN, Listener, keep, spec

BOORU = "deepbooru/model-resnet_custom_v3.pt"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A worker with a good tagger and nothing else, and pictures of up to 64 megapixels."""
    monkeypatch.setattr(places, "BUILTIN", tmp_path / "builtin")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    models = tmp_path / "models"
    write_pt(models / BOORU, tiny_tagger())
    return Studio(
        WorkerConfig(
            models, tmp_path, tmp_path, BUILTIN, use_cpu=True, max_picture_pixels=64_000_000
        )
    )


def half_booru(models: Path) -> None:
    path = models / BOORU
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def half_blip(models: Path) -> None:
    path = write_blip(models / "BLIP") / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def checkpoint_as_booru(models: Path) -> None:
    torch.save(
        {"state_dict": {"model.diffusion_model.out.2.weight": torch.ones(4)}}, models / BOORU
    )


def checkpoint_as_blip(models: Path) -> None:
    folder = write_blip(models / "BLIP")
    save_file({"model.diffusion_model.out.2.weight": torch.ones(4)}, folder / "model.safetensors")


def checkpoint_as_blip_file(models: Path) -> None:
    (models / "BLIP").mkdir()
    (models / "BLIP" / "vocab.txt").write_text("[PAD]\n[CLS]\n[SEP]\n")
    torch.save({"a": torch.ones(4)}, models / "BLIP" / "model_base_caption_capfilt_large.pth")


def project(models: Path, **files: str) -> None:
    (models / BOORU).unlink()
    facts = {"model": "resnet_152", "image_width": 64, "image_height": 64}
    (models / "deepbooru" / "project.json").write_text(json.dumps(facts))
    for name, text in files.items():
        (models / "deepbooru" / name.replace("_", ".")).write_text(text)


def project_without_tags(models: Path) -> None:
    project(models, model_h5="x")


def project_without_model(models: Path) -> None:
    project(models, tags_txt="1girl\n")


def nothing(models: Path) -> None:
    shutil.rmtree(models)


MODELS: dict[str, tuple[str, Callable[[Path], None], str]] = {
    "half-downloaded DeepBooru": ("deepbooru", half_booru, "model-resnet_custom_v3.pt is damaged"),
    "half-downloaded BLIP": ("clip", half_blip, "model.safetensors is truncated"),
    "a checkpoint as DeepBooru": ("deepbooru", checkpoint_as_booru, "has no list of tags"),
    "a checkpoint as BLIP": ("clip", checkpoint_as_blip, "tensors are missing"),
    "a checkpoint as A1111's BLIP": ("clip", checkpoint_as_blip_file, "is no BLIP captioner"),
    "a project without tags": ("deepbooru", project_without_tags, "tags.txt"),
    "a project without a model": ("deepbooru", project_without_model, "model"),
    "nothing at all: DeepBooru": ("deepbooru", nothing, "DeepBooru needs its model"),
    "nothing at all: CLIP": ("clip", nothing, "CLIP interrogation needs BLIP"),
}


@pytest.mark.parametrize(("name", "spoil", "words"), MODELS.values(), ids=MODELS)
def test_bad_models_are_a_sentence_and_the_next_job_works(
    studio: Studio, tmp_path: Path, name: str, spoil: Callable[[Path], None], words: str
) -> None:
    ref, models = keep(tmp_path, picture()), tmp_path / "models"
    spoil(models)
    asked = spec(ref, name=name)
    with pytest.raises(Exception) as caught:
        studio.interrogate(RunJob("bad", asked), Listener())
    sentence = explain(caught.value, asked.request)
    assert words in sentence
    assert "Error" not in sentence
    assert "Traceback" not in sentence
    shutil.rmtree(models, ignore_errors=True)
    write_pt(models / BOORU, tiny_tagger())
    assert described(studio, ref)


def described(studio: Studio, *refs: str) -> list[str]:
    """The problems of the pictures, empty where there is a description."""
    done = studio.interrogate(RunJob("job", spec(*refs)), Listener())
    report = from_facts(done.facts)
    assert [bool(one.descriptions) for one in report.pictures] == [
        not one.problem for one in report.pictures
    ]
    return [one.problem for one in report.pictures]


@pytest.mark.parametrize(
    "image",
    [
        picture(size=(1, 1)),
        picture("RGBA"),
        picture("RGBA", (1, 1)),
        picture("L"),
        picture("RGB", (2000, 1)),
    ],
    ids=["1x1", "RGBA", "1x1 RGBA", "grey", "2000x1"],
)
def test_odd_pictures_are_described(studio: Studio, tmp_path: Path, image: Image) -> None:
    assert described(studio, keep(tmp_path, image)) == [""]


def header(width: int, height: int) -> bytes:
    """A PNG that says how large it is, and little more."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)

    size = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(2501) * 10))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + rows + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (header(20_000, 20_000), "20000x20000"),
        (header(64, 64)[:40], ""),
        (b"GIF89a", ""),
        (b"no picture", ""),
    ],
    ids=["400 MP", "cut PNG", "cut GIF", "text"],
)
def test_bad_pictures_are_a_sentence_and_the_others_are_described(
    studio: Studio, tmp_path: Path, data: bytes, words: str
) -> None:
    bad, good = AssetStore(tmp_path / "assets").add(data), keep(tmp_path, picture())
    problem, fine = described(studio, bad, good)
    assert problem
    assert words in problem
    assert fine == ""
