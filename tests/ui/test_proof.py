"""What the page tells about a result, to whom, and that nothing is told where nothing is known."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from PIL import Image

from jobs.assets import AssetStore
from jobs.spec import JobSpec, JobState, JobView, Picture
from pipelines.pictures import DEFAULT_LIMITS
from pipelines.prepare import finish, prepare
from pipelines.request import Img2ImgRequest, Inpaint
from ui.proof import Proofs, is_comparable
from ui.proof_routes import proof_router


class Archive:
    """One inpaint job of ann with one picture, and the files that belong to it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.assets = AssetStore(folder / "assets")
        self.photo = Image.fromarray(
            np.random.default_rng(3).integers(0, 255, (96, 128, 3), np.uint8)
        )
        mask = Image.new("L", (128, 96))
        mask.paste(255, (40, 30, 70, 60))
        inpaint = Inpaint(mask=self.keep(mask), blur_x=0, blur_y=0)
        self.request = Img2ImgRequest(
            init_images=(self.keep(self.photo),), inpaint=inpaint, width=128, height=96
        )
        prepared = prepare(self.request, [self.photo], mask).images[0]
        self.result = finish(Image.new("RGB", (128, 96), "red"), prepared, self.request)
        self.facts: dict[str, Any] = {}
        self.name = "result.png"
        self.position = 0
        self.save(self.result)

    def keep(self, picture: Image.Image) -> str:
        path = self.folder / "kept.png"
        picture.save(path)
        return self.assets.add(path.read_bytes())

    def save(self, picture: Image.Image) -> None:
        picture.save(self.folder / self.name)

    def picture(self, owner: str, picture_id: str) -> Picture | None:
        if (owner, picture_id) != ("ann", "p"):
            return None
        return Picture("p", "j", self.position, self.folder / self.name, "", 128, 96, 1, 0)

    def view(self, job_id: str) -> JobView | None:
        spec = JobSpec(request=self.request)
        return JobView(job_id, "ann", spec, JobState.DONE, 0, 0, 0, 1, facts=self.facts)

    def told(self) -> dict[str, str] | None:
        return Proofs(self, self.assets, DEFAULT_LIMITS).sentences("ann", "p")


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path)


def test_an_exact_result_is_said_to_be_exact(archive: Archive) -> None:
    told = archive.told()
    assert told is not None
    assert told["proof"] == f"0 of {128 * 96 - 900} pixels outside the mask changed"
    assert re.fullmatch(
        r"Seam: 1\d\d\.\d levels of colour step across the mask's edge \(input there: \d\d\.\d\)",
        told["seam"],
    )
    assert "900 pixels repainted" in told["difference"]


def test_a_changed_pixel_is_counted_and_placed(archive: Archive) -> None:
    r, g, b = archive.photo.getpixel((5, 7))  # type: ignore[misc]
    archive.result.putpixel((5, 7), (r, g, b ^ 1))
    archive.save(archive.result)
    told = archive.told()
    assert told is not None
    assert told["proof"].startswith("1 of ")
    assert told["proof"].endswith("changed, between (5, 7) and (6, 8)")


def test_a_file_that_keeps_no_pixels_is_not_judged(archive: Archive) -> None:
    archive.name = "result.jpg"
    archive.save(archive.result)
    told = archive.told()
    assert told is not None
    assert (told["proof"], told["seam"]) == ("", "")
    assert "mask" not in told["difference"]


@pytest.mark.parametrize(
    ("position", "level"), [(0, 10), (1, 20), (2, 10), (3, 10), (4, 20)], ids=str
)
def test_each_result_is_compared_with_its_own_input(
    archive: Archive, position: int, level: int
) -> None:
    """Two init images in batches of three: the third picture of a batch begins again."""
    refs = tuple(archive.keep(Image.new("RGB", (64, 64), (grey,) * 3)) for grey in (10, 20))
    archive.request = Img2ImgRequest(init_images=refs, width=64, height=64, batch_size=3, n_iter=2)
    archive.position = position
    pair = Proofs(archive, archive.assets, DEFAULT_LIMITS).comparison("ann", "p")
    assert pair is not None
    assert pair.before.getpixel((5, 5)) == (level,) * 3


@pytest.mark.parametrize(
    ("facts", "request_", "expected"),
    [
        ({}, Img2ImgRequest(init_images=("a" * 64,)), True),
        ({"grids": 1}, Img2ImgRequest(init_images=("a" * 64,)), False),
        ({"plot": "x"}, Img2ImgRequest(init_images=("a" * 64,)), False),
        ({}, Img2ImgRequest(), False),
    ],
    ids=["img2img", "grid", "plot", "txt2img"],
)
def test_what_can_be_compared(
    archive: Archive, facts: dict[str, Any], request_: Img2ImgRequest, expected: bool
) -> None:
    job, picture = archive.view("j"), archive.picture("ann", "p")
    assert job is not None
    assert picture is not None
    job = replace(job, spec=JobSpec(request=request_), facts=facts)
    assert is_comparable(job, picture) is expected


def client(archive: Archive, owner: str) -> TestClient:
    def owner_of(_: Request) -> str:
        return owner

    app = FastAPI()
    app.include_router(proof_router(Proofs(archive, archive.assets, DEFAULT_LIMITS), owner_of))
    return TestClient(app)


@pytest.mark.parametrize("part", ["", "/before", "/difference"])
def test_only_the_owner_is_answered(archive: Archive, part: str) -> None:
    answer = client(archive, "ann").get(f"/proofs/p{part}")
    assert answer.status_code == 200
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert client(archive, "bob").get(f"/proofs/p{part}").status_code == 404
    assert client(archive, "ann").get(f"/proofs/q{part}").status_code == 404


def test_the_input_arrives_byte_for_byte(archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "got.png").write_bytes(client(archive, "ann").get("/proofs/p/before").content)
    assert Image.open(tmp_path / "got.png").tobytes() == archive.photo.tobytes()


def test_files_that_are_gone_are_no_fault(archive: Archive) -> None:
    (archive.folder / archive.name).unlink()
    assert client(archive, "ann").get("/proofs/p").status_code == 404
