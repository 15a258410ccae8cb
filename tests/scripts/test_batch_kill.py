"""Kill -9 in the middle of a batch, first the worker, then the server: nothing is made twice."""

from __future__ import annotations

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from PIL import Image

from jobs.assets import AssetStore
from pipelines.pictures import DEFAULT_LIMITS
from pipelines.request import Img2ImgRequest, Sampling, Seeds
from scripts.batch_plan import BatchAsk, BatchPlanner
from scripts.batch_run import BatchStore
from scripts.folders import FolderPolicy
from tests.scripts.making import Finder
from tests.scripts.test_kill import wait_for, worker_of
from tests.serving import serve

COUNT = 8


def prepared(folder: Path) -> Path:
    """A batch of COUNT files that a server has left running, and the folder of its results."""
    for place in ("in", "data", "out"):
        (folder / place).mkdir()
    for level in range(COUNT):
        picture = Image.new("RGB", (64, 64), (level * 20, 90, 200 - level * 20))
        picture.save(folder / "in" / f"p{level}.png")
    base = Img2ImgRequest(
        prompt="a landscape",
        width=64,
        height=64,
        sampling=Sampling(sampler="Euler", steps=30),
        seeds=Seeds(seed=3, subseed=4),
    )
    ask = BatchAsk(base=base, input_dir=str(folder / "in"), output_dir=str(folder / "out"))
    assets = AssetStore(folder / "data" / "assets")
    spec = BatchPlanner(FolderPolicy(), assets, DEFAULT_LIMITS, Finder()).plan(ask)
    store = BatchStore(folder / "data" / "batches.sqlite")
    store.add("local", spec)
    store.close()
    return folder / "out"


@pytest.mark.slow
def test_killed_worker_and_server_make_no_file_twice(tmp_path: Path) -> None:
    out = prepared(tmp_path)

    def done() -> list[str]:
        return sorted(path.name.split("-", 1)[1] for path in out.glob("*.png"))

    with serve(tmp_path) as server:
        wait_for(lambda: len(done()) >= 2)
        os.kill(worker_of(server), signal.SIGKILL)
        wait_for(lambda: len(done()) >= 4)
        server.kill()
    assert len(done()) < COUNT
    with serve(tmp_path):
        wait_for(lambda: len(done()) >= COUNT)
        wait_for(lambda: is_over(tmp_path / "data" / "batches.sqlite"))
    assert done() == [f"p{level}.png" for level in range(COUNT)]


def is_over(path: Path) -> bool:
    with sqlite3.connect(path) as batches:
        return bool(batches.execute("SELECT state FROM batches").fetchone()[0] == "done")
