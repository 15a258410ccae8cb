"""The Save buttons' folder: copies with their infotext, never over a file, and a log (ui 9)."""

from __future__ import annotations

import csv
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jobs.chosen_pictures import LOG, Chosen, ChosenPictures
from jobs.messages import RunJob
from jobs.options import OptionStore
from jobs.output_folders import OutputFolders
from jobs.saving import PictureSaver
from jobs.spec import JobState, JobView, Picture
from pipelines.events import FinishedPicture
from pipelines.pictures import read_infotext
from tests.jobs.doubles import spec
from tests.pipelines.pixels import noise

TEXT = (
    "a hen, =1+1\nNegative prompt: fox\n"
    "Steps: 4, Sampler: Euler a, CFG scale: 6.5, Seed: {seed}, Size: 64x72, Model hash: abc123, "
    "Model: tiny"
)
HEADER = (
    "prompt,seed,width,height,sampler,cfgs,steps,filename,negative_prompt,sd_model_name,"
    "sd_model_hash"
)


def results(folder: Path, count: int = 1) -> list[Chosen]:
    """Pictures that a worker has saved."""
    wanted = spec(n_iter=count)
    request = wanted.request.model_copy(update={"prompt": "a hen, =1+1"})
    wanted = wanted.model_copy(update={"request": request})
    job = JobView("job", "ann", wanted, JobState.DONE, 0.0, 0.0, 0.0, version=1)
    saver, found = PictureSaver(folder / "out", folder / "data"), []
    for k in range(count):
        text = TEXT.format(seed=7 + k)
        made = FinishedPicture(k, noise(64, 72, seed=k), text, "a hen", 7 + k, 8, incomplete=False)
        path = saver.save(RunJob("job", wanted), made)
        found.append(Chosen(job, Picture(f"id{k}", "job", k, path, text, 64, 72, 7 + k, 8)))
    return found


def desk(folder: Path, **settings: Any) -> ChosenPictures:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "config.json").write_text(json.dumps(settings))
    options = OptionStore(data)
    return ChosenPictures(OutputFolders(folder / "out", options.all()), options)


def files(folder: Path) -> list[str]:
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(re.sub(r"\d{4}-\d\d-\d\d", "DAY", name) for name in found)


NAME = "00000-7-a hen, =1+1.png"

SETTINGS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "defaults": ({}, [f"log/images/{NAME}", "log/images/log.csv"]),
    "outdir_save": ({"outdir_save": "kept"}, [f"kept/{NAME}", "kept/log.csv"]),
    "save_write_log_csv off": ({"save_write_log_csv": False}, [f"log/images/{NAME}"]),
    "use_save_to_dirs_for_ui": (
        {"use_save_to_dirs_for_ui": True},
        ["log/images/DAY/00000-7.png", "log/images/log.csv"],
    ),
    "save_images_add_number off": (
        {"save_images_add_number": False, "samples_filename_pattern": "[user]"},
        ["log/images/ann.png", "log/images/log.csv"],
    ),
    "save_txt": (
        {"save_txt": True, "samples_filename_pattern": "x"},
        ["log/images/00000-x.png", "log/images/00000-x.txt", "log/images/log.csv"],
    ),
}


@pytest.mark.parametrize(("settings", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_what_is_written_where(
    tmp_path: Path, settings: dict[str, Any], expected: list[str]
) -> None:
    chosen = results(tmp_path)
    before = set(files(tmp_path / "out"))
    desk(tmp_path, **settings).save(chosen)
    assert sorted(set(files(tmp_path / "out")) - before) == sorted(expected)


def test_a_copy_is_the_file_byte_for_byte(tmp_path: Path) -> None:
    (one,) = chosen = results(tmp_path)
    saved = desk(tmp_path).save(chosen)
    assert saved.files[0].read_bytes() == one.picture.path.read_bytes()
    assert read_infotext(saved.files[0]) == TEXT.format(seed=7)
    assert saved.archive is None
    assert saved.name(saved.files[0]) == NAME


def test_saving_again_takes_the_next_name(tmp_path: Path) -> None:
    chosen, saving = results(tmp_path), desk(tmp_path)
    names = [saving.save(chosen, with_archive=True) for _ in range(2)]
    assert [one.files[0].name[:5] for one in names] == ["00000", "00001"]
    assert len({one.archive for one in names}) == 2


def test_a_name_without_number_is_never_written_over(tmp_path: Path) -> None:
    flat = {"save_images_add_number": False, "samples_filename_pattern": "x"}
    chosen, saving = results(tmp_path), desk(tmp_path, **flat)
    names = [saving.save(chosen, with_archive=True) for _ in range(2)]
    assert [one.files[0].name for one in names] == ["x.png", "x-1.png"]
    assert [one.archive and one.archive.name for one in names] == ["x.zip", "x-1.zip"]


def test_the_log_has_a_row_for_each_picture(tmp_path: Path) -> None:
    saved = desk(tmp_path, samples_filename_pattern="[seed]").save(results(tmp_path, 2))
    lines = (saved.folder / LOG).read_text(encoding="utf-8").splitlines()
    assert lines == [
        HEADER,
        '"a hen, =1+1",7,64,72,Euler a,6.5,4,00000-7.png,fox,tiny,abc123',
        '"a hen, =1+1",8,64,72,Euler a,6.5,4,00001-8.png,fox,tiny,abc123',
    ]


def test_a_log_that_is_there_keeps_its_columns(tmp_path: Path) -> None:
    folder = tmp_path / "out" / "log" / "images"
    folder.mkdir(parents=True)
    (folder / LOG).write_text("seed,note,prompt\n1,mine,old\n")
    desk(tmp_path).save(results(tmp_path))
    with (folder / LOG).open(newline="") as file:
        assert list(csv.reader(file))[1:] == [["1", "mine", "old"], ["7", "", "a hen, =1+1"]]


def test_the_archive_holds_the_copies(tmp_path: Path) -> None:
    wish = {"use_save_to_dirs_for_ui": True, "directories_filename_pattern": "[seed]"}
    saved = desk(tmp_path, **wish).save(results(tmp_path, 2), with_archive=True)
    assert saved.archive == saved.folder / "00000-7.zip"
    with zipfile.ZipFile(saved.archive) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    assert held == {f"{k}/00000-{k}.png": saved.files[k - 7].read_bytes() for k in (7, 8)}


def test_a_full_disk_is_an_os_error_and_leaves_no_half_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    chosen, saving = results(tmp_path), desk(tmp_path)
    monkeypatch.setattr("jobs.new_files.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        saving.save(chosen)
    assert files(tmp_path / "out" / "log") == []
