"""The Extras tab's values to the work of a job; mistakes are sentences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.extras import ExtrasWork
from jobs.options import OPTIONS
from pipelines.extras import Extras
from pipelines.geometry import Extent
from scripts.bench import ScriptError
from scripts.folders import FolderPolicy
from tests.pipelines.pixels import noise
from ui.extras_request import build_work, extras_of, size_line
from ui.form_request import FormError

SETTINGS: dict[str, Any] = {option.key: option.default for option in OPTIONS}
VALUES: dict[str, Any] = {
    "source": "single",
    "image": "uploads/x/cat.png",
    "files": None,
    "input_dir": "",
    "output_dir": "",
    "show_results": True,
    "upscale": True,
    "upscaler_1": "4x-UltraSharp",
    "upscaler_2": "None",
    "visibility_2": 0,
    "size_tab": "by",
    "factor": 4,
    "longest": 0,
    "width": 512,
    "height": 640,
    "crop": True,
}
HEX = "ab" * 32
OPEN = FolderPolicy()


def work(policy: FolderPolicy = OPEN, settings: Any = SETTINGS, **changes: Any) -> ExtrasWork:
    return build_work(VALUES | changes, settings, lambda path, extras: HEX, policy)


def test_a_single_picture() -> None:
    assert work() == ExtrasWork(
        extras=Extras(upscaler_1="4x-UltraSharp", factor=4.0, height=640),
        pictures=(HEX,),
        names=("cat.png",),
    )


def test_settings_and_sizes_are_taken_over() -> None:
    settings = SETTINGS | {"ESRGAN_tile": 64, "ESRGAN_tile_overlap": 4}
    changes: dict[str, Any] = {
        "size_tab": "to",
        "crop": False,
        "upscaler_2": "Lanczos",
        "visibility_2": 0.25,
    }
    assert work(settings=settings, longest=None, **changes).extras == Extras(
        upscaler_1="4x-UltraSharp",
        upscaler_2="Lanczos",
        visibility_2=0.25,
        factor=4.0,
        to_size=True,
        width=512,
        height=640,
        crop=False,
        tile=64,
        tile_overlap=4,
    )


def test_several_pictures_keep_their_names() -> None:
    made = work(source="batch", files=["uploads/1/a.png", "uploads/2/b.jpg"])
    assert (made.names, made.keep_names) == (("a.png", "b.jpg"), True)
    off = SETTINGS | {"use_original_name_batch": False}
    assert not work(settings=off, source="batch", files=["uploads/1/a.png"]).keep_names


def test_a_folder(tmp_path: Path) -> None:
    for name in ("2.png", "10.png"):
        noise(8, 8).save(tmp_path / name)
    (tmp_path / "text.txt").write_text("x")
    made = work(
        source="folder", input_dir=str(tmp_path), output_dir=f"{tmp_path}/out", show_results=False
    )
    assert made.files == (f"{tmp_path}/2.png", f"{tmp_path}/10.png")
    assert (made.folder, made.listed, made.keep_names) == (f"{tmp_path}/out", False, True)
    assert work(source="folder", input_dir=str(tmp_path)).folder == ""


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no picture": ({"image": None}, "There is no picture to enlarge"),
    "no files": ({"source": "batch"}, "choose some files first"),
    "no folder": ({"source": "folder"}, "name a folder of the server"),
    "not ticked": ({"upscale": False}, "tick Upscale and choose Upscaler 1"),
    "no upscaler": ({"upscaler_1": "None"}, "tick Upscale and choose Upscaler 1"),
    "no number": ({"factor": None}, "Resize: None is not a number"),
    "nothing": ({"factor": 0}, "Resize: Input should be greater than 0 .got 0."),
    "no whole number": ({"size_tab": "to", "width": 99.5}, "Width: 99.5 is not a whole number"),
    "too visible": ({"visibility_2": 2}, "Upscaler 2 visibility: .* less than or equal to 1"),
}


@pytest.mark.parametrize(("changes", "said"), BAD.values(), ids=BAD)
def test_mistakes(changes: dict[str, Any], said: str) -> None:
    with pytest.raises((FormError, ScriptError), match=said):
        work(**changes)


def test_an_empty_folder_and_a_closed_server(tmp_path: Path) -> None:
    with pytest.raises(FormError, match="There are no pictures in"):
        work(source="folder", input_dir=str(tmp_path))
    shared = FolderPolicy(shared=True)
    with pytest.raises(ScriptError, match="--folder-roots"):
        work(shared, source="folder", input_dir=str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "From 100x70 to 400x280"),
        ({"longest": 200}, "From 100x70 to 200x136"),
        ({"size_tab": "to"}, "From 100x70 to 512x640"),
        ({"upscale": False}, "From 100x70 to 100x70"),
    ],
    ids=["factor", "bound", "size", "off"],
)
def test_the_size_is_told_before(changes: dict[str, Any], line: str) -> None:
    assert size_line(VALUES | changes, Extent(100, 70), SETTINGS) == line


def test_nothing_is_done_while_upscale_is_not_ticked() -> None:
    assert extras_of(VALUES | {"upscale": False}, SETTINGS).names == ()
