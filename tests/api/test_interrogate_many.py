"""POST /interrogate-batch and /interrogate-folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from interrogate.base import Description, Tag
from interrogate.options import CaptionFolder
from interrogate.report import PictureReport, Report, to_facts
from scripts.folders import FolderPolicy
from tests.api.conftest import Api, png

CAT = Description("a cat", (Tag("oil", 0.5),))


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    return folder


@pytest.fixture
def folders(api: Api, album: Path) -> Api:
    """A server whose folder `album` is open."""
    return Api(replace(api.services, folders=FolderPolicy((album,), shared=True)), api.engine)


def test_pictures_come_back_in_their_order(api: Api) -> None:
    found = (PictureReport({"clip": CAT}), PictureReport({}, "too large"))
    api.engine.facts |= to_facts(Report(found, ("note",)))
    files = [{"name": "a.png", "data": png()}, {"name": "b.png", "data": png("L")}]
    response = api.post("/interrogate-batch", {"imageList": files})
    assert response.json() == {
        "captions": [
            {"name": "a.png", "caption": "a cat", "tags": {"oil": 0.5}, "problem": ""},
            {"name": "b.png", "caption": None, "tags": {}, "problem": "too large"},
        ],
        "notes": ["note"],
    }
    asked = api.engine.only_job().spec.interrogation
    assert asked is not None
    assert len(asked.pictures) == 2


def test_a_folder_gets_its_captions(folders: Api, album: Path) -> None:
    folders.engine.facts |= {"written": ["a.txt"], "kept": 2, "problems": {"b.png": "broken"}}
    body = {"input_dir": str(album), "output_dir": str(album / "texts"), "model": "deepbooru"}
    response = folders.post("/interrogate-folder", body)
    assert response.json() == {
        "written": ["a.txt"],
        "kept": 2,
        "problems": {"b.png": "broken"},
        "notes": [],
    }
    asked = folders.engine.only_job().spec.interrogation
    assert asked is not None
    assert asked.interrogators == ("deepdanbooru",)
    assert asked.folder == CaptionFolder(
        source=str(album), target=str(album / "texts"), roots=(str(album),)
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "detail"),
    [
        ("batch", {"imageList": [{"name": "a", "data": png()}], "model": "gpt"}, 404, "Model not"),
        ("batch", {"imageList": [{"name": "a", "data": "?"}]}, 500, "Invalid encoded image"),
        ("folder", {"input_dir": "{}", "model": "gpt"}, 404, "Model not found"),
        ("folder", {"input_dir": "/"}, 403, "is not below"),
        ("folder", {"input_dir": "{}/none"}, 403, "there is no folder"),
        ("folder", {"input_dir": "{}", "output_dir": "{}/.."}, 403, "is not below"),
        ("folder", {"input_dir": ""}, 403, "name a folder"),
    ],
    ids=[
        "batch: model",
        "batch: no picture",
        "folder: model",
        "folder: outside",
        "folder: missing",
        "folder: output outside",
        "folder: empty",
    ],
)
def test_refusals_queue_nothing(
    folders: Api, album: Path, path: str, body: dict[str, Any], status: int, detail: str
) -> None:
    here = {k: v.format(album) if isinstance(v, str) else v for k, v in body.items()}
    response = folders.post(f"/interrogate-{path}", here)
    assert response.status_code == status
    assert detail in response.json()["detail"]
    assert folders.engine.jobs == {}


def test_an_empty_list_is_a_validation_error(api: Api) -> None:
    assert api.post("/interrogate-batch", {"imageList": []}).status_code == 422


def test_a_server_without_folders_says_so(api: Api) -> None:
    response = api.post("/interrogate-folder", {"input_dir": "/"})
    assert (response.status_code, response.json()["detail"]) == (
        403,
        "this server opens no folders",
    )


def test_a_failed_job_says_why(folders: Api, album: Path) -> None:
    folders.engine.fail = "album holds no pictures; choose another folder"
    response = folders.post("/interrogate-folder", {"input_dir": str(album)})
    assert response.status_code == 500
    assert "holds no pictures" in response.json()["errors"]
