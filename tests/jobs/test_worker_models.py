"""The checkpoints a worker keeps: all of a job's passes together, nothing of earlier jobs."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from jobs.messages import WorkerConfig
from jobs.worker_models import ModelShelf
from models.device import DeviceFlags, DevicePolicy
from models.errors import MissingModel
from pipelines.request import HiresFix, Img2ImgRequest, Refiner
from tests.models.make import BUILTIN, write_single_file

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


def test_embeddings_that_fit_are_known_by_their_tokens(shelf: ModelShelf, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "embeddings"
    folder.mkdir()
    for name, width in (("good", 96), ("large", 768)):
        save_file({"emb_params": torch.ones(2, width)}, folder / f"{name}.safetensors")
    pipeline = shelf.pipeline(shelf.entry("one"))
    shelf.know_embeddings(pipeline)
    assert [one.name for one in pipeline.embeddings.values()] == ["good"]
