"""Pictures to files: names, infotext, nothing half written, nothing overwritten."""

from __future__ import annotations

import re
import stat
import threading
from pathlib import Path

import pytest

from jobs.messages import RunJob
from jobs.saving import PictureSaver
from pipelines.events import FinishedPicture
from pipelines.pictures import open_picture, read_infotext
from tests.jobs.doubles import spec
from tests.pipelines.pixels import array, noise

INFOTEXT = "a hen, ünïcode\nSteps: 4, Sampler: Euler"
PICTURE = noise(64, 72)


def made(position: int = 0, seed: int = 7, incomplete: bool = False) -> FinishedPicture:
    return FinishedPicture(position, PICTURE, INFOTEXT, "a hen", seed, 8, incomplete)


def job(*, save: bool = True, tab: str = "img2img") -> RunJob:
    changes = {"save": save, "tab": tab}
    return RunJob("job", spec().model_copy(update=changes))


@pytest.fixture
def saver(tmp_path: Path) -> PictureSaver:
    return PictureSaver(tmp_path / "outputs", tmp_path / "data")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("tab", ["img2img", "txt2img"])
def test_pictures_are_numbered_in_a_folder_of_the_day(
    saver: PictureSaver, tmp_path: Path, tab: str
) -> None:
    """Behaviour 10.6."""
    paths = [saver.save(job(tab=tab), made(k, seed=7 + k)) for k in range(2)]
    day = paths[0].parent
    assert day.parent == tmp_path / "outputs" / f"{tab}-images"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", day.name)
    assert [path.name for path in paths] == ["00000-7.png", "00001-8.png"]


def test_the_file_holds_pixels_and_infotext(saver: PictureSaver) -> None:
    data = saver.save(job(), made()).read_bytes()
    assert (array(open_picture(data)) == array(PICTURE)).all()
    assert read_infotext(data) == INFOTEXT


def test_the_file_can_be_read_by_others(saver: PictureSaver) -> None:
    assert stat.S_IMODE(saver.save(job(), made()).stat().st_mode) == 0o644


@pytest.mark.parametrize(
    ("save", "incomplete"), [(False, False), (True, True)], ids=["not to be kept", "interrupted"]
)
def test_other_pictures_lie_in_the_data_folder(
    saver: PictureSaver, tmp_path: Path, save: bool, incomplete: bool
) -> None:
    path = saver.save(job(save=save), made(3, incomplete=incomplete))
    assert path == tmp_path / "data" / "results" / "job" / "00003-7.png"
    assert read_infotext(path.read_bytes()) == INFOTEXT
    assert saver.save(job(save=save), made(3, incomplete=incomplete)) == path
    assert files(tmp_path) == ["data/results/job/00003-7.png"]


def test_nothing_is_overwritten(saver: PictureSaver) -> None:
    first = saver.save(job(), made())
    first.write_bytes(b"mine")
    stranger = first.with_name("00007-1.png")
    stranger.write_bytes(b"mine, too")
    assert saver.save(job(), made()).name == "00008-7.png"
    assert (first.read_bytes(), stranger.read_bytes()) == (b"mine", b"mine, too")


def save_at_once(saver: PictureSaver, count: int) -> set[Path]:
    """Several workers, or other programs, with the same seed into the same folder."""
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(saver.save(job(), made())))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return set(paths)


def test_many_writers_get_a_name_each(saver: PictureSaver, tmp_path: Path) -> None:
    assert len(save_at_once(saver, 8)) == 8
    assert len(files(tmp_path)) == 8


def test_file_systems_without_links_will_do(
    saver: PictureSaver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Path, "hardlink_to", unsupported)
    names = [saver.save(job(), made()).name for _ in range(2)]
    assert names == ["00000-7.png", "00001-7.png"]
    assert len(save_at_once(saver, 8)) == 8
    assert len(files(tmp_path)) == 10


def test_a_write_that_fails_leaves_nothing(
    saver: PictureSaver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("jobs.saving.os.fsync", full)
    with pytest.raises(OSError, match=r"No space.*00000-7\.png"):
        saver.save(job(), made())
    assert files(tmp_path) == []


def test_a_file_in_the_place_of_the_folder_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "outputs").write_text("no folder")
    with pytest.raises(OSError, match="outputs"):
        PictureSaver(tmp_path / "outputs", tmp_path / "data").save(job(), made())
