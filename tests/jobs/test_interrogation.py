"""Interrogations as jobs: spec, store, and a real worker's desk with a tiny tagger."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest
from pydantic import ValidationError

from interrogate.caption_files import BadFolder
from interrogate.options import CaptionFolder, Interrogation
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


def folder_spec(source: Path, target: str = "") -> JobSpec:
    folder = CaptionFolder(source=str(source), target=target)
    asked = Interrogation(folder=folder, interrogators=("deepbooru",), batch_size=2)
    return JobSpec(kind="interrogate", interrogation=asked)


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for k in range(5):
        picture(seed=k).save(folder / f"{k}.png")
    (folder / "2.txt").write_text("mine")
    (folder / "4.png").write_bytes(b"broken")
    (folder / "notes.md").write_text("no picture")
    return folder


def test_captions_of_a_folder_never_overwrite(studio: Studio, album: Path) -> None:
    done = studio.interrogate(RunJob("job", folder_spec(album)), Listener())
    assert (done.facts["written"], done.facts["kept"]) == (["0.txt", "1.txt", "3.txt"], 1)
    assert list(done.facts["problems"]) == ["4.png"]
    assert (album / "2.txt").read_text() == "mine"
    assert not (album / "4.txt").exists()
    (album / "0.txt").write_text("edited")
    (album / "4.png").unlink()
    again = studio.interrogate(RunJob("job", folder_spec(album)), Listener())
    assert (again.facts["written"], again.facts["kept"]) == ([], 4)
    assert (album / "0.txt").read_text() == "edited"


def test_when_only_broken_pictures_are_left_each_is_named(studio: Studio, album: Path) -> None:
    for name in ("0", "1", "3"):
        (album / f"{name}.txt").write_text("mine, too")
    (album / "5.png").write_bytes(b"broken, too")
    facts = studio.interrogate(RunJob("job", folder_spec(album)), Listener()).facts
    assert (facts["written"], facts["kept"]) == ([], 4)
    assert list(facts["problems"]) == ["4.png", "5.png"]


def test_captions_can_go_elsewhere(studio: Studio, album: Path, tmp_path: Path) -> None:
    (album / "4.png").unlink()
    studio.interrogate(RunJob("job", folder_spec(album, str(tmp_path / "texts"))), Listener())
    assert sorted(path.name for path in (tmp_path / "texts").iterdir()) == [
        "0.txt",
        "1.txt",
        "2.txt",
        "3.txt",
    ]
    assert not (album / "0.txt").exists()


def test_links_out_of_the_roots_and_hidden_files_do_not_count(
    studio: Studio, album: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.png"
    picture().save(elsewhere)
    (album / "link.png").symlink_to(elsewhere)
    (album / "inner.png").symlink_to(album / "0.png")
    picture().save(album / ".hidden.png")
    spec = folder_spec(album)
    assert spec.interrogation is not None
    assert spec.interrogation.folder is not None
    folder = spec.interrogation.folder.model_copy(update={"roots": (str(album),)})
    asked = spec.interrogation.model_copy(update={"folder": folder})
    done = studio.interrogate(
        RunJob("job", spec.model_copy(update={"interrogation": asked})), Listener()
    )
    assert done.facts["written"] == ["0.txt", "1.txt", "3.txt", "inner.txt"]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_bad_folders_are_a_sentence(studio: Studio, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFolder, match="choose another"):
        studio.interrogate(RunJob("job", folder_spec(tmp_path / name)), Listener())


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
