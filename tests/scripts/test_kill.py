"""Kill -9 in the middle of a plot, first the worker, then the whole server (issue of the plot)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import PIL.Image
import pytest

from tests.api.conftest import png
from tests.serving import Server, serve

CALL: dict[str, Any] = {
    "init_images": [png(size=(64, 64))],
    "width": 64,
    "height": 64,
    "steps": 6,
    "sampler_name": "Euler",
    "seed": 3,
    "prompt": "a landscape",
    "save_images": True,
    "script_name": "x/y/z plot",
    "script_args": [25, "0.2-1 [5]", [], 5, "1,3,5,7", []],
}


def ask(server: Server) -> None:
    with contextlib.suppress(httpx.HTTPError):  # the server is killed while we wait
        httpx.post(server.url.rstrip("/") + "/sdapi/v1/img2img", json=CALL, timeout=300)


def cells(folder: Path) -> list[Path]:
    return sorted((folder / "outputs" / "img2img-images").rglob("*.png"))


def wait_for(what: Any, seconds: float = 300) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.1)


def worker_of(server: Server) -> int:
    """The process that holds torch: the child with the most memory."""
    children: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == server.process.pid:
                children[int(stat.parent.name)] = int(fields[21])
    return max(children, key=lambda pid: children[pid])


def pixels(paths: list[Path]) -> list[str]:
    digests = []
    for path in paths:
        with PIL.Image.open(path) as image:
            digests.append(hashlib.sha256(image.convert("RGB").tobytes()).hexdigest())
    return digests


def grid_of(folder: Path) -> Path | None:
    return next((folder / "outputs" / "img2img-grids").rglob("xyz_grid-*.csv"), None)


@pytest.mark.slow
def test_killed_worker_and_server_change_nothing(tmp_path: Path) -> None:
    calm, rough = tmp_path / "calm", tmp_path / "rough"
    calm.mkdir()
    rough.mkdir()
    with serve(calm) as server:
        ask(server)
    with serve(rough) as server:
        threading.Thread(target=ask, args=(server,), daemon=True).start()
        wait_for(lambda: len(cells(rough)) >= 4)
        os.kill(worker_of(server), signal.SIGKILL)
        wait_for(lambda: len(cells(rough)) >= 9)
        server.kill()
    assert len(cells(rough)) < 20
    with serve(rough):
        wait_for(lambda: grid_of(rough) is not None)
    assert len(cells(calm)) == len(cells(rough)) == 20  # none twice
    assert sorted(pixels(cells(calm))) == sorted(pixels(cells(rough)))
    grids = [path.with_suffix(".png") for path in map(grid_of, (calm, rough)) if path]
    assert pixels(grids[:1]) == pixels(grids[1:])
    with sqlite3.connect(rough / "data" / "jobs.sqlite") as jobs:
        assert jobs.execute("SELECT COUNT(*) FROM pictures").fetchone()[0] == 20 + 1
