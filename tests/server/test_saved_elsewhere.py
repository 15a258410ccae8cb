"""A whole server whose settings file names folders of its own: pictures are still its pictures."""

from __future__ import annotations

import base64
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.serving import Server, serve

pytestmark = pytest.mark.slow


def test_pictures_are_saved_and_served_from_the_named_folders(tmp_path: Path) -> None:
    album, grids = tmp_path / "album", tmp_path / "grids"
    settings = {
        "outdir_samples": str(album),
        "outdir_grids": str(grids),
        "save_to_dirs": False,
        "samples_filename_pattern": "[seed]",
        "grid_save_to_dirs": False,
        "grid_format": "webp",
    }
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "config.json").write_text(json.dumps(settings))
    with serve(tmp_path) as server:
        body = {"save_images": True, "n_iter": 2, "steps": 2, "seed": 7, "width": 64, "height": 64}
        answer = server.post_json("/sdapi/v1/txt2img", body)
        first, second = sorted(album.iterdir())
        assert (first.name, second.name) == ("00000-7.png", "00001-8.png")
        assert [path.name for path in grids.iterdir()] == ["grid-0000.webp"]
        assert not [path for path in (tmp_path / "outputs").rglob("*") if path.is_file()]
        assert base64.b64decode(answer["images"][1]) == first.read_bytes()
        assert served(server) == [first.read_bytes(), second.read_bytes()]
    with Image.open(grids / "grid-0000.webp") as grid:
        assert grid.size == (128, 64)


def served(server: Server) -> list[bytes]:
    """What the server hands out under the addresses of the gallery."""
    with closing(sqlite3.connect(server.folder / "data" / "jobs.sqlite")) as jobs:
        ids = [row[0] for row in jobs.execute("SELECT id FROM pictures ORDER BY position")]
    found = [httpx.get(f"{server.url.rstrip('/')}/pictures/{one}").content for one in ids]
    assert all(Image.open(io.BytesIO(data)).format == "PNG" for data in found)
    return found
