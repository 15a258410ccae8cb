"""Interrogations as jobs: spec, store, and a real worker's desk with a tiny tagger."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest
from pydantic import ValidationError

from interrogate.options import Interrogation
from interrogate.report import from_facts
from jobs.assets import AssetStore
from jobs.messages import RunJob, WorkerConfig
from jobs.spec import JobSpec, JobState, StopKind
from jobs.worker_studio import Studio
from models.errors import ModelError
from tests.interrogate.networks import picture, tiny_tagger, write_pt
from tests.jobs.doubles import Workshop

BUILTIN = Path(__file__).parents[2] / "models" / "builtin" / "checkpoint"


def spec(*pictures: str, name: str = "deepdanbooru") -> JobSpec:
    asked = Interrogation(pictures=pictures or ("ab" * 32,), interrogators=(name,))
    return JobSpec(kind="interrogate", interrogation=asked)


@pytest.mark.parametrize(
    "fields",
    [{"kind": "interrogate"}, {"kind": "generate", "interrogation": spec().interrogation}],
    ids=["nothing to do", "two things to do"],
)
def test_kind_and_part_belong_together(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="belongs to jobs of the kind 'interrogate'"):
        JobSpec.model_validate(fields)


def test_an_interrogation_is_stored_and_its_pictures_are_kept(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    worker = shop.start()
    job = shop.engine.submit("ann", spec("cd" * 32))
    assert worker.jobs[0].spec == spec("cd" * 32).model_copy(
        update={"request": worker.jobs[0].spec.request}
    )
    assert "cd" * 32 in shop.store.used_assets()
    worker.step(job, 0, steps=0, batch=1, batches=4)
    view = shop.engine.view(job)
    assert view is not None
    assert view.progress.fraction == 0.25
    worker.done(job)
    view = shop.engine.view(job)
    assert view is not None
    assert view.state is JobState.DONE


class Listener:
    def __init__(self, stop: StopKind | None = None) -> None:
        self.told: list[tuple[int, int, str]] = []
        self.stop = stop

    def on_count(self, done: int, total: int, text: str) -> None:
        self.told.append((done, total, text))

    def stop_asked(self) -> StopKind | None:
        return self.stop


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    models = tmp_path / "models"
    write_pt(models / "deepbooru" / "model-resnet_custom_v3.pt", tiny_tagger())
    return Studio(
        WorkerConfig(models, tmp_path, tmp_path, BUILTIN, use_cpu=True, max_picture_pixels=10_000)
    )


def keep(folder: Path, image: PIL.Image.Image, fmt: str = "PNG") -> str:
    out = io.BytesIO()
    image.save(out, fmt)
    return AssetStore(folder / "assets").add(out.getvalue())


def test_a_worker_describes_pictures(studio: Studio, tmp_path: Path) -> None:
    pictures = [keep(tmp_path, picture(mode, seed=k)) for k, mode in enumerate(("RGB", "RGBA"))]
    listener = Listener()
    done = studio.interrogate(RunJob("job", spec(*pictures)), listener)
    report = from_facts(done.facts)
    assert len(report.pictures) == 2
    assert all("deepdanbooru" in one.descriptions for one in report.pictures)
    assert done.facts["device"] == "cpu"
    assert [total for _, total, _ in listener.told] == [2] * len(listener.told)
    studio.idle()


def test_a_stop_ends_it(studio: Studio, tmp_path: Path) -> None:
    done = studio.interrogate(
        RunJob("job", spec(keep(tmp_path, picture()))), Listener(StopKind.NOW)
    )
    assert done.interrupted


def test_a_huge_picture_is_refused_and_the_worker_goes_on(studio: Studio, tmp_path: Path) -> None:
    huge = keep(tmp_path, PIL.Image.new("L", (101, 100)))
    with pytest.raises(ModelError, match="101x100"):
        studio.interrogate(RunJob("job", spec(huge)), Listener())
    fine = keep(tmp_path, picture(size=(1, 1)))
    done = studio.interrogate(RunJob("job", spec(huge, fine)), Listener())
    first, second = from_facts(done.facts).pictures
    assert "101x100" in first.problem
    assert second.descriptions
