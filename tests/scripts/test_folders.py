"""Which folders of the server may be named (issue: only below the configured roots when shared)."""

from pathlib import Path

import pytest

from scripts.bench import ScriptError
from scripts.folders import FolderPolicy


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "open/b/10.png",
        "open/b/2.jpg",
        "open/a.WEBP",
        "open/.hidden.png",
        "secret/x.png",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "open" / "notes.txt").write_text("no picture")
    (tmp_path / "open" / "leak.png").symlink_to(tmp_path / "secret" / "x.png")
    (tmp_path / "open" / "way-out").symlink_to(tmp_path / "secret")
    return tmp_path


@pytest.mark.parametrize("name", ["open", "open/b", "open/../open"], ids=["root", "below", "dots"])
def test_folders_below_a_root_are_open(tree: Path, name: str) -> None:
    policy = FolderPolicy((tree / "open",), shared=True)
    assert policy.source(f'"{tree / name}"') == (tree / name).resolve()


@pytest.mark.parametrize(
    "name",
    ["secret", "open/../secret", "open/way-out", "open2", ".."],
    ids=["beside", "dots", "link", "like-named", "above"],
)
@pytest.mark.parametrize("way", ["source", "target"])
def test_folders_elsewhere_are_not(tree: Path, name: str, way: str) -> None:
    policy = FolderPolicy((tree / "open",), shared=True)
    with pytest.raises(ScriptError, match="is not below"):
        getattr(policy, way)(str(tree / name))


def test_a_shared_server_without_roots_opens_nothing(tree: Path) -> None:
    with pytest.raises(ScriptError, match="--folder-roots"):
        FolderPolicy(shared=True).source(str(tree / "open"))


def test_a_server_of_this_machine_alone_opens_every_folder(tree: Path) -> None:
    assert FolderPolicy().source(str(tree / "secret")) == (tree / "secret").resolve()


def test_pictures_come_in_natural_order_and_never_from_outside(tree: Path) -> None:
    policy = FolderPolicy((tree / "open",), shared=True)
    found = policy.pictures(policy.source(str(tree / "open")))
    assert [path.name for path in found] == ["a.WEBP", "2.jpg", "10.png"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "name a folder"), ("nowhere/at/all", "there is no folder"), ("a\x00b", "name a folder")],
    ids=["empty", "missing", "nul"],
)
def test_what_is_no_folder_is_said(text: str, message: str) -> None:
    with pytest.raises(ScriptError, match=message):
        FolderPolicy().source(text)


def test_a_target_may_be_new_but_no_file(tree: Path) -> None:
    assert FolderPolicy().target(str(tree / "new")) == (tree / "new").resolve()
    with pytest.raises(ScriptError, match="is a file"):
        FolderPolicy().target(str(tree / "open" / "notes.txt"))
