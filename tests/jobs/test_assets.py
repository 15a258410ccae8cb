"""Uploaded pictures by the SHA-256 of their bytes."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from pathlib import Path

import pytest

from jobs.assets import AssetStore, MissingAsset

DATA = b"a picture file"
NAME = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def assets(tmp_path: Path) -> AssetStore:
    return AssetStore(tmp_path / "assets")


def files(assets_folder: Path) -> list[str]:
    return sorted(path.name for path in assets_folder.rglob("*") if path.is_file())


def test_bytes_come_back_under_their_hash(assets: AssetStore) -> None:
    assert assets.add(DATA) == NAME
    assert assets.path(NAME).read_bytes() == DATA


def test_the_same_bytes_are_kept_once(assets: AssetStore, tmp_path: Path) -> None:
    assert assets.add(DATA) == assets.add(DATA)
    assert assets.add(b"other") != NAME
    assert len(files(tmp_path)) == 2


@pytest.mark.parametrize(
    "ref",
    ["0" * 64, "", "0" * 63, "../../../../etc/passwd", "/etc/passwd", "..", "0/" * 32, "é" * 64],
    ids=["unknown", "empty", "short", "up", "absolute", "dots", "slashes", "no ASCII"],
)
def test_anything_else_is_missing(assets: AssetStore, ref: str) -> None:
    assets.add(DATA)
    with pytest.raises(MissingAsset, match="choose it again"):
        assets.path(ref)


def test_a_removed_file_is_missing(assets: AssetStore) -> None:
    assets.path(assets.add(DATA)).unlink()
    with pytest.raises(MissingAsset, match=NAME[:10]):
        assets.path(NAME)


def test_only_old_unused_pictures_are_deleted(assets: AssetStore, tmp_path: Path) -> None:
    used, old, young = (assets.add(data) for data in (b"used", b"old", b"young"))
    hour_ago = time.time() - 3600
    for name in (used, old):
        os.utime(assets.path(name), (hour_ago, hour_ago))
    assert assets.remove_unused([used], hour_ago + 60) == 1
    assert files(tmp_path) == sorted([used, young])
    with pytest.raises(MissingAsset):
        assets.path(old)


def test_handing_in_again_keeps_a_picture_young(assets: AssetStore) -> None:
    hour_ago = time.time() - 3600
    os.utime(assets.path(assets.add(DATA)), (hour_ago, hour_ago))
    assets.add(DATA)
    assert assets.remove_unused([], hour_ago + 60) == 0


def test_an_empty_or_missing_folder_has_nothing_to_delete(assets: AssetStore) -> None:
    assert assets.remove_unused([], time.time()) == 0


def test_many_may_hand_in_the_same_picture_at_once(assets: AssetStore, tmp_path: Path) -> None:
    data = os.urandom(1_000_000)
    threads = [threading.Thread(target=assets.add, args=(data,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert files(tmp_path) == [hashlib.sha256(data).hexdigest()]


def test_a_write_that_fails_leaves_nothing(
    assets: AssetStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        assets.add(DATA)
    monkeypatch.undo()
    assert files(tmp_path) == []
    assert assets.path(assets.add(DATA)).read_bytes() == DATA
