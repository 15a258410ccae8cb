"""A1111's folder settings as folders of this server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.options import OPTIONS, OptionStore
from jobs.output_folders import OutputFolders, SaveRoots

DEFAULTS = {option.key: option.default for option in OPTIONS}
USUAL = {
    "img2img": "out/img2img-images",
    "txt2img": "out/txt2img-images",
    "extras": "out/extras-images",
    "img2img grids": "out/img2img-grids",
    "txt2img grids": "out/txt2img-grids",
    "save": "out/log/images",
    "init": "out/init-images",
}

FOLDERS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "defaults": ({}, {}),
    "all pictures": (
        {"outdir_samples": "mine"},
        {"img2img": "out/mine", "txt2img": "out/mine", "extras": "out/mine"},
    ),
    "all pictures win": (
        {"outdir_samples": "mine", "outdir_img2img_samples": "other"},
        {"img2img": "out/mine", "txt2img": "out/mine", "extras": "out/mine"},
    ),
    "img2img": ({"outdir_img2img_samples": "outputs/a/b"}, {"img2img": "out/a/b"}),
    "txt2img": ({"outdir_txt2img_samples": "a"}, {"txt2img": "out/a"}),
    "extras": ({"outdir_extras_samples": "a"}, {"extras": "out/a"}),
    "all grids": (
        {"outdir_grids": "g", "outdir_txt2img_grids": "h"},
        {"img2img grids": "out/g", "txt2img grids": "out/g"},
    ),
    "img2img grids": ({"outdir_img2img_grids": "g"}, {"img2img grids": "out/g"}),
    "txt2img grids": ({"outdir_txt2img_grids": "g"}, {"txt2img grids": "out/g"}),
    "save": ({"outdir_save": "kept"}, {"save": "out/kept"}),
    "init images": ({"outdir_init_images": "inits"}, {"init": "out/inits"}),
    "empty": ({"outdir_img2img_samples": " "}, {}),
    "written on Windows": ({"outdir_img2img_samples": r"outputs\a\b"}, {"img2img": "out/a/b"}),
    "the output folder itself": ({"outdir_samples": "outputs"}, dict.fromkeys(
        ("img2img", "txt2img", "extras"), "out")),
}  # fmt: skip


def places(folders: OutputFolders, root: Path) -> dict[str, str]:
    found = {
        "img2img": folders.samples("img2img"),
        "txt2img": folders.samples("txt2img"),
        "extras": folders.extras(),
        "img2img grids": folders.grids("img2img"),
        "txt2img grids": folders.grids("txt2img"),
        "save": folders.chosen(),
        "init": folders.init_images(),
    }
    return {name: path.relative_to(root).as_posix() for name, path in found.items()}


@pytest.mark.parametrize(("settings", "moved"), FOLDERS.values(), ids=FOLDERS)
def test_where_things_go(tmp_path: Path, settings: dict[str, Any], moved: dict[str, str]) -> None:
    folders = OutputFolders(tmp_path / "out", DEFAULTS | settings)
    assert folders.problems == ()
    assert places(folders, tmp_path) == USUAL | moved


def test_without_settings_all_is_as_usual(tmp_path: Path) -> None:
    assert places(OutputFolders(tmp_path / "out"), tmp_path) == USUAL
    stored = OutputFolders.of_server(tmp_path / "out", tmp_path / "data")
    assert places(stored, tmp_path) == USUAL


ALLOWED: dict[str, tuple[str, SaveRoots, bool]] = {
    "anywhere": ("{root}/elsewhere", None, True),
    "nowhere": ("{root}/elsewhere", (), False),
    "below a root": ("{root}/share/mine", (Path("share"),), True),
    "beside a root": ("{root}/shared", (Path("share"),), False),
    "up and out": ("../elsewhere", (), False),
    "up and in": ("a/../b", (), True),
    "in the output folder": ("{root}/out/a", (), True),
    "through a link": ("link/a", (), False),
    "no path": ("a\x00b", None, False),
}


@pytest.mark.parametrize(("text", "roots", "allowed"), ALLOWED.values(), ids=ALLOWED)
def test_only_folders_that_the_server_opens(
    tmp_path: Path, text: str, roots: SaveRoots, allowed: bool
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "link").symlink_to(tmp_path)
    full = None if roots is None else tuple(tmp_path / root for root in roots)
    settings = {"outdir_img2img_samples": text.format(root=tmp_path)}
    folders = OutputFolders(tmp_path / "out", settings, full)
    is_usual = folders.samples("img2img") == tmp_path / "out" / "img2img-images"
    assert is_usual is not allowed
    assert [one.split(":")[0] for one in folders.problems] == (
        [] if allowed else ["the setting outdir_img2img_samples is not followed"]
    )


def test_the_api_leaves_them_alone(tmp_path: Path) -> None:
    options = OptionStore(tmp_path)
    change = options.set_many({"outdir_samples": "/etc", "outdir_init_images": "/etc"})
    assert (change.changed, len(change.ignored)) == ({}, 2)
    assert places(OutputFolders.of_server(tmp_path / "out", tmp_path), tmp_path) == USUAL
