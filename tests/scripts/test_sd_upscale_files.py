"""SD upscale with an upscaler that is a file: the worker enlarges, then tiles are painted."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.spec import JobView
from pipelines.extras import Extras
from scripts.bench import ScriptCall, ScriptError
from scripts.catalogue import described, find_script, run_script
from tests.scripts.test_scripts import Yard

FILES = ("4x-UltraSharp", "stopped")


@pytest.fixture
def yard(tmp_path: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path)
    yield yard
    yard.shop.close()


def called(yard: Yard, upscaler: Any) -> JobView:
    script = find_script("sd upscale", "img2img")
    assert script is not None
    args = script.read_args(["", 8, upscaler, 2.0], FILES)
    base = yard.request(upscaler_tile=64, upscaler_tile_overlap=4)
    job = yard.shop.engine.view(run_script(script, ScriptCall("ann", base, args), yard.bench))
    assert job is not None
    return job


def test_the_worker_enlarges_and_the_tiles_are_painted(yard: Yard) -> None:
    job = called(yard, "4X-ultrasharp")
    (picture,) = job.pictures
    assert (picture.width, picture.height) == (128, 128)
    assert len(yard.made) == 9
    assert yard.shop.enlarged == [
        Extras(upscaler_1="4x-UltraSharp", factor=2.0, tile=64, tile_overlap=4)
    ]
    assert picture.infotext.endswith("SD upscale overlap: 8, SD upscale upscaler: 4x-UltraSharp")


def test_files_are_numbered_after_the_filters(yard: Yard) -> None:
    assert called(yard, 3).pictures[0].infotext.endswith("upscaler: 4x-UltraSharp")


def test_a_stop_within_the_enlarging_ends_the_script(yard: Yard) -> None:
    job = called(yard, "stopped")
    assert job.pictures == ()
    assert job.facts["notes"] == ["the upscale was interrupted"]
    assert yard.made == []


def test_a_file_that_is_not_there_is_said(yard: Yard) -> None:
    with pytest.raises(ScriptError, match=r"is none of None, Lanczos, Nearest, 4x-UltraSharp"):
        called(yard, "9x")


def test_script_info_lists_them() -> None:
    (info,) = (one for one in described(FILES) if one["name"] == "sd upscale")
    choices = [arg["choices"] for arg in info["args"] if arg["label"] == "Upscaler"]
    assert choices == [["None", "Lanczos", "Nearest", *FILES]]
